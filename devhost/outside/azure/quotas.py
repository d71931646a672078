"""How often Azure may be asked: Resource Manager by buckets, others by the minute.

(remote-apis-azure.md 0.4; one identity, one region)
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from devhost.outside.azure.answers import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

MINUTE = timedelta(minutes=1)

# How many are in a full bucket, and how many more there are each second.
BUCKETS: Mapping[str, tuple[int, int]] = {
    "reads": (250, 25),
    "writes": (200, 10),
    "deletes": (200, 10),
}


class Quotas:
    """The buckets of each subscription."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._left: dict[tuple[str, str], tuple[float, datetime]] = {}

    def take(self, subscription: str, method: str) -> dict[str, str]:
        """Take one, and return the header that says how many are left.

        Refuses where there is none.
        """
        kind = _kind(method)
        size, refill = BUCKETS[kind]
        now = self._clock()
        left, since = self._left.get((subscription, kind), (float(size), now))
        left = min(size, left + refill * (now - since).total_seconds())
        # The header of deletes is [unverified].
        header = f"x-ms-ratelimit-remaining-subscription-{kind}"
        if left < 1:
            wait = {"Retry-After": str(ceil((1 - left) / refill)), header: "0"}
            # [unverified code]
            raise Refused(429, "SubscriptionRequestsThrottled", "too often", wait)
        self._left[subscription, kind] = (left - 1, now)
        return {header: str(int(left - 1))}


class Rates:
    """How often each thing was asked for in the last minute."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._calls: dict[str, deque[datetime]] = {}

    def take(self, name: str, most: int) -> None:
        """Ask once more, or be refused."""
        now = self._clock()
        calls = self._calls.setdefault(name, deque())
        while calls and now - calls[0] >= MINUTE:
            calls.popleft()
        if len(calls) >= most:
            wait = ceil((calls[0] + MINUTE - now).total_seconds())
            raise Refused(
                429, "TooManyRequests", "too often", {"Retry-After": str(wait)}
            )
        calls.append(now)


def _kind(method: str) -> str:
    if method == "DELETE":
        return "deletes"
    return "reads" if method in {"GET", "HEAD"} else "writes"
