"""How fast Azure is asked: so much at once, and no more than leaves room for others.

Whoever contains asks with the same identity. Resource Manager gives it 250 reads of a
subscription, and 25 more each second (remote-apis-azure.md 0.4).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from shared.model.errors import FailureReason, TransientFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

AT_ONCE = 16

# Of one subscription; the rest of its bucket is for whoever acts.
BURST = 150
EACH_SECOND = 15.0

TRIES = 4
LONGEST_REST_S = 30.0
USUAL_REST_S = 1.0

_T = TypeVar("_T")


class Gate:
    """Lets reads through; ``done`` of ``begun`` are over.

    ``told`` hears of each that is. ``seconds`` is a clock that never goes back,
    ``rest`` waits.
    """

    def __init__(
        self,
        *,
        seconds: Callable[[], float],
        rest: Callable[[float], Awaitable[object]] = asyncio.sleep,
        told: Callable[[int, int], object] = lambda _done, _begun: None,
    ) -> None:
        self.begun = 0
        self.done = 0
        self._seconds = seconds
        self._rest = rest
        self._told = told
        self._room = asyncio.Semaphore(AT_ONCE)
        self._next: dict[str, float] = {}

    async def __call__(
        self, subscription: str, call: Callable[[], Awaitable[_T]]
    ) -> _T:
        """What the call gives, tried again where that may help.

        Raises what it raises: TransientFailure after the last try.
        """
        self.begun += 1
        try:
            for attempt in range(1, TRIES + 1):
                await self._turn(subscription)
                try:
                    async with self._room:
                        return await call()
                except TransientFailure as failure:
                    if attempt == TRIES:
                        raise
                    await self._rest(_rest_of(failure))
            raise AssertionError("the last try returns or raises")
        finally:
            self.done += 1
            self._told(self.done, self.begun)

    async def _turn(self, subscription: str) -> None:
        """Wait until the subscription may be asked once more."""
        now = self._seconds()
        step = 1 / EACH_SECOND
        # The time at which the bucket would be full again.
        full_at = max(self._next.get(subscription, now), now) + step
        self._next[subscription] = full_at
        wait = full_at - now - BURST * step
        if wait > 0:
            await self._rest(wait)


def _rest_of(failure: TransientFailure) -> float:
    asked = failure.retry_after
    if asked is not None:
        return min(asked.total_seconds(), LONGEST_REST_S)
    # Others that are asked too often do not say how long.
    is_crowded = failure.reason is FailureReason.RATE_LIMITED
    return USUAL_REST_S * (5 if is_crowded else 1)
