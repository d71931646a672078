"""`firewatch archive`: what came, byte for byte, however long ago."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli import tables
from cli.incidents import Account, ask, known, unprinted
from shared import sources
from shared.model.alert import Alert
from shared.model.errors import ArchiveBroken
from shared.store import finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.clouds.storage import Storage
    from shared.model.alert import AlertRow
    from shared.store.archive import Archive
    from shared.store.batches import Line

app = typer.Typer(
    help="Read the archive: every event as it came, and the audit trail.",
    no_args_is_help=True,
)
console = tables.console()


@app.command()
def get(
    alert: Annotated[str, typer.Argument(help="The alert's id.")],
    incident: Annotated[
        str,
        typer.Option(
            help="The incident that it is on: found at once, also in history.",
            show_default=False,
        ),
    ] = "",
    pretty: Annotated[
        bool, typer.Option("--pretty", help="Indented, and harmless on a terminal.")
    ] = False,
    account: Account = None,
) -> None:
    """Print the event that an alert came in, byte for byte.

    Of several versions of the alert, the one that counts. On a terminal, what could
    control it is shown as a replacement character.
    """
    if incident:
        known(incident)

    async def question(storage: Storage) -> Line | None:
        row = await finding.alert(storage.ledger, storage.history, alert, incident)
        return None if row is None else await kept(storage.archive, row)

    found = ask(account, question)
    if found is None:
        typer.echo(
            f"firewatch: no alert {tables.plain(alert)} in this account", err=True
        )
        raise typer.Exit(1)
    if pretty:
        typer.echo(unprinted(_indented(found.raw)))
    elif sys.stdout.isatty():
        typer.echo(unprinted(found.raw.decode(errors="replace")))
    else:
        sys.stdout.buffer.write(found.raw)
        sys.stdout.buffer.flush()


async def kept(archive: Archive, row: AlertRow) -> Line:
    """The event that an alert came in. Raises ArchiveBroken, StoreUnavailable."""
    if not row.archived:
        raise ArchiveBroken(f"alert {row.id} is Firewatch's own: it came from nowhere")
    if row.spot is not None:
        return await archive.line(row.archived, row.spot)
    lines = await archive.lines(row.archived)
    if lines is None:
        raise ArchiveBroken(f"{row.archived} is not there")
    found = holding(lines, row)
    if found is None:
        raise ArchiveBroken(f"{row.archived} does not hold alert {row.id}")
    return found


def holding(lines: Sequence[Line], row: AlertRow) -> Line | None:
    """The line that an alert came in: of this very version, else the last of that id.

    For rows of up to 0.1, which do not say where in the blob it is.
    """
    last = None
    for line in lines:
        for unit in sources.read(line.raw, received_at=line.received_at):
            if not isinstance(unit, Alert) or unit.id.lower() != row.id.lower():
                continue
            last = line
            if unit.version.digest == row.version.digest:
                return line
    return last


def _indented(raw: bytes) -> str:
    """The body with a line for each of its fields; as it is, where it is no JSON."""
    try:
        return msgspec.json.format(raw, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw.decode(errors="replace")
