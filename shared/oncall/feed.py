"""A feed of shifts, read for a stretch of time; and who of the policy is meant in it.

Nobody is reached by what a feed says of them: its names and addresses are compared with
those of the policy, whose people they are.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.model.text import cut, one_line
from shared.oncall.ical import split
from shared.oncall.wall import instant_of, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from zoneinfo import ZoneInfo

    from shared.oncall.ical import Series
    from shared.oncall.policy import Person

LONGEST_NAME = 200
MOST_ATTENDEES = 20

# An event that was moved is found from where it was (Grafana OnCall pads as much).
_PAD = timedelta(days=16)

# Grafana OnCall's mark of a shift that beats others: [L2] Ana.
_LEVEL = re.compile(r"\[L([0-9]{1,2})\]\s*")


class Shift(NamedTuple):
    """An event from ``start`` until just before ``end``; of several the highest counts.

    ``attendees`` are addresses, then names, in the order of the event.
    """

    start: datetime
    end: datetime
    level: int
    attendees: tuple[str, ...]
    title: str


class Feed(NamedTuple):
    """The shifts between ``start`` and ``end``, and how many events are not readable."""

    shifts: tuple[Shift, ...]
    skipped: int
    start: datetime
    end: datetime


def read(
    data: bytes,
    zone: str,
    start: datetime,
    end: datetime,
    *,
    is_given_up: Callable[[], bool] = lambda: False,
) -> Feed:
    """The shifts of an iCalendar that are between two instants, in part or whole.

    ``zone`` is the clock of times that name none, and of whole days. An event that is
    not readable is left out, and its whole series with it. Raises ValueError where the
    data is no calendar. It may take seconds, and ends early where ``is_given_up``.
    """
    parts = split(data)
    skipped, shifts = parts.refused, set[Shift]()
    for series in parts.series:
        if is_given_up():
            break
        try:
            shifts |= {*_shifts(series, parts.zone, zone_of(zone), start, end)}
        except Exception:  # noqa: BLE001  law 6: who else is on call is called
            # A stranger's text may break the library in any way; roster.py says how many.
            skipped += series.events
    return Feed(tuple(sorted(shifts)), skipped, start, end)


class Rota:
    """A feed as ``duty.Calendar``: the people of the policy that are meant in it.

    An event that means nobody of them is none: what lies beneath it counts.
    """

    def __init__(self, feed: Feed, names: Mapping[str, tuple[str, ...]]) -> None:
        self._feed = feed
        self._names = names

    def on_duty(self, at: datetime) -> tuple[str, ...]:
        """The people of the highest shifts at an instant, in the order of their names."""
        best, who = -1, set[str]()
        for shift in self._feed.shifts:
            people = self._people(shift) if shift.start <= at < shift.end else ()
            if people and shift.level >= best:
                who = {*people} | (who if shift.level == best else set())
                best = shift.level
        return tuple(sorted(who))

    def edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """When shifts between two instants begin and end."""
        for shift in self._feed.shifts:
            if shift.start < end and start < shift.end:
                yield from (shift.start, shift.end)

    def unknown(self) -> list[str]:
        """Names that mean nobody: of each shift, what it would be known by first."""
        return sorted(
            {
                next(iter(shift.attendees), shift.title) or "without a name"
                for shift in self._feed.shifts
                if not self._people(shift)
            }
        )

    def _people(self, shift: Shift) -> tuple[str, ...]:
        invited = {
            n for each in shift.attendees for n in self._names.get(_key(each), ())
        }
        return tuple(sorted(invited)) or self._names.get(_key(shift.title), ())


def names_of(
    people: Mapping[str, Person], names: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Whom a name in a feed means: by ``names``, else by key, name or address.

    Whoever share a name or an address are all meant by it.
    """
    found: dict[str, set[str]] = {}
    for key, person in people.items():
        for name in (key, person.name, *person.contacts.values()):
            found.setdefault(_key(name), set()).add(key)
    # The policy's own word beats what only looks alike.
    found.update({_key(name): {key} for name, key in names.items()})
    found.pop("", None)
    return {name: tuple(sorted(keys)) for name, keys in found.items()}


def _key(name: str) -> str:
    """A name as it is compared."""
    return one_line(name).casefold()


def _shifts(
    series: Series, calendar_zone: str, zone: ZoneInfo, start: datetime, end: datetime
) -> Iterator[Shift]:
    import recurring_ical_events  # noqa: PLC0415  0.1 s that only feeds pay
    from icalendar import Calendar  # noqa: PLC0415

    calendar = Calendar.from_ical(series.text(calendar_zone))
    for event in calendar.walk("VEVENT"):
        _check(event)
    query = recurring_ical_events.of(calendar)
    # `at` of the library takes an hour from the shift of an autumn night, so it is asked
    # for more than is wanted (remote-apis-sinks.md 18).
    for event in query.between(start - _PAD, end + _PAD):
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        begins, ends = _instant(event.start, zone), _instant(event.end, zone)
        if begins < ends and begins < end and start < ends:
            yield _shift(event, begins, ends)


def _check(event: Any) -> None:  # noqa: ANN401  the library's
    """Raise for a time in a zone that nobody knows: it would be taken for our own."""
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        value = event.get(name)
        if value is None:
            continue
        is_bare = isinstance(value.dt, datetime) and value.dt.tzinfo is None
        if is_bare and "TZID" in value.params:
            raise ValueError(name)


def _instant(at: date, zone: ZoneInfo) -> datetime:
    """The instant of a time; of one without a zone, and of a day, by our own clock."""
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    if at.tzinfo is None:
        return instant_of(at, zone)
    return at.astimezone(UTC)


def _shift(event: Any, start: datetime, end: datetime) -> Shift:  # noqa: ANN401
    title = _name(event.get("SUMMARY", ""))
    marked = _LEVEL.match(title)
    given = event.get("ATTENDEE", [])
    attendees = (given if isinstance(given, list) else [given])[:MOST_ATTENDEES]
    addresses = [_name(re.sub("(?i)^mailto:", "", str(each))) for each in attendees]
    called = [_name(getattr(each, "params", {}).get("CN", "")) for each in attendees]
    return Shift(
        start,
        end,
        int(marked[1]) if marked else 0,
        tuple(name for name in (*addresses, *called) if name),
        title[marked.end() :] if marked else title,
    )


def _name(text: object) -> str:
    return cut(one_line(str(text)[: 4 * LONGEST_NAME]), LONGEST_NAME)
