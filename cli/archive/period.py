"""Which blobs of the archive are about some time, and their events in order."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.model.errors import ArchiveBroken
from shared.store import history
from shared.store.batches import ARCHIVE, read_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from shared.store.archive import Archive
    from shared.store.batches import Line, Named
    from shared.store.ports import Blobs

# The longest that an Event Hub keeps events (Premium and Dedicated; Event Hubs quotas),
# and so the most days that one batch can be about.
LONGEST_BATCH = timedelta(days=90)

# Above so many, one listing of the whole archive is the cheaper way.
MOST_MONTHS = 36

# What versions up to 0.1 archived: no day in the name.
FORMER = tuple(f"{ARCHIVE}{road}/" for road in ("arm", "http", "hub"))

# Blobs under way at once.
AHEAD = 8

# Events of a source that are known to have been given: a batch that was cut anew lies
# beside the one that it repeats.
MOST_KNOWN = 20_000

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_END = datetime(9999, 12, 31, tzinfo=UTC)


class Period(NamedTuple):
    """From a moment to before another."""

    since: datetime = _BEGINNING
    until: datetime = _END

    def has(self, at: datetime) -> bool:
        """Whether it is in it."""
        return self.since <= at < self.until

    def meets(self, named: Named) -> bool:
        """Whether a blob may hold an event of it; one without a day may."""
        if named.first is None or named.last is None:
            return True
        return named.first <= self.last and named.last >= self.since.date()

    @property
    def last(self) -> date:
        """Its last day."""
        return (self.until - timedelta(microseconds=1)).date()

    @property
    def prefixes(self) -> list[str]:
        """What the names of all its blobs begin with."""
        if self.since == _BEGINNING or self.until == _END:
            return [ARCHIVE]
        months = [*history.months(self.since - LONGEST_BATCH, self.until)]
        if len(months) > MOST_MONTHS:
            return [ARCHIVE]
        return [f"{ARCHIVE}{month:%Y-%m}-" for month in months] + [*FORMER]


def moment(text: str, *, is_end: bool = False) -> datetime:
    """A day, or a moment with its zone. The end of a period that is a day is its end.

    Raises ValueError.
    """
    if len(text) == len("2026-11-23"):
        at = datetime.combine(date.fromisoformat(text), time(), UTC)
        return at + timedelta(days=1) if is_end else at
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its zone, such as 2026-11-23T12:00Z")
    return at.astimezone(UTC)


async def sizes(blobs: Blobs, period: Period, source: str = "") -> dict[str, int]:
    """The blobs that may hold its events, by source, day and place, with their bytes.

    ``source`` is one, or what several begin with up to a slash.
    """
    found: dict[str, int] = {}
    for prefix in period.prefixes:
        async for name, size in blobs.sizes(prefix):
            named = read_name(name)
            if named and period.meets(named) and _is_of(named.source, source):
                found[name] = size
    return {name: found[name] for name in sorted(found, key=_order)}


class Fetched(NamedTuple):
    """A blob that was read; ``lines`` is what is wrong with it where it could not be."""

    name: str
    lines: list[Line] | Exception


async def fetched(archive: Archive, names: Iterable[str]) -> AsyncIterator[Fetched]:
    """Read blobs, some ahead of whoever takes them; one that is broken stops none.

    One that is not there any more was deleted meanwhile, and is left out. Raises
    StoreUnavailable.
    """

    async def read(name: str) -> Fetched | None:
        try:
            lines = await archive.lines(name)
        except ArchiveBroken as error:
            return Fetched(name, error)
        return None if lines is None else Fetched(name, lines)

    waiting: deque[asyncio.Task[Fetched | None]] = deque()
    try:
        for name in names:
            waiting.append(asyncio.create_task(read(name)))
            if len(waiting) >= AHEAD and (found := await waiting.popleft()):
                yield found
        while waiting:
            if found := await waiting.popleft():
                yield found
    finally:
        for task in waiting:
            task.cancel()


class Once:
    """Tells events that were given before, though their batch was cut otherwise."""

    def __init__(self) -> None:
        self._known: dict[str, OrderedDict[tuple[str, datetime, str], None]] = (
            defaultdict(OrderedDict)
        )

    def __call__(self, line: Line) -> bool:
        """Whether the event is new."""
        known = self._known[line.source]
        key = line.place, line.received_at, line.sha256
        is_new = key not in known
        known[key] = None
        known.move_to_end(key)
        if len(known) > MOST_KNOWN:
            known.popitem(last=False)
        return is_new


def _is_of(source: str, asked: str) -> bool:
    asked = asked.rstrip("/")
    return not asked or source == asked or source.startswith(f"{asked}/")


def _order(name: str) -> tuple[str, date, str]:
    named = read_name(name)
    assert named is not None  # noqa: S101  it was read before
    return named.source, named.first or date.min, name
