"""Storage in memory, for one rehearsal: the ports of ``shared.store``."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

from shared.model.errors import RowExists, StoreConflict
from shared.store import limits
from shared.store.ports import Delete, Put, Row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from shared.store.ports import Write


class MemoryTable:
    """A ``Table`` that one process has to itself."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.now = clock
        self._rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self._etags = itertools.count(1)

    async def get(self, partition: str, keys: Collection[str]) -> dict[str, Row]:
        """The rows that exist."""
        for key in keys:
            limits.check_key(key)
        known = self._rows[partition]
        return {key: known[key] for key in keys if key in known}

    async def scan(
        self, partition: str, first: str, last: str, *, limit: int | None = None
    ) -> list[Row]:
        """Rows in key order."""
        for key in (first, last):
            limits.check_key(key)
        known = self._rows[partition]
        found = sorted(key for key in known if first <= key < last)
        return [known[key] for key in found[:limit]]

    async def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        """All of the writes or none, within what the service takes."""
        limits.check(partition, writes)
        known = self._rows[partition]
        for write in writes:
            there = known.get(write.key)
            if isinstance(write, Put):
                limits.chunks(write.doc)
            if isinstance(write, Put) and write.etag is None and there is not None:
                raise RowExists(write.key)
            is_any = isinstance(write, Delete) and write.etag is None
            etag = there.etag if there else None
            if (is_any and there is None) or (not is_any and etag != write.etag):
                raise StoreConflict(write.key)
        etags: dict[str, str] = {}
        for write in writes:
            if isinstance(write, Delete):
                del known[write.key]
                continue
            etags[write.key] = str(next(self._etags))
            known[write.key] = Row(write.key, write.doc, etags[write.key])
        return etags


class MemoryBlobs:
    """``Blobs`` that one process has to itself."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    async def put(self, name: str, data: bytes) -> None:
        """Write or overwrite."""
        self._blobs[name] = data

    async def keep(self, name: str, data: bytes) -> bool:
        """Write once."""
        is_new = name not in self._blobs
        self._blobs.setdefault(name, data)
        return is_new

    async def get(self, name: str, *, offset: int = 0, length: int = 0) -> bytes | None:
        """The bytes, or a part of them."""
        data = self._blobs.get(name)
        if data is None:
            return None
        return data[offset : offset + length if length else None]

    async def names(self, prefix: str) -> AsyncIterator[str]:
        """Every name that begins so, in order."""
        for name in sorted(self._blobs):
            if name.startswith(prefix):
                yield name

    async def sizes(self, prefix: str) -> AsyncIterator[tuple[str, int]]:
        """Every name that begins so, in order, and how many bytes each has."""
        async for name in self.names(prefix):
            yield name, len(self._blobs[name])


class MemoryQueue:
    """A ``Queue``, and what takes its messages as the host does."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._messages: list[tuple[datetime, int, bytes]] = []
        self._numbers = itertools.count()

    async def send(self, message: bytes, *, delay: timedelta | None = None) -> None:
        """Enqueue, visible after the delay."""
        at = self._clock() + delay if delay else self._clock()
        self._messages.append((at, next(self._numbers), message))

    @property
    def next_at(self) -> datetime | None:
        """When the next message shows; None where there is none."""
        return min(self._messages)[0] if self._messages else None

    def take(self) -> bytes | None:
        """The first message that shows now."""
        if not self._messages or min(self._messages)[0] > self._clock():
            return None
        first = min(self._messages)
        self._messages.remove(first)
        return first[2]
