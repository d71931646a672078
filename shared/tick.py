"""The third verb: have somebody look at whatever is due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared import telemetry
from shared.store import messages, rows

if TYPE_CHECKING:
    from shared.noise import Noise
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# Due lines taken from one partition in one minute; the rest waits for the next.
MOST_PER_PARTITION = 1_000


class Tick:
    """Reads the due index; the lines are moved by whoever does the work."""

    def __init__(self, ledger: Ledger, queue: Queue, noise: Noise) -> None:
        self._ledger = ledger
        self._queue = queue
        self._noise = noise

    async def __call__(self) -> int:
        """Enqueue every incident that is due; how many there were.

        One range query per partition, whatever the number of incidents. An incident
        that somebody works on at this moment is enqueued too, and left alone by its
        lease. Raises StoreUnavailable.
        """
        first, last = rows.due_until(self._ledger.now())
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
        if due:
            telemetry.emit(telemetry.TICK_DONE, due=len(due))
        return len(due)
