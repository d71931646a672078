"""What of logs open incidents go by."""

from __future__ import annotations

from shared.commands import Order
from shared.held import held
from tests.alerts import event
from tests.fakes.enriched import enriched
from tests.fakes.firewatch import World
from tests.fakes.logs import WORKSPACE, FakeLogs


async def test_evidence_holds_the_tables_that_it_is_from() -> None:
    """In the workspaces that gave it, since the incident began."""
    world = enriched(FakeLogs())
    await world.feed([event()])

    [found] = await held(world.worker.ledger)

    head = await world.head()
    assert (found.incident, found.since) == (head.id, head.first_seen)
    assert found.workspaces == {WORKSPACE}
    assert "SecurityEvent" in found.tables or "AzureActivity" in found.tables


async def test_an_incident_without_evidence_holds_nothing() -> None:
    """It is open all the same."""
    world = World()
    await world.feed([event()])

    [found] = await held(world.worker.ledger)

    assert (found.tables, found.workspaces) == (frozenset(), frozenset())


async def test_what_has_ended_holds_nothing() -> None:
    """Whoever closed it needs it no more."""
    world = World()
    await world.feed([event()])
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))

    assert await held(world.worker.ledger) == ()
