"""What breaks a worker rests, the others do not, and somebody is told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.actions import backoff
from shared.model.alert import Severity
from shared.model.errors import (
    FailureReason,
    StoreUnavailable,
    TransientFailure,
)
from tests.alerts import NOON, batch, defender_alert, event, vm
from tests.fakes.firewatch import LEASE, World

if TYPE_CHECKING:
    from shared.model.incident import Incident

MINUTE = timedelta(minutes=1)
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


async def failures(world: World, times: int) -> None:
    """Have the incident looked at so often, each time after its rest."""
    for _ in range(times):
        await world.worker.respond([(await world.head()).id])
        due = (await world.head()).due
        assert due is not None
        world.clock.step(due - world.clock())


async def test_an_incident_that_breaks_us_rests_and_the_others_do_not() -> None:
    """Longer each time, and the rest of its message is done."""

    def route(head: Incident) -> list[str]:
        if head.severity is Severity.LOW:
            raise ZeroDivisionError
        return ["pager"]

    world = World(route=route)
    low = defender_alert(SystemAlertId="2", Severity="Low", AzureResourceId=vm("other"))
    await world.worker.ingest(batch(defender_alert(), low))

    await look(world)

    assert world.pager.sent_verbs() == ["trigger"]
    (broken,) = [h for h in await world.heads() if h.severity is Severity.LOW]
    assert (broken.attempts, broken.due) == (1, NOON + MINUTE)
    assert broken.is_dirty


async def test_a_store_that_fails_for_one_does_not_stop_the_others() -> None:
    """The message fails, once everything else in it was done."""
    world = World()
    bodies = [
        defender_alert(SystemAlertId=str(n), AzureResourceId=vm(f"vm-{n}"))
        for n in range(3)
    ]
    await world.worker.ingest(batch(*bodies))
    ids = [head.id for head in await world.heads()]
    world.faults.fail_after(1)

    with pytest.raises(StoreUnavailable):
        await world.worker.respond(ids)

    assert world.pager.sent_verbs() == ["trigger"] * 2


async def test_after_five_failures_somebody_is_told_once(world: World) -> None:
    """The page says nothing of the alert, and does not come again."""
    world.pager.broken_plan = RuntimeError("a defect")
    other = type(world.pager)("chat", world.faults)
    world.responders["chat"] = other

    await failures(world, backoff.STUCK_AFTER + 3)

    (action,) = other.actions
    assert (action.verb, action.occasion) == ("trigger", "stuck")
    assert "web shell" not in str(action.content).lower()
    assert (await world.head()).stuck == "RuntimeError"
    assert world.pager.sent == []


async def test_an_incident_that_is_mended_is_handled(world: World) -> None:
    """Its page goes out late, and it is not stuck any more."""
    world.pager.broken_plan = RuntimeError("a defect")
    await failures(world, 3)
    world.pager.broken_plan = None

    await world.settle()

    assert world.pager.sent_verbs() == ["trigger"]
    head = await world.head()
    assert (head.attempts, head.stuck) == (0, "")
    await world.check_rested()


async def test_being_stuck_is_told_again_when_nobody_took_it(world: World) -> None:
    """The pager was down as well: it is told at the next failure, under one key."""

    def route(_: Incident) -> list[str]:
        raise RuntimeError

    world.route = route
    world.restart()
    world.pager.failures = [DOWN]

    await failures(world, backoff.STUCK_AFTER)
    assert world.pager.sent == []
    await failures(world, 3)

    assert [sent.occasion for sent in world.pager.sent] == ["stuck"]


async def test_a_poisoned_message_counts_as_a_failure(world: World) -> None:
    """Workers that died over it count too, so that somebody is told in the end."""
    incident = (await world.head()).id
    for _ in range(backoff.STUCK_AFTER + 1):
        world.faults.fail_after(1, of="responder.apply", for_good=True)
        with pytest.raises(StoreUnavailable):
            await world.worker.respond([incident])
        world.restart()
        world.clock.step(2 * LEASE)
    assert (await world.head()).attempts == backoff.STUCK_AFTER + 1

    await world.worker.respond.give_up_on([incident])

    assert [sent.occasion for sent in world.pager.sent] == ["stuck"]
    await world.settle(most=timedelta(hours=3))
    assert (await world.head()).stuck == ""
