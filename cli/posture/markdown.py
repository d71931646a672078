"""A report as Markdown; whatever Azure calls something is shown, never interpreted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model.text import minute, one_line
from shared.posture.finding import NO_FIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.audited import Report
    from shared.posture.finding import Finding

# What means something in Markdown or in the HTML that it may hold.
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&@:])")
_TICKS = re.compile("`+")


def escaped(text: str) -> str:
    """A text as one line that reads as what it is."""
    return _MARKS.sub(r"\\\1", one_line(text))


def fenced(text: str, language: str) -> str:
    """A text as a block of code, in a fence longer than any in it."""
    longest = max((len(each) for each in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def markdown(found: Report) -> str:
    """The whole report."""
    return "\n\n".join(_parts(found)) + "\n"


def _parts(found: Report) -> Iterator[str]:
    counts = ", ".join(f"{count} {severity}" for severity, count in found.open.items())
    yield "# Security monitoring posture"
    yield (
        f"{minute(found.at)}: {len(found.subscriptions)} subscriptions,"
        f" {found.resources} resources. Open: {counts};"
        f" {found.unknown} could not be read."
    )
    yield "## How logs are kept"
    yield f"**{found.layout.model}**. {found.layout.costs}"
    rows = [f"| {escaped(n)} | {c} |" for n, c in found.layout.workspaces.items()]
    if rows:
        yield "\n".join(["| workspace | fed by |", "|---|---:|", *rows])
    opened = [each for each in found.findings if each.is_open]
    if opened:
        yield f"## Findings ({len(opened)})"
    for each in opened:
        yield from _finding(each)
    excused = [e for e in found.findings if e.excused and e.closed_at is None]
    if excused:
        yield f"## Let be ({len(excused)})"
        yield "\n".join(_line(each, each.excused) for each in excused)
    closed = [each for each in found.findings if each.closed_at is not None]
    if closed:
        yield f"## Mended ({len(closed)})"
        yield "\n".join(_line(e, minute(e.closed_at or e.last_seen)) for e in closed)


def _finding(found: Finding) -> Iterator[str]:
    yield f"### {found.severity}: {escaped(found.title)}"
    stale = "" if found.is_seen else "; it could not be looked at again since"
    where = escaped(found.resource) or "the whole estate"
    yield (
        f"- check: {escaped(found.check)} (`{found.id}`)\n- at: {where}\n"
        f"- why: {escaped(found.why)}\n- from: {escaped(found.clause)}\n"
        f"- since: {minute(found.first_seen)}, last seen {minute(found.last_seen)}{stale}"
    )
    if found.fix != NO_FIX:
        yield fenced(found.fix.cli, "sh")
        yield fenced(found.fix.bicep, "bicep")


def _line(found: Finding, said: str) -> str:
    return f"- {found.severity}, {escaped(found.title)}: {escaped(said)}"
