"""What a new worker costs: the import of the app, and its first event.

Bytecode is compiled beforehand, as the deployed package has it. The kinds of process take
turns. What the clients of storage take by themselves is the floor of the first event.
"""

from __future__ import annotations

import statistics
from itertools import count
from typing import TYPE_CHECKING, Any

from devhost.storage import Azurite
from tests.benchmarks.alerts import body
from tests.benchmarks.writing import Rounds, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.bench import Bench
    from tests.benchmarks.figures import Figure

# Processes of each kind in a run; a run is their median.
PROCESSES = 7
KINDS = ("bare", "sdks", "app", "event")


def run(bench: Bench) -> Iterator[Figure]:
    """Every figure."""
    events = _events(bench.folder)
    rounds = Rounds("cold start", "")
    with Azurite.start() as storage:
        where = settings(bench, storage) | {
            "PYTHONPYCACHEPREFIX": str(bench.folder / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        for kind in KINDS:
            # Writes the bytecode, and makes the table.
            bench.measured("starting", kind, next(events), **where)
        for number in range(1, bench.runs + 1):
            bench.say(f"cold start, run {number} of {bench.runs}")
            _round(bench, rounds, events, where)
    yield rounds.figure("import azure.functions", "ms", note="what any app pays")
    yield rounds.figure("import function_app, more than that", "ms", most=60)
    yield rounds.figure("first event stored, after the import", "ms", most=350)
    yield rounds.figure(
        "import of storage clients", "ms", note="the floor of that: none goes without"
    )
    yield rounds.figure("modules of azure.functions")
    yield rounds.figure("modules of function_app")
    yield rounds.figure("modules after the first event")
    yield rounds.figure("memory after the first event", "MB")


def _events(folder: Path) -> Iterator[Path]:
    """Files with an alert that nobody has seen: a copy of a known one stores nothing."""
    for number in count():
        path = folder / f"event-{number}.json"
        path.write_bytes(body(number))
        yield path


def _round(
    bench: Bench, rounds: Rounds, events: Iterator[Path], where: dict[str, str]
) -> None:
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for _ in range(bench.size(PROCESSES, 3)):
        for kind in KINDS:
            found[kind].append(bench.measured("starting", kind, next(events), **where))

    def median(kind: str, name: str) -> float:
        return float(statistics.median(each[name] for each in found[kind]))

    rounds.note("import azure.functions", median("bare", "ms"))
    rounds.note(
        "import function_app, more than that",
        median("app", "ms") - median("bare", "ms"),
    )
    rounds.note(
        "first event stored, after the import",
        median("event", "ms") - median("app", "ms"),
    )
    rounds.note(
        "import of storage clients", median("sdks", "ms") - median("bare", "ms")
    )
    rounds.note("modules of azure.functions", median("bare", "modules"))
    rounds.note("modules of function_app", median("app", "modules"))
    rounds.note("modules after the first event", median("event", "modules"))
    rounds.note("memory after the first event", median("event", "memory_mb"))
