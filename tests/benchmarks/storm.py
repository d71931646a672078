"""A storm: 100,000 events of which 90 % are repeats; and the peer beside it.

Each round of a batch size is, one after the other and each on a new Azurite: one ingest
process, the bare writer twice, a new worker in the middle of the storm, two ingest
processes on two partitions, and Alertmanager with the same events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devhost.storage import Azurite
from tests.benchmarks import feeds, peer
from tests.benchmarks.figures import Said
from tests.benchmarks.writing import (
    PART,
    Rounds,
    beside_bare,
    prepared,
    rate,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.bench import Bench
    from tests.benchmarks.figures import Figure

# Batch size -> the most requests per alert (issue 5).
BARS = {100: 0.12, 1_000: 0.03}


def run(bench: Bench) -> Iterator[Figure | Said]:
    """Every figure of the storm, then those of the peer."""
    events = bench.size(100_000, 5_000)
    bench.say(f"making {events:,} events")
    feed = prepared(bench, "storm", feeds.storm(events))
    compared: list[Figure] = []
    for batch, most in BARS.items():
        ours = Rounds("storm", f"batch {batch:,}")
        theirs = Rounds("peer", f"batch {batch:,}")
        for number in range(1, bench.runs + 1):
            bench.say(f"storm, batch {batch:,}, run {number} of {bench.runs}")
            found = beside_bare(bench, ours, feed, batch, events)
            ours.note(
                "requests per alert, cold", _cold(bench, feed, batch, events // PART)
            )
            two = _two(bench, feed, batch, events // PART)
            ours.note("alerts per second, two processes", two)
            if peer.is_installed():
                other = peer.accepted(bench, feed, batch, events)
                _compare(theirs, found, two, other)
        yield from _storm(ours, most)
        compared += _peer(theirs) if peer.is_installed() else ()
    yield from compared
    if not compared:
        yield Said(scenario="peer", why=peer.NOT_INSTALLED)


def _cold(bench: Bench, feed: Path, batch: int, events: int) -> float:
    """Requests per alert of a worker that starts when the storm has long been raging."""
    with Azurite.start() as storage:
        where = settings(bench, storage)
        bench.measured("ingesting", feed, 1_000, "--last", events, **where)
        found = bench.measured(
            "ingesting",
            feed,
            batch,
            "--first",
            events,
            "--last",
            events * 5 // 4,
            **where,
        )
    return float(found["requests"] / found["alerts"])


def _two(bench: Bench, feed: Path, batch: int, events: int) -> float:
    """Alerts a second of two processes, each with every other event as its partition."""
    with Azurite.start() as storage:
        where = settings(bench, storage)
        halves = [
            bench.child(
                "ingesting",
                *(feed, batch, "--partition", first),
                *("--first", first, "--last", events, "--step", 2),
                **where,
            )
            for first in (0, 1)
        ]
        found = [half.result() for half in halves]
    slowest = max(half["wall_s"] for half in found)
    return float(sum(half["alerts"] for half in found) / slowest)


def _compare(
    rounds: Rounds, ours: dict[str, Any], two: float, theirs: dict[str, Any]
) -> None:
    rounds.note("Alertmanager, accepted per second", rate(theirs))
    rounds.note("Firewatch, stored per second", rate(ours))
    rounds.note("Firewatch to Alertmanager", rate(ours) / rate(theirs))
    rounds.note("with two ingest processes", two / rate(theirs))
    rounds.note("Alertmanager keeps on disk", theirs["disk_bytes"] / 1e6)
    rounds.note("Alertmanager keeps in memory", theirs["memory_mb"])
    counted = ours["counted"]
    kept = counted["row_bytes"] + counted["blob_bytes"]
    rounds.note("Firewatch wrote to storage", kept / 1e6)


def _storm(rounds: Rounds, most: float) -> Iterator[Figure]:
    yield rounds.figure("requests per alert", most=most, note="warm")
    yield rounds.figure("requests per alert, cold", note="a worker new in the storm")
    yield rounds.figure("alerts per second", note="one process")
    yield rounds.figure("alerts per second, two processes")
    yield rounds.figure("of the bare writer's speed", least=0.6)
    yield rounds.figure(
        "of the bare writer's, in our transactions", note="what Azurite can take"
    )
    yield rounds.figure("CPU per alert", "µs", note="the ingest process")
    yield rounds.figure("CPU of Azurite per alert", "µs")
    yield rounds.figure("rows per alert")
    yield rounds.figure("memory after it", "MB", most=150)


def _peer(rounds: Rounds) -> list[Figure]:
    return [
        rounds.figure("Alertmanager, accepted per second", note="in memory"),
        rounds.figure("Firewatch, stored per second", note="durable"),
        rounds.figure("Firewatch to Alertmanager"),
        rounds.figure("with two ingest processes", note="aim 1.0"),
        rounds.figure("Alertmanager keeps on disk", "MB"),
        rounds.figure("Alertmanager keeps in memory", "MB"),
        rounds.figure("Firewatch wrote to storage", "MB"),
    ]
