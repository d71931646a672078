"""`firewatch incidents`: what is going on, and what a person says about it."""

from __future__ import annotations

import asyncio
import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import msgspec
import typer

from cli import tables
from cli.account import named, open_account
from shared import anchoring
from shared import timeline as timelines
from shared.actions import matchers
from shared.model.incident import Incident, IncidentStatus
from shared.store import history, reading
from shared.store.history import Listed, find
from shared.store.rows import is_incident_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.actions.matchers import Matcher
    from shared.clouds.storage import Storage
    from shared.model.action import ActionRow
    from shared.model.alert import AlertRow
    from shared.model.deed import DeedRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Entry
    from shared.timeline import Proof

_T = TypeVar("_T")

app = typer.Typer(
    help="List and show incidents, and say something about them.", no_args_is_help=True
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
Matches = Annotated[
    list[str] | None,
    typer.Option(
        help="Those that this matcher fits, as in routes. Repeat as needed.",
        show_default=False,
    ),
]
By = Annotated[str, typer.Option(help="Who says so; your user name if left out.")]


@app.command("list")
def list_(
    account: Account = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Resolved and closed ones too.")
    ] = False,
    status: Annotated[
        list[IncidentStatus] | None,
        typer.Option(help="Those in this state. Repeat as needed.", show_default=False),
    ] = None,
    match: Matches = None,
    ended_in: Annotated[
        str,
        typer.Option(
            help="Those that ended in a month such as 2026-10, in history too.",
            show_default=False,
        ),
    ] = "",
    fingerprint: Annotated[
        str,
        typer.Option(
            help="Those with that problem, in history too.", show_default=False
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """List incidents, the latest first; open ones, if nothing else is said."""
    tests, month = parsed(match), _month(ended_in)
    wanted = set(status or [IncidentStatus.OPEN])
    if (everything or month or fingerprint) and not status:
        wanted = {*IncidentStatus} - {IncidentStatus.MERGED}

    async def question(storage: Storage) -> Listed:
        if month is not None:
            return await history.ended_in(storage.ledger, storage.history, month)
        if fingerprint:
            return await history.with_problem(
                storage.ledger, storage.history, fingerprint
            )
        return Listed(await reading.incidents(storage.ledger), frozenset())

    heads, past = ask(account, question)
    found = [
        head
        for head in heads
        if head.status in wanted
        and matchers.all_fit(tests, head)
        and (not fingerprint or fingerprint in head.problems)
    ]
    if as_json:
        print_json(found)
    else:
        console.print(tables.heads(found, past))


@app.command()
def show(incident: IncidentId, account: Account = None, as_json: Json = False) -> None:
    """Show one incident: its alerts, what was done, what logs say, its timeline."""

    async def question(storage: Storage) -> dict[str, object] | None:
        shelf, lineage = await find(storage.ledger, storage.history, incident)
        if not lineage:
            return None
        head = lineage[-1]
        family = {head.id, *head.absorbed}
        return {
            "incident": head,
            "in_history": shelf.is_history,
            "alerts": await reading.alerts_of(shelf, family),
            "actions": await reading.actions_of(shelf, family),
            "deeds": await reading.deeds_of(shelf, head),
            "evidence": await _evidence(shelf, family),
            "timeline": await reading.timeline(shelf, head.id),
        }

    known(incident)
    found = ask(account, question)
    if found is None:
        unknown(incident)
    elif as_json:
        print_json(found)
    else:
        _print_incident(found)


@app.command()
def verify(
    incident: IncidentId, account: Account = None, as_json: Json = False
) -> None:
    """Prove that its timeline is what was written; 1 if it is not."""

    async def question(storage: Storage) -> Proof | None:
        shelf, _ = await find(storage.ledger, storage.history, incident)
        found = await reading.chained(shelf, incident)
        if found is None:
            return None
        anchor = await anchoring.anchor(
            storage.ledger, storage.blobs, found[1], is_past=shelf.is_history
        )
        return timelines.prove(*found, anchor)

    known(incident)
    proof = ask(account, question)
    if proof is None:
        unknown(incident)
        return
    if as_json:
        print_json(proof)
    else:
        entries = f"{proof.entries} entries" if proof.entries != 1 else "1 entry"
        why = f": {proof.problem}" if proof.problem else ""
        why = f" to {proof.anchored}" if proof.anchored else why
        console.print(f"{incident}, {entries}: {proof.state}{why}.", markup=False)
    if not proof.verified:
        raise typer.Exit(1)


async def _evidence(shelf: reading.Shelf, family: set[str]) -> list[Evidence]:
    found = await reading.evidence_of(shelf, family)
    kept = sorted((row for row, _ in found), key=lambda row: row.place)
    return [row.evidence for row in kept]


def _print_incident(found: dict[str, object]) -> None:
    head, timeline = found["incident"], found["timeline"]
    alerts, actions = found["alerts"], found["actions"]
    assert isinstance(head, Incident)  # noqa: S101  show() put it there
    past = {head.id} if found["in_history"] else set()
    console.print(tables.heads([head], past))
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
    if done := cast("list[DeedRow]", found["deeds"]):
        console.print(tables.deeds(done))
    if head.risk is not None:
        console.print(tables.risk(head.risk))
    if evidence := cast("list[Evidence]", found["evidence"]):
        console.print(tables.evidence(evidence))
    console.print(tables.timeline(cast("list[Entry]", timeline)))


def _month(text: str) -> datetime | None:
    """The beginning of a month; None where none is asked for."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        said = "expected a month such as 2026-10"
        raise typer.BadParameter(said, param_hint="--ended-in") from None


def _started(alert: AlertRow) -> datetime:
    return alert.started_at


def print_json(value: object) -> None:
    """Print a value as indented JSON."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    # What an alert says may hold terminal controls; JSON leaves DEL and C1 as they are.
    typer.echo(unprinted(text))


def unprinted(text: str) -> str:
    """A text of several lines that no terminal takes for more."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def parsed(match: list[str] | None, option: str = "--match") -> list[Matcher]:
    """The matchers of an option; a text that is none is said to be wrong."""
    try:
        return [matchers.parse(text) for text in match or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def known(incident: str) -> None:
    """Say so where an id cannot be an incident's."""
    if not is_incident_id(incident):
        raise typer.BadParameter("expected 16 hex digits", param_hint="INCIDENT")


def unknown(incident: str) -> None:
    """Say that there is no such incident, and end."""
    typer.echo(f"firewatch: no incident {incident} in this account", err=True)
    raise typer.Exit(1)


def person(by: str) -> str:
    """Who says so, as the timeline shows it; never mistaken for the app itself."""
    return f"cli:{by or getpass.getuser()}"


def ask(account: str | None, question: Callable[[Storage], Awaitable[_T]]) -> _T:
    """The answer of a storage account, which is opened and closed for it."""

    async def go() -> _T:
        storage = await open_account(named(account))
        try:
            return await question(storage)
        finally:
            await storage.close()

    return asyncio.run(go())
