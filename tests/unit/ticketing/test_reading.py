"""Open tickets are found and read, whatever a side does."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared import ticketing
from shared.model.errors import FailureReason, StoreUnavailable, TransientFailure
from shared.store import rows
from shared.store.ports import Put
from shared.ticketing import Read
from tests.alerts import event
from tests.fakes.firewatch import World
from tests.fakes.tracker import FakeTracker
from tests.unit.ticketing.kit import RESOLVES, known, many


async def test_what_opens_a_ticket_makes_it_known(world: World) -> None:
    """In the transaction that records the notice; a page makes nothing known."""
    head = await world.head()

    [ticket] = known(world)

    assert (ticket.incident, ticket.responder) == (head.id, "tickets")
    assert (ticket.reference, ticket.version) == ("T-1", "")
    assert ticket.dedup_key == world.tracker.actions[0].dedup_key


async def test_a_run_is_one_range_of_each_partition(world: World) -> None:
    """However many incidents there are; what is not changed costs nothing else."""
    await world.worker.ticketing()
    world.faults.calls.clear()

    read = await world.worker.ticketing()

    assert read == {"tickets": Read(asked=1, changed=0)}
    assert world.faults.calls == {"table.scan": 16, "tracker.changed": 1}


async def test_without_a_responder_that_keeps_tickets_nothing_is_read() -> None:
    """Most apps have none."""
    world = World()
    await world.feed([event()])
    world.faults.calls.clear()

    assert await world.worker.ticketing() == {}

    assert world.faults.calls == {}


async def test_that_firewatch_is_stuck_is_no_ticket_of_the_incident() -> None:
    """What people do about that ticket says nothing of the incident."""
    world = World(trackers={"tickets": RESOLVES})
    world.pager.broken_plan = RuntimeError("broken")
    await world.worker.ingest([event()])
    for _ in range(8):
        await world.deliver()
        world.clock.step(timedelta(minutes=30))
        await world.worker.tick()

    assert [action.occasion for action in world.tracker.actions] == ["stuck"]
    assert known(world) == []


async def test_a_side_that_fails_is_told_of_and_read_the_next_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And it keeps no other side from being read."""
    caplog.set_level(logging.INFO)
    world = World(trackers={"one": RESOLVES, "two": RESOLVES})
    await world.feed([event()])
    one, two = world.responders["one"], world.responders["two"]
    assert isinstance(one, FakeTracker)
    assert isinstance(two, FakeTracker)
    one.unread.append(TransientFailure(FailureReason.RATE_LIMITED, "wait"))
    two.person(says="from two")

    read = await world.worker.ticketing()

    assert (read["one"].changed, read["two"].changed) == (0, 1)
    assert 'tickets.unread responder="one" reason="rate_limited"' in caplog.text
    assert (await world.worker.ticketing())["one"].asked == 1


async def test_what_was_read_before_a_side_failed_is_taken(world: World) -> None:
    """Version by version, so that the next run goes on from there."""
    world.tracker.person(says="first")
    world.tracker.broken.append(TransientFailure(FailureReason.TIMEOUT, "no answer"))

    read = await world.worker.ticketing()

    assert read["tickets"].changed == 1
    assert [ticket.version for ticket in known(world)] == ["2"]


async def test_a_defect_of_ours_is_told_of_with_where_it_is(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The run ends well; others are read."""
    world.tracker.unread.append(RuntimeError("broken"))

    await world.worker.ticketing()

    assert "tickets.broke_us" in caplog.text
    assert "RuntimeError" in caplog.text


async def test_a_store_that_is_down_is_said(world: World) -> None:
    """The timer fails, and comes again."""
    world.faults.go_down()

    with pytest.raises(StoreUnavailable):
        await world.worker.ticketing()


async def test_a_row_of_another_version_is_left_alone(world: World) -> None:
    """It keeps no other from being read."""
    head = await world.head()
    partition = rows.partition_of_incident(head.id)
    await world.table.commit(
        partition, [Put(rows.ticket(head.id, "0" * 32), b'{"later": 1}')]
    )
    world.tracker.person(says="It is us.")

    assert (await world.worker.ticketing())["tickets"].changed == 1


async def test_many_changes_are_taken_a_part_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is left is newer than what is known the next time too."""
    monkeypatch.setattr(ticketing, "MOST_TAKEN", 2)
    world = await many(5)

    taken = [(await world.worker.ticketing())["tickets"].changed for _ in range(4)]

    assert taken == [2, 2, 1, 0]


async def test_many_tickets_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is asked about after as many runs as it takes."""
    monkeypatch.setattr(ticketing, "MOST_ASKED", 2)
    world = await many(5)

    for _ in range(5):
        await world.worker.ticketing()
        world.clock.step(ticketing.EVERY)

    assert {len(asked) for asked in world.tracker.asked} == {2}
    assert {name for asked in world.tracker.asked for name in asked} == {
        f"T-{number}" for number in range(1, 6)
    }
