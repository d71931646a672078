"""`firewatch deeds`: what contains, what waits for somebody, and what a person says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli import tables
from cli.incidents import (
    Account,
    By,
    IncidentId,
    Json,
    Note,
    ask,
    known,
    person,
    print_json,
)
from cli.silences import end_of
from shared.actions import deed_words
from shared.api import viewing
from shared.commands import Order
from shared.containment.approving import Approving
from shared.containment.deciding import Deciding
from shared.containment.stopping import Stopping
from shared.model.deed import DeedRow, Undo
from shared.model.deed_status import DeedStatus
from shared.store import reading

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from rich.table import Table

    from shared.clouds.storage import Storage
    from shared.model.incident import Mark

app = typer.Typer(
    help="List what is done to contain incidents, and say something about it.",
    no_args_is_help=True,
)
console = tables.console()

DeedKey = Annotated[
    str, typer.Argument(help="The deed's key, or how it begins.", metavar="DEED")
]
How = Annotated[
    Undo,
    typer.Option(help="`force`: whatever was changed since; `leave`: send nothing."),
]

_OVER = frozenset(
    {
        DeedStatus.PLANNED,
        DeedStatus.REFUSED,
        DeedStatus.UNDONE,
        DeedStatus.EXPIRED,
        DeedStatus.FAILED,
        DeedStatus.DENIED,
        DeedStatus.LAPSED,
    }
)


@app.command("list")
def list_(
    account: Account = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that are over, or only planned, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what is in force or under way, and what waits for somebody."""

    async def question(storage: Storage) -> tuple[list[DeedRow], Mark | None]:
        found = await reading.deeds(storage.ledger)
        return found, await Stopping(storage.ledger).now()

    found, stopped = ask(account, question)
    shown = [row for row in found if everything or row.status not in _OVER]
    if as_json:
        print_json([*map(viewing.deed, shown)])
        return
    console.print(table(shown))
    if stopped is not None:
        said = f"Nothing is begun: stopped by {stopped.by}, {_time(stopped.at)}."
        console.print(said, markup=False)


@app.command()
def deny(
    incident: IncidentId,
    deed: DeedKey,
    account: Account = None,
    note: Note = "",
    by: By = "",
) -> None:
    """Keep a deed that was not begun from being done."""
    order = Order(person(by), note)

    async def say(deciding: Deciding, key: str) -> DeedRow | None:
        return await deciding.deny(incident, key, order)

    _command(incident, deed, account, say)


@app.command()
def extend(
    incident: IncidentId,
    deed: DeedKey,
    span: Annotated[str, typer.Option("--for", help="How long from now: 30m, 8h, 2d.")],
    account: Account = None,
    note: Note = "",
    by: By = "",
) -> None:
    """Let a deed hold longer than it would; 30 days at most."""
    order, until = Order(person(by), note), end_of("", span)

    async def say(deciding: Deciding, key: str) -> DeedRow | None:
        return await deciding.extend(incident, key, order, until=until)

    _command(incident, deed, account, say)


@app.command()
def undo(
    incident: IncidentId,
    deed: DeedKey,
    account: Account = None,
    how: How = Undo.CAREFUL,
    note: Note = "",
    by: By = "",
) -> None:
    """Have the app take a deed back now; `firewatch undo` does without the app."""
    order = Order(person(by), note)

    async def say(deciding: Deciding, key: str) -> DeedRow | None:
        return await deciding.undo(incident, key, order, how=how)

    _command(incident, deed, account, say)


@app.command()
def stop(account: Account = None, note: Note = "", by: By = "") -> None:
    """Begin nothing more; what was done stays, and can be taken back."""
    order = Order(person(by), note)
    ask(account, lambda storage: Stopping(storage.ledger).stop(order))
    console.print("Nothing is begun from now on.", markup=False)


@app.command()
def resume(account: Account = None, note: Note = "", by: By = "") -> None:
    """Begin deeds again."""
    order = Order(person(by), note)
    ask(account, lambda storage: Stopping(storage.ledger).go_on(order))
    console.print("Deeds are begun again.", markup=False)


def table(found: Sequence[DeedRow]) -> Table:
    """Deeds as a list to pick from."""
    return tables.table(
        tables.counted(len(found), "deed"),
        ("deed", "incident", "status", "until", "what"),
        (
            (
                row.key[: tables.SHORT_KEY],
                row.incident,
                row.status.value,
                _time(row.until) if row.until else "-",
                deed_words.gist(row).line,
            )
            for row in found
        ),
    )


def commands(found: Sequence[DeedRow]) -> Table:
    """How each is taken back without Firewatch."""
    return tables.table(
        "Taken back by hand",
        ("deed", "command"),
        (
            (row.key[: tables.SHORT_KEY], command)
            for row in found
            for command in row.by_hand
        ),
    )


def _command(
    incident: str,
    deed: str,
    account: str | None,
    say: Callable[[Deciding, str], Awaitable[DeedRow | None]],
) -> None:
    async def question(storage: Storage) -> DeedRow | None:
        lineage = await reading.lineage(storage.ledger, incident)
        keys = lineage[-1].deeds if lineage else {}
        matching = [key for key in keys if key.startswith(deed)]
        if len(matching) != 1:
            return None
        # What a command says of a deed needs no approval: nothing is signed.
        deciding = Deciding(
            storage.ledger, storage.queue, Approving(None), lasts=timedelta(0)
        )
        return await say(deciding, matching[0])

    known(incident)
    row = ask(account, question)
    if row is None:
        typer.echo(f"firewatch: no such deed of incident {incident}", err=True)
        raise typer.Exit(1)
    console.print(table([row]))


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
