"""Questions that people and reports ask of the tables; nothing here writes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from shared.model.action import ActionRow
from shared.model.alert import AlertRow
from shared.model.books import Books
from shared.model.deed import DeedRow, TargetRow
from shared.model.errors import StoreConflict
from shared.model.evidence import EvidenceRow
from shared.model.incident import Entry, Incident
from shared.store import rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime

    from shared.store.ledger import Ledger
    from shared.store.ports import Row, Table

# A chain of merges is as long as the incidents it ties; longer is a circle.
MOST_STEPS = 1_000

# Of an incident that is being written to while it is read.
MOST_READINGS = 10

# Rows of a range that is walked through: so many are in memory at once.
PAGE = 1_000

# Sorts before whatever else may follow in a key.
_NEXT = " "

# Of an incident of many alerts, those of its first and its latest entries.
MOST_ENTRIES = 20
MOST_ALERTS = 32
MOST_ABSORBED = 4

_D = TypeVar(
    "_D",
    AlertRow,
    Books,
    Incident,
    Entry,
    ActionRow,
    DeedRow,
    EvidenceRow,
    TargetRow,
)


class Shelf(Protocol):
    """Where incidents lie with all their rows: ``Ledger``, and ``History``."""

    @property
    def is_history(self) -> bool:
        """Whether what lies there has ended for good."""
        ...

    @property
    def table(self) -> Table:
        """The table of it."""
        ...

    def now(self) -> datetime:
        """The time by the store's clock."""
        ...

    def partition_of(self, incident_id: str) -> str:
        """The partition an incident lies in."""
        ...

    async def scan(self, partition: str, prefix: str) -> list[Row]:
        """All rows of a partition whose key begins with ``prefix`` and a bar."""
        ...


async def books(ledger: Ledger) -> Books:
    """The books of every source, added up."""
    return sum(await _all(ledger, "b", Books), Books())


async def incidents(ledger: Ledger) -> list[Incident]:
    """Every incident in the table, merged ones too, the latest first."""
    found = await _all(ledger, "h", Incident)
    return sorted(found, key=lambda incident: incident.opened_at, reverse=True)


async def alerts(ledger: Ledger) -> list[AlertRow]:
    """Every alert that came; the places held for others are left out."""
    found = await _all(ledger, "a", AlertRow)
    return [alert for alert in found if not alert.is_expected]


async def actions(ledger: Ledger) -> list[ActionRow]:
    """Every action in the table, the first planned first."""
    found = await _all(ledger, "x", ActionRow)
    return sorted(found, key=lambda row: (row.planned_at, row.key))


async def deeds(ledger: Ledger) -> list[DeedRow]:
    """Every deed in the table, the first planned first."""
    found = await _all(ledger, "c", DeedRow)
    return sorted(found, key=lambda row: (row.planned_at, row.key))


async def deeds_of(shelf: Shelf, head: Incident) -> list[DeedRow]:
    """The deeds of an incident and of what it absorbed, the first planned first."""
    places = {gist.incident for gist in head.deeds.values()}
    found = await asyncio.gather(
        *(shelf.scan(shelf.partition_of(each), f"c|{each}") for each in sorted(places))
    )
    read = [rows.decode(row, DeedRow) for part in found for row in part]
    return sorted(read, key=lambda row: (row.planned_at, row.key))


async def targets(ledger: Ledger) -> list[TargetRow]:
    """Every target that is, or may be, as a deed left it; the latest last."""
    found = await _all(ledger, "o", TargetRow)
    held = [row for row in found if not row.is_free]
    return sorted(held, key=lambda row: (row.changed_at, row.deed.target))


async def lineage(shelf: Shelf, incident_id: str) -> list[Incident]:
    """The incident, and what it was merged into, step by step; empty where it is none.

    The last is the one that goes on. As the store has them now.
    """
    found: list[Incident] = []
    step: str | None = incident_id
    while step is not None and len(found) < MOST_STEPS:
        known = await head(shelf, step)
        if known is None:
            break
        found.append(known)
        step = known.merged_into
    return found


async def alert(ledger: Ledger, alert_id: str) -> AlertRow | None:
    """The alert of an id in any case, or the place that is held for it.

    It may lie in several partitions, where two roads named two subscriptions: what is
    known of it is then the latest version.
    """
    key = rows.alert(alert_id)
    found = await asyncio.gather(
        *(
            ledger.table.get(partition, [key])
            for partition in rows.all_partitions(ledger.partitions)
        )
    )
    known = [rows.decode(part[key], AlertRow) for part in found if key in part]
    return max(known, key=lambda row: (not row.is_expected, row.version), default=None)


async def alerts_of(shelf: Shelf, family: Collection[str]) -> list[AlertRow]:
    """The alerts that were put on any of these incidents of one partition."""
    found = await _of(shelf, family, "a", AlertRow)
    return [row for row in found if row.incident in family and not row.is_expected]


async def actions_of(shelf: Shelf, family: Collection[str]) -> list[ActionRow]:
    """The actions of these incidents, the first planned first."""
    found = await asyncio.gather(
        *(shelf.scan(shelf.partition_of(each), f"x|{each}") for each in sorted(family))
    )
    read = [rows.decode(row, ActionRow) for part in found for row in part]
    return sorted(read, key=lambda row: (row.planned_at, row.key))


async def evidence(ledger: Ledger) -> list[EvidenceRow]:
    """All evidence in the table, the most telling first."""
    found = await _all(ledger, "e", EvidenceRow)
    return sorted(found, key=lambda row: row.place)


async def evidence_of(
    shelf: Shelf, family: Collection[str]
) -> list[tuple[EvidenceRow, str]]:
    """The evidence of these incidents with the versions of the rows.

    What an app of another version wrote and this one cannot read is left out.
    """
    found = await asyncio.gather(
        *(
            shelf.scan(shelf.partition_of(each), f"e|{each}")
            for each in dict.fromkeys(family)
        )
    )
    read = []
    for row in (row for part in found for row in part):
        with contextlib.suppress(msgspec.MsgspecError):
            read.append((rows.decode(row, EvidenceRow), row.etag))
    return read


async def some_alerts(ledger: Ledger, head: Incident) -> list[AlertRow]:
    """The first and the latest alerts of an incident, and of some that it absorbed.

    Found by the timeline, so that it costs the same however many alerts there are
    elsewhere.
    """
    partition = rows.partition_of_incident(head.id)
    family = (head.id, *head.absorbed[:MOST_ABSORBED])
    latest = max(0, head.sequence - MOST_ENTRIES)
    scans = [
        ledger.table.scan(partition, rows.entry(head.id, latest), f"t|{head.id}}}")
    ]
    scans += [
        ledger.table.scan(partition, *rows.span(f"t|{each}"), limit=MOST_ENTRIES)
        for each in family
    ]
    entries = [
        rows.decode(row, Entry) for part in await asyncio.gather(*scans) for row in part
    ]
    named = [fact.alert for entry in entries for fact in entry.facts if fact.alert]
    keys = [*dict.fromkeys(map(rows.alert, named))]
    half = MOST_ALERTS // 2
    chosen = keys if len(keys) <= MOST_ALERTS else [*keys[:half], *keys[-half:]]
    known = {key: ledger.recall(partition, key, AlertRow) for key in chosen}
    unknown = [key for key, row in known.items() if row is None]
    read = await ledger.table.get(partition, unknown) if unknown else {}
    return [row for row in known.values() if row is not None] + [
        rows.decode(row, AlertRow) for row in read.values()
    ]


async def alerts_by(ledger: Ledger, incident_id: str) -> list[AlertRow]:
    """Some alerts of the incident of that id, as ``some_alerts``; none without it."""
    if not rows.is_incident_id(incident_id):
        return []
    partition, key = rows.partition_of_incident(incident_id), rows.incident(incident_id)
    await ledger.refresh(partition, [key])
    found = ledger.recall(partition, key, Incident)
    return [] if found is None else await some_alerts(ledger, found)


async def head(shelf: Shelf, incident_id: str) -> Incident | None:
    """The head of this very incident, merged or not, as the store has it now."""
    if not rows.is_incident_id(incident_id):
        return None
    key = rows.incident(incident_id)
    partition = shelf.partition_of(incident_id)
    row = (await shelf.table.get(partition, [key])).get(key)
    return rows.decode(row, Incident) if row else None


async def chain(shelf: Shelf, incident_id: str) -> list[Row]:
    """The rows of an incident's timeline as they are stored, in order."""
    return await shelf.scan(shelf.partition_of(incident_id), f"t|{incident_id}")


async def chained(shelf: Shelf, incident_id: str) -> tuple[Incident, list[Row]] | None:
    """An incident and the rows of its timeline, both of one moment."""
    before = await head(shelf, incident_id)
    for _ in range(MOST_READINGS):
        if before is None:
            return None
        found = await chain(shelf, incident_id)
        after = await head(shelf, incident_id)
        if after is not None and after.revision == before.revision:
            return after, found
        # An entry was written meanwhile: the rows may be of before or after it.
        before = after
    raise StoreConflict(f"incident {incident_id} changes faster than it can be read")


async def timeline(shelf: Shelf, incident_id: str) -> list[Entry]:
    """What happened to an incident, in order."""
    return [rows.decode(row, Entry) for row in await chain(shelf, incident_id)]


async def oldest_due(ledger: Ledger) -> datetime | None:
    """When the incident that waits longest was or will be due."""
    first, last = rows.span("d")
    found = await asyncio.gather(
        *(
            ledger.table.scan(partition, first, last, limit=1)
            for partition in rows.all_partitions(ledger.partitions)
        )
    )
    return min((rows.due_at(row.key) for part in found for row in part), default=None)


async def pages(shelf: Shelf, partition: str, prefix: str) -> AsyncIterator[list[Row]]:
    """The rows of a kind, some at a time.

    What is written meanwhile is given too, where its key lies ahead.
    """
    first, last = rows.span(prefix)
    while found := await shelf.table.scan(partition, first, last, limit=PAGE):
        yield found
        if len(found) < PAGE:
            return
        first = found[-1].key + _NEXT


async def _of(
    shelf: Shelf, family: Collection[str], prefix: str, kind: type[_D]
) -> list[_D]:
    """Every row of a kind in the partitions that the incidents lie in."""
    found = await asyncio.gather(
        *(
            shelf.scan(partition, prefix)
            for partition in sorted(set(map(shelf.partition_of, family)))
        )
    )
    return [rows.decode(row, kind) for part in found for row in part]


async def _all(ledger: Ledger, prefix: str, kind: type[_D]) -> list[_D]:
    found = await asyncio.gather(
        *(
            ledger.scan(partition, prefix)
            for partition in rows.all_partitions(ledger.partitions)
        )
    )
    return [rows.decode(row, kind) for part in found for row in part]
