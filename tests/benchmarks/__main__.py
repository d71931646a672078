"""Everything that speed and cost are judged by: ``make bench``.

It reports; a time that is missed fails nothing. The exit code is 1 where a scenario
could not be carried out, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cli import tables
from tests.benchmarks import (
    cold_start,
    cost,
    decode,
    distinct,
    history,
    machine,
    storm,
    whole_way,
)
from tests.benchmarks.bench import Bench
from tests.benchmarks.figures import Figure, Said, as_json, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SCENARIOS: Mapping[str, Callable[[Bench], Iterable[Figure | Said]]] = {
    "decode": decode.run,
    "storm": storm.run,
    "distinct": distinct.run,
    "whole-way": whole_way.run,
    "history": history.run,
    "cold-start": cold_start.run,
    "cost": cost.run,
}

FEWEST_RUNS = 3


def main() -> int:
    """Run the scenarios; print the table, and write the JSON where asked."""
    asked = _parser().parse_args()
    begun = time.monotonic()
    console, progress = tables.console(), tables.console(stderr=True)
    described = machine.described()
    progress.print(machine.line(described))
    found: list[Figure | Said] = []
    broken = False
    with tempfile.TemporaryDirectory(prefix="firewatch-bench-") as folder:

        def say(what: str) -> None:
            progress.print(
                f"{time.monotonic() - begun:6.0f} s  {what}", highlight=False
            )

        bench = Bench(asked.runs, asked.quick, Path(folder), say)
        for name in asked.only or SCENARIOS:
            try:
                found += SCENARIOS[name](bench)
            except Exception as error:  # noqa: BLE001  the others are still worth having
                broken = True
                say(f"{name} could not be carried out: {error}")
                found.append(Said(scenario=name, why=f"it broke: {error}"[:200]))
    console.print(machine.line(described), highlight=False)
    console.print(table(found))
    console.print(
        f"Median of {asked.runs} runs, {time.monotonic() - begun:,.0f} s in all."
        + (" Quick: the figures are of less and mean less." if asked.quick else ""),
        highlight=False,
    )
    if asked.json:
        report = {"machine": described, "quick": asked.quick, "figures": as_json(found)}
        asked.json.write_text(json.dumps(report, indent=1) + "\n")
    return int(broken)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure what Firewatch costs on this machine. Nothing fails on a"
        " time; a figure that misses its bar says so.",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a twentieth of the work, to see that it all runs",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write every figure and run there"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=list(SCENARIOS),
        metavar="SCENARIO",
        help=f"some of: {', '.join(SCENARIOS)} (storm has the peer in it)",
    )
    parser.add_argument(
        "--runs",
        type=_runs,
        default=FEWEST_RUNS,
        metavar="N",
        help=f"runs of each, at least {FEWEST_RUNS}",
    )
    return parser


def _runs(text: str) -> int:
    number = int(text)
    if number < FEWEST_RUNS:
        raise argparse.ArgumentTypeError(f"at least {FEWEST_RUNS}, for the spread")
    return number


if __name__ == "__main__":
    sys.exit(main())
