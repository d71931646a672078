"""From the Event Hub to the page: everything that stands between, as it runs on Azure.

Hub stand-in, the host with the real app, Azurite, the stand-ins of PagerDuty and of Log
Analytics: each a process of its own. The clock runs from before an event is sent until the other side took the page.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from devhost.local import PARTITIONS, Local
from devhost.settings import OVERRIDES
from tests.benchmarks import feeds
from tests.benchmarks.alerts import Severity, body
from tests.benchmarks.writing import Rounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from tests.benchmarks.bench import Bench
    from tests.benchmarks.figures import Figure

# Host and hub are warm after that many.
WARM_UP = 10
PATIENCE_S = 60.0

# One side is told, and three questions are put to Log Analytics about each incident, of
# 20 ms each. It takes 200 in 30 s of one identity, and the app asks 180: of more than two
# incidents a second most go out without.
POLICY = b"""
responders:
  on-call: {use: pagerduty, routing_key: {setting: PAGERDUTY_ROUTING_KEY}}
routes:
  - to: [on-call]
workspaces:
  central: [0b1f6471-1bf0-4dda-aec3-cb9272f09590]
enrich: {most: 3}
"""
SLOW_LOGS = {"side": "log-analytics", "delay_s": 0.02}


class Pace(NamedTuple):
    """How alerts are sent: so many, that far apart, about so many machines."""

    case: str
    alerts: int
    every_s: float
    machines: int
    polling: str = ""


def paces(bench: Bench) -> list[Pace]:
    """What is measured."""
    few = bench.size(60, 10)
    minute = bench.size(60, 5)
    return [
        Pace("one at a time, poller at its floor", few, 1.0, few, "00:00:00.1"),
        Pace("one at a time, host.json's polling", bench.size(20, 5), 3.1, 20),
        Pace("10/s, each its own incident", 10 * minute, 0.1, 10 * minute),
        Pace("50/s into 50 incidents", 50 * minute, 0.02, 50),
    ]


def run(bench: Bench) -> Iterator[Figure]:
    """Every figure."""
    for pace in paces(bench):
        rounds = Rounds("whole way", pace.case)
        for number in range(1, bench.runs + 1):
            bench.say(f"whole way, {pace.case}, run {number} of {bench.runs}")
            with _polling(pace.polling), Local(POLICY) as local:
                local.start_app()
                local.control("POST", "faults", SLOW_LOGS)
                asyncio.run(_measure(local, pace, rounds))
        most = 300 if pace.polling else None
        yield rounds.figure("page, p50", "ms")
        yield rounds.figure("page, p95", "ms", most=most)
        yield rounds.figure("page, p99", "ms")
        yield rounds.figure("pages of incidents", "%", least=100)


async def _measure(local: Local, pace: Pace, rounds: Rounds) -> None:
    where = feeds.subscriptions(feeds.STORM_SUBSCRIPTIONS)
    producer = EventHubProducerClient.from_connection_string(
        local.hub, eventhub_name=local.hub_name
    )
    async with producer:
        # Machines that nothing else is about, through every partition.
        for number in range(WARM_UP):
            await _send(producer, number, 50_000 + number, where)
        await _paged(local, {50_000 + number for number in range(WARM_UP)})
        sent: dict[int, datetime] = {}
        begun = time.monotonic()
        for number in range(pace.alerts):
            await asyncio.sleep(
                max(0.0, begun + number * pace.every_s - time.monotonic())
            )
            machine = number % pace.machines
            sent.setdefault(machine, datetime.now(UTC))
            await _send(producer, WARM_UP + number, machine, where)
    paged = await _paged(local, sent.keys())
    taken = [(paged[m] - sent[m]).total_seconds() * 1e3 for m in sent if m in paged]
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    rounds.note("page, p50", cuts[49])
    rounds.note("page, p95", cuts[94])
    rounds.note("page, p99", cuts[98])
    rounds.note("pages of incidents", 100 * len(taken) / len(sent))


async def _send(
    producer: EventHubProducerClient, number: int, machine: int, where: list[str]
) -> None:
    alert = body(
        number,
        machine=machine,
        subscription=where[machine % len(where)],
        # The storm breaker holds back what is less.
        severity=Severity.HIGH,
        started_at=datetime.now(UTC),
    )
    await producer.send_batch([EventData(alert)], partition_id=str(number % PARTITIONS))


async def _paged(local: Local, wanted: AbstractSet[int]) -> dict[int, datetime]:
    """When the first page about each machine was taken, once all were or none will."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        taken = await asyncio.to_thread(local.control, "GET", "received")
        found: dict[int, datetime] = {}
        for event in taken["pagerduty"]["events"]:
            text = json.dumps(event["body"])
            for machine in _machines(text):
                at = datetime.fromisoformat(event["received_at"])
                found[machine] = min(found.get(machine, at), at)
        if wanted <= found.keys() or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.5)


def _machines(text: str) -> Iterator[int]:
    """The numbers of the machines that a page names."""
    for piece in text.lower().split("vm-web-")[1:]:
        if piece[:5].isdecimal():
            yield int(piece[:5])


@contextmanager
def _polling(interval: str) -> Iterator[None]:
    """The queue poller's longest pause as an app setting, where one is given."""
    name = f"{OVERRIDES}__extensions__queues__maxPollingInterval"
    if interval:
        os.environ[name] = interval
    try:
        yield
    finally:
        os.environ.pop(name, None)
