"""What a million alerts and an idle month cost, from what was counted here.

Requests are counted, seconds are those of this machine, prices are those of
``prices.toml``. What the platform does by itself (receiving and deleting of messages,
checkpoints, polling) is added as its documentation has it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from devhost.storage import Azurite
from tests.benchmarks import feeds
from tests.benchmarks.writing import Rounds, ingested, prepared, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.bench import Bench
    from tests.benchmarks.figures import Figure

MILLION = 1_000_000
BATCHES = (1, 100, 1_000)

# What is fed at each batch size: enough for the share of each request to settle.
ALERTS = {1: 1_000, 100: 5_000, 1_000: 10_000}

# A message is put by us, got and deleted by the host.
CALLS_OF_A_MESSAGE = 3
# Checkpoint after each batch (host.json batchCheckpointFrequency 1), a blob write.
CHECKPOINTS = 1

MINUTES = 30 * 24 * 60
# The host asks two queues at least every two seconds (host.json maxPollingInterval).
POLLS_A_MINUTE = 2 * 30
# Partition ownership is renewed every 10 s, each a blob write; four partitions.
RENEWALS_A_MINUTE = 4 * 6


class Prices(NamedTuple):
    """Dollars for one of each."""

    table: float
    queue: float
    blob: float
    execution: float
    second: float
    shortest_s: float
    event: float
    unit_month: float
    noted: str


class Used(NamedTuple):
    """What something takes of the platform."""

    table: float = 0.0
    queue: float = 0.0
    blob: float = 0.0
    executions: float = 0.0
    seconds: float = 0.0

    def dollars(self, prices: Prices) -> float:
        """What it costs, the hub left out."""
        billed = max(self.seconds, self.executions * prices.shortest_s)
        return (
            self.table * prices.table
            + self.queue * prices.queue
            + self.blob * prices.blob
            + self.executions * prices.execution
            + billed * prices.second
        )


def prices() -> Prices:
    """Those of the dated file."""
    text = (Path(__file__).parent / "prices.toml").read_text()
    read = tomllib.loads(text)
    storage, functions, hub = read["per_10_000"], read["functions"], read["event_hubs"]
    return Prices(
        table=storage["table"] / 10_000,
        queue=storage["queue"] / 10_000,
        blob=storage["blob_write"] / 10_000,
        execution=functions["per_million"] / MILLION,
        second=functions["gb_second"] * functions["instance_gb"],
        shortest_s=functions["shortest_s"],
        event=hub["per_million_events"] / MILLION,
        unit_month=hub["unit_hour"] * MINUTES / 60,
        noted=f"{read['noted']}",
    )


def run(bench: Bench) -> Iterator[Figure]:
    """Dollars, for each feed and batch size, and of a month in which nothing comes."""
    asked = prices()
    for name, feed_of in (("storm", feeds.storm), ("distinct", feeds.distinct)):
        for batch in BATCHES:
            alerts = bench.size(ALERTS[batch], max(batch, 200))
            feed = prepared(bench, f"cost-{name}", feed_of(alerts))
            rounds = Rounds("cost", f"a million alerts, {name}, batch {batch:,}")
            for number in range(1, bench.runs + 1):
                bench.say(
                    f"cost, {name}, batch {batch:,}, run {number} of {bench.runs}"
                )
                found = ingested(bench, feed, batch)
                used = _ingest(found)
                rounds.note("ingest", used.dollars(asked) / alerts * MILLION)
                rounds.note("of it storage", _storage(used, asked) / alerts * MILLION)
            yield rounds.figure("ingest", "$", note=f"prices of {asked.noted}")
            yield rounds.figure("of it storage", "$")
    yield from _beside(bench, asked)


def _beside(bench: Bench, asked: Prices) -> Iterator[Figure]:
    """What comes with incidents, and without anything."""
    incident = Rounds("cost", "1,000 incidents opened and paged")
    month = Rounds("cost", "a month in which nothing comes")
    for number in range(1, bench.runs + 1):
        bench.say(f"cost, responding and ticking, run {number} of {bench.runs}")
        with Azurite.start() as storage:
            found = bench.measured("probing", **settings(bench, storage))
        respond, tick = found["respond"], found["tick"]
        looks = respond["calls"]
        incident.note("requests each", respond["requests"] / looks)
        used = _look(respond)
        incident.note("respond", used.dollars(asked) / looks * 1_000)
        month.note("requests of a tick", tick["requests"] / tick["calls"])
        idle = _idle(tick)
        month.note("the app", idle.dollars(asked))
    yield incident.figure("requests each")
    yield incident.figure("respond", "$")
    yield month.figure("requests of a tick")
    yield month.figure("the app", "$", note="tick, polling, leases; no free grant")
    month.note("the hub, one throughput unit", asked.unit_month)
    yield month.figure(
        "the hub, one throughput unit", "$", note="a price, not measured"
    )


def _ingest(found: dict[str, Any]) -> Used:
    counted = found["counted"]
    batches = counted["blobs"]
    return Used(
        table=counted["commits"] + counted["gets"] + counted["scans"],
        queue=counted["messages"] * CALLS_OF_A_MESSAGE,
        blob=counted["blobs"] + batches * CHECKPOINTS,
        executions=batches,
        seconds=found["wall_s"],
    )


def _look(found: dict[str, Any]) -> Used:
    return Used(
        table=found["commits"] + found["gets"] + found["scans"],
        queue=found["messages"] * CALLS_OF_A_MESSAGE,
        blob=found["blobs"],
        executions=found["calls"],
        seconds=found["wall_s"],
    )


def _idle(tick: dict[str, Any]) -> Used:
    once = _look(tick)
    return Used(
        table=once.table / tick["calls"] * MINUTES,
        queue=(once.queue / tick["calls"] + POLLS_A_MINUTE) * MINUTES,
        blob=(once.blob / tick["calls"] + RENEWALS_A_MINUTE) * MINUTES,
        executions=MINUTES,
        seconds=once.seconds / tick["calls"] * MINUTES,
    )


def _storage(used: Used, asked: Prices) -> float:
    return used._replace(executions=0, seconds=0).dollars(asked)
