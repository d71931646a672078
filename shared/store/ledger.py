"""The one loop of read, decide, commit that everything which writes goes through."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from shared.model.errors import RowExists, StoreConflict
from shared.model.incident import Incident
from shared.store import rows
from shared.store.draft import Draft
from shared.store.memory import Known, Memory, Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from shared.store.ports import Row, Table

# After that many the batch is the platform's to run again (review F1).
MOST_CONFLICTS = 20

META_PARTITION = "meta"
META_ROW = "layout"

_T = TypeVar("_T")
_D = TypeVar("_D", bound=Remembered)


class Ledger:
    """Transactions on the partitions of table ``work``.

    Decisions are pure functions of a Draft; they may run several times and must change
    nothing else. Within one process a partition has one writer at a time, so workers
    conflict only across processes.
    """

    is_history = False

    def __init__(
        self, table: Table, partitions: int, memory: Memory | None = None
    ) -> None:
        self.table = table
        self.partitions = partitions
        self.memory = memory or Memory()
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def now(self) -> datetime:
        """The time by the store's clock."""
        return self.table.now()

    def partition_of(self, incident_id: str) -> str:
        """The partition an incident lies in."""
        return rows.partition_of_incident(incident_id)

    async def transact(
        self, partition: str, decide: Callable[[Draft], _T], *, by: str
    ) -> tuple[_T, dict[str, str]]:
        """Decide on what is known, commit, and give the result and the new versions.

        Raises StoreConflict when 20 attempts lost, StoreUnavailable when the store
        does not answer; then nothing of the last attempt was written, or all of it.
        """
        answers: dict[str, Known | None] = {}
        conflicts = 0
        async with self._locks[partition]:
            while True:
                draft = Draft(
                    partition,
                    self.memory,
                    self.now(),
                    answers=answers,
                    conflicts=conflicts,
                )
                result = decide(draft)
                # Once it proved wrong, nothing more is taken to be absent unasked.
                asked = draft.missing or (conflicts and draft.unknown)
                if asked:
                    answers |= await self._read(partition, asked)
                    continue
                writes = draft.finish(by)
                if not writes:
                    return result, {}
                try:
                    etags = await self.table.commit(partition, writes)
                except StoreConflict as conflict:
                    conflicts += 1
                    if conflicts >= MOST_CONFLICTS:
                        raise
                    # What was not there may be there by now.
                    for key in draft.written & answers.keys():
                        if answers[key] is None:
                            del answers[key]
                    is_news = isinstance(conflict, RowExists)
                    if not (is_news and draft.unknown):
                        answers |= await self._read_again(partition, draft)
                    continue
                draft.committed(etags)
                return result, etags

    def remembered(self, head: Incident) -> Incident:
        """The head as this process last read or wrote it: after a commit, as stored."""
        partition = rows.partition_of_incident(head.id)
        return self.recall(partition, rows.incident(head.id), Incident) or head

    def recall(self, partition: str, key: str, kind: type[_D]) -> _D | None:
        """A row as this process last read or wrote it; None where it knows of none."""
        known = self.memory.recall(partition, key)
        found = known.document if known else None
        return found if isinstance(found, kind) else None

    async def refresh(self, partition: str, keys: Collection[str]) -> None:
        """Read rows again, whatever is remembered of them."""
        async with self._locks[partition]:
            await self._read(partition, set(keys))

    async def scan(self, partition: str, prefix: str) -> list[Row]:
        """All rows of a partition whose key begins with ``prefix`` and a bar."""
        return await self.table.scan(partition, *rows.span(prefix))

    async def _read_again(
        self, partition: str, draft: Draft
    ) -> dict[str, Known | None]:
        """Learn the rows that the draft would replace.

        Where a group is no longer what it was, its keys lead elsewhere too.
        """
        before = {key: draft.known(key) for key in draft.written}
        found = await self._read(partition, draft.written)
        if any(_is_regrouped(before[key], now) for key, now in found.items()):
            found |= await self._read(partition, draft.touched - draft.written)
        return found

    async def _read(self, partition: str, keys: set[str]) -> dict[str, Known | None]:
        """Learn the rows; None for those that do not exist."""
        self.memory.forget(partition, keys)
        found = await self.table.get(partition, keys)
        return dict.fromkeys(keys) | self.memory.learn(partition, found)


def _is_regrouped(before: Known | None, now: Known | None) -> bool:
    """Whether it was a head, and somebody merged or split its incident."""
    if before is None or not isinstance(before.document, Incident):
        return False
    if now is None or not isinstance(now.document, Incident):
        return True
    return _group(before.document) != _group(now.document)


def _group(head: Incident) -> tuple[object, ...]:
    """What merging and splitting change of an incident."""
    return head.merged_into, head.absorbed, head.apart, head.kin
