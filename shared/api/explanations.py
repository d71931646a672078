"""Operations that say why."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.api import alerts
from shared.api.wire import Answer, unknown
from shared.explain import answer
from shared.explain.case import Ruleset
from shared.store.history import find

if TYPE_CHECKING:
    from shared.api.operation import Call


async def explain_incident(call: Call) -> Answer:
    """Why an incident is as it is."""
    storage, rules = await call.app.storage(), await _rules(call)
    shelf, _ = await find(storage.ledger, storage.history, call.path["id"])
    found = await answer.of_incident(shelf, call.path["id"], rules)
    return unknown("incident") if found is None else Answer(HTTPStatus.OK, found)


async def explain_alert(call: Call) -> Answer:
    """Why an alert is where it is; of one that has not come, who holds its place."""
    ledger = (await call.app.storage()).ledger
    row = await alerts.found(ledger, call.path["alert_id"])
    if row is None:
        return unknown("alert")
    return Answer(HTTPStatus.OK, await answer.of_alert(ledger, row, await _rules(call)))


async def _rules(call: Call) -> Ruleset:
    policy = await call.app.policy()
    silences = await (await call.app.silences()).every()
    return Ruleset(
        routes=(await call.app.live_policy()).routes,
        silences=[silence for silence, _ in silences],
        quiet=policy.correlate.quiet,
    )
