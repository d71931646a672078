"""Alerts that come, and what is explained of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.actions.routing import Route
from shared.explain import answer
from shared.explain.case import Ruleset
from tests.alerts import alert_id, defender_alert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from shared.explain.report import ExplainedIncident
    from shared.model.incident import Incident
    from tests.fakes.firewatch import World


EVERYBODY = (Route(to=("pager",), name="everybody"),)


def body(number: int = 1, **changes: str) -> dict[str, Any]:
    """An alert with an id of its own."""
    return defender_alert(**{"SystemAlertId": alert_id(number), **changes})


async def incident_of(
    world: World,
    routes: Sequence[Route] = EVERYBODY,
    *,
    head: Incident | None = None,
    quiet: timedelta | None = None,
) -> ExplainedIncident:
    """The explanation of the one incident, or of that one."""
    rules = Ruleset(routes, world.suppress, quiet)
    head = head or await world.head()
    found = await answer.of_incident(world.ledger, head.id, rules)
    assert found is not None
    return found
