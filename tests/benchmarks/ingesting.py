"""A process that ingests a feed through the function, and says what that took.

Usage: python -m tests.benchmarks.ingesting FEED BATCH [--first N] [--last N]
           [--step N] [--journal FILE] [--partition P] [--mark N]

Storage is what AzureWebJobsStorage says. The Event Hub is left out: the function gets
what the host would give it. Only the calls of the function are timed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from azure.functions import meta
from azure.functions._eventhub import EventHubEvent

from devhost.functions import load_app
from shared.store.archive import Archive
from shared.store.history import History
from shared.store.ledger import Ledger
from tests.alerts import NOON
from tests.benchmarks.bench import ROOT, memory_mb
from tests.benchmarks.counting import (
    CountedBlobs,
    CountedQueue,
    CountedTable,
    Journal,
    Requests,
)
from tests.benchmarks.feeds import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.bootstrap import App


class Function:
    """The app's ingest function, over storage that counts."""

    def __init__(self, journal: Journal | None = None, partition: str = "0") -> None:
        functions = load_app(ROOT)
        self.app: App = sys.modules["function_app"].firewatch
        self.requests = Requests()
        self._journal = journal
        self._call = next(f for f in functions if f.name == "ingest_alerts").call
        context = {"EventHubName": "alerts", "PartitionId": partition}
        self._metadata = {
            "PartitionContext": meta.Datum(json.dumps(context), "json"),
        }

    async def open(self) -> None:
        """Connect, and count from here on."""
        storage = await self.app.storage()
        table = CountedTable(storage.ledger.table, self.requests, self._journal)
        storage.ledger = Ledger(table, storage.ledger.partitions)
        past = CountedTable(storage.history.table, self.requests)
        storage.history = History(past)
        storage.archive = Archive(CountedBlobs(storage.blobs, self.requests))
        self.queue = CountedQueue(storage.queue, self.requests)
        storage.queue = self.queue  # type: ignore[assignment]

    def batch(self, bodies: Sequence[tuple[int, bytes]]) -> list[Any]:
        """The events of a batch as the worker hands them over."""
        return [
            EventHubEvent(
                body=body,
                trigger_metadata=self._metadata,
                enqueued_time=NOON + timedelta(hours=1),
                sequence_number=place,
            )
            for place, body in bodies
        ]

    async def __call__(self, batch: Sequence[Any]) -> None:
        """Take a batch."""
        await self._call(batch)


async def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Ingest the feed; what it took."""
    journal = Journal(arguments.journal) if arguments.journal else None
    function = Function(journal, arguments.partition)
    await function.open()
    wall = cpu = 0.0
    alerts = 0
    marked: dict[str, float] = {}
    with Reader(arguments.feed) as feed:
        places = range(arguments.first, arguments.last or len(feed), arguments.step)
        for bodies in feed.batches(arguments.batch, places):
            batch = function.batch(bodies)
            before, used = time.perf_counter(), time.process_time()
            await function(batch)
            wall += time.perf_counter() - before
            cpu += time.process_time() - used
            alerts += len(bodies)
            if alerts <= arguments.mark:
                marked = {"alerts": alerts, "wall_s": wall}
            if journal is not None:
                journal.end_of_batch()
    if journal is not None:
        journal.close()
    gc.collect()
    memory = memory_mb()
    await function.app.close()
    return {
        "alerts": alerts,
        "wall_s": wall,
        "until_mark": marked,
        "cpu_s": cpu,
        "memory_mb": memory["now"],
        "peak_mb": memory["peak"],
        "requests": function.requests.total,
        "counted": msgspec.to_builtins(function.requests),
    }


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed", type=Path)
    parser.add_argument("batch", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=0)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--partition", default="0")
    parser.add_argument("--mark", type=int, default=0)
    parser.add_argument("--journal", type=Path)
    print(json.dumps(asyncio.run(measured(parser.parse_args()))))


if __name__ == "__main__":
    main()
