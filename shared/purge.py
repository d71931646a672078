"""Takes away rows that nothing can ask for any more: they belong to no incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shared.model.correlation import OpenKey
from shared.model.errors import StoreConflict
from shared.model.silence import Kept
from shared.store import limits, reading, rows
from shared.store.ports import Delete

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from shared.store.ledger import Ledger

# Rows of one kind taken from one partition in one run; the rest waits for the next.
MOST_PER_PARTITION = 10_000


class _Kind(NamedTuple):
    """Rows of one prefix, and whether one ended before a moment."""

    prefix: str
    document: type[Any]
    has_ended: Callable[[Any, datetime], bool]


class Purge:
    """Old correlation keys, silences, and notes of commands that were carried out.

    ``gap`` is how far from its intervals a key still ties.
    """

    def __init__(self, ledger: Ledger, *, gap: timedelta) -> None:
        self._ledger = ledger
        self._kinds = (
            _Kind("k", OpenKey, lambda key, at: _ended(key, at - gap)),
            _Kind("i", rows.Once, lambda once, at: once.at < at),
            _Kind(rows.SILENCE, Kept, lambda kept, at: kept.silence.until < at),
        )

    async def __call__(self, partition: str, before: datetime) -> int:
        """Take away what ended before that moment; how many rows.

        One that changes meanwhile stays. Raises StoreUnavailable.
        """
        return sum([await self._of(k, partition, before) for k in self._kinds])

    async def _of(self, kind: _Kind, partition: str, before: datetime) -> int:
        gone = 0
        async for page in reading.pages(self._ledger, partition, kind.prefix):
            past = [
                Delete(row.key, row.etag)
                for row in page
                if kind.has_ended(rows.decode(row, kind.document), before)
            ]
            for part in limits.transactions(partition, past):
                try:
                    await self._ledger.table.commit(partition, part)
                except StoreConflict:
                    continue
                self._ledger.memory.forget(partition, [each.key for each in part])
                gone += len(part)
            if gone >= MOST_PER_PARTITION:
                break
        return gone


def _ended(key: OpenKey, before: datetime) -> bool:
    """Whether no alert of that moment or later can be tied by the key."""
    return all(interval.end < before for interval in key.intervals)
