"""What `@app.retry(...)` means: how often a failed function is run again, and when."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devhost.settings import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

FOR_EVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """
    How often a failed run is repeated, and after how many seconds.

    `max_retry_count` does not count the first run; -1 repeats for ever. A fixed delay
    is a policy whose shortest and longest interval are the same.
    """

    max_retry_count: int
    shortest_s: float
    longest_s: float

    def allows(self, retry_count: int) -> bool:
        """Whether a run that was repeated `retry_count` times may be once more."""
        return self.max_retry_count == FOR_EVER or retry_count < self.max_retry_count

    def delay_s(self, retry_count: int) -> float:
        """
        Seconds to wait before retry number `retry_count`, counted from 0.

        The host adds up to 20 % of chance (azure-webjobs-sdk
        RandomizedExponentialBackoffStrategy); here tests can know the answer.
        """
        doubled = self.shortest_s * 2.0 ** min(retry_count, 32)
        return min(self.longest_s, doubled)


def read_retry(setting: Mapping[str, object], *, function: str) -> RetryPolicy:
    """
    Read a function's retry setting, as the worker would at indexing.

    Raises SetupError where the worker would fail, which loses every function of the
    app: it parses intervals by `%H:%M:%S`, so "24:00:00" and "90" are refused
    (azure-functions-runtime loader.py build_retry_protos).
    """
    strategy = setting.get("strategy")
    if strategy == "fixed_delay":
        shortest = longest = _interval(setting, "delay_interval", function)
    elif strategy == "exponential_backoff":
        shortest = _interval(setting, "minimum_interval", function)
        longest = _interval(setting, "maximum_interval", function)
    else:
        raise SetupError(f"{function}: there is no retry strategy {strategy!r}")
    try:
        count = int(str(setting.get("max_retry_count")))
    except ValueError:
        raise SetupError(f"{function}: max_retry_count is not a number") from None
    return RetryPolicy(max_retry_count=count, shortest_s=shortest, longest_s=longest)


def _interval(setting: Mapping[str, object], key: str, function: str) -> float:
    text = setting.get(key)
    try:
        at = time.strptime(str(text), "%H:%M:%S")
    except ValueError:
        raise SetupError(
            f"{function}: {key} {text!r} is not HH:MM:SS; "
            "on Azure the whole app would fail to load"
        ) from None
    return float(at.tm_hour * 3600 + at.tm_min * 60 + at.tm_sec)
