"""A process that gives storage a past: incidents that ended, and others that are open.

Usage: python -m tests.benchmarks.filling open N | closed N [--first N]

``open`` takes alerts through the function and looks at every incident once, so that none
is due. ``closed`` writes what the app keeps of an incident that ended long ago into table
``history``, a transaction each. Storage is what AzureWebJobsStorage says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.incident import Entry, Fact, IncidentStatus
from shared.store import rows
from shared.store.ports import Put
from shared.store.tables import IN_FLIGHT
from shared.triage.alert_rows import row_of
from tests.alerts import read_alert
from tests.benchmarks import feeds
from tests.benchmarks.probing import running
from tests.factories import NOON, make_incident

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.benchmarks.ingesting import Function

BATCH = 1_000


async def opened(function: Function, count: int, first: int) -> None:
    """So many open incidents, each paged and at rest."""
    feed = feeds.distinct(count, first=first)
    respond = await function.app.respond()
    for start in range(0, count, BATCH):
        part = feed.bodies[start : start + BATCH]
        await function(function.batch(list(enumerate(part, start=first + start))))
    told = list(dict.fromkeys(function.queue.told))
    for start in range(0, len(told), BATCH):
        await respond(told[start : start + BATCH])


async def closed(function: Function, count: int, first: int) -> None:
    """So many incidents of a year ago: a head, an alert, and what happened to it."""
    storage = await function.app.storage()
    gate = asyncio.Semaphore(IN_FLIGHT)
    alert = row_of(read_alert(), "", "f" * 32, None)
    long_ago = NOON - timedelta(days=365)

    async def write(number: int) -> None:
        incident_id = f"{number % 16:02x}{number:014x}"
        head = make_incident(
            id=incident_id, status=IncidentStatus.CLOSED, changed_at=long_ago
        )
        entries = [
            Entry(
                sequence=n,
                at=long_ago,
                by="respond",
                facts=(Fact(kind="delivery.applied", detail="on-call"),),
                previous="0" * 64,
            )
            for n in range(1, 5)
        ]
        kept = replace(alert, id=f"past-{number}", incident=incident_id)
        puts = [
            Put(rows.alert(kept.id), rows.encode(kept)),
            Put(rows.incident(incident_id), rows.encode(head)),
            *(
                Put(rows.entry(incident_id, e.sequence), rows.encode(e))
                for e in entries
            ),
        ]
        async with gate:
            await storage.history.table.commit(incident_id, puts)

    for start in range(first, first + count, BATCH):
        numbers = range(start, min(start + BATCH, first + count))
        await asyncio.gather(*(write(number) for number in numbers))


KINDS: dict[str, Callable[[Function, int, int], Awaitable[None]]] = {
    "open": opened,
    "closed": closed,
}


async def fill(kind: str, count: int, first: int) -> None:
    """Do it."""
    async with running() as function:
        await KINDS[kind](function, count, first)


def main() -> None:
    """Fill, and print that it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    asyncio.run(fill(asked.kind, asked.count, asked.first))
    print(json.dumps({"done": asked.count}))


if __name__ == "__main__":
    main()
