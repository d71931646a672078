"""What the core asks of its storage; ``tables``, ``blobs`` and ``queues`` answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence
    from datetime import datetime, timedelta


class Row(NamedTuple):
    """A stored row: its key in the partition, its JSON document, its version."""

    key: str
    doc: bytes
    etag: str


class Put(NamedTuple):
    """Insert a row (no etag), or replace exactly the version read."""

    key: str
    doc: bytes
    etag: str | None = None


class Delete(NamedTuple):
    """Delete exactly the version read, or whatever version there is (no etag)."""

    key: str
    etag: str | None = None


Write = Put | Delete


class Table(Protocol):
    """Partitions of rows; every method raises StoreUnavailable without an answer."""

    async def get(self, partition: str, keys: Collection[str]) -> dict[str, Row]:
        """The rows that exist; the others are absent from the answer."""
        ...

    async def scan(
        self, partition: str, first: str, last: str, *, limit: int | None = None
    ) -> list[Row]:
        """Rows with first <= key < last, in key order, the first ``limit`` of them."""
        ...

    async def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        """All of the writes or none; the new version of each row put.

        Raises RowExists when a row to insert is there, StoreConflict when one to
        replace or delete has another version or is gone, StoreLimit when the service
        would refuse it.
        """
        ...

    def now(self) -> datetime:
        """The time by the storage server's clock, which every worker shares."""
        ...


class Blobs(Protocol):
    """Named bytes in one container; every method raises StoreUnavailable."""

    async def put(self, name: str, data: bytes) -> None:
        """Write or overwrite.

        Raises StoreConflict where the blob is there and nobody may change it.
        """
        ...

    async def keep(self, name: str, data: bytes) -> bool:
        """Write once; False where there is a blob of that name, which stays as it is."""
        ...

    async def get(self, name: str, *, offset: int = 0, length: int = 0) -> bytes | None:
        """The bytes, or None where there is no such blob.

        From ``offset`` on, ``length`` of them; 0 is all. What lies past the end of the
        blob is left out.
        """
        ...

    def names(self, prefix: str) -> AsyncIterator[str]:
        """Every name that begins so, in order."""
        ...

    def sizes(self, prefix: str) -> AsyncIterator[tuple[str, int]]:
        """Every name that begins so, in order, and how many bytes each has."""
        ...


class Queue(Protocol):
    """Messages that say: look at these."""

    async def send(self, message: bytes, *, delay: timedelta | None = None) -> None:
        """Enqueue, visible after the delay. At most 48 KiB (base64 of 64 KiB)."""
        ...
