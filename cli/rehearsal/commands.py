"""The command: what is played, and what people read of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import tables
from cli.account import RunError
from cli.incidents import Json, print_json
from cli.policy import examined, refuse
from cli.rehearsal import outcomes, playing
from devhost.outside.azure.inventory import InventoryError, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from cli.rehearsal.outcomes import Difference, Line
    from devhost.outside.azure.inventory import Inventory

console = tables.console()


def rehearse(
    policy: Annotated[
        Path,
        typer.Option(
            help="The policy to try.", exists=True, dir_okay=False, readable=True
        ),
    ],
    feed: Annotated[
        list[Path],
        typer.Option(
            help="Stored alerts: files and folders, in any order. A .ndjson file is an"
            " event per line, any other file one event. Repeat as needed."
        ),
    ],
    against: Annotated[
        Path | None,
        typer.Option(
            help="Another policy, such as the one in force: what differs is shown.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    inventory: Annotated[
        Path | None,
        typer.Option(
            help="What there is in your Azure, as JSON (az graph query); what"
            " `firewatch run` has, unless given.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a policy would have done about alerts that came, and change nothing.

    Each alert comes at its own time and is taken as confirmed at its owner; nobody
    approves anything. Only stand-ins on this machine are spoken to.
    """
    # Imported here, so that the other verbs do without the Event Hub SDK.
    from cli.feed import read as pieces  # noqa: PLC0415

    tried = [_policy(path) for path in (policy, against) if path is not None]
    known = _inventory(inventory) if inventory is not None else None
    bodies = [piece.body for piece in pieces(feed)]
    told = playing.told(bodies, now=datetime.now(UTC))
    with _quiet():
        played = [
            outcomes.lines(asyncio.run(playing.play(text, told, inventory=known)))
            for text in tried
        ]
    differ = outcomes.differences(played[1], played[0]) if against else []
    if as_json:
        print_json({"deeds": played[0], "differences": differ})
        return
    alerts = len({alert.id.lower() for each in told for alert in each.alerts})
    console.print(
        f"{tables.counted(alerts, 'alert')} in {tables.counted(len(told), 'event')}.\n",
        markup=False,
    )
    console.print(_deeds(played[0]))
    if against is not None:
        console.print(_differences(differ, against.name, policy.name))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the app logs meanwhile is for whoever runs it."""
    log = logging.getLogger("firewatch")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


def _policy(path: Path) -> bytes:
    text = path.read_bytes()
    found, mistakes = examined(text)
    if found is None or mistakes:
        refuse([f"{path.name}: {mistake}" for mistake in mistakes])
    return text


def _inventory(path: Path) -> Inventory:
    try:
        return read(path.read_bytes())
    except InventoryError as error:
        raise RunError(f"{path}: {error}") from None


def _deeds(found: Sequence[Line]) -> Table:
    counts = {o: sum(line.outcome is o for line in found) for o in outcomes.Outcome}
    said = ", ".join(f"{count} {o}" for o, count in counts.items() if count)
    return tables.table(
        f"{tables.counted(len(found), 'deed')}{f': {said}' if said else ''}",
        ("at", "incident", "outcome", "rules", "what"),
        (
            (
                f"{line.at:%Y-%m-%d %H:%M}Z",
                line.incident,
                line.outcome,
                ", ".join(line.rules) or "-",
                f"{line.says}{f': {line.why}' if line.why else ''}",
            )
            for line in found
        ),
    )


def _differences(found: Sequence[Difference], before: str, after: str) -> Table:
    return tables.table(
        f"{tables.counted(len(found), 'difference')}, from {before} to {after}",
        ("incident", "before", "after", "what"),
        ((each.incident, each.before, each.after, each.says) for each in found),
    )
