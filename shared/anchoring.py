"""Whether the audit trail has the timeline of an incident, and up to when.

Each entry names the hash of the one before, so the latest that is in the trail vouches
for all before it: one row and one blob are read, however long the timeline is.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import ArchiveBroken
from shared.model.incident import Entry
from shared.store import rows, trail
from shared.store.batches import day_of, sha256
from shared.timeline import Anchor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from shared.store.ledger import Ledger
    from shared.store.ports import Blobs, Row


async def anchor(
    ledger: Ledger, blobs: Blobs, found: Sequence[Row], *, is_past: bool
) -> Anchor | None:
    """What the trail says of the rows of a timeline; None where it has none of it.

    ``is_past`` is said of an incident in ``history``. A day that was deleted by its age
    or cannot be read is none. Raises StoreUnavailable.
    """
    noted = (await ledger.table.get(rows.SHARED, [rows.TRAIL])).get(rows.TRAIL)
    if noted is None:
        return None
    head = rows.decode(noted, rows.TrailHead)
    latest = _latest(found, head.day)
    if latest is None:
        return None
    row, entry = latest
    day = day_of(entry.at)
    data = await blobs.get(trail.name_of(day))
    try:
        told = trail.unpack(trail.name_of(day), data or b"")
    except ArchiveBroken:
        return None
    if sha256(row.doc) in {record.sha256 for record in told.records}:
        until = datetime.combine(head.day + timedelta(days=1), time(), UTC)
        return Anchor(until=until)
    # What was in history when the trail began was not read for it.
    if is_past and day < head.begun:
        return None
    return Anchor(problem=f"entry {entry.sequence} is not in the audit trail of {day}")


def _latest(found: Sequence[Row], last: date) -> tuple[Row, Entry] | None:
    """The latest entry of that day or an earlier one; None where there is none."""
    for row in reversed(found):
        try:
            entry = rows.decode(row, Entry)
        except msgspec.MsgspecError:
            return None
        if day_of(entry.at) <= last:
            return row, entry
    return None
