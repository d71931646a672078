"""Answers that were given already, and those that are on their way.

A failure is no answer: it is handed to whoever waits for it and then forgotten.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.model.logs import Answer

# Logs are minutes late anyway, so an answer of this age says what a new one would. Asks
# are about whole hours, so that two incidents about one thing ask for the same.
MOST_AGE = timedelta(minutes=5)

# Answers are bounded like evidence, so this is 16 MiB at the very most.
MOST_ANSWERS = 512


class Key(NamedTuple):
    """What is asked of whom: the digest is of the query with its values and times."""

    workspace: str
    query: str
    digest: bytes


class Given(NamedTuple):
    """An answer, when it was asked for, and how long it took.

    ``is_cut`` says that rows or ends of cells are left out of it.
    """

    answer: Answer
    is_cut: bool
    asked_at: datetime
    took_ms: int


class Flight:
    """A question on its way: one task, which whoever asks the same waits for.

    ``ends`` is by when the last of them wants it, in the event loop's time;
    ``throttled`` says that it was told to wait. Nobody's giving up disturbs another;
    with the last of them the task ends.
    """

    def __init__(
        self,
        work: Callable[[Flight], Awaitable[Given]],
        landed: Callable[[Flight], object],
    ) -> None:
        self.ends = float("-inf")
        self.throttled = False
        self._waiting = 0
        self._given_up = False

        async def fly() -> Given:
            return await work(self)

        self._task = asyncio.create_task(fly())
        self._task.add_done_callback(_seen)
        self._task.add_done_callback(lambda _: landed(self))

    @property
    def is_over(self) -> bool:
        """Whether nobody may join any more."""
        return self._given_up or self._task.done()

    async def wait(self, ends: float) -> asyncio.Task[Given] | None:
        """The task once it is over; None where that is not before ``ends``."""
        self.ends = max(self.ends, ends)
        self._waiting += 1
        try:
            left = max(0.0, ends - asyncio.get_running_loop().time())
            await asyncio.wait({self._task}, timeout=left)
        finally:
            self._waiting -= 1
            if not self._waiting and not self._task.done():
                self._given_up = True
                self._task.cancel()
        return self._task if self._task.done() else None


class Answers:
    """The newest answers, the longest unused ones forgotten first; and the flights."""

    def __init__(
        self, clock: Callable[[], datetime], *, most: int = MOST_ANSWERS
    ) -> None:
        self._clock = clock
        self._most = most
        self._given: OrderedDict[Key, Given] = OrderedDict()
        self._flights: dict[Key, Flight] = {}

    def __len__(self) -> int:
        """How many answers are kept."""
        return len(self._given)

    def find(self, key: Key, most_age: timedelta) -> Given | None:
        """The answer, if there is one and it is younger than that."""
        found = self._given.get(key)
        if found is None:
            return None
        # Not one of the future either, where the clock was set back.
        if not timedelta(0) <= self._clock() - found.asked_at < most_age:
            return None
        self._given.move_to_end(key)
        return found

    def keep(self, key: Key, given: Given) -> None:
        """Remember an answer."""
        self._given[key] = given
        self._given.move_to_end(key)
        while len(self._given) > self._most:
            self._given.popitem(last=False)

    def flight(self, key: Key, work: Callable[[Flight], Awaitable[Given]]) -> Flight:
        """The flight that brings the answer: one that is on its way, or a new one."""
        under_way = self._flights.get(key)
        if under_way is not None and not under_way.is_over:
            return under_way

        async def fly(flight: Flight) -> Given:
            given = await work(flight)
            # What is not all there is, is worth another try.
            if not given.answer.is_partial:
                self.keep(key, given)
            return given

        flight = self._flights[key] = Flight(fly, lambda over: self._land(key, over))
        return flight

    def _land(self, key: Key, flight: Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


def _seen(task: asyncio.Task[Given]) -> None:
    # Whoever waited was told; a task that nobody waited for to its end is no news.
    if not task.cancelled():
        task.exception()
