"""20,000 alerts of which no two are alike: each becomes an incident of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks import feeds
from tests.benchmarks.writing import Rounds, beside_bare, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.bench import Bench
    from tests.benchmarks.figures import Figure

# Batch size -> the most requests per alert (issue 5).
BARS = {100: 0.25, 1_000: 0.1}


def run(bench: Bench) -> Iterator[Figure]:
    """Every figure."""
    alerts = bench.size(20_000, 2_000)
    bench.say(f"making {alerts:,} alerts")
    feed = prepared(bench, "distinct", feeds.distinct(alerts))
    for batch, most in BARS.items():
        rounds = Rounds("distinct", f"batch {batch:,}")
        for number in range(1, bench.runs + 1):
            bench.say(f"distinct, batch {batch:,}, run {number} of {bench.runs}")
            beside_bare(bench, rounds, feed, batch, alerts)
        yield rounds.figure("requests per alert", most=most)
        yield rounds.figure("alerts per second", note="one process")
        yield rounds.figure("of the bare writer's speed", least=0.6)
        yield rounds.figure(
            "of the bare writer's, in our transactions", note="what Azurite can take"
        )
        yield rounds.figure("CPU per alert", "µs", note="the ingest process")
        yield rounds.figure("CPU of Azurite per alert", "µs")
        yield rounds.figure("rows per alert")
        yield rounds.figure("memory after it", "MB")
