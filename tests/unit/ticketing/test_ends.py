"""A ticket that is over says nothing any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from responders.tickets import TicketConfig
from shared.commands import Order
from shared.model.action import Verb
from shared.model.incident import IncidentStatus
from shared.model.ticket import Stage
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from collections.abc import Sequence


from tests.unit.ticketing.kit import known, make_world, many, told


async def test_a_ticket_that_we_closed_says_nothing_any_more(world: World) -> None:
    """Its end is our own; it is not read again."""
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()
    world.tracker.person(stage=Stage.CLOSED, says="too late")

    await world.worker.ticketing()

    assert await told(world) == []
    assert known(world) == []


async def test_a_ticket_that_is_being_closed_says_nothing(world: World) -> None:
    """The worker closed it there, and died before it could write that down."""
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    # What the responder did is done; the record of it is not.
    world.faults.fail_after(2, of="table.commit")
    await world.deliver()
    assert world.tracker.sent_verbs() == ["trigger", "resolve"]
    world.restart()
    await world.worker.commands.reopen(head.id, Order("bob"))
    world.tracker.person(stage=Stage.CLOSED)

    await world.worker.ticketing()

    assert (await world.head()).status is IncidentStatus.OPEN
    assert await told(world) == []


async def test_the_ticket_of_an_earlier_epoch_ends_nothing() -> None:
    """An incident that was reopened has a ticket of its own."""
    world = await make_world()
    head = await world.head()
    world.tracker.person(stage=Stage.CLOSED)
    await world.worker.ticketing()
    await world.settle()
    await world.worker.commands.reopen(head.id, Order("bob"))
    await world.settle()

    assert [ticket.reference for ticket in known(world)] == ["T-2"]
    world.tracker.person("T-1", says="old", stage=Stage.CLOSED)
    world.tracker.person("T-2", says="new")
    await world.worker.ticketing()

    assert (await world.head()).status is IncidentStatus.OPEN
    assert "Grace Hopper: new" in [detail for _, _, detail in await told(world)]
    assert "Grace Hopper: old" not in [detail for _, _, detail in await told(world)]


@pytest.fixture
async def merged() -> World:
    """An incident that is two merged, each with a ticket."""
    world = await many(2)
    one, two = sorted(await world.heads(), key=lambda head: head.id)
    await world.worker.regrouping.merge(one.id, two.id, Order("ada"))
    await world.settle()
    return world


async def test_a_ticket_of_a_merged_incident_speaks_for_what_it_is_part_of(
    merged: World,
) -> None:
    """Its row names the incident that it was opened for."""
    [reference] = await speaking(merged)
    merged.tracker.person(reference, says="still here")

    await merged.worker.ticketing()

    assert [detail for _, _, detail in await told(merged)] == [
        "Grace Hopper: still here"
    ]


async def test_the_ticket_that_the_merge_closed_ends_nothing(merged: World) -> None:
    """It was closed by us, since another one speaks."""
    [reference] = await speaking(merged)
    [other] = {"T-1", "T-2"} - {reference}
    merged.tracker.person(other, says="why?", stage=Stage.CLOSED)

    await merged.worker.ticketing()

    assert (await merged.head()).status is IncidentStatus.OPEN
    assert await told(merged) == []
    assert [ticket.reference for ticket in known(merged)] == [reference]


async def speaking(world: World) -> Sequence[str]:
    """The tickets that nobody has closed."""
    actions = await world.actions()
    ended = {row.dedup_key for row in actions if row.verb is Verb.RESOLVE}
    return [
        row.reference
        for row in actions
        if row.verb is Verb.TRIGGER and row.dedup_key not in ended
    ]


async def test_a_ticket_leaves_with_its_incident() -> None:
    """Rows of what ended long ago are in history, this one too."""
    world = await make_world(TicketConfig())
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()
    assert len(known(world)) == 1
    world.clock.step(KEEP + timedelta(days=1))

    await world.worker.retention()

    assert known(world) == []
    assert await world.heads() == []
