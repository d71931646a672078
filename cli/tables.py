"""Tables for people; whatever an alert says is shown, never interpreted."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.actions.deed_words import gist
from shared.model.text import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from cli.forwards import Arrived
    from cli.report import Report
    from shared.model.books import Books
    from shared.model.deed import DeedRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Entry, Incident
    from shared.model.risk import Risk

_COLOURS = {
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "informational": "dim",
}


# Where nobody looks, such as a log, lines may be as long as they are read easily.
UNSEEN_WIDTH = 120

# So much of a deed's key tells it from every other of its incident.
SHORT_KEY = 12

# Of what a query was asked about, so that there is room for what it said.
MOST_ABOUT = 30


def console(*, stderr: bool = False) -> Console:
    """Where the command prints: as wide as the terminal, or 120 columns."""
    made = Console(stderr=stderr)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = UNSEEN_WIDTH
    return made


def table(
    title: str, columns: Sequence[str], lines: Iterable[Sequence[object]]
) -> Table:
    """A table of plain text; controls and markup in a cell have no effect."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE)
    for place, column in enumerate(columns):
        made.add_column(
            column.lstrip(">"),
            justify="right" if column[0] == ">" else "left",
            # The first column is what people copy; the last takes what room there is.
            no_wrap=place < len(columns) - 1,
            overflow="fold" if place in {0, len(columns) - 1} else "ellipsis",
        )
    for line in lines:
        made.add_row(*(_cell(value) for value in line))
    return made


def plain(text: str) -> str:
    """A text as one line that no terminal takes for more."""
    return one_line(text)


def counted(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def incidents(report: Report) -> Table:
    """The incidents of a run, the first seen first."""
    found = sorted(report.incidents, key=lambda i: (i.first_seen, i.id))
    pages = {a.incident for a in report.deliveries if a.status == "applied"}
    return table(
        counted(len(found), "incident"),
        ("incident", "severity", "status", ">alerts", "told", "resource", "title"),
        (
            (
                i.id,
                i.severity,
                i.status,
                len(i.alerts),
                "yes" if i.id in pages else "no",
                _names(i.resources),
                i.title,
            )
            for i in found
        ),
    )


def forwards(arrived: Sequence[Arrived]) -> Table:
    """What was forwarded, as the receiving sides parsed it."""
    return table(
        "What was forwarded, as the receiving sides parsed it",
        ("side", ">incidents", ">records", ">again", ">not understood", "the last"),
        (
            (
                each.side,
                len(each.incidents),
                len({*each.keys}),
                len(each.keys) - len({*each.keys}),
                each.refused,
                each.last,
            )
            for each in arrived
        ),
    )


def pages(received: Sequence[dict[str, Any]]) -> Table:
    """The pages that the receiving side says it got."""
    return table(
        f"{counted(len(received), 'page')}, as PagerDuty saw them",
        ("dedup key", "severity", ">opened", "state", "summary"),
        (
            (
                page["dedup_key"],
                page["severity"],
                page["opens"],
                "resolved" if page["resolved"] else "open",
                page["summary"],
            )
            for page in received
        ),
    )


def contained(report: Report) -> Table:
    """What was done about the incidents of a run, and how it ended."""
    names = {i.id: _names(i.resources) for i in report.incidents}
    return table(
        f"{counted(len(report.actions), 'deed')} to contain them",
        ("deed", "resource", "status", "what"),
        (
            (
                deed.key[:SHORT_KEY],
                names.get(deed.incident, ""),
                deed.status,
                deed.reason,
            )
            for deed in report.actions
        ),
    )


# Where the tags of a resource are, below it.
_TAGS = "/providers/Microsoft.Resources/tags/"


def changes(received: Sequence[dict[str, Any]]) -> Table:
    """What changed in Azure, as the receiving side says: each value before and after."""
    lines = [
        (
            f"{datetime.fromisoformat(change['at']):%H:%M:%S}Z",
            _last(change["path"].partition(_TAGS)[0]),
            _what(each["what"]) or "all of it",
            _value(each["before"]) or "-",
            _value(each["after"]) or "-",
        )
        for change in received
        for each in change["differences"]
    ]
    return table(
        f"{counted(len(lines), 'change')}, as Azure saw them",
        ("at", "resource", "what", "before", "after"),
        lines,
    )


def _what(place: str) -> str:
    """A place in a document, without what all of its kind begin or end with."""
    known = place.removeprefix("properties.").removeprefix("tags.firewatch:")
    return known.removesuffix(".id")


def _value(text: str) -> str:
    """A value as it fits beside others: the name of an id, the incident of a tag."""
    return _last(text).partition(" until ")[0]


def books(kept: Books) -> Table:
    """Law 1: nothing that came in is unaccounted for."""
    counts = msgspec.to_builtins(kept)
    verdict = "they balance" if kept.is_balanced else "THEY DO NOT BALANCE"
    return table(
        f"The books: {verdict}",
        [f">{name.replace('_', ' ')}" for name in counts],
        [list(counts.values())],
    )


def dead_letters(report: Report) -> Table:
    """What could not become an alert, and why."""
    return table(
        f"{len(report.dead_letters)} in dead letters",
        ("from", "why"),
        ((letter.source, letter.reason) for letter in report.dead_letters),
    )


def heads(found: Sequence[Incident], past: Collection[str] = ()) -> Table:
    """Incidents as a list to pick from; those in ``past`` are in history."""
    return table(
        counted(len(found), "incident"),
        ("incident", "severity", "status", ">alerts", "opened", "resource", "title"),
        (
            (
                head.id,
                head.severity.value,
                _status(head, in_history=head.id in past),
                head.alerts,
                f"{head.opened_at:%Y-%m-%d %H:%M}Z",
                _names(head.resources),
                head.title,
            )
            for head in found
        ),
    )


def deeds(found: Sequence[DeedRow]) -> Table:
    """What would be, is or was changed, and how it is taken back by hand."""
    lines: list[Sequence[object]] = []
    for row in found:
        said = gist(row)
        lines.append((row.key[:SHORT_KEY], row.deed.responder, row.status, said.line))
        lines += [("", "", "by hand", command) for command in said.by_hand]
    return table(
        counted(len(found), "deed"), ("deed", "responder", "status", "what"), lines
    )


def evidence(found: Sequence[Evidence]) -> Table:
    """What logs say; of what they do not, why."""
    return table(
        f"Evidence, {counted(len(found), 'question')}",
        ("query", "about", "status", ">rows", "reading"),
        (
            (
                each.query,
                cut(each.subject, MOST_ABOUT),
                each.status.value,
                each.row_count,
                " ".join(
                    filter(None, (each.reading, each.reason and f"({each.reason})"))
                ),
            )
            for each in found
        ),
    )


def risk(found: Risk) -> Table:
    """The factors of a score, and their sum."""
    made = table(
        f"Risk {found.total}",
        ("factor", ">points", "from", "because"),
        (
            (f.name, f"{f.points:+}", f.evidence or "the alerts", f.because)
            for f in found.factors
        ),
    )
    caption = f"Sum: {found.formula}"
    if found.missing:
        asked = counted(found.missing, "question")
        caption += f"; {asked} that it goes by without an answer"
    made.caption, made.caption_justify = Text(caption), "left"
    return made


def timeline(entries: Sequence[Entry]) -> Table:
    """What happened to an incident, in order."""
    return table(
        "Timeline",
        (">no", "at", "by", "what"),
        (
            (
                entry.sequence,
                f"{entry.at:%Y-%m-%d %H:%M:%S}Z",
                entry.by,
                " ".join(part for part in (fact.kind, fact.alert, fact.detail) if part),
            )
            for entry in entries
            for fact in entry.facts
        ),
    )


def _status(head: Incident, *, in_history: bool) -> str:
    marks = [head.status.value]
    if in_history:
        marks.append("in history")
    if head.acknowledged is not None:
        marks.append(f"acknowledged by {head.acknowledged.by}")
    if head.stuck:
        marks.append("STUCK")
    return ", ".join(marks)


def _last(text: str) -> str:
    """The name at the end of an id; any other text as it is."""
    return text.rpartition("/")[2] if text.startswith("/") else text


def _names(resources: Sequence[str]) -> str:
    names = [resource.rsplit("/", 1)[-1] for resource in resources]
    more = f" +{len(names) - 2}" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more


def _cell(value: object) -> Text:
    text = one_line(str(value))
    return Text(text, style=_COLOURS.get(text, ""))
