"""The third verb."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from shared.model.errors import StoreUnavailable
from shared.store import messages
from shared.tick import Tick
from tests.alerts import batch, defender_alert, event, vm
from tests.fakes.firewatch import World
from tests.property.feeds import OTHER_SUBSCRIPTION

if TYPE_CHECKING:
    from shared.noise import Noise


class Wants:
    """Silences and a storm breaker that want one incident looked at."""

    async def tend(self) -> list[str]:
        return ["0d9eeb301d377b52"]


@pytest.fixture
def world() -> World:
    """An app that has seen nothing."""
    return World()


async def test_nothing_due_is_one_query_a_partition(world: World) -> None:
    """Whatever the number of incidents; and one for silences, one for the storm."""
    assert await world.worker.tick() == 0

    assert world.faults.calls == {"table.scan": 16 + 1, "table.get": 1}
    assert world.queue.messages == []


async def test_an_incident_whose_message_was_lost_is_found(world: World) -> None:
    """After the safety net, not before."""
    await world.worker.ingest([event()])
    world.queue.messages.clear()

    assert await world.worker.tick() == 0
    world.clock.step(timedelta(seconds=30))
    assert await world.worker.tick() == 1

    await world.settle()
    assert world.pager.sent_verbs() == ["trigger"]


async def test_one_message_names_all_that_is_due(world: World) -> None:
    """Of every partition, at most five hundred in each."""
    bodies = [
        defender_alert(
            SystemAlertId=str(n),
            AlertType=str(n),
            AzureResourceId=vm(f"vm-{n}", OTHER_SUBSCRIPTION) if n % 2 else vm(f"v{n}"),
        )
        for n in range(510)
    ]
    await world.worker.ingest(batch(*bodies))
    world.queue.messages.clear()
    world.clock.step(timedelta(minutes=1))

    assert await world.worker.tick() == 510

    sent = [messages.decode(message.body) for message in world.queue.messages]
    assert sorted(map(len, sent)) == [10, 500]
    assert len({name for part in sent for name in part}) == 510


async def test_the_lines_stay_until_the_work_is_done(world: World) -> None:
    """A tick whose message is lost is followed by another."""
    await world.worker.ingest([event()])
    world.clock.step(timedelta(minutes=1))

    assert await world.worker.tick() == 1
    assert await world.worker.tick() == 1
    await world.settle()
    assert await world.worker.tick() == 0


async def test_a_store_that_is_down_is_said(world: World) -> None:
    """The timer fails, and comes again in a minute."""
    world.faults.go_down()

    with pytest.raises(StoreUnavailable):
        await world.worker.tick()


async def test_how_long_the_oldest_waits_is_said(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """In seconds since it was due, which an alert rule reads."""
    await world.worker.ingest([event()])
    world.queue.messages.clear()
    world.clock.step(timedelta(minutes=20))
    caplog.set_level(logging.INFO, "firewatch")

    assert await world.worker.tick() == 1

    # Half a minute is the safety net: it was due no earlier.
    assert caplog.messages[-1] == f"tick.done due=1 waited_s={20 * 60 - 30}"


async def test_nothing_waits_that_has_no_line(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What silences and the storm breaker want looked at is due now."""
    caplog.set_level(logging.INFO, "firewatch")
    noise = cast("Noise", Wants())

    assert await Tick(world.worker.ledger, world.queue, noise)() == 1

    assert caplog.messages == ["tick.done due=1 waited_s=0"]
