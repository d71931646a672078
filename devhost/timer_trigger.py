"""The timer trigger: one run at a time, at the times of an NCRONTAB expression."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.functions import meta
from azure.functions.timer import TimerRequestConverter
from croniter import CroniterError, croniter

from devhost.invocation import happens
from devhost.settings import SetupError, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from devhost.functions import Function
    from devhost.invocation import Invoker


# Timers that come so often have somebody wait for them.
OFTEN = timedelta(hours=1)


class Schedule:
    """
    When a timer is due: six NCRONTAB fields, seconds first, in UTC.

    With `interval_s` it is due so many seconds after the last time, whatever the
    expression says: time lapse, for tests and demonstrations. What comes less often
    than each hour keeps its times: nobody watches it.
    """

    def __init__(self, expression: str, *, interval_s: float | None = None) -> None:
        """Raise ValueError for anything but six fields that croniter knows."""
        if len(expression.split()) != 6:
            raise ValueError(f"an NCRONTAB schedule has six fields: {expression!r}")
        if not croniter.is_valid(expression, second_at_beginning=True):
            raise ValueError(f"not an NCRONTAB schedule: {expression!r}")
        self._expression = expression
        self._interval_s = interval_s

    def next_after(self, at: datetime) -> datetime:
        """The first time after `at`, which is never `at` itself."""
        times = croniter(self._expression, at, second_at_beginning=True)
        found: datetime = times.get_next(datetime)
        if self._interval_s is None or times.get_next(datetime) - found > OFTEN:
            return found
        return at + timedelta(seconds=self._interval_s)


class TimerListener:
    """
    Serves one timer function.

    As azure-webjobs-sdk TimerListener: the next run is computed from the start of the
    last. A run that outlasts its schedule is followed by one run at once, not by all
    those it missed. Runs missed while the host was down are not made up.
    """

    def __init__(
        self,
        function: Function,
        invoker: Invoker,
        *,
        interval_s: float | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Check the binding; SetupError when its schedule is not one."""
        self.function = function
        self._invoker = invoker
        self._now = now
        where = f"function {function.name}"
        try:
            self._schedule = Schedule(
                resolve(function.text("schedule"), where=where), interval_s=interval_s
            )
        except (ValueError, CroniterError) as error:
            raise SetupError(f"{where}: {error}") from error
        self._last = now()
        self._stopping = asyncio.Event()
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to wait for the first time, or run at once by `run_on_startup`."""
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self, *, grace_s: float) -> None:
        """Start no more runs, and let the one that runs finish within `grace_s`."""
        self._stopping.set()
        if self._ticking:
            await asyncio.wait({self._ticking}, timeout=grace_s)
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)

    async def _tick(self) -> None:
        due = self._now()
        if not self.function.trigger.get("runOnStartup"):
            due = self._schedule.next_after(due)
        while not await self._reached(due):
            started = self._now()
            following = self._schedule.next_after(started)
            await self._invoker.call_until_done(
                self.function,
                lambda due=following: self._request(due),  # type: ignore[misc]
                stopping=self._stopping,
            )
            self._last = started
            due = following

    async def _reached(self, due: datetime) -> bool:
        """Wait until a time; True when the host stops first."""
        if self._stopping.is_set():
            return True
        wait_s = (due - self._now()).total_seconds()
        return wait_s > 0 and await happens(self._stopping, within_s=wait_s)

    def _request(self, following: datetime) -> object:
        status = {
            "Last": self._last.isoformat(),
            "Next": following.isoformat(),
            "LastUpdated": self._last.isoformat(),
        }
        value = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status,
            "IsPastDue": False,
        }
        converted: object = TimerRequestConverter.decode(
            meta.Datum(json.dumps(value), "json"), trigger_metadata={}
        )
        return converted
