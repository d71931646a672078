"""What was given up, and is sent after all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.commands import Order
from shared.deliveries import Deliveries
from shared.model.action import ActionStatus
from shared.model.errors import CommandRefused, FailureReason, PermanentFailure
from shared.model.incident import IncidentStatus
from shared.store import reading
from tests.alerts import event
from tests.fakes.firewatch import World

REFUSED = PermanentFailure(FailureReason.AUTH, "PagerDuty answered 403")


@pytest.fixture
async def world() -> World:
    """A page that was refused for good."""
    world = World()
    world.pager.failures = [REFUSED]
    await world.feed([event()])
    return world


def deliveries(world: World) -> Deliveries:
    """What a person has at hand."""
    return Deliveries(world.worker.ledger, world.queue)


async def test_what_was_given_up_is_listed_and_sent_under_its_key(world: World) -> None:
    """Once, and it is told in the timeline by whom."""
    [row] = await deliveries(world).undelivered()
    assert (row.status, row.reason) == (ActionStatus.FAILED, "auth")
    # Long after the day for which anything is tried.
    world.clock.step(timedelta(days=3))

    sent = await deliveries(world).resend(row.incident, Order("ada", "new key"))
    await world.settle()

    assert sent == 1
    [arrived] = world.pager.sent
    assert (arrived.verb, arrived.dedup_key) == ("trigger", row.dedup_key)
    assert await deliveries(world).undelivered() == []
    facts = [
        (entry.by, fact.kind, fact.detail)
        for entry in await reading.timeline(world.ledger, row.incident)
        for fact in entry.facts
    ]
    assert ("ada", "delivery.resent", "1 tried again: new key") in facts
    with pytest.raises(CommandRefused):
        await deliveries(world).resend(row.incident, Order("ada"))
    await world.check_rested()


async def test_what_is_tried_again_may_fail_again(world: World) -> None:
    """Then it is listed again."""
    world.pager.failures = [REFUSED]

    await deliveries(world).resend((await world.head()).id, Order("ada"))
    await world.settle()

    [row] = await deliveries(world).undelivered()
    assert (row.status, row.attempts) == (ActionStatus.FAILED, 2)


async def test_of_what_is_over_nobody_is_told_late(world: World) -> None:
    """An opening is not sent after its end; both sides know of nothing."""
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()
    assert (await world.head()).status is IncidentStatus.RESOLVED

    await deliveries(world).resend(head.id, Order("ada"))
    await world.settle()

    assert set(world.pager.sent_verbs()) <= {"trigger", "resolve"}
    assert world.pager.sent_verbs().count("trigger") == world.pager.sent_verbs().count(
        "resolve"
    )
    await world.check_rested()


async def test_no_incident_is_said_so(world: World) -> None:
    """Neither of that form nor of that id."""
    for unknown in ("x", "0a" + "1" * 14):
        assert await deliveries(world).resend(unknown, Order("ada")) is None
