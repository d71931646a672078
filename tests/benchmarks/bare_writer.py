"""A process that does what ingest costs at the least: the same bytes, and no thought.

Usage: python -m tests.benchmarks.bare_writer FEED BATCH JOURNAL --last N [--lean]

It decodes each event, keeps each batch as the product does, and writes the rows that the
product wrote (its journal) in transactions of a hundred, sixteen in flight. Transactions
are azure-data-tables' own ``submit_transaction``; with ``--lean`` they travel as the
product's do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared import settings as environment
from shared import sources
from shared.clouds.storage import TABLE, Storage
from shared.model.event import Event
from shared.store import limits
from shared.store.ports import Put
from shared.store.tables import IN_FLIGHT
from shared.wiring.parts import utc_now
from tests.alerts import NOON
from tests.benchmarks.bench import Resources, memory_mb
from tests.benchmarks.counting import Journal
from tests.benchmarks.feeds import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable

Rows = dict[str, bytes]


class Writer:
    """Rows in transactions of a hundred; ``done`` counts the transactions."""

    def __init__(self, storage: Storage, client: Any, *, is_lean: bool) -> None:  # noqa: ANN401  a TableClient
        self._table = storage.ledger.table
        self._client = client
        self._is_lean = is_lean
        self._waiting: dict[str, Rows] = defaultdict(dict)
        self._gate = asyncio.Semaphore(IN_FLIGHT)
        self.done = 0

    async def write(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Take the rows of a batch; whatever is a hundred goes out."""
        full: list[tuple[str, Rows]] = []
        for partition, key, doc in rows:
            waiting = self._waiting[partition]
            # One row twice in a transaction is refused.
            if len(waiting) == limits.OPERATIONS or key in waiting:
                full.append((partition, waiting))
                waiting = self._waiting[partition] = {}
            waiting[key] = doc
        await asyncio.gather(*(self._commit(*each) for each in full))

    async def flush(self) -> None:
        """Send what is left."""
        await asyncio.gather(*(self._commit(*each) for each in self._waiting.items()))
        self._waiting.clear()

    async def _commit(self, partition: str, rows: Rows) -> None:
        self.done += 1
        if self._is_lean:
            # A key of its own, so that it is an insert: replacing wants a version.
            puts = [Put(f"{key}|{self.done}", doc) for key, doc in rows.items()]
            await self._table.commit(partition, puts)
            return
        operations = [
            (
                "upsert",
                {
                    "PartitionKey": partition,
                    "RowKey": key,
                    "v": 1,
                    **{f"doc{n}": c for n, c in enumerate(limits.chunks(doc))},
                },
                {"mode": UpdateMode.REPLACE},
            )
            for key, doc in rows.items()
        ]
        async with self._gate:
            await self._client.submit_transaction(operations)


async def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the feed; what it took."""
    settings = environment.from_environment()
    storage = await Storage(settings, utc_now).open()
    text = settings.connection_string
    if text is None:
        raise SystemExit("AzureWebJobsStorage must be a connection string")
    service = TableServiceClient.from_connection_string(text.reveal())
    client = service.get_table_client(TABLE)
    writer = Writer(storage, client, is_lean=arguments.lean)
    wall = cpu = 0.0
    alerts = 0
    received_at = NOON + timedelta(hours=1)
    journal = Journal.read(arguments.journal)
    with Reader(arguments.feed) as feed:
        batches = feed.batches(arguments.batch, range(arguments.last))
        for bodies, rows in zip(batches, journal, strict=False):
            events = [
                Event(body, "hub/alerts/0", f"{place:020d}", received_at)
                for place, body in bodies
            ]
            taken = Resources()
            for event in events:
                sources.read(event.body, received_at=received_at)
            await storage.archive.batch(events)
            await writer.write(rows)
            used = taken.used()
            wall, cpu = wall + used[0], cpu + used[1]
            alerts += len(events)
        taken = Resources()
        await writer.flush()
        used = taken.used()
    await service.close()
    await storage.close()
    return {
        "alerts": alerts,
        "wall_s": wall + used[0],
        "cpu_s": cpu + used[1],
        "transactions": writer.done,
        "peak_mb": memory_mb()["peak"],
    }


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed", type=Path)
    parser.add_argument("batch", type=int)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--last", type=int, required=True)
    parser.add_argument("--lean", action="store_true")
    print(json.dumps(asyncio.run(measured(parser.parse_args()))))


if __name__ == "__main__":
    main()
