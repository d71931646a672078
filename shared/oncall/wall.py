"""Wall clocks and instants, and the one rule for what daylight saving does to them.

A time that a clock shows twice is the first of the two, and one that it skips is the
moment at which it jumps. So a later time is never an earlier instant, and intervals
that meet on the wall clock meet in time: no hour is left over, and none is had twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of a name of the IANA database. Raises ValueError for any other."""
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        # A name may be that of a folder, or no path at all.
        raise ValueError("is not a time zone, such as Europe/Oslo or UTC") from None


def wall_of(at: datetime, zone: ZoneInfo) -> datetime:
    """What a clock of the zone shows at an instant."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


# Whoever asks who is on call asks about the same few walls again and again.
@lru_cache(maxsize=1024)
def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which a clock of the zone comes to show a time."""
    # Before a jump, `fold=0` counts by the offset that was and `fold=1` by that to come.
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_of(late, zone) == wall:
        return late
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if wall_of(middle, zone) < wall:
            early = middle
        else:
            late = middle
    return late
