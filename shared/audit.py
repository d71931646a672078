"""The seventh verb: what was done goes where nobody changes it, a day at a time.

::

    read        what was written to timelines since the last day, and deeds
    keep        the day's blob, once                       its name is the day
    note        the row that says which day was the last   the next day follows it

A crash before the note leaves a blob whose day is done again: it is there, and what it
says is what counts. So each day has one blob, and follows from the one before.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from shared import telemetry
from shared.model.deed import DeedRow
from shared.model.errors import ArchiveBroken
from shared.model.incident import Entry
from shared.store import reading, rows, trail
from shared.store.batches import day_of
from shared.store.ports import Put

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from shared.store.ledger import Ledger
    from shared.store.ports import Blobs, Row

# Lines in memory at once, 1 KB each; the days behind them wait for another reading.
MOST_LINES = 200_000

# The platform ends the whole worker after five minutes of one function.
WHOLE_TIMEOUT_S = 240.0

_D = TypeVar("_D", Entry, DeedRow)

ONE_DAY = timedelta(days=1)

# Before anything was done; not so early that nothing can be taken from it.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to: days written, and the lines in them."""

    days: int
    lines: int


class _Line(NamedTuple):
    """A line of a day, and what it is sorted by."""

    at: datetime
    incident: str
    place: str
    text: bytes


class Audit:
    """Writes each day that is over, from the first on which anything was done."""

    def __init__(self, ledger: Ledger, blobs: Blobs) -> None:
        self._ledger = ledger
        self._blobs = blobs

    async def __call__(self) -> Audited:
        """Write the days that are over and not yet written, as far as time allows.

        Raises ArchiveBroken where something else lies under the name of a day, and
        StoreConflict where another worker does the same.
        """
        deadline = asyncio.get_running_loop().time() + WHOLE_TIMEOUT_S
        days = lines = 0
        try:
            while asyncio.get_running_loop().time() < deadline:
                head, etag = await self._head()
                found, last = await self._collect(head)
                if last is None:
                    break
                first = await self._first(head, found, last)
                for day in _days(first, last):
                    head, etag = await self._write(day, found[day], head, etag)
                    days, lines = days + 1, lines + len(found[day])
        except ArchiveBroken as error:
            telemetry.emit(telemetry.AUDIT_FAILED, reason=str(error))
            raise
        telemetry.emit(telemetry.AUDIT_DONE, days=days, lines=lines)
        return Audited(days=days, lines=lines)

    async def until(self) -> datetime:
        """The moment before which everything that was done is in the trail."""
        head, _ = await self._head()
        if head is None:
            return _NEVER
        return datetime.combine(head.day + ONE_DAY, time(), UTC)

    async def _head(self) -> tuple[rows.TrailHead | None, str | None]:
        found = await self._ledger.table.get(rows.SHARED, [rows.TRAIL])
        row = found.get(rows.TRAIL)
        return (rows.decode(row, rows.TrailHead), row.etag) if row else (None, None)

    async def _collect(
        self, head: rows.TrailHead | None
    ) -> tuple[dict[date, list[_Line]], date | None]:
        """The lines of the first days to be written, and the last of these days."""
        today = day_of(self._ledger.now())
        gathered = _Gathered(head.day + ONE_DAY if head else date.min, today)
        if gathered.first >= today:
            return {}, None
        await self._each("t", gathered.entry)
        held = {
            (target.deed.use, target.deed.target): target.before.state
            for target in await reading.targets(self._ledger)
            if target.before is not None
        }
        await self._each("c", lambda row: gathered.deed(row, held))
        return gathered.days, gathered.end - ONE_DAY

    async def _each(self, prefix: str, take: Callable[[Row], None]) -> None:
        """Every row of a kind, the partitions side by side."""

        async def of(partition: str) -> None:
            async for page in reading.pages(self._ledger, partition, prefix):
                for row in page:
                    take(row)

        partitions = rows.all_partitions(self._ledger.partitions)
        results = await asyncio.gather(*map(of, partitions), return_exceptions=True)
        for result in results:
            if result is not None:
                raise result

    async def _first(
        self,
        head: rows.TrailHead | None,
        found: dict[date, list[_Line]],
        last: date,
    ) -> date:
        """The first day to be written: of all, that on which anything was done."""
        if head is not None:
            return head.day + ONE_DAY
        # A worker may have died over the very first one.
        names = [name async for name in self._blobs.names(trail.TRAIL)]
        there = [day for name in names if (day := trail.day_of_name(name))]
        return min([*there, *found, last])

    async def _write(
        self,
        day: date,
        lines: list[_Line],
        head: rows.TrailHead | None,
        etag: str | None,
    ) -> tuple[rows.TrailHead, str]:
        opening = trail.Opening(
            day=day,
            number=head.number + 1 if head else 1,
            previous=head.sha256 if head else "",
            begun=head.begun if head else day_of(self._ledger.now()),
        )
        name = trail.name_of(day)
        data = trail.pack(opening, (line.text for line in sorted(lines)))
        if not await self._blobs.keep(name, data):
            data = await self._blobs.get(name) or b""
        written = trail.unpack(name, data)
        begun = written.opening.begun if head is None else opening.begun
        if written.opening != msgspec.structs.replace(opening, begun=begun):
            raise ArchiveBroken(f"{name} does not follow the day before")
        noted = rows.TrailHead(
            day=day, number=opening.number, sha256=written.sha256, begun=begun
        )
        put = Put(rows.TRAIL, rows.encode(noted), etag)
        etags = await self._ledger.table.commit(rows.SHARED, [put])
        return noted, etags[rows.TRAIL]


class _Gathered:
    """Lines by day, from ``first`` to before ``end``: earlier, where there are too many."""

    def __init__(self, first: date, end: date) -> None:
        self.first, self.end = first, end
        self.days: dict[date, list[_Line]] = defaultdict(list)
        self._count = 0

    def entry(self, row: Row) -> None:
        """Take an entry."""
        if (found := _read(row, Entry)) is not None:
            _, incident, place = row.key.split("|")
            text = trail.entry(incident, row.doc)
            self._add(_Line(found.at, incident, place, text))

    def deed(self, row: Row, held: dict[tuple[str, str], dict[str, Any]]) -> None:
        """Take a deed as it now is."""
        if (found := _read(row, DeedRow)) is not None:
            before = held.get((found.deed.use, found.deed.target))
            text = trail.deed(found.incident, row.doc, before)
            # Behind the entries of its incident at that moment.
            place = f"deed {found.key}"
            self._add(_Line(found.changed_at, found.incident, place, text))

    def _add(self, line: _Line) -> None:
        day = day_of(line.at)
        if not self.first <= day < self.end:
            return
        self.days[day].append(line)
        self._count += 1
        if self._count > MOST_LINES and len(self.days) > 1:
            self.end = max(self.days)
            self._count -= len(self.days.pop(self.end))


def _days(first: date, last: date) -> list[date]:
    return [first + n * ONE_DAY for n in range((last - first).days + 1)]


def _read(row: Row, kind: type[_D]) -> _D | None:
    """The document, if it is one on one line; of others, verifying tells."""
    try:
        return None if b"\n" in row.doc else rows.decode(row, kind)
    except msgspec.MsgspecError:
        return None
