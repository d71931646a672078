"""An iCalendar as lines: its events apart from each other, and what is none of ours.

What a feed holds is somebody else's text. The library that reads events sees one series
of them at a time, so that a broken one breaks itself alone; and no time zone of the
feed's own making, since it would keep those for every other feed of the process.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from shared.oncall.wall import zone_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_BYTES = 1024 * 1024
MOST_EVENTS = 5_000

# What says when an event is, and whose; the rest of it is not looked at.
_NEEDED = frozenset(
    {
        *("UID", "SEQUENCE", "RECURRENCE-ID", "STATUS", "SUMMARY", "ATTENDEE"),
        *("DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE"),
    }
)
LONGEST_LINE = 8 * 1024

# Whatever repeats is counted from its beginning.
EARLIEST = "1970"

# More often is no shift of anybody, and takes seconds to work out: a rule by the second
# gives 43,000 occurrences for one instant (remote-apis-sinks.md 18). An INTERVAL of 0
# never ends at all (dateutil/dateutil#1441).
MOST_A_DAY = 24
_TIMES_OF_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")
_PART = re.compile(
    r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)|INTERVAL=[1-9][0-9]{0,3}|COUNT=[0-9]{1,6}"
    r"|UNTIL=[0-9]{8}(T[0-9]{6}Z?)?|(WKST|BYDAY)=[-+0-9A-Z,]+"
    r"|BY(SECOND|MINUTE|HOUR|MONTHDAY|YEARDAY|WEEKNO|MONTH|SETPOS)=[-+0-9,]+"
)

_FOLD = re.compile(rb"\r?\n[ \t]")
_LINE = re.compile(r"\r\n|\n|\r")
_NAME = re.compile(r"[^:;]*")


class Series(NamedTuple):
    """The lines of events with one UID: a first one, and what changes some of it."""

    lines: tuple[str, ...]
    events: int

    def text(self, zone: str) -> str:
        """A calendar of these alone; ``zone`` is that of the calendar they are from."""
        head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:firewatch"]
        head += [f"X-WR-TIMEZONE:{zone}"] if zone else []
        return "\r\n".join([*head, *self.lines, "END:VCALENDAR", ""])


class Split(NamedTuple):
    """The series of a feed, and the time zone that it names for itself, if it does.

    ``refused`` counts the events of which it is not even tried to make sense.
    """

    zone: str
    series: tuple[Series, ...]
    refused: int


def split(data: bytes) -> Split:
    """The parts of a feed. Raises ValueError saying why it is none."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"is longer than {MOST_BYTES // 1024} KiB")
    text = _FOLD.sub(b"", data.removeprefix(b"\xef\xbb\xbf"))
    lines = [line for line in _LINE.split(text.decode("utf-8", "replace")) if line]
    if not lines or lines[0].strip().upper() != "BEGIN:VCALENDAR":
        raise ValueError("is no calendar")
    found: dict[str, list[list[str]]] = defaultdict(list)
    refused = 0
    for number, event in enumerate(_events(lines)):
        if number >= MOST_EVENTS:
            raise ValueError(f"has more than {MOST_EVENTS} events")
        if any(_is_refused(line) for line in event):
            refused += 1
            continue
        uid = next((line for line in event if _name(line) == "UID"), f"{number}")
        found[uid].append(["BEGIN:VEVENT", *event, "END:VEVENT"])
    zones = (_known_zone(line) for line in lines if _name(line) == "X-WR-TIMEZONE")
    return Split(
        next(zones, ""),
        tuple(Series(tuple(chain(*events)), len(events)) for events in found.values()),
        refused,
    )


def _events(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines of each event that are needed, not those of alarms inside of it."""
    inside: list[str] = []
    event: list[str] = []
    for line in lines:
        word = line.strip().upper()
        if word.startswith("BEGIN:"):
            inside.append(word.removeprefix("BEGIN:"))
        elif word.startswith("END:"):
            if not inside or inside.pop() != word.removeprefix("END:"):
                raise ValueError("is no calendar: its parts are torn")
            if inside == ["VCALENDAR"] and word == "END:VEVENT":
                yield event
                event = []
        elif inside == ["VCALENDAR", "VEVENT"] and _name(line) in _NEEDED:
            event.append(line)
    if inside:
        raise ValueError("is cut short")


def _name(line: str) -> str:
    found = _NAME.match(line)
    return found[0].upper() if found else ""


def _is_refused(line: str) -> bool:
    """Whether it is no line that the library is trusted with."""
    if len(line) > LONGEST_LINE or _name(line) == "EXRULE":
        return True
    value = line.partition(":")[2].strip().upper()
    if _name(line) == "DTSTART":
        return value[:4] < EARLIEST
    if _name(line) != "RRULE":
        return False
    parts = value.split(";")
    times = prod(
        1 + part.count(",") for part in parts if part.startswith(_TIMES_OF_A_DAY)
    )
    is_known = all(_PART.fullmatch(part) for part in parts)
    return not is_known or times > MOST_A_DAY


def _known_zone(line: str) -> str:
    zone = line.partition(":")[2].strip()
    try:
        zone_of(zone)
    except ValueError:
        return ""
    return zone
