"""A process that does a little of everything, and says what each asked of storage.

Usage: python -m tests.benchmarks.probing [--first N] [--alerts N]

It takes batches of alerts that are all different, looks at the incidents they open, with
a PagerDuty that answers, and ticks while nothing is due. Storage is what
AzureWebJobsStorage says. Alerts of another ``--first`` are about other machines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from devhost.outside import Outside
from tests.benchmarks import feeds
from tests.benchmarks.bench import memory_mb
from tests.benchmarks.ingesting import Function
from tests.benchmarks.writing import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

BATCH = 100
TICKS = 3
POLICY = """
responders:
  on-call: {{use: pagerduty, routing_key: {{setting: BENCHMARK_KEY}}, url: {url}/pagerduty}}
routes:
  - to: [on-call]
storm: {{pages: 10000, within: 10s}}
"""


class Probe:
    """What each kind of call cost, by kind: requests, rows read, seconds, calls."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self.found: dict[str, dict[str, Any]] = {}

    async def measure(self, kind: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do the work once, and add what it cost to its kind."""
        counted = self._function.requests
        before = msgspec.structs.replace(counted)
        begun = time.perf_counter()
        await work()
        taken = time.perf_counter() - begun
        cost = msgspec.to_builtins(counted - before)
        cost |= {"requests": (counted - before).total, "wall_s": taken, "calls": 1}
        kept = self.found.setdefault(kind, dict.fromkeys(cost, 0))
        for name, value in cost.items():
            kept[name] += value


@asynccontextmanager
async def running() -> AsyncIterator[Function]:
    """The function, with a PagerDuty that answers beside it."""
    async with Outside.start() as outside:
        with tempfile.TemporaryDirectory() as folder:
            policy = Path(folder) / "policy.yaml"
            policy.write_text(POLICY.format(url=outside.url))
            os.environ |= {"FIREWATCH_POLICY": str(policy), "BENCHMARK_KEY": KEY}
            function = Function()
            await function.open()
            try:
                yield function
            finally:
                await function.app.close()


async def measured(first: int, alerts: int) -> dict[str, Any]:
    """What it cost."""
    async with running() as function:
        return await _probed(function, first, alerts)


async def _probed(function: Function, first: int, alerts: int) -> dict[str, Any]:
    probe = Probe(function)
    feed = feeds.distinct(alerts, first=first)
    respond, tick = await function.app.respond(), await function.app.tick()
    for start in range(0, alerts, BATCH):
        bodies = feed.bodies[start : start + BATCH]
        batch = function.batch(list(enumerate(bodies, start=first + start)))
        # The first is a cold worker's.
        kind = "ingest" if start else "ingest, cold"
        await probe.measure(kind, lambda batch=batch: function(batch))  # type: ignore[misc]
    for incident_id in dict.fromkeys(function.queue.told):
        await probe.measure("respond", lambda i=incident_id: respond([i]))  # type: ignore[misc]
    for _ in range(TICKS):
        await probe.measure("tick", tick)
    return probe.found | {"memory_mb": memory_mb()["now"]}


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--alerts", type=int, default=3 * BATCH)
    asked = parser.parse_args()
    print(json.dumps(asyncio.run(measured(asked.first, asked.alerts))))


if __name__ == "__main__":
    main()
