"""What `firewatch value` shows: tables for people, or Markdown for a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cli import tables
from cli.measures import lasting
from cli.value import advice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.value.figures import Value

console = tables.console()

# What means something in Markdown, or in the HTML that may stand in it.
_MARKS = re.compile(r"([\\`*_\[\]<>|~&#!])")


class _ToDo(NamedTuple):
    """What to do about something, and the commands and lines that do it."""

    about: str
    what: str
    by: tuple[str, ...]


class _Part(NamedTuple):
    """A table, and what to do about its lines."""

    title: str
    columns: tuple[str, ...]
    lines: list[tuple[object, ...]]
    to_do: list[_ToDo]


def tables_of(found: Value, days: int) -> None:
    """For a terminal."""
    for part in _parts(found, days):
        console.print(tables.table(part.title, part.columns, part.lines))
        for each in part.to_do:
            _say(f"{each.about}: {each.what}")
            for how in each.by:
                _say(f"    {how}")
        if part.to_do:
            _say("")
    for what in found.missing:
        _say(f"not known: {what}")


def markdown(found: Value, days: int) -> None:
    """For a page: nothing that an alert says is more than text there."""
    for part in _parts(found, days):
        _say(f"## {_escaped(part.title)}")
        _say("")
        names = [column.lstrip(">") for column in part.columns]
        rules = ["---:" if column[0] == ">" else "---" for column in part.columns]
        for row in (names, rules, *part.lines):
            cells = row if row is rules else [_escaped(str(cell)) for cell in row]
            _say(f"| {' | '.join(map(str, cells))} |")
        _say("")
        for each in part.to_do:
            how = "".join(f" {_code(each)}" for each in each.by)
            _say(f"- **{_escaped(each.about)}**: {_escaped(each.what)}{how}")
        if part.to_do:
            _say("")
    if found.missing:
        _say("## Not known")
        _say("")
    for what in found.missing:
        _say(f"- {_escaped(what)}")


def _parts(found: Value, days: int) -> Iterator[_Part]:
    yield _tables(found, days)
    yield _queries(found)
    yield _kinds(found)


def _tables(found: Value, days: int) -> _Part:
    unread = sum(t.money or 0 for t in found.tables if not t.queries and not t.rules)
    paid = "" if found.money is None else f": {found.money:,.2f}, of which"
    paid = f"{paid} {unread:,.2f} for what no query reads" if paid else ""
    # Of a table that costs nothing and that nobody asked there is nothing to tell.
    shown = [each for each in found.tables if each.billable_gb or each.questions]
    return _Part(
        f"{tables.counted(len(shown), 'table')} in {tables.counted(days, 'day')}{paid}",
        (
            *("table", ">GB", ">money", ">queries", ">rules"),
            *(">questions", ">with rows", ">incidents", ">scores"),
        ),
        [
            (
                each.table,
                _number(each.billable_gb),
                _number(each.money),
                len(each.queries),
                "?" if each.rules is None else len(each.rules),
                each.questions,
                each.found,
                each.incidents,
                each.decided,
            )
            for each in shown
        ],
        [_ToDo(each.table, each.to_do, each.by) for each in shown if each.to_do],
    )


def _queries(found: Value) -> _Part:
    shown = [each for each in found.queries if each.questions]
    silent = len(found.queries) - len(shown)
    to_do = [_ToDo(each.query, each.to_do, each.by) for each in shown if each.to_do]
    if line := advice.without_useless(found.queries):
        to_do.append(_ToDo("the policy", "without those that found nothing", (line,)))
    return _Part(
        f"{len(shown)} queries asked, {silent} never",
        (
            *("query", ">questions", ">answered", ">with rows", ">scores"),
            *(">seconds", "cost", "can change"),
        ),
        [
            (
                each.query,
                each.questions,
                each.answered,
                each.found,
                each.decided,
                f"{each.seconds:.1f}",
                each.cost,
                ", ".join(each.factors) or "-",
            )
            for each in shown
        ],
        to_do,
    )


def _kinds(found: Value) -> _Part:
    return _Part(
        f"{tables.counted(len(found.kinds), 'alert type')} in"
        f" {tables.counted(found.incidents, 'incident')}",
        (
            *(">alerts", ">incidents", ">led", ">told", ">verdicts", ">benign"),
            *(">time spent", "alert type or rule"),
        ),
        [
            (
                each.alerts,
                each.incidents,
                each.led,
                each.paged,
                sum(each.verdicts.values()),
                "-" if each.benign is None else f"{each.benign:.0%}",
                lasting(each.seconds if each.timed else None),
                each.name,
            )
            for each in found.kinds
        ],
        [_ToDo(each.name, each.to_do, each.by) for each in found.kinds if each.to_do],
    )


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:,.2f}"


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", tables.plain(text))


def _code(text: str) -> str:
    """A text as code, whatever backticks are in it."""
    shown = tables.plain(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _say(line: str) -> None:
    # Not wrapped: commands are copied from it.
    margin = line[: len(line) - len(line.lstrip(" "))]
    console.print(
        margin + tables.plain(line), markup=False, highlight=False, soft_wrap=True
    )
