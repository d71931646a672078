"""Hours of the week, such as ``mon-fri 08:00-18:00``: when they are open."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from shared.oncall.wall import instant_of, wall_of, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_WHOLE_DAY = 24 * 60

_CLOCK = "([01][0-9]|2[0-3]):([0-5][0-9])"
PATTERN = re.compile(
    rf"(?:({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))?)?"
    rf" *(?:(?<![a-z]){_CLOCK}-(?:{_CLOCK}|24:00))?"
)

# Every window opens once a week; daylight saving may take one away, hardly three.
_SEARCHED_DAYS = 22


class Window(NamedTuple):
    """Open on these days of the week, Monday being 0, between two times of the day.

    Both are in minutes from midnight; ``closes`` is behind ``opens``, and on the next
    day where it is more than a day has.
    """

    days: frozenset[int]
    opens: int
    closes: int


@lru_cache(maxsize=256)
def parse(text: str) -> Window:
    """The window of a text. Raises ValueError saying what was expected."""
    words = " ".join(text.lower().split())
    found = PATTERN.fullmatch(words)
    if not words or found is None:
        raise ValueError(
            "expected days, hours or both, such as mon-fri 08:00-18:00, sat-sun or"
            " 18:00-08:00"
        )
    first, last, *clock = found.groups()
    opens, closes = 0, _WHOLE_DAY
    if clock[0] is not None:
        opens = int(clock[0]) * 60 + int(clock[1])
        closes = _WHOLE_DAY if clock[2] is None else int(clock[2]) * 60 + int(clock[3])
        # Hours that end when they begin, or before, end on the next day.
        closes += _WHOLE_DAY * (closes <= opens)
    return Window(_days(first, last), opens, closes)


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    start = DAYS.index(first)
    length = (DAYS.index(last or first) - start) % 7 + 1
    return frozenset((start + each) % 7 for each in range(length))


def is_open(hours: Sequence[str], zone: str, at: datetime) -> bool:
    """Whether the hours are open at an instant by the clock of a zone.

    Without any hours it is open all the time.
    """
    day = wall_of(at, zone_of(zone)).date()
    return not hours or any(
        opens <= at < closes
        for opens, closes in openings(hours, zone, day - 2 * _DAY, day + _DAY)
    )


def next_open(hours: Sequence[str], zone: str, at: datetime) -> datetime:
    """The first instant from ``at`` on at which the hours are open."""
    day = wall_of(at, zone_of(zone)).date()
    found = openings(hours, zone, day - 2 * _DAY, day + _SEARCHED_DAYS * _DAY)
    return min((max(opens, at) for opens, closes in found if at < closes), default=at)


def openings(
    hours: Sequence[str], zone: str, first: date, last: date
) -> Iterator[tuple[datetime, datetime]]:
    """When the hours open and close, for each that begins on a day up to ``last``.

    One that daylight saving leaves nothing of is none.
    """
    clock = zone_of(zone)
    windows = [parse(each) for each in hours]
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        for window in windows:
            if day.weekday() in window.days:
                opens = _instant(day, window.opens, clock)
                closes = _instant(day, window.closes, clock)
                if opens < closes:
                    yield opens, closes


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    return instant_of(datetime.combine(day, time()) + timedelta(minutes=minutes), zone)
