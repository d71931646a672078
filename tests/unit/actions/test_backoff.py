"""How long to wait."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.actions import backoff

SECOND = timedelta(seconds=1)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_and_stay_within_bounds(attempt: int, luck: float) -> None:
    """Never under half a second, never over five minutes."""
    wait = backoff.retry_in(attempt, None, lambda low, high: low + luck * (high - low))

    assert backoff.SHORTEST * SECOND <= wait <= backoff.LONGEST * SECOND
    assert wait <= max(backoff.SHORTEST, 2.0 ** min(attempt - 1, 20)) * SECOND


def test_the_longest_waits_double() -> None:
    """1, 2, 4 .. 300 seconds."""
    waits = [backoff.retry_in(n, None, lambda _, high: high) for n in range(1, 12)]

    assert [wait / SECOND for wait in waits[:4]] == [1, 2, 4, 8]
    assert waits[-1] == 300 * SECOND


@given(st.integers(1, 30), st.integers(0, 3_600))
def test_at_least_what_the_side_asked_for(attempt: int, seconds: int) -> None:
    """Retry-After is a floor."""
    asked = seconds * SECOND

    assert backoff.retry_in(attempt, asked) >= asked


def test_rests_double_up_to_an_hour() -> None:
    """1, 2, 4 .. 60 minutes; no count of failures breaks it."""
    minutes = [backoff.rest_for(n) / timedelta(minutes=1) for n in range(9)]

    assert minutes == [1, 1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.rest_for(10**9) == timedelta(hours=1)
