from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from devhost.functions import Function
from devhost.invocation import Invoker
from devhost.settings import SetupError
from devhost.timer_trigger import Schedule, TimerListener

if TYPE_CHECKING:
    from collections.abc import Callable

    import azure.functions as func

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


class SteppingClock:
    """A clock that stands still unless it is told to step."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def step(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def _timer(
    call: Callable[..., object],
    *,
    schedule: str = "0 */5 * * * *",
    run_on_startup: bool = False,
) -> Function:
    trigger = {
        "type": "timerTrigger",
        "name": "timer",
        "schedule": schedule,
        "runOnStartup": run_on_startup,
    }
    return Function(name="f", call=call, trigger=trigger)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("*/10 * * * * *", 10),
        ("0 */5 * * * *", 300),
        ("30 0 13 * * *", 3630),
        ("0 0 3 * * 1-5", 15 * 3600),
    ],
)
def test_schedules_have_seconds_first(expression: str, seconds: int) -> None:
    """Six NCRONTAB fields start with the second, and the day of the week is last."""
    due = Schedule(expression).next_after(NOON)

    assert (due - NOON).total_seconds() == seconds


def test_time_lapse_replaces_the_schedule() -> None:
    """With an interval the expression is checked, but not followed."""
    schedule = Schedule("0 17 * * * *", interval_s=0.25)

    assert (schedule.next_after(NOON) - NOON).total_seconds() == 0.25


def test_time_lapse_leaves_alone_what_comes_seldom() -> None:
    """Nobody waits for what comes once a night, and it is much to do each second."""
    nightly = "0 43 3 * * *"

    found = Schedule(nightly, interval_s=0.25).next_after(NOON)

    assert found == Schedule(nightly).next_after(NOON)


@pytest.mark.parametrize("expression", ["*/5 * * * *", "00:05:00", "99 * * * * *", ""])
def test_other_schedules_are_refused(expression: str) -> None:
    """Five fields, time spans and nonsense name the function they belong to."""
    function = _timer(lambda _timer: None, schedule=expression)

    with pytest.raises(SetupError, match="function f"):
        TimerListener(function, Invoker([function]))


async def test_runs_come_one_at_a_time() -> None:
    """A timer runs again and again, never beside itself."""
    running, most, count = 0, 0, 0
    enough = asyncio.Event()

    async def call(timer: func.TimerRequest) -> None:
        nonlocal running, most, count
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        count += 1
        assert not timer.past_due
        assert timer.schedule_status  # type: ignore[attr-defined]
        if count == 5:
            enough.set()

    function = _timer(call)
    invoker = Invoker([function])
    listener = TimerListener(function, invoker, interval_s=0.001)
    await listener.start()
    await asyncio.wait_for(enough.wait(), 10)
    await listener.stop(grace_s=5)

    assert most == 1
    assert invoker.counts()["f"]["failed"] == 0
    invoker.close()


async def test_a_long_run_is_caught_up_once() -> None:
    """A run that outlasts many due times is followed by one run, not by all."""
    clock = SteppingClock()
    starts: list[float] = []
    twice = asyncio.Event()

    async def call(timer: func.TimerRequest) -> None:  # noqa: ARG001
        starts.append((clock.at - NOON).total_seconds())
        if len(starts) == 1:
            clock.step(3700)
        else:
            twice.set()

    function = _timer(call, run_on_startup=True)
    invoker = Invoker([function])
    listener = TimerListener(function, invoker, now=clock)
    await listener.start()
    await asyncio.wait_for(twice.wait(), 10)
    await listener.stop(grace_s=5)

    assert starts == [0, 3700]
    invoker.close()


async def test_a_failed_run_does_not_stop_the_timer() -> None:
    """The next run comes after one that raised."""
    count = 0
    enough = asyncio.Event()

    async def call(timer: func.TimerRequest) -> None:
        nonlocal count
        count += 1
        if count == 2:
            enough.set()
        raise OSError(timer)

    function = _timer(call)
    invoker = Invoker([function])
    listener = TimerListener(function, invoker, interval_s=0.001)
    await listener.start()
    await asyncio.wait_for(enough.wait(), 10)
    await listener.stop(grace_s=5)

    assert invoker.counts()["f"]["failed"] >= 2
    invoker.close()


async def test_stopping_lets_the_run_finish() -> None:
    """A run that was under way when the host stops ends by itself."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def call(timer: func.TimerRequest) -> None:  # noqa: ARG001
        begun.set()
        await may_end.wait()

    function = _timer(call, run_on_startup=True)
    invoker = Invoker([function])
    listener = TimerListener(function, invoker)
    await listener.start()
    await asyncio.wait_for(begun.wait(), 10)
    stopping = asyncio.create_task(listener.stop(grace_s=10))
    may_end.set()
    await stopping

    assert invoker.counts()["f"]["succeeded"] == 1
    invoker.close()


async def test_a_timer_stops_before_its_first_run() -> None:
    """Nothing runs, and nothing waits, when the host stops before the time."""
    function = _timer(lambda _timer: None, schedule="0 0 3 1 1 *")
    invoker = Invoker([function])
    listener = TimerListener(function, invoker)
    await listener.start()

    await listener.stop(grace_s=5)

    assert invoker.counts()["f"] == {"succeeded": 0, "failed": 0, "running": 0}
    invoker.close()
