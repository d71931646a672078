"""How much is asked of Log Analytics at once, whatever asks for it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

# Log Analytics runs five queries of one identity at a time and queues the others, and
# takes 200 requests in 30 s (log-analytics.md 4). Some are left to whoever shares the
# identity.
AT_ONCE = 5
MOST_STARTS = 180
WINDOW_S = 30.0

# However long one answer says that all must wait.
LONGEST_HOLD_S = 60.0


class Limiter:
    """The slots of one identity: one for the process, first come first served.

    Its times are those of the event loop.
    """

    def __init__(
        self, *, at_once: int = AT_ONCE, most_starts: int = MOST_STARTS
    ) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._most_starts = most_starts
        self._starts: deque[float] = deque(maxlen=most_starts)
        self._waiting = 0
        self._held_until = float("-inf")

    def hold(self, seconds: float) -> None:
        """Start nothing for so long: the other side asked for it."""
        held_until = _now() + min(seconds, LONGEST_HOLD_S)
        self._held_until = max(self._held_until, held_until)

    def opens_in(self) -> float:
        """For how many seconds whoever comes now waits, however many slots are free.

        Those who wait already come first: behind more of them than may start in time, it
        is no use to wait.
        """
        return self._opens_in(behind=self._waiting)

    def _opens_in(self, *, behind: int) -> float:
        opens = self._held_until
        # Each that starts takes the place of one that started a window ago.
        rounds, place = divmod(
            len(self._starts) + behind - self._most_starts, self._most_starts
        )
        if rounds >= 0:
            # Those of the line who find room start now.
            started = self._starts[place] if place < len(self._starts) else _now()
            opens = max(opens, started + WINDOW_S * (rounds + 1))
        return max(0.0, opens - _now())

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and have it while inside."""
        with ExitStack() as line:
            line.enter_context(self._in_line())
            async with self._slots:
                # Whoever was let in meanwhile may have been told to wait.
                while wait := self._opens_in(behind=0):  # noqa: ASYNC110  for a time
                    await asyncio.sleep(wait)
                self._starts.append(_now())
                line.close()
                yield

    @contextmanager
    def _in_line(self) -> Iterator[None]:
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


def _now() -> float:
    return asyncio.get_running_loop().time()
