"""The storage spike behind docs/decisions/0001: what each row layout costs.

Usage: python -m tests.benchmarks.layout CONNECTION_STRING [EVENTS]

Replays two feeds in batches of 100 into one Azurite and counts requests. *storm*: 90 %
of the events are known alerts, 200 things alert. *distinct*: every event is a new alert
of its own incident, over 64 subscriptions. Heads are written under their ETag, claims
and keys by insert, as the product does.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from azure.core import MatchConditions
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

if TYPE_CHECKING:
    from collections.abc import Callable

DOC = "x" * 700
BATCH = 100
IN_FLIGHT = 8


class Event(NamedTuple):
    alert: str
    thing: str
    scope: str


def digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def storm(events: int) -> list[Event]:
    pick = random.Random(7)
    fresh = [f"a{n}" for n in range(events // 10)]
    ids = fresh + [pick.choice(fresh) for _ in range(events - len(fresh))]
    pick.shuffle(ids)
    return [Event(a, f"t{digest(a) % 200}", f"s{digest(a) % 200 % 8}") for a in ids]


def distinct(events: int) -> list[Event]:
    return [Event(f"d{n}", f"u{n}", f"s{n % 64}") for n in range(events)]


class Layout:
    """Rows of one event, by partition; ``where`` decides the layout."""

    def __init__(self, table: TableClient, where: Callable[[Event, str], str]) -> None:
        self.table, self.where, self.requests = table, where, 0
        self.etags: dict[tuple[str, str], str] = {}
        self.seen: set[str] = set()

    async def ingest(self, batch: list[Event]) -> None:
        rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for event in batch:
            if event.alert in self.seen:
                continue
            self.seen.add(event.alert)
            for kind, key in (
                ("a", event.alert),
                ("h", event.thing),
                ("t", f"{event.thing}|{event.alert}"),
                ("k", event.thing),
                ("d", event.thing),
            ):
                at = self.where(event, kind)
                rows[at][f"{kind}|{key}"] = {
                    "PartitionKey": at,
                    "RowKey": f"{kind}|{key}",
                    "doc": DOC,
                }
        gate = asyncio.Semaphore(IN_FLIGHT)
        await asyncio.gather(*(self.write(at, r, gate) for at, r in rows.items()))

    async def write(
        self, at: str, rows: dict[str, dict[str, Any]], gate: asyncio.Semaphore
    ) -> None:
        todo = list(rows.items())
        for start in range(0, len(todo), 100):
            part = todo[start : start + 100]
            operations: list[Any] = []
            for key, row in part:
                etag = self.etags.get((at, key))
                if etag is None:
                    operations.append(("create", row))
                else:
                    how = {
                        "mode": UpdateMode.REPLACE,
                        "etag": etag,
                        "match_condition": MatchConditions.IfNotModified,
                    }
                    operations.append(("update", row, how))
            async with gate:
                self.requests += 1
                answers = await self.table.submit_transaction(operations)
            for (key, _), answer in zip(part, answers, strict=True):
                self.etags[at, key] = str(answer["etag"])


def by_scope(partitions: int) -> Callable[[Event, str], str]:
    def where(event: Event, _kind: str) -> str:
        return f"{digest(event.scope) % partitions:02x}"

    return where


def by_incident(event: Event, kind: str) -> str:
    """Claims, open keys and due rows cannot live with an incident not yet known."""
    if kind == "a":
        return f"claim{digest(event.alert) % 16:02x}"
    if kind in "kd":
        return f"open{digest(event.thing) % 16:02x}"
    return f"i{event.thing}"


async def main(connection: str, events: int) -> None:
    layouts: dict[str, Callable[[Event, str], str]] = {
        "per incident": by_incident,
        "scope, 1": by_scope(1),
        "scope, 16": by_scope(16),
        "scope, 64": by_scope(64),
    }
    async with TableServiceClient.from_connection_string(connection) as service:
        for feed in (storm(events), distinct(events // 4)):
            name = "storm" if feed[0].alert.startswith("a") else "distinct"
            for number, (label, where) in enumerate(layouts.items()):
                table = await service.create_table(f"{name}{number}")
                layout = Layout(table, where)
                wall, cpu = time.perf_counter(), time.process_time()
                for start in range(0, len(feed), BATCH):
                    await layout.ingest(feed[start : start + BATCH])
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                print(
                    f"{name:9} {label:13} {layout.requests / len(feed):6.3f} requests"
                    f" per alert {len(feed) / wall:7,.0f} alerts/s"
                    f" {cpu / wall:4.0%} of a core"
                )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20_000))
