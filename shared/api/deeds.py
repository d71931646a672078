"""Operations on deeds: what would be done, and what a person says about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.api import viewing, views
from shared.api.incidents import INCIDENT
from shared.api.wire import Answer, unknown
from shared.model.text import clean
from shared.store import reading
from shared.store.history import find

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.api.operation import Call
    from shared.commands import Order
    from shared.containment.deciding import Deciding
    from shared.model.deed import DeedRow

DEED = "deed"


async def list_incident_deeds(call: Call) -> Answer:
    """What would be done to contain an incident, is, and was."""
    storage = await call.app.storage()
    shelf, lineage = await find(storage.ledger, storage.history, call.path["id"])
    if not lineage:
        return unknown(INCIDENT)
    found = await reading.deeds_of(shelf, lineage[-1])
    content = views.DeedList(
        incident=lineage[-1].id, deeds=tuple(map(viewing.deed, found))
    )
    return Answer(HTTPStatus.OK, content)


async def approve_deed(call: Call) -> Answer:
    """Let a deed pass that waits for it."""
    plan = call.body.plan
    return await _decided(
        call, lambda d, i, key, order: d.approve(i, key, order, plan=plan)
    )


async def deny_deed(call: Call) -> Answer:
    """Keep a deed from being done."""
    return await _decided(call, lambda d, i, key, order: d.deny(i, key, order))


async def undo_deed(call: Call) -> Answer:
    """Take a deed back."""
    how = call.body.how
    return await _decided(call, lambda d, i, key, order: d.undo(i, key, order, how=how))


async def extend_deed(call: Call) -> Answer:
    """Let a deed hold longer."""
    until = call.body.until
    return await _decided(
        call, lambda d, i, key, order: d.extend(i, key, order, until=until)
    )


async def get_stop(call: Call) -> Answer:
    """Whether anything is begun at all."""
    stopped = await (await call.app.stopping()).now()
    return Answer(HTTPStatus.OK, views.StopView(stopped=stopped))


async def stop_deeds(call: Call) -> Answer:
    """Begin nothing more."""
    stopped = await (await call.app.stopping()).stop(_order(call))
    return Answer(HTTPStatus.OK, views.StopView(stopped=stopped))


async def resume_deeds(call: Call) -> Answer:
    """Begin deeds again."""
    stopped = await (await call.app.stopping()).go_on(call.order)
    return Answer(HTTPStatus.OK, views.StopView(stopped=stopped))


async def _decided(
    call: Call, say: Callable[[Deciding, str, str, Order], Awaitable[DeedRow | None]]
) -> Answer:
    storage = await call.app.storage()
    shelf, lineage = await find(storage.ledger, storage.history, call.path["id"])
    if not lineage:
        return unknown(INCIDENT)
    if shelf.is_history:
        await storage.history.refuse(call.path["id"])
    deciding = await call.app.deciding()
    row = await say(deciding, lineage[-1].id, call.path["deed"], _order(call))
    return unknown(DEED) if row is None else Answer(HTTPStatus.OK, viewing.deed(row))


def _order(call: Call) -> Order:
    return call.order._replace(note=clean(call.body.note).strip())
