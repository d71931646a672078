"""Storage in memory: the ports of ``shared.store`` with the service's own strictness.

tests/contract runs one suite over these and over Azurite, so they cannot lie.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from shared.model.errors import RowExists, StoreConflict, StoreLimit, StoreUnavailable
from shared.store import limits
from shared.store.ports import Delete, Put, Row
from shared.store.queues import LONGEST_MESSAGE
from tests.fakes.clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from shared.store.ports import Write


class Faults:
    """Counts the calls of every fake that shares it, and makes one of them fail.

    ``calls`` counts by name, such as ``table.commit``; ``failed`` names what failed.
    While ``is_down``, after a failure for good, every call fails until ``heal``.
    """

    def __init__(self, pauses: Callable[[], int] = lambda: 0) -> None:
        self.calls: Counter[str] = Counter()
        self.failed: list[str] = []
        self._pauses = pauses
        self._fatal: int | None = None
        self._of = ""
        self._took_effect = False
        self._for_good = False
        self.is_down = False

    @property
    def total(self) -> int:
        """How many calls there were."""
        return self.calls.total()

    def fail_after(
        self,
        calls: int,
        *,
        of: str = "",
        took_effect: bool = False,
        for_good: bool = False,
    ) -> None:
        """Have the ``calls``-th call from now on, of one name or any, fail.

        It raises StoreUnavailable; with ``took_effect`` once it is done, so that the
        caller cannot know.
        """
        self._fatal = self._count(of) + calls
        self._of = of
        self._took_effect = took_effect
        self._for_good = for_good

    def go_down(self) -> None:
        """Have every call fail until ``heal``."""
        self.is_down = True

    def heal(self) -> None:
        """Have no call fail any more."""
        self._fatal = None
        self.is_down = False

    @contextlib.asynccontextmanager
    async def call(self, name: str) -> AsyncIterator[None]:
        """One call of a fake, with what is to go wrong in it."""
        for _ in range(self._pauses()):
            await asyncio.sleep(0)
        if self.is_down:
            self.failed.append(name)
            raise StoreUnavailable(f"fake: {name} while down")
        self.calls[name] += 1
        is_fatal = name.startswith(self._of) and self._count(self._of) == self._fatal
        if is_fatal:
            self.is_down = self._for_good
            self.failed.append(name)
        if is_fatal and not self._took_effect:
            raise StoreUnavailable(f"fake: {name} not done")
        yield
        if is_fatal:
            raise StoreUnavailable(f"fake: {name} done, but nobody was told")
        for _ in range(self._pauses()):
            await asyncio.sleep(0)

    def _count(self, name: str) -> int:
        return self.calls[name] if name else self.total


class FakeTable:
    """``ports.Table`` in memory, held to the limits of the service."""

    def __init__(
        self,
        clock: Callable[[], datetime] | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self.faults = faults or Faults()
        self.commits: list[Sequence[Write]] = []
        self._rows: dict[tuple[str, str], Row] = {}
        self._versions = itertools.count(1)
        self._rivals: list[Callable[[], Awaitable[object]]] = []

    def before_commit(self, rival: Callable[[], Awaitable[object]]) -> None:
        """Let a second writer run just before the next commit; once."""
        self._rivals.append(rival)

    async def get(self, partition: str, keys: Collection[str]) -> dict[str, Row]:
        async with self.faults.call("table.get"):
            for key in keys:
                limits.check_key(key)
            return {
                key: self._rows[partition, key]
                for key in keys
                if (partition, key) in self._rows
            }

    async def scan(
        self, partition: str, first: str, last: str, *, limit: int | None = None
    ) -> list[Row]:
        async with self.faults.call("table.scan"):
            for key in (partition, first, last):
                limits.check_key(key)
            found = sorted(
                row
                for (place, key), row in self._rows.items()
                if place == partition and first <= key < last
            )
            return found[:limit]

    async def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        if self._rivals:
            await self._rivals.pop(0)()
        async with self.faults.call("table.commit"):
            limits.check(partition, writes)
            for write in writes:
                if isinstance(write, Put):
                    limits.chunks(write.doc)
                self._check_version(partition, write)
            self.commits.append(list(writes))
            return self._apply(partition, writes)

    def now(self) -> datetime:
        return self._clock()

    @property
    def keys(self) -> list[str]:
        """The key of every row, in order."""
        return sorted(key for _, key in self._rows)

    def _check_version(self, partition: str, write: Write) -> None:
        found = self._rows.get((partition, write.key))
        if isinstance(write, Delete) and write.etag is None:
            is_as_expected = found is not None
        else:
            is_as_expected = (found.etag if found else None) == write.etag
        if not is_as_expected:
            is_insert = isinstance(write, Put) and write.etag is None
            error = RowExists if is_insert else StoreConflict
            raise error(f"fake: {write.key}")

    def _apply(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        etags: dict[str, str] = {}
        for write in writes:
            if isinstance(write, Delete):
                del self._rows[partition, write.key]
                continue
            etag = f'W/"{next(self._versions)}"'
            self._rows[partition, write.key] = Row(write.key, write.doc, etag)
            etags[write.key] = etag
        return etags


class FakeBlobs:
    """``ports.Blobs`` in memory; while ``is_immutable``, none can be changed."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.is_immutable = False
        self.blobs: dict[str, bytes] = {}

    async def put(self, name: str, data: bytes) -> None:
        async with self.faults.call("blobs.put"):
            if self.is_immutable and name in self.blobs:
                raise StoreConflict(f"fake: {name} is immutable")
            self.blobs[name] = data

    async def keep(self, name: str, data: bytes) -> bool:
        async with self.faults.call("blobs.keep"):
            is_new = name not in self.blobs
            self.blobs.setdefault(name, data)
            return is_new

    async def get(self, name: str, *, offset: int = 0, length: int = 0) -> bytes | None:
        async with self.faults.call("blobs.get"):
            data = self.blobs.get(name)
            if data is None:
                return None
            return data[offset : offset + length if length else None]

    async def names(self, prefix: str) -> AsyncIterator[str]:
        async with self.faults.call("blobs.names"):
            found = sorted(name for name in self.blobs if name.startswith(prefix))
        for name in found:
            yield name

    async def sizes(self, prefix: str) -> AsyncIterator[tuple[str, int]]:
        async with self.faults.call("blobs.sizes"):
            found = sorted(name for name in self.blobs if name.startswith(prefix))
        for name in found:
            yield name, len(self.blobs[name])


class Message(NamedTuple):
    """A message in the fake queue."""

    visible_at: datetime
    body: bytes
    dequeued: int = 0


class FakeQueue:
    """``ports.Queue`` in memory, with the reading side that the host has."""

    def __init__(
        self,
        clock: Callable[[], datetime] | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self.faults = faults or Faults()
        self.messages: list[Message] = []

    async def send(self, message: bytes, *, delay: timedelta | None = None) -> None:
        async with self.faults.call("queue.send"):
            if len(message) > LONGEST_MESSAGE:
                raise StoreLimit(f"message of {len(message)} bytes")
            message.decode()
            visible_at = self._clock() + delay if delay else self._clock()
            self.messages.append(Message(visible_at, message))

    def receive(self) -> Message | None:
        """Take the first message that can be seen now."""
        for message in sorted(self.messages):
            if message.visible_at <= self._clock():
                self.messages.remove(message)
                return message._replace(dequeued=message.dequeued + 1)
        return None

    def give_back(self, message: Message, hidden_for: timedelta) -> None:
        """Return a message whose reader failed."""
        later = self._clock() + hidden_for
        self.messages.append(message._replace(visible_at=later))
