"""Law 4 for tickets: whatever fails, what people did there comes here once."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from responders.tickets import TicketConfig
from shared.model.errors import StoreError
from shared.model.ticket import Stage
from shared.store import reading, rows
from tests.alerts import event
from tests.fakes.firewatch import MINUTE, World
from tests.property.test_law3_nothing_twice import check_notices

# Calls of one reading that finds something; more than there are does no harm.
CALLS = 24


class Ending(NamedTuple):
    """What must not depend on accidents."""

    status: str
    acknowledged_by: str
    said: list[str]
    tickets: int
    known: int


async def read(world: World) -> None:
    """Read tickets until a run is whole, as the timer does."""
    for _ in range(3):
        try:
            await world.worker.ticketing()
            await world.settle()
        except StoreError:
            world.restart()
        else:
            return
        world.clock.step(MINUTE)


async def run(call: int, *, took_effect: bool, for_good: bool) -> World:
    """A ticket is opened, commented on and taken, and then it is closed."""
    config = TicketConfig(resolves=True)
    world = World(
        trackers={"tickets": config}, route=lambda _: ("tickets",), partitions=1
    )
    await world.feed([event()])
    world.tracker.person(says="It is us.", owner="Grace Hopper")
    if call:
        world.faults.fail_after(call, took_effect=took_effect, for_good=for_good)
    await read(world)
    world.tracker.person(says="Done.", stage=Stage.CLOSED)
    await read(world)
    world.restart()
    await world.settle()
    await read(world)
    await world.check_rested()
    return world


async def ending(world: World) -> Ending:
    head = await world.head()
    entries = await reading.timeline(world.ledger, head.id)
    assert head.acknowledged is not None
    return Ending(
        head.status,
        head.acknowledged.by,
        [
            f"{fact.kind}: {fact.detail}"
            for entry in entries
            if entry.by == "ticket:tickets"
            for fact in entry.facts
        ],
        len(world.tracker.tickets),
        known(world),
    )


def known(world: World) -> int:
    """How many tickets may be open, for all that is known."""
    return len([key for key in world.table.keys if key.startswith(f"{rows.TICKET}|")])


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("took_effect", [False, True])
async def test_what_people_did_comes_here_once(
    *, took_effect: bool, for_good: bool
) -> None:
    """Whatever call fails, be it that of which the answer got lost."""
    plain = await ending(await run(0, took_effect=False, for_good=False))
    assert plain == Ending(
        "resolved",
        "ticket:tickets",
        [
            "comment: Grace Hopper: It is us.",
            "incident.acknowledged: T-1 is assigned to Grace Hopper",
            "comment: Grace Hopper: Done.",
            "incident.resolved: T-1 was closed",
        ],
        tickets=1,
        known=0,
    )

    for call in range(1, CALLS):
        world = await run(call, took_effect=took_effect, for_good=for_good)

        assert await ending(world) == plain, call
        await check_notices(world)


@pytest.mark.parametrize("took_effect", [False, True])
async def test_what_opens_a_ticket_makes_it_known_or_is_sent_again(
    *, took_effect: bool
) -> None:
    """Ticket and row come together, whatever fails while it is opened."""
    for call in range(1, 10):
        world = World(
            trackers={"tickets": TicketConfig()}, route=lambda _: ("tickets",)
        )
        await world.worker.ingest([event()])
        world.faults.fail_after(call, took_effect=took_effect)
        await world.settle()

        assert len(world.tracker.tickets) == 1, call
        assert known(world) == 1, call
