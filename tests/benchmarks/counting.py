"""What storage is asked: every call that the service would bill, counted at the ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.store import messages
from shared.store.ports import Put

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from shared.store.ports import Blobs, Queue, Row, Table, Write

# The service answers a query in pages of that many rows, each a request.
PAGE = 1_000


class Requests(msgspec.Struct):
    """Calls so far; a transaction is one, and so is each page of a query."""

    commits: int = 0
    gets: int = 0
    scans: int = 0
    blobs: int = 0
    messages: int = 0
    rows_written: int = 0
    rows_read: int = 0
    row_bytes: int = 0
    blob_bytes: int = 0

    @property
    def total(self) -> int:
        """Everything that is billed as a request."""
        return self.commits + self.gets + self.scans + self.blobs + self.messages

    def __sub__(self, other: Requests) -> Requests:
        mine, theirs = msgspec.to_builtins(self), msgspec.to_builtins(other)
        return Requests(**{name: mine[name] - theirs[name] for name in mine})


class Journal:
    """The rows that each batch wrote, in a file for the bare writer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._rows: list[tuple[str, str, bytes]] = []

    def note(self, partition: str, puts: Iterable[Put]) -> None:
        """A transaction wrote these."""
        self._rows += [(partition, put.key, put.doc) for put in puts]

    def end_of_batch(self) -> None:
        """What comes now is the next batch's."""
        packed = msgspec.msgpack.encode(self._rows)
        self._file.write(len(packed).to_bytes(8, "big") + packed)
        self._rows.clear()

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    @staticmethod
    def read(path: Path) -> Iterator[list[tuple[str, str, bytes]]]:
        """The rows of each batch: partition, key, document."""
        with path.open("rb") as file:
            while size := file.read(8):
                packed = file.read(int.from_bytes(size, "big"))
                yield msgspec.msgpack.decode(packed, type=list[tuple[str, str, bytes]])


class CountedTable:
    """A table that counts; ``journal`` gets every row that was written."""

    def __init__(
        self,
        table: Table,
        requests: Requests,
        journal: Journal | None = None,
    ) -> None:
        self._table = table
        self._requests = requests
        self._journal = journal

    async def get(self, partition: str, keys: Collection[str]) -> dict[str, Row]:
        self._requests.gets += len(keys)
        found = await self._table.get(partition, keys)
        self._requests.rows_read += len(found)
        return found

    async def scan(
        self, partition: str, first: str, last: str, *, limit: int | None = None
    ) -> list[Row]:
        found = await self._table.scan(partition, first, last, limit=limit)
        self._requests.scans += max(1, -(-len(found) // PAGE))
        self._requests.rows_read += len(found)
        return found

    async def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        self._requests.commits += 1
        etags = await self._table.commit(partition, writes)
        puts = [write for write in writes if isinstance(write, Put)]
        self._requests.rows_written += len(writes)
        self._requests.row_bytes += sum(len(put.doc) for put in puts)
        if self._journal is not None:
            self._journal.note(partition, puts)
        return etags

    def now(self) -> datetime:
        return self._table.now()


class CountedBlobs:
    """Blobs that count what is put; nothing here reads or lists."""

    def __init__(self, blobs: Blobs, requests: Requests) -> None:
        self._blobs = blobs
        self._requests = requests

    async def put(self, name: str, data: bytes) -> None:
        self._requests.blobs += 1
        self._requests.blob_bytes += len(data)
        await self._blobs.put(name, data)

    async def keep(self, name: str, data: bytes) -> bool:
        self._requests.blobs += 1
        self._requests.blob_bytes += len(data)
        return await self._blobs.keep(name, data)

    async def get(self, name: str, *, offset: int = 0, length: int = 0) -> bytes | None:
        self._requests.blobs += 1
        return await self._blobs.get(name, offset=offset, length=length)

    def names(self, prefix: str) -> AsyncIterator[str]:
        return self._blobs.names(prefix)

    def sizes(self, prefix: str) -> AsyncIterator[tuple[str, int]]:
        return self._blobs.sizes(prefix)


class CountedQueue:
    """A queue that counts what is sent, and keeps which incidents it was about."""

    def __init__(self, queue: Queue, requests: Requests) -> None:
        self._queue = queue
        self._requests = requests
        self.told: list[str] = []

    async def send(self, message: bytes, *, delay: timedelta | None = None) -> None:
        self._requests.messages += 1
        self.told += messages.decode(message)
        await self._queue.send(message, delay=delay)
