"""One worker at a time has an incident, and whoever died is followed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import (
    FailureReason,
    StoreUnavailable,
    TransientFailure,
)
from shared.store import reading
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp
from tests.fakes.firewatch import LEASE, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


LATER = {"ProcessingEndTime": stamp(NOON + timedelta(hours=1))}
DOWN = TransientFailure(FailureReason.UNAVAILABLE, "the pager is down")


@pytest.fixture
async def world() -> World:
    """An app with one incident nobody looked at yet."""
    world = World()
    await world.worker.ingest([event()])
    return world


async def look(world: World) -> None:
    """Deliver the messages that can be seen."""
    await world.deliver()


async def test_a_leased_incident_is_left_alone(world: World) -> None:
    """A second worker in the middle of the first one's call does nothing."""
    incident = (await world.head()).id
    rival = world.new_worker()
    world.pager.meanwhile = [lambda: rival.respond([incident])]

    await look(world)

    assert world.pager.sent_verbs() == ["trigger"]
    await world.check_rested()


async def test_a_worker_that_overslept_records_nothing(world: World) -> None:
    """Another took over; the same key went out twice, the row counts both."""
    incident = (await world.head()).id
    rival = world.new_worker()

    async def oversleep() -> None:
        world.clock.step(2 * LEASE)
        await rival.respond([incident])

    world.pager.meanwhile = [oversleep]
    world.pager.lost_answers = [DOWN]

    await world.worker.respond([incident])
    await world.settle()

    assert len({sent.dedup_key for sent in world.pager.sent}) == 1
    kinds = [
        fact.kind
        for entry in await reading.timeline(world.ledger, incident)
        for fact in entry.facts
    ]
    assert "outcome.late" in kinds
    assert world.pager.sent_verbs() == ["trigger"] * len(world.pager.sent)
    await world.check_rested()


async def test_a_dead_workers_claim_is_taken_over_when_its_lease_ends(
    world: World,
) -> None:
    """Not before; and the notice goes out again under the same key."""
    world.faults.fail_after(1, of="responder.apply", took_effect=True, for_good=True)
    with pytest.raises(StoreUnavailable):
        await world.worker.respond([(await world.head()).id])
    assert world.faults.failed[0] == "responder.apply"
    world.restart()
    world.queue.messages.clear()

    await world.worker.respond([(await world.head()).id])
    assert len(world.pager.sent) == 1

    world.clock.step(LEASE * 1.25)
    assert await world.worker.tick() == 1
    await world.settle()
    assert len(world.pager.sent) == 2
    assert len({sent.dedup_key for sent in world.pager.sent}) == 1
    await world.check_rested()


async def test_what_comes_in_meanwhile_is_looked_at_at_once(world: World) -> None:
    """The incident is closed while its page is on the way."""
    closed = event(defender_alert(Status="Resolved", **LATER), place=2)
    world.pager.meanwhile = [lambda: world.worker.ingest([closed])]

    await look(world)

    assert world.pager.sent_verbs() == ["trigger", "resolve"]
    await world.check_rested()


def _hours(number: int, hours: float) -> dict[str, object]:
    at = NOON + timedelta(hours=hours)
    return defender_alert(
        SystemAlertId=alert_id(number, at), StartTimeUtc=stamp(at), EndTimeUtc=stamp(at)
    )


async def _merge_while_the_loser_is_paged(
    then: Callable[[World], Awaitable[object]] | None = None,
) -> World:
    """Two incidents are paged; the later one's page is on the way when they merge."""
    world = World()
    events = [
        e._replace(received_at=NOON + timedelta(days=1))
        for e in batch(_hours(1, 0), _hours(2, 8), _hours(3, 4))
    ]
    await world.feed(events[:1])
    await world.worker.ingest(events[1:2])

    async def merge() -> None:
        await world.worker.ingest(events[2:])
        if then is not None:
            await then(world)

    world.pager.meanwhile = [merge]
    await world.deliver()
    await world.settle()
    await world.check_rested()
    return world


async def test_a_page_under_way_while_its_incident_is_merged_is_closed() -> None:
    """The winner hears of it, and the loser is not due for ever."""
    world = await _merge_while_the_loser_is_paged()

    assert world.pager.sent_verbs() == ["trigger", "trigger", "resolve"]
    closed = world.pager.sent[-1]
    assert closed.occasion == "merged"
    assert closed.dedup_key == world.pager.sent[1].dedup_key


async def test_a_page_that_fails_while_its_incident_is_merged_is_dropped() -> None:
    """The winner's own speaks for both."""

    async def fail(world: World) -> None:
        world.pager.failures = [DOWN]

    world = await _merge_while_the_loser_is_paged(fail)

    assert world.pager.sent_verbs() == ["trigger"]
    statuses = sorted(row.status for row in await world.actions())
    assert statuses == ["applied", "dropped"]
