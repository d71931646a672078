"""What was measured: figures with their spread and their bar, as a table and as JSON."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import msgspec
from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was measured in each of several runs.

    ``most`` and ``least`` are the bar it is held against, where there is one. A figure
    is the median of its runs.
    """

    scenario: str
    case: str
    name: str
    unit: str
    runs: tuple[float, ...]
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The figure."""
        return statistics.median(self.runs)

    @property
    def is_met(self) -> bool | None:
        """Whether it keeps to its bar; None where there is no bar."""
        if self.most is None and self.least is None:
            return None
        high = self.most is None or self.median <= self.most
        return high and (self.least is None or self.median >= self.least)

    @property
    def bar(self) -> str:
        """The bar and the verdict, for people."""
        if self.is_met is None:
            return ""
        bound = f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}"
        return f"{bound} {'met' if self.is_met else 'NOT MET'}"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that could not be run here, and why."""

    scenario: str
    why: str


def table(found: Iterable[Figure | Said]) -> Table:
    """The figures as a table; each scenario's are together."""
    made = Table(box=box.SIMPLE)
    for name, side in (
        ("scenario", "left"),
        ("case", "left"),
        ("figure", "left"),
        ("median", "right"),
        ("low to high", "right"),
        ("bar", "left"),
        ("", "left"),
    ):
        made.add_column(name, justify="right" if side == "right" else "left")
    last = ""
    for each in found:
        if last and each.scenario != last:
            made.add_section()
        shown = "" if each.scenario == last else each.scenario
        last = each.scenario
        if isinstance(each, Said):
            made.add_row(shown, "", f"skipped: {each.why}", "", "", "", "")
            continue
        made.add_row(
            shown,
            each.case,
            each.name,
            f"{number(each.median)} {each.unit}".strip(),
            f"{number(min(each.runs))} to {number(max(each.runs))}",
            each.bar,
            each.note,
        )
    return made


def number(value: float) -> str:
    """As many digits as a reader can use."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def as_json(found: Iterable[Figure | Said]) -> list[dict[str, Any]]:
    """Every figure with its median, its runs and its bar."""
    listed = []
    for each in found:
        line: dict[str, Any] = msgspec.to_builtins(each)
        if isinstance(each, Figure):
            line |= {"median": each.median, "met": each.is_met}
        listed.append(line)
    return listed
