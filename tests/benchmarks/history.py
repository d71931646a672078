"""What a batch and a tick ask of storage with a long past, and many incidents open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devhost.storage import Azurite
from tests.benchmarks.writing import Rounds, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.bench import Bench
    from tests.benchmarks.figures import Figure

# The machines of the probes are nobody else's.
FIRST = 20_000
ALERTS = 300

# What is counted, and of which kind of call.
COUNTED = (
    ("ingest", "batch of 100"),
    ("ingest, cold", "batch of 100, new worker"),
    ("tick", "tick"),
)


def run(bench: Bench) -> Iterator[Figure]:
    """Requests and rows read at each stage, and how much more than without a past."""
    open_ones = bench.size(5_000, 100)
    stages = (0, bench.size(10_000, 200), bench.size(100_000, 1_000))
    with Azurite.start() as storage:
        where = settings(bench, storage)
        bench.say(f"history, opening {open_ones:,} incidents")
        bench.measured("filling", "open", open_ones, **where)
        filled, probes = 0, 0
        first: dict[str, Figure] = {}
        for closed in stages:
            if closed > filled:
                bench.say(f"history, closing {closed - filled:,} incidents")
                bench.measured(
                    "filling", "closed", closed - filled, "--first", filled, **where
                )
                filled = closed
            rounds = Rounds("history", f"{closed:,} closed, {open_ones:,} open")
            for number in range(1, bench.runs + 1):
                bench.say(f"history, {closed:,} closed, run {number} of {bench.runs}")
                begin = FIRST + probes * ALERTS
                probes += 1
                _note(rounds, bench.measured("probing", "--first", begin, **where))
            yield from _figures(rounds, first)


def _note(rounds: Rounds, found: dict[str, Any]) -> None:
    for kind, shown in COUNTED:
        cost = found[kind]
        for name in ("requests", "rows_read"):
            rounds.note(f"{shown}: {name}", cost[name] / cost["calls"])
        rounds.note(f"{shown}: ms", cost["wall_s"] / cost["calls"] * 1e3)


def _figures(rounds: Rounds, first: dict[str, Figure]) -> Iterator[Figure]:
    """The figures of a stage; those of the first stage are the bar of the others."""
    for _, shown in COUNTED:
        for name, unit in (("requests", ""), ("rows_read", "rows"), ("ms", "ms")):
            label = f"{shown}: {name}"
            bar = first[label].median + 1 if label in first and unit != "ms" else None
            found = rounds.figure(label, unit, most=bar)
            first.setdefault(label, found)
            yield found
