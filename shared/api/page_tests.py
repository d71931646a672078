"""The operation that begins a page test."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.api import viewing
from shared.api.wire import Answer, Mistake, bad
from shared.drills import targets_of
from shared.model.text import plain

if TYPE_CHECKING:
    from shared.api.bodies import NewPageTest
    from shared.api.operation import Call


async def create_page_test(call: Call) -> Answer:
    """Begin a page test of people, schedules, responders and routes."""
    body: NewPageTest = call.body
    live, staff = await call.app.live_policy(), await call.app.staff()
    try:
        targets = targets_of(
            body.targets,
            body.routes,
            routes=live.routes,
            on_call=live.on_call,
            responders=staff.responders,
            quiet=[n for n, r in staff.responders.items() if not r.kind.tells_people],
        )
    except ValueError as error:
        return bad(Mistake("body", plain(str(error), 500)))
    if not targets:
        return bad(Mistake("body", "name whom to test: targets, or routes"))
    head = await (await call.app.drills()).begin(targets, call.order)
    return Answer(HTTPStatus.CREATED, viewing.incident(head))
