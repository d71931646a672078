"""Table ``history``: incidents that ended long ago, whole, and what finds them.

PartitionKey is the incident's id; its rows are those of table ``work`` under the same
keys, so that whatever reads the one reads the other. Beside them are two indexes:

::

    m|2026-10         the heads of what ended in that month, the latest first
    f|<fingerprint>   the ids and verdicts of what had that problem, the latest first

Nothing here changes any more, and nothing takes it away (decision 0015).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.model.correlation import OpenKey
from shared.model.errors import CommandRefused, StoreConflict
from shared.model.incident import Incident
from shared.store import limits, reading, rows
from shared.store.ports import Delete, Put

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.model.incident import Judged
    from shared.store.ledger import Ledger
    from shared.store.ports import Row, Table
    from shared.store.reading import Shelf

# Problems of one incident that are indexed, the worst first. Each is a request.
MOST_LISTED = 20

# Incidents that one problem leads to, the latest; each is a request.
MOST_FOUND = 200

# Lines of one problem whose verdicts count: one request, however many there are.
MOST_JUDGED = 100

# Earlier incidents in ``work`` whose verdicts count, the latest; each is a request.
MOST_EARLIER = 3

# Every key of an incident's partition, and of an index.
_ROWS = ("a|", "x}")
_LINES = ("0", ":")


class Listed(NamedTuple):
    """Incidents of both tables; ``past`` are the ids of those in ``history``."""

    heads: list[Incident]
    past: frozenset[str]


class Earlier(NamedTuple):
    """Verdicts on earlier incidents, the latest first; ``is_all`` where there are no more."""

    judged: list[Judged]
    is_all: bool


class _Line(NamedTuple):
    """Where a row of an index lies."""

    partition: str
    key: str


class History:
    """The table of incidents that ended long ago; a ``reading.Shelf``."""

    is_history = True

    def __init__(self, table: Table) -> None:
        self.table = table

    def now(self) -> datetime:
        """The time by the store's clock."""
        return self.table.now()

    def partition_of(self, incident_id: str) -> str:
        """The partition an incident lies in: its own."""
        return incident_id

    async def scan(self, partition: str, prefix: str) -> list[Row]:
        """All rows of a partition whose key begins with ``prefix`` and a bar."""
        return await self.table.scan(partition, *rows.span(prefix))

    async def keep(self, incidents: Mapping[str, Sequence[Row]]) -> None:
        """Copy incidents with every row that ``work`` has of each, by id.

        Afterwards exactly these rows are there, and the indexes name them: once more
        changes nothing, and takes up where a former attempt stopped. A head is written
        last, so an incident that is found is complete. Raises StoreUnavailable,
        StoreLimit, and StoreConflict where another incident has the id.
        """
        for incident_id, found in incidents.items():
            await self._keep(incident_id, found)

    async def month(self, at: datetime) -> list[Incident]:
        """What ended in the month of that moment, the latest first."""
        found = await self.table.scan(rows.month(at), *_LINES)
        return [rows.decode(row, Incident) for row in found]

    async def with_problem(self, fingerprint: str) -> list[Incident]:
        """The latest that had that problem among their worst, the latest first."""
        lines = await self.table.scan(
            rows.problem(fingerprint), *_LINES, limit=MOST_FOUND
        )
        found = await asyncio.gather(
            *(
                reading.head(self, rows.decode(line, rows.Pointer).incident)
                for line in lines
            )
        )
        return [head for head in found if head is not None]

    async def earlier(
        self, ledger: Ledger, incident: Incident, fingerprint: str
    ) -> Earlier:
        """What people said of the incidents before this one that had that problem.

        One range here, one row of ``work``, unless the ledger remembers it, and a row
        for each of the latest incidents that it leads to. Raises StoreUnavailable.
        """
        (heads, is_all), lines = await asyncio.gather(
            _before(ledger, incident, fingerprint),
            self.table.scan(rows.problem(fingerprint), *_LINES, limit=MOST_JUDGED),
        )
        pointers = [rows.decode(line, rows.Pointer) for line in lines]
        # What is in ``work`` is not past, whatever is copied.
        found = {pointer.incident: pointer.judged for pointer in pointers}
        found |= {head.id: head.judged for head in heads}
        judged = [each for each in found.values() if each is not None]
        judged.sort(key=lambda each: each.at, reverse=True)
        return Earlier(judged, is_all and len(lines) < MOST_JUDGED)

    async def refuse(self, incident_id: str) -> None:
        """Raise CommandRefused where the incident is here, and so past any command."""
        head = await reading.head(self, incident_id)
        if head is not None:
            raise CommandRefused(
                f"incident {incident_id} ended long ago and is in history: it can be"
                " read, and is closed for good"
            )

    async def _keep(self, incident_id: str, found: Sequence[Row]) -> None:
        head_key, first_key = rows.incident(incident_id), rows.entry(incident_id, 1)
        wanted = {row.key: row for row in found}
        there = {row.key: row for row in await self.table.scan(incident_id, *_ROWS)}
        # Whatever else becomes of an incident, its first entry stays what it is.
        first, mine = there.get(first_key), wanted.get(first_key)
        if first is not None and (mine is None or first.doc != mine.doc):
            raise StoreConflict(f"history has another incident {incident_id}")
        lines = _lines(rows.decode(wanted[head_key], Incident))
        # A former attempt may have listed it where it does not belong any more. Before
        # its head is replaced: that is what remembers where.
        before = there.get(head_key)
        listed = _lines(rows.decode(before, Incident)) if before else {}
        stale = listed.keys() - lines.keys()
        await asyncio.gather(*(self._take_off(line) for line in stale))
        changed = [
            Put(key, row.doc, there[key].etag if key in there else None)
            for key, row in wanted.items()
            if key not in there or there[key].doc != row.doc
        ]
        changed.sort(key=lambda put: put.key == head_key)
        gone = [Delete(k, row.etag) for k, row in there.items() if k not in wanted]
        for part in limits.transactions(incident_id, [*gone, *changed]):
            await self.table.commit(incident_id, part)
        await asyncio.gather(*(self._put_on(*each) for each in lines.items()))

    async def _put_on(self, line: _Line, doc: bytes) -> None:
        try:
            await self.table.commit(line.partition, [Put(line.key, doc)])
        except StoreConflict:
            found = await self.table.get(line.partition, [line.key])
            row = found.get(line.key)
            if row is not None and row.doc == doc:
                return
            etag = row.etag if row else None
            await self.table.commit(line.partition, [Put(line.key, doc, etag)])

    async def _take_off(self, line: _Line) -> None:
        found = await self.table.get(line.partition, [line.key])
        for row in found.values():
            await self.table.commit(line.partition, [Delete(row.key, row.etag)])


async def find(
    ledger: Ledger, history: History, incident_id: str
) -> tuple[Shelf, list[Incident]]:
    """Where an incident lies, and its lineage; empty where it is nowhere.

    ``work`` is asked first: an incident that moves meanwhile is copied before it goes.
    """
    found = await reading.lineage(ledger, incident_id)
    if found and found[-1].merged_into is None:
        return ledger, found
    past = await reading.lineage(history, incident_id)
    return (history, past) if past else (ledger, found)


async def ended_in(ledger: Ledger, history: History, at: datetime) -> Listed:
    """What ended in the month of that moment, wherever it lies."""
    here = await reading.incidents(ledger)
    ended = [h for h in here if h.ended_at and rows.month(h.ended_at) == rows.month(at)]
    return _joined(here, ended, await history.month(at))


async def opened_since(ledger: Ledger, history: History, since: datetime) -> Listed:
    """What was opened since that moment, wherever it lies; a request a month."""
    here = await reading.incidents(ledger)
    past: list[Incident] = []
    # What was opened since then did not end before.
    for month in months(since, history.now()):
        past += [h for h in await history.month(month) if h.opened_at >= since]
    return _joined(here, [h for h in here if h.opened_at >= since], past)


async def with_problem(ledger: Ledger, history: History, fingerprint: str) -> Listed:
    """What had a problem, wherever it lies; of ``history`` the latest."""
    here = await reading.incidents(ledger)
    having = [head for head in here if fingerprint in head.problems]
    return _joined(here, having, await history.with_problem(fingerprint))


async def _before(
    ledger: Ledger, incident: Incident, fingerprint: str
) -> tuple[list[Incident], bool]:
    """The latest in ``work`` to which the problem's key belonged before this incident.

    And whether they are all.
    """
    partition, name = ledger.partition_of(incident.id), rows.open_key(fingerprint)
    mine = {incident.id, *incident.absorbed}
    key = ledger.recall(partition, name, OpenKey)
    if key is None or mine.isdisjoint(i.incident for i in key.intervals):
        # What is remembered is of before the incident.
        row = (await ledger.table.get(partition, [name])).get(name)
        key = rows.decode(row, OpenKey) if row else OpenKey()
    ids = [i.incident for i in reversed(key.intervals) if i.incident not in mine]
    different = list(dict.fromkeys(ids))
    lineages = await asyncio.gather(
        *(reading.lineage(ledger, each) for each in different[:MOST_EARLIER])
    )
    heads = [found[-1] for found in lineages if found]
    known = [head for head in heads if head.id not in mine]
    return known, len(different) <= MOST_EARLIER


def _joined(
    here: Sequence[Incident], found: Sequence[Incident], past: Sequence[Incident]
) -> Listed:
    """What was found in both tables. What ``work`` has is not past, whatever is copied."""
    ids = {head.id for head in here}
    gone = [head for head in past if head.id not in ids]
    return Listed([*found, *gone], frozenset(head.id for head in gone))


def months(first: datetime, last: datetime) -> Iterator[datetime]:
    """The beginning of each month from that of the first to that of the last, in UTC."""
    at = first.astimezone(UTC)
    month = datetime(at.year, at.month, 1, tzinfo=UTC)
    while month <= last:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def _lines(head: Incident) -> dict[_Line, bytes]:
    """The rows of the indexes that lead to an incident; none of a merged one."""
    if head.ended_at is None:
        return {}
    key = rows.latest_first(head.ended_at, head.id)
    worst = sorted(
        head.problems, key=lambda name: (-head.problems[name].severity.rank, name)
    )
    pointer = rows.encode(rows.Pointer(incident=head.id, judged=head.judged))
    return {
        _Line(rows.month(head.ended_at), key): rows.encode(head),
        **{_Line(rows.problem(name), key): pointer for name in worst[:MOST_LISTED]},
    }
