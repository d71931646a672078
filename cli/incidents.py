"""`firewatch incidents`: what is going on, and what a person says about it."""

from __future__ import annotations

import asyncio
import getpass
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import msgspec
import typer

from cli import tables
from cli.account import named, open_account
from shared.commands import Commands, Order
from shared.model.incident import Incident, IncidentStatus
from shared.store import reading
from shared.store.rows import is_incident_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from shared.clouds.storage import Storage
    from shared.model.action import ActionRow
    from shared.model.alert import AlertRow
    from shared.model.incident import Entry

_T = TypeVar("_T")

app = typer.Typer(
    help="List, show, acknowledge and resolve incidents.", no_args_is_help=True
)
console = tables.console()

Account = Annotated[
    str | None,
    typer.Option(
        envvar="FIREWATCH_ACCOUNT",
        help="A storage account: connection string, or URL to sign in yourself."
        " Left out: the `firewatch run` that is up.",
        show_default=False,
    ),
]
IncidentId = Annotated[str, typer.Argument(help="The incident's id, 16 hex digits.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of tables.")]
Note = Annotated[str, typer.Option(help="Why; kept in the timeline.")]
By = Annotated[str, typer.Option(help="Who says so; your user name if left out.")]


@app.command("list")
def list_(
    account: Account = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Resolved ones too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List incidents, the latest first."""

    async def ask(storage: Storage) -> list[Incident]:
        return await reading.incidents(storage.ledger)

    found = [
        incident
        for incident in _with(account, ask)
        if incident.status is IncidentStatus.OPEN
        or (everything and incident.status is not IncidentStatus.MERGED)
    ]
    if as_json:
        print_json(found)
    else:
        console.print(tables.heads(found))


@app.command()
def show(incident: IncidentId, account: Account = None, as_json: Json = False) -> None:
    """Show one incident: its alerts, what was done, its timeline."""

    async def ask(storage: Storage) -> dict[str, object] | None:
        heads = {head.id: head for head in await reading.incidents(storage.ledger)}
        head = heads.get(incident)
        while head is not None and head.merged_into:
            head = heads.get(head.merged_into)
        if head is None:
            return None
        family = {head.id, *head.absorbed}
        return {
            "incident": head,
            "alerts": [
                a for a in await reading.alerts(storage.ledger) if a.incident in family
            ],
            "actions": [
                a for a in await reading.actions(storage.ledger) if a.incident in family
            ],
            "timeline": await reading.timeline(storage.ledger, head.id),
        }

    _known(incident)
    found = _with(account, ask)
    if found is None:
        _unknown(incident)
    elif as_json:
        print_json(found)
    else:
        _print_incident(found)


@app.command()
def ack(
    incident: IncidentId, account: Account = None, note: Note = "", by: By = ""
) -> None:
    """Acknowledge: somebody works on it."""

    async def say(commands: Commands) -> Incident | None:
        return await commands.acknowledge(incident, Order(_person(by), note))

    _command(incident, account, say, "acknowledged")


@app.command()
def resolve(
    incident: IncidentId, account: Account = None, note: Note = "", by: By = ""
) -> None:
    """Resolve: it is over; a recurrence opens a new incident that names this one."""

    async def say(commands: Commands) -> Incident | None:
        return await commands.resolve(incident, Order(_person(by), note))

    _command(incident, account, say, "resolved")


def _command(
    incident: str,
    account: str | None,
    say: Callable[[Commands], Awaitable[Incident | None]],
    done: str,
) -> None:
    async def ask(storage: Storage) -> Incident | None:
        return await say(Commands(storage.ledger, storage.queue))

    _known(incident)
    head = _with(account, ask)
    if head is None:
        _unknown(incident)
    else:
        where = "" if head.id == incident else f" (merged into {head.id})"
        console.print(f"{incident}{where} {done}.", markup=False)


def _print_incident(found: dict[str, object]) -> None:
    head, timeline = found["incident"], found["timeline"]
    alerts, actions = found["alerts"], found["actions"]
    assert isinstance(head, Incident)  # noqa: S101  show() put it there
    console.print(tables.heads([head]))
    console.print(
        tables.table(
            tables.counted(head.alerts, "alert"),
            ("started", "severity", "status", "type", "alert"),
            (
                (
                    f"{alert.started_at:%Y-%m-%d %H:%M:%S}Z",
                    alert.severity.value,
                    alert.status.value,
                    alert.alert_type,
                    alert.id,
                )
                for alert in sorted(cast("list[AlertRow]", alerts), key=_started)
            ),
        )
    )
    console.print(
        tables.table(
            "Actions",
            ("responder", "verb", "why", "status", ">attempts", "key", "reason"),
            (
                (
                    row.responder,
                    row.verb.value,
                    row.occasion.value,
                    row.status.value,
                    row.attempts,
                    row.dedup_key,
                    row.detail or row.reason,
                )
                for row in cast("list[ActionRow]", actions)
            ),
        )
    )
    console.print(tables.timeline(cast("list[Entry]", timeline)))


def _started(alert: AlertRow) -> datetime:
    return alert.started_at


def print_json(value: object) -> None:
    """Print a value as indented JSON."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    # What an alert says may hold terminal controls; JSON leaves DEL and C1 as they are.
    typer.echo("".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text))


def _known(incident: str) -> None:
    if not is_incident_id(incident):
        raise typer.BadParameter("expected 16 hex digits", param_hint="INCIDENT")


def _unknown(incident: str) -> None:
    typer.echo(f"firewatch: no incident {incident} in this account", err=True)
    raise typer.Exit(1)


def _person(by: str) -> str:
    """Who says so, as the timeline shows it; never mistaken for the app itself."""
    return f"cli:{by or getpass.getuser()}"


def _with(account: str | None, ask: Callable[[Storage], Awaitable[_T]]) -> _T:
    async def go() -> _T:
        storage = await open_account(named(account))
        try:
            return await ask(storage)
        finally:
            await storage.close()

    return asyncio.run(go())
