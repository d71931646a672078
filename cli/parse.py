"""`firewatch parse`: what the app makes of files of alerts, with nothing running."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from cli import tables
from shared import sources
from shared.model.alert import Alert
from shared.model.entity import Named
from shared.model.text import one_line
from shared.sources import Ignored
from shared.triage import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from shared.model.entity import Entity
    from shared.sources import Unit

# What a terminal can show and people read; --json has them all.
MOST_SHOWN = 200

console = tables.console()
errors = tables.console(stderr=True)


class Outcome(StrEnum):
    """What a unit is to the app."""

    ALERT = "alert"
    IGNORED = "ignored"
    REJECTED = "rejected"


class Name(msgspec.Struct, frozen=True):
    """An entity by its strongest name."""

    type: str
    identifier: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of a file; what it does not have is empty, a time None."""

    file: str
    unit: int
    kind: str
    outcome: Outcome
    alert_id: str = ""
    alert_type: str = ""
    severity: str = ""
    status: str = ""
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    started_at: datetime | None = None
    resource_id: str = ""
    entities: tuple[Name, ...] = ()
    sample: bool = False
    reason: str = ""


def parse(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Files, and folders to walk in the order of their names. A .ndjson"
            " file is an event per line, any other file one event.",
        ),
    ],
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="An object per line and unit instead of tables. `unit` is its number"
            " in the file, from 0; `kind` the format's name, empty if unknown;"
            " `outcome` is alert, ignored or rejected; times are UTC.",
        ),
    ] = False,
) -> None:
    """Show what the app would make of files of alerts; 1 if one cannot be read."""
    seen = _Seen(as_json=as_json)
    problems: list[str] = []
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} units"),
        console=errors,
        transient=True,
        # Lines and progress would meet on one terminal.
        disable=not errors.is_terminal or (as_json and console.is_terminal),
    ) as progress:
        task = progress.add_task("reading", total=None)
        for line in _all(paths, problems):
            seen.add(line)
            progress.advance(task)
    seen.close()
    for problem in problems:
        _print(f"firewatch: {problem}", on=errors, style="red")
    raise typer.Exit(int(bool(problems)))


def lines(file: Path, name: str, *, received_at: datetime) -> Iterator[Line]:
    """Every unit of a file, one event in memory at a time. Raises OSError."""
    number = 0
    for where, body in _events(file):
        for unit in sources.read(body, received_at=received_at):
            yield _line(unit, where, file=name, number=number)
            number += 1


def encoded(line: Line) -> bytes:
    """The line as JSON without a character that a terminal acts on; none is lost."""
    return harmless(msgspec.json.encode(line).decode()).encode()


def harmless(text: str) -> str:
    """JSON on one line as the same JSON without a character that a terminal acts on."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def shown(path: Path) -> str:
    """The path as text; what is no UTF-8 in it is replaced."""
    return os.fsencode(path).decode(errors="replace")


class _Seen:
    """What is kept of the lines: counts, and the first of the rejected ones."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._counts: Counter[tuple[str, Outcome]] = Counter()
        self._rejected: list[Line] = []

    def add(self, line: Line) -> None:
        if self._as_json:
            typer.echo(encoded(line))
            return
        self._counts[line.kind, line.outcome] += 1
        if line.outcome is Outcome.REJECTED and len(self._rejected) < MOST_SHOWN:
            self._rejected.append(line)

    def close(self) -> None:
        """Print the tables."""
        if self._as_json:
            return
        rows = sorted(self._counts.items(), key=lambda item: (not item[0][0], item[0]))
        title = f"{self._counts.total()} units"
        columns = ("kind", "outcome", ">units")
        counts = ((kind or "unknown", outcome, n) for (kind, outcome), n in rows)
        console.print(tables.table(title, columns, counts))
        if self._rejected:
            self._print_rejected()

    def _print_rejected(self) -> None:
        counts = self._counts.items()
        number = sum(n for (_, outcome), n in counts if outcome is Outcome.REJECTED)
        more = f", the first {MOST_SHOWN}; --json shows all"
        _print(f"{number} rejected{more if number > MOST_SHOWN else ''}", style="bold")
        for line in self._rejected:
            kind = f" ({line.kind})" if line.kind else ""
            _print(f"  {line.file} unit {line.unit}{kind}: {line.reason}")


def _all(paths: Iterable[Path], problems: list[str]) -> Iterator[Line]:
    """Every unit of every file; what cannot be read is told and passed over."""
    for file in _files(paths, problems):
        try:
            yield from lines(file, shown(file), received_at=datetime.now(UTC))
        except OSError as error:
            problems.append(_problem(file, error))


def _files(paths: Iterable[Path], problems: list[str]) -> Iterator[Path]:
    """The files, those of folders in the order of their names."""
    for path in paths:
        if path.is_dir():
            yield from sorted(_inside(path, problems))
        else:
            yield path


def _inside(folder: Path, problems: list[str]) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        problems.append(_problem(Path(error.filename), error))

    for at, _, names in os.walk(folder, onerror=tell):
        yield from (path for name in names if (path := Path(at, name)).is_file())


def _problem(path: Path, error: OSError) -> str:
    return f"{shown(path)}: {error.strerror or error}"


def _events(file: Path) -> Iterator[tuple[str, bytes]]:
    """The bodies of a file, each with what to say in front of a place in it."""
    if file.suffix.lower() != ".ndjson":
        yield "", file.read_bytes()
        return
    with file.open("rb") as opened:
        for number, body in enumerate(opened, start=1):
            if body.strip():
                yield f"line {number}: ", body


def _line(unit: Unit, where: str, *, file: str, number: int) -> Line:
    if isinstance(unit, Alert):
        return _alert(catalogue.completed(unit), file=file, number=number)
    if isinstance(unit, Ignored):
        outcome, reason = Outcome.IGNORED, unit.reason
    else:
        outcome, reason = Outcome.REJECTED, f"{where}{unit.path}: {unit.problem}"
    return Line(file=file, unit=number, kind=unit.kind, outcome=outcome, reason=reason)


def _alert(alert: Alert, *, file: str, number: int) -> Line:
    return Line(
        file=file,
        unit=number,
        kind=alert.kind,
        outcome=Outcome.ALERT,
        alert_id=alert.id,
        alert_type=alert.alert_type,
        severity=alert.severity,
        status=alert.status,
        tactics=alert.tactics,
        techniques=alert.techniques,
        started_at=alert.started_at,
        resource_id=alert.resource or "",
        entities=tuple(Name(_type(e), e.identifier) for e in alert.entities),
        sample=alert.is_sample,
    )


def _type(entity: Entity) -> str:
    if isinstance(entity, Named):
        return entity.kind
    return str(entity.__struct_config__.tag)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _print(text: str, *, on: Console = console, style: str = "") -> None:
    """A line of plain text, however long: a path is to be copied whole."""
    indent = text[: len(text) - len(text.lstrip())]
    on.print(
        f"{indent}{one_line(text)}",
        style=style,
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
