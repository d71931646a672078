"""Who has it by a schedule at an instant, and when that changes. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared.oncall.hours import is_open, openings
from shared.oncall.wall import instant_of, wall_of, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from zoneinfo import ZoneInfo

    from shared.oncall.policy import Layer, Schedule

_DAY = timedelta(days=1)


class Span(NamedTuple):
    """From ``start`` until just before ``end`` these have it; nobody, where it is a gap."""

    start: datetime
    end: datetime
    people: tuple[str, ...]


class Calendar(Protocol):
    """What a schedule without layers goes by."""

    def on_duty(self, at: datetime) -> tuple[str, ...]:
        """Who has it at an instant."""
        ...

    def edges(self, start: datetime, end: datetime) -> Iterable[datetime]:
        """When that may change between two instants."""
        ...


def on_duty(
    schedule: Schedule, at: datetime, calendar: Calendar | None = None
) -> tuple[str, ...]:
    """The people who have it at an instant; () is a gap.

    By layers that is one person. ``calendar`` is what the feed says; a schedule with a
    feed, and no calendar, knows of overrides alone.
    """
    zone = zone_of(schedule.time_zone)
    for stand in schedule.overrides:
        if instant_of(stand.starts, zone) <= at < instant_of(stand.until, zone):
            return (stand.person,)
    if calendar is not None:
        return calendar.on_duty(at)
    for layer in schedule.layers:
        if _has_it(layer, schedule, at):
            return (layer.people[_turn(layer, zone, at) % len(layer.people)],)
    return ()


def changes(
    schedule: Schedule,
    start: datetime,
    end: datetime,
    calendar: Calendar | None = None,
) -> list[Span]:
    """Who has it from ``start`` until ``end``: spans that meet, each of other people."""
    inside = {at for at in _edges(schedule, start, end, calendar) if start < at < end}
    found: list[Span] = []
    for at, until in pairwise([start, *sorted(inside), end]):
        people = on_duty(schedule, at, calendar)
        if found and found[-1].people == people:
            found[-1] = found[-1]._replace(end=until)
        elif at < until:
            found.append(Span(at, until, people))
    return found


def gaps(spans: Iterable[Span]) -> list[Span]:
    """Those of the spans in which nobody has it."""
    return [span for span in spans if not span.people]


def _has_it(layer: Layer, schedule: Schedule, at: datetime) -> bool:
    """Whether anybody of a layer has it."""
    zone = zone_of(schedule.time_zone)
    if at < instant_of(layer.starts, zone):
        return False
    if layer.until is not None and at >= instant_of(layer.until, zone):
        return False
    if not layer.on_holidays and _is_holiday(schedule.holidays, zone, at):
        return False
    return is_open(layer.hours, schedule.time_zone, at)


def _turn(layer: Layer, zone: ZoneInfo, at: datetime) -> int:
    """Which turn of a layer it is, counted from 0."""
    turn = (wall_of(at, zone) - layer.starts) // layer.turn
    # In an hour that the clock shows again, turns that ended in the first stay ended.
    while instant_of(layer.starts + (turn + 1) * layer.turn, zone) <= at:
        turn += 1
    return turn


def _is_holiday(holidays: tuple[date, ...], zone: ZoneInfo, at: datetime) -> bool:
    today = wall_of(at, zone).date()
    return any(
        starts <= at < ends
        for day in holidays
        if abs(day - today) <= _DAY
        for starts, ends in [_day(day, zone)]
    )


def _day(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    midnight = datetime.combine(day, time())
    return instant_of(midnight, zone), instant_of(midnight + _DAY, zone)


def _edges(
    schedule: Schedule, start: datetime, end: datetime, calendar: Calendar | None
) -> Iterator[datetime]:
    """Every instant between the two at which somebody else may have it, and more."""
    zone = zone_of(schedule.time_zone)
    for stand in schedule.overrides:
        yield from (instant_of(stand.starts, zone), instant_of(stand.until, zone))
    for day in schedule.holidays:
        yield from _day(day, zone)
    if calendar is not None:
        yield from calendar.edges(start, end)
    for layer in schedule.layers:
        yield from _edges_of(layer, schedule.time_zone, start, end)


def _edges_of(
    layer: Layer, zone_name: str, start: datetime, end: datetime
) -> Iterator[datetime]:
    zone = zone_of(zone_name)
    yield instant_of(layer.starts, zone)
    if layer.until is not None:
        yield instant_of(layer.until, zone)
    first, last = wall_of(start, zone), wall_of(end, zone)
    for opening in openings(
        layer.hours, zone_name, first.date() - 2 * _DAY, last.date() + _DAY
    ):
        yield from opening
    turns = range(
        max(0, (first - layer.starts) // layer.turn - 1),
        (last - layer.starts) // layer.turn + 3,
    )
    for turn in turns:
        yield instant_of(layer.starts + turn * layer.turn, zone)
