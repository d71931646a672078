"""Calendars for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


class Fixed:
    """A calendar of given spans: ``shared.oncall.duty.Calendar``."""

    def __init__(self, spans: list[tuple[datetime, datetime, tuple[str, ...]]]) -> None:
        self._spans = spans

    def on_duty(self, at: datetime) -> tuple[str, ...]:
        found = (people for start, end, people in self._spans if start <= at < end)
        return next(found, ())

    def edges(self, _start: datetime, _end: datetime) -> Iterator[datetime]:
        for start, end, _ in self._spans:
            yield from (start, end)
