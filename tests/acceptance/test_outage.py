"""PagerDuty has a bad day; the page arrives once, after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.acceptance.world import alert, encoded, eventually

if TYPE_CHECKING:
    from tests.acceptance.world import World

OUTAGE = timedelta(seconds=10)
ASKED_S = 3


def test_a_page_outlasts_ten_seconds_of_500(world: World, subscription: str) -> None:
    """PagerDuty answers 500 for ten seconds: one page, opened once, when it is over."""
    began = datetime.now(UTC)

    with world.fault(status=500, for_s=OUTAGE.total_seconds()):
        world.send(encoded(alert(subscription)))
        eventually(lambda: world.pages(subscription), within_s=60)
        world.wait_until_quiet()

    (page,) = world.pages(subscription)
    (event,) = world.events(subscription)
    assert (page["opens"], page["triggers"], page["resolved"]) == (1, 1, False)
    assert event.received_at >= began + OUTAGE
    (row,) = world.actions(subscription, "on-call")
    assert row.status == "applied"
    assert row.attempts > 1
    assert row.dedup_key == page["dedup_key"]


def test_the_other_responder_does_not_wait(world: World, subscription: str) -> None:
    """While the page is tried again, the webhook has long been told."""
    with world.fault(status=503):
        world.send(encoded(alert(subscription)))
        eventually(lambda: _is(world, subscription, "soc", "applied"))
        eventually(lambda: _is(world, subscription, "on-call", "retry"))
        assert world.pages(subscription) == []

    eventually(lambda: world.pages(subscription))
    world.wait_until_quiet()
    (row,) = world.actions(subscription, "soc")
    assert row.attempts == 1


def test_an_answer_that_is_lost_does_not_page_twice(
    world: World, subscription: str
) -> None:
    """PagerDuty takes the event and the line drops: it comes again by the same key."""
    with world.fault(drop=True, taken=True, times=1):
        world.send(encoded(alert(subscription)))
        eventually(lambda: _is(world, subscription, "on-call", "applied"))
        world.wait_until_quiet()

    (page,) = world.pages(subscription)
    events = world.events(subscription)
    assert (page["opens"], page["triggers"]) == (1, 2)
    assert len({event.dedup_key for event in events}) == 1
    (row,) = world.actions(subscription, "on-call")
    assert row.attempts == 2


def test_retry_after_is_honoured(world: World, subscription: str) -> None:
    """Told to come back in three seconds, it comes back then and not before."""
    began = datetime.now(UTC)

    with world.fault(status=429, retry_after=ASKED_S, times=1):
        world.send(encoded(alert(subscription)))
        eventually(lambda: _is(world, subscription, "on-call", "applied"))
        world.wait_until_quiet()

    (event,) = world.events(subscription)
    assert event.received_at >= began + timedelta(seconds=ASKED_S)
    (row,) = world.actions(subscription, "on-call")
    assert row.attempts == 2


def test_updates_of_an_outage_are_folded(world: World, subscription: str) -> None:
    """What joins while PagerDuty is away is in the page, and is no page of its own."""
    with world.fault(status=500):
        world.send(encoded(alert(subscription, 1)))
        eventually(lambda: _is(world, subscription, "on-call", "retry"))
        world.send(*(encoded(alert(subscription, number)) for number in (2, 3, 4)))
        eventually(lambda: len(world.alerts(subscription)) == 4)

    eventually(lambda: world.pages(subscription))
    world.wait_until_quiet()
    (event,) = world.events(subscription)
    assert "(4 alerts)" in event.body["payload"]["summary"]


def _is(world: World, subscription: str, responder: str, status: str) -> bool:
    """Whether the one notice of the responder has come so far."""
    return [row.status for row in world.actions(subscription, responder)] == [status]
