"""Questions that people and reports ask of the whole table; nothing here writes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from shared.model.action import ActionRow
from shared.model.alert import AlertRow
from shared.model.books import Books
from shared.model.incident import Entry, Incident
from shared.store import rows

if TYPE_CHECKING:
    from datetime import datetime

    from shared.store.ledger import Ledger

_D = TypeVar("_D", AlertRow, Books, Incident, Entry, ActionRow)


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


async def timeline(ledger: Ledger, incident_id: str) -> list[Entry]:
    """What happened to an incident, in order."""
    partition = rows.partition_of_incident(incident_id)
    found = await ledger.scan(partition, f"t|{incident_id}")
    return [rows.decode(row, Entry) for row in found]


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


async def _all(ledger: Ledger, prefix: str, kind: type[_D]) -> list[_D]:
    found = await asyncio.gather(
        *(
            ledger.scan(partition, prefix)
            for partition in rows.all_partitions(ledger.partitions)
        )
    )
    return [rows.decode(row, kind) for part in found for row in part]
