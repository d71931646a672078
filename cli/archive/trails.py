"""The audit trail: reading it, and holding it to itself and to the timelines."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model.errors import ArchiveBroken
from shared.store import rows, trail
from shared.store.batches import day_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import date

    from cli.archive.period import Period
    from cli.archive.verifying import Told, Verified
    from shared.store.ledger import Ledger
    from shared.store.ports import Blobs

# Each night writes the day before; the night that comes may still do it.
STALE = timedelta(days=2)

# What the trail is called in lists of sources.
SOURCE = "audit"


async def sizes(blobs: Blobs, period: Period) -> dict[str, int]:
    """The days of the period, with their bytes."""
    return {
        name: size
        async for name, size in blobs.sizes(trail.TRAIL)
        if _is_in(name, period)
    }


async def text_of(blobs: Blobs, period: Period) -> AsyncIterator[list[str]]:
    """The lines of each day of the period, as they were written.

    Raises ArchiveBroken and StoreUnavailable.
    """
    async for name in blobs.names(trail.TRAIL):
        if _is_in(name, period):
            data = await blobs.get(name)
            if data is not None:
                yield trail.text(name, data).decode().removesuffix("\n").split("\n")


def _is_in(name: str, period: Period) -> bool:
    day = trail.day_of_name(name)
    return day is not None and period.since.date() <= day <= period.last


async def verify(
    ledger: Ledger,
    blobs: Blobs,
    entries: dict[str, Told],
    found: Verified,
    *,
    kept_since: date | None,
) -> None:
    """Note what does not fit of the trail, to which ``entries`` are to belong."""
    row = (await ledger.table.get(rows.SHARED, [rows.TRAIL])).get(rows.TRAIL)
    head = rows.decode(row, rows.TrailHead) if row else None
    days: list[trail.Day] = []
    async for name in blobs.names(trail.TRAIL):
        data = await blobs.get(name)
        try:
            day = trail.unpack(name, data or b"")
        except ArchiveBroken as error:
            found.wrong("audit trail", name, str(error))
            continue
        if trail.name_of(day.opening.day) != name:
            found.wrong("audit trail", name, f"is that of {day.opening.day}")
            continue
        days.append(day)
    found.days = len(days)
    today = day_of(ledger.now())
    _chain(days, head, found, kept_since=kept_since, today=today)
    _entries(days, entries, found)


def _chain(
    days: list[trail.Day],
    head: rows.TrailHead | None,
    found: Verified,
    *,
    kept_since: date | None,
    today: date,
) -> None:
    for day, problem in trail.problems(days):
        found.wrong("audit trail", str(day), problem)
    first, last = (days[0].opening, days[-1]) if days else (None, None)
    if first and first.number > 1 and (kept_since is None or first.day > kept_since):
        problem = f"{first.number - 1} days before it are missing"
        found.wrong("audit trail", str(first.day), problem)
    if head is None:
        return
    if head.day < today - STALE:
        found.wrong("audit trail", str(head.day), "nothing was written since that day")
    if last is None or last.opening.day < head.day:
        found.wrong("audit trail", str(head.day), "was written, and is not there")
    elif last.opening.day == head.day and last.sha256 != head.sha256:
        found.wrong("audit trail", str(head.day), "is not what was written")


def _entries(days: list[trail.Day], entries: dict[str, Told], found: Verified) -> None:
    """Each entry of a timeline is in the trail of its day, and each there in one."""
    told: set[str] = set()
    for day in days:
        for record in day.records:
            if not record.sha256:
                continue
            found.told += 1
            told.add(record.sha256)
            if record.sha256 not in entries:
                problem = f"an entry that the trail has of {day.opening.day} is gone"
                found.wrong("timeline", record.incident, problem)
    begun = {day.opening.day: day.opening.begun for day in days}
    for digest, entry in entries.items():
        if digest in told or entry.day not in begun:
            continue
        # What was in history when the trail began was not read for it.
        if not (entry.is_past and entry.day < begun[entry.day]):
            problem = f"entry {entry.number} is not in the audit trail of {entry.day}"
            found.wrong("timeline", entry.incident, problem)
