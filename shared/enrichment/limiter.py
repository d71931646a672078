"""How much is asked of Log Analytics at once, whatever asks for it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
        self._held_until = float("-inf")

    def hold(self, seconds: float) -> None:
        """Start nothing for so long: the other side asked for it."""
        held_until = _now() + min(seconds, LONGEST_HOLD_S)
        self._held_until = max(self._held_until, held_until)

    def opens_in(self) -> float:
        """For how many seconds nothing starts, however many slots are free."""
        opens = self._held_until
        if len(self._starts) == self._most_starts:
            opens = max(opens, self._starts[0] + WINDOW_S)
        return max(0.0, opens - _now())

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and have it while inside."""
        async with self._slots:
            # Whoever was let in meanwhile may have been told to wait.
            while wait := self.opens_in():  # noqa: ASYNC110  waits for a time
                await asyncio.sleep(wait)
            self._starts.append(_now())
            yield


def _now() -> float:
    return asyncio.get_running_loop().time()
