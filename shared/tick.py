"""The third verb: have somebody look at whatever is due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared import telemetry
from shared.store import messages, rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.heartbeat import Beating
    from shared.noise import Noise
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue, Row

# Due lines taken from one partition in one minute; the rest waits for the next.
MOST_PER_PARTITION = 1_000


class Tick:
    """Reads the due index; the lines are moved by whoever does the work.

    ``heartbeat`` is told when all of that is done, where the policy has one.
    """

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        noise: Noise,
        heartbeat: Beating | None = None,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._noise = noise
        self._heartbeat = heartbeat

    async def __call__(self) -> int:
        """Enqueue every incident that is due; how many there were.

        One range query per partition, whatever the number of incidents. An incident
        that somebody works on at this moment is enqueued too, and left alone by its
        lease. Raises StoreUnavailable.
        """
        now = self._ledger.now()
        first, last = rows.due_until(now)
        found = await asyncio.gather(
            *(
                self._ledger.table.scan(p, first, last, limit=MOST_PER_PARTITION)
                for p in rows.all_partitions(self._ledger.partitions)
            )
        )
        due = [rows.decode(row, rows.Due).incident for part in found for row in part]
        due += await self._noise.tend()
        for part in messages.split(due):
            await self._queue.send(messages.encode(part))
        oldest = _oldest(found)
        if due:
            waited = int((now - oldest).total_seconds()) if oldest else 0
            telemetry.emit(telemetry.TICK_DONE, due=len(due), waited_s=waited)
        if self._heartbeat is not None:
            await self._heartbeat(now, oldest)
        return len(due)


def _oldest(found: Sequence[Sequence[Row]]) -> datetime | None:
    """Since when the incident waits that waits longest; lines are in order of time."""
    return min((rows.due_at(part[0].key) for part in found if part), default=None)
