"""What `firewatch archive` shows, and how far it is."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from cli import tables
from cli.archive.trails import SOURCE
from cli.incidents import unprinted
from shared.store.batches import read_name
from shared.store.trail import day_of_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from cli.archive.verifying import Verified

# Of what does not fit, in a table; JSON has all of it.
MOST_SHOWN = 50

_UNITS = ("B", "kB", "MB", "GB", "TB")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What is archived of a source on a day; the day is empty for blobs of up to 0.1."""

    day: str
    source: str
    batches: int
    bytes: int


def listed(sizes: Mapping[str, int]) -> list[Listed]:
    """Blobs by day and source."""
    days: dict[tuple[str, str], list[int]] = defaultdict(list)
    for name, size in sizes.items():
        if (named := read_name(name)) is not None:
            days[str(named.first or ""), named.source].append(size)
        elif (day := day_of_name(name)) is not None:
            days[str(day), SOURCE].append(size)
    return [
        Listed(day=day, source=source, batches=len(found), bytes=sum(found))
        for (day, source), found in sorted(days.items())
    ]


def days(found: list[Listed], console: Console) -> None:
    """Show what is archived."""
    count, whole = sum(x.batches for x in found), sum(x.bytes for x in found)
    console.print(
        tables.table(
            f"{count} {'batch' if count == 1 else 'batches'}, {size(whole)}",
            ("day", "source", ">batches", ">size"),
            ((x.day or "up to 0.1", x.source, x.batches, size(x.bytes)) for x in found),
        )
    )


def event(raw: bytes, *, pretty: bool) -> None:
    """Give the bytes; to a terminal only what does nothing there."""
    if pretty:
        sys.stdout.write(unprinted(_indented(raw)) + "\n")
    elif sys.stdout.isatty():
        sys.stdout.write(unprinted(raw.decode(errors="replace")) + "\n")
    else:
        sys.stdout.buffer.write(raw)
    sys.stdout.flush()


def checked(found: Verified, console: Console) -> None:
    """Show what was checked, and what does not fit."""
    counts = (
        ("blobs", found.blobs),
        ("events in them", found.events),
        ("alerts", found.alerts),
        ("of them by the hash of their event", found.hashed),
        ("timelines", found.incidents),
        ("entries of timelines", found.entries),
        ("events that these vouch for", found.vouched),
        ("days of the audit trail", found.days),
        ("entries in them", found.told),
    )
    console.print(tables.table("Checked", ("what", ">how many"), counts))
    if not found.misfits:
        console.print("Everything fits.")
        return
    console.print(
        tables.table(
            f"{tables.counted(len(found.misfits), 'thing')} that does not fit",
            ("what", "which", "problem"),
            ((m.what, m.which, m.problem) for m in found.misfits[:MOST_SHOWN]),
        )
    )
    if len(found.misfits) > MOST_SHOWN:
        console.print(f"{len(found.misfits) - MOST_SHOWN} more; --json has them.")


@contextmanager
def progress(
    total: int | None, console: Console, *, is_shown: bool = True
) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """What shows how far it is, and what it does, to whoever watches."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *(
            []
            if total is None
            else [BarColumn(), TextColumn("{task.completed}/{task.total}")]
        ),
        console=console,
        transient=True,
        disable=not (is_shown and console.is_terminal),
    ) as shown:
        task = shown.add_task("reading", total=total)
        yield (
            lambda done: shown.update(task, completed=done),
            lambda said: shown.update(task, description=said),
        )


def _indented(raw: bytes) -> str:
    """The body with a line for each of its fields; as it is, where it is no JSON."""
    try:
        return msgspec.json.format(raw, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw.decode(errors="replace")


def size(count: int) -> str:
    """Bytes for people, in the largest unit that fits."""
    much, unit = float(count), 0
    while much >= 1000 and unit < len(_UNITS) - 1:
        much, unit = much / 1000, unit + 1
    return f"{much:.1f} {_UNITS[unit]}" if unit else f"{count} B"
