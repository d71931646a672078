"""What every scenario is given: how much to do, a folder, and processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


class ChildFailed(Exception):
    """A process that was measured ended with an error; the message is what it said."""


class Bench(NamedTuple):
    """One call of the benchmarks. ``say`` shows what is going on."""

    runs: int
    is_quick: bool
    folder: Path
    say: Callable[[str], None]

    def size(self, whole: int, quick: int) -> int:
        """How much of something to do."""
        return quick if self.is_quick else whole

    def child(self, module: str, *arguments: object, **settings: str) -> Child:
        """Start ``python -m tests.benchmarks.MODULE`` with settings of its own.

        A process of its own is measured alone: its memory, its imports, its garbage.
        """
        return Child(module, [str(each) for each in arguments], settings)

    def measured(self, module: str, *arguments: object, **settings: str) -> Any:  # noqa: ANN401  JSON
        """Run such a process to its end: the JSON it printed."""
        return self.child(module, *arguments, **settings).result()


class Child:
    """A process that measures; it prints one line of JSON."""

    def __init__(
        self, module: str, arguments: list[str], settings: dict[str, str]
    ) -> None:
        self._name = " ".join([module, *arguments])
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self) -> Any:  # noqa: ANN401  JSON
        """What it printed, at its end; ChildFailed when that was no good one."""
        try:
            out, error = self.process.communicate()
        except BaseException:
            self.process.kill()
            raise
        if self.process.returncode:
            sys.stderr.write(error)
            last = (error.strip().splitlines() or ["no word"])[-1]
            raise ChildFailed(f"{self._name}: {last}")
        return json.loads(out.splitlines()[-1])


class Resources:
    """What this process has used since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def used(self) -> tuple[float, float]:
        """Seconds by the wall clock and of the processor."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def memory_mb(pid: int | str = "self") -> dict[str, float]:
    """Resident memory of a process now and at its most, in MB of a million bytes."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in {"VmRSS", "VmHWM"}:
            found[name] = int(rest.split()[0]) * 1024 / 1e6
    return {"now": found["VmRSS"], "peak": found["VmHWM"]}


def cpu_s(pid: int) -> float:
    """Processor seconds that another process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
