"""Many forwards in one call: whoever comes while one is on its way goes with the next.

Nothing waits for a batch to fill, and no task of its own runs: the first that comes
sends for all that came meanwhile. One call at a time is also what keeps a slow side from
being flooded.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

# What waits for a slow side; more is put off, and comes back when the core says.
MOST_WAITING = 8 * 1024 * 1024


class _Part:
    """The records of one forward, and what came of them."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self.records = records
        self.size = sum(map(len, records)) + len(records)
        self.traffic = Traffic()
        self.error: BaseException | None = None
        self.is_over = False

    def ends(self, error: BaseException | None = None) -> None:
        self.error = error
        self.is_over = True


class Batch:
    """Sends encoded records together, at most ``most`` bytes of them at once.

    ``send`` sends a list of records in one call and says how many bytes that were; it
    raises TransientFailure or PermanentFailure. ``total`` is everything that was tried.
    """

    def __init__(
        self, send: Callable[[Sequence[bytes]], Awaitable[int]], *, most: int
    ) -> None:
        self._send = send
        self._most = most
        self._waiting: list[_Part] = []
        self._lock = asyncio.Lock()
        self.total = Traffic()

    async def __call__(self, records: Sequence[bytes]) -> Traffic:
        """Send these, with whatever waits; raise what became of them.

        Where the side takes none of what went together, each is tried alone: what it
        minds in one keeps no other from it.
        """
        part = _Part(records)
        if sum(each.size for each in self._waiting) > MOST_WAITING:
            raise TransientFailure(
                FailureReason.RATE_LIMITED, "more waits for this side than it takes"
            )
        self._waiting.append(part)
        try:
            async with self._lock:
                while not part.is_over:
                    await self._flush()
        finally:
            if part in self._waiting:
                self._waiting.remove(part)
        if part.error is not None:
            raise part.error
        return part.traffic

    async def _flush(self) -> None:
        parts = self._next()
        try:
            if len(parts) == 1:
                await self._alone(parts[0])
            else:
                await self._together(parts)
        finally:
            late = TransientFailure(
                FailureReason.TIMEOUT, "whoever sent it was stopped"
            )
            for part in parts:
                if not part.is_over:
                    part.ends(late)

    def _next(self) -> list[_Part]:
        """The parts that go into one call: the first, and what fits behind it."""
        taken = [self._waiting.pop(0)]
        size = taken[0].size
        while self._waiting and size + self._waiting[0].size <= self._most:
            size += self._waiting[0].size
            taken.append(self._waiting.pop(0))
        return taken

    async def _together(self, parts: Sequence[_Part]) -> None:
        try:
            await self._call([r for part in parts for r in part.records], parts[0])
        except PermanentFailure:
            for part in parts:
                await self._alone(part)
        except TransientFailure as error:
            for part in parts:
                part.ends(error)
        else:
            for part in parts:
                part.ends()

    async def _alone(self, part: _Part) -> None:
        try:
            for chunk in _chunks(part.records, self._most):
                await self._call(chunk, part)
        except (PermanentFailure, TransientFailure) as error:
            part.ends(error)
        else:
            part.ends()

    async def _call(self, records: Sequence[bytes], payer: _Part) -> None:
        self.total += Traffic(records=len(records), calls=1)
        size = await self._send(records)
        self.total += Traffic(bytes=size)
        payer.traffic += Traffic(records=len(records), bytes=size, calls=1)


def _chunks(records: Sequence[bytes], most: int) -> list[list[bytes]]:
    """The records in order, as few lists as hold them."""
    chunks: list[list[bytes]] = [[]]
    size = 0
    for record in records:
        if chunks[-1] and size + len(record) + 1 > most:
            chunks.append([])
            size = 0
        chunks[-1].append(record)
        size += len(record) + 1
    return chunks
