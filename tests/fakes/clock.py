"""Time that moves when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is stepped."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def __call__(self) -> datetime:
        """The time it shows."""
        return self._now

    def step(self, by: timedelta = timedelta(seconds=1)) -> None:
        """Move it on."""
        self._now += by
