"""Rounds of ingest beside the bare writer, each on a new Azurite: storm and distinct."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from devhost.storage import Azurite
from tests.benchmarks import feeds
from tests.benchmarks.bench import cpu_s
from tests.benchmarks.figures import Figure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.bench import Bench
    from tests.benchmarks.feeds import Feed

# Nothing is sent anywhere; the policy is only there because the app wants one.
POLICY = """
responders:
  on-call: {use: pagerduty, routing_key: {setting: BENCHMARK_KEY}}
routes:
  - to: [on-call]
"""

# The share of a feed that is enough for what is slow and steady.
PART = 4
KEY = "0123456789abcdef0123456789abcdef"


class Rounds:
    """What the runs of one feed and batch size came to, by figure."""

    def __init__(self, scenario: str, case: str) -> None:
        self._scenario, self._case = scenario, case
        self._runs: dict[str, list[float]] = defaultdict(list)

    def note(self, name: str, value: float) -> None:
        """One run's value of a figure."""
        self._runs[name].append(value)

    def median(self, name: str) -> float:
        """What a figure is so far."""
        return self.figure(name).median

    def figure(
        self,
        name: str,
        unit: str = "",
        *,
        most: float | None = None,
        least: float | None = None,
        note: str = "",
    ) -> Figure:
        """The figure over all runs."""
        return Figure(
            scenario=self._scenario,
            case=self._case,
            name=name,
            unit=unit,
            runs=tuple(self._runs[name]),
            most=most,
            least=least,
            note=note,
        )


def prepared(bench: Bench, name: str, feed: Feed) -> Path:
    """The feed in a file of the benchmark's folder."""
    path = bench.folder / f"{name}.feed"
    feeds.write(feed, path)
    return path


def settings(bench: Bench, storage: Azurite, policy: str = POLICY) -> dict[str, str]:
    """The environment of the app in a child."""
    path = bench.folder / "policy.yaml"
    path.write_text(policy)
    return {
        "AzureWebJobsStorage": storage.connection_string,
        "FIREWATCH_POLICY": str(path),
        "BENCHMARK_KEY": KEY,
    }


def ingested(bench: Bench, feed: Path, batch: int, *more: object) -> dict[str, Any]:
    """One ingest process on a new Azurite: what it took."""
    with Azurite.start() as storage:
        before = cpu_s(storage.process.pid)
        found: dict[str, Any] = bench.measured(
            "ingesting", feed, batch, *more, **settings(bench, storage)
        )
        return found | {
            "storage_cpu_s": cpu_s(storage.process.pid) - before,
        }


def bare(
    bench: Bench, feed: Path, batch: int, journal: Path, *more: object
) -> dict[str, Any]:
    """The bare writer on a new Azurite."""
    with Azurite.start() as storage:
        found: dict[str, Any] = bench.measured(
            "bare_writer", feed, batch, journal, *more, **settings(bench, storage)
        )
        return found


def rate(found: dict[str, Any]) -> float:
    """Alerts a second."""
    return float(found["alerts"] / found["wall_s"])


def beside_bare(
    bench: Bench, rounds: Rounds, feed: Path, batch: int, events: int
) -> dict[str, Any]:
    """One round: ingest, and the bare writer with the rows that ingest wrote.

    The bare writer does the first quarter, and is compared with ingest's first quarter:
    Azurite is slower the more rows it has.
    """
    journal = bench.folder / "journal"
    part = max(batch, events // PART)
    found = ingested(
        *(bench, feed, batch, "--last", events),
        *("--journal", journal, "--mark", part),
    )
    begun = found["until_mark"]
    stock = bare(bench, feed, batch, journal, "--last", part)
    lean = bare(bench, feed, batch, journal, "--last", part, "--lean")
    rounds.note("alerts per second", rate(found))
    rounds.note("CPU per alert", found["cpu_s"] / found["alerts"] * 1e6)
    rounds.note(
        "CPU of Azurite per alert", found["storage_cpu_s"] / found["alerts"] * 1e6
    )
    rounds.note("requests per alert", found["requests"] / found["alerts"])
    rounds.note("rows per alert", found["counted"]["rows_written"] / found["alerts"])
    rounds.note("of the bare writer's speed", rate(begun) / rate(stock))
    rounds.note("of the bare writer's, in our transactions", rate(begun) / rate(lean))
    rounds.note("memory after it", found["memory_mb"])
    return found
