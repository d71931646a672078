"""What a person says about an incident: commands of `firewatch incidents`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import incidents, rules
from cli.incidents import Account, By, IncidentId, Note, ask, known, person, unknown
from cli.rules import PolicyFile
from shared.commands import Commands, Order
from shared.model.incident import Classification, ClosingReason, Incident, Verdict
from shared.regrouping import Regrouping

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from shared.clouds.storage import Storage


def ack(
    incident: IncidentId, account: Account = None, note: Note = "", by: By = ""
) -> None:
    """Acknowledge: somebody works on it."""

    async def say(commands: Commands) -> Incident | None:
        return await commands.acknowledge(incident, _order(by, note))

    _command(incident, account, say, "acknowledged")


def resolve(
    incident: IncidentId, account: Account = None, note: Note = "", by: By = ""
) -> None:
    """Resolve: it is over; a recurrence opens a new incident that names this one."""

    async def say(commands: Commands) -> Incident | None:
        return await commands.resolve(incident, _order(by, note))

    _command(incident, account, say, "resolved")


def close(
    incident: IncidentId,
    classification: Annotated[
        Classification, typer.Option(help="What it turned out to be.")
    ],
    reason: Annotated[
        ClosingReason | None, typer.Option(help="Why that.", show_default=False)
    ] = None,
    account: Account = None,
    note: Note = "",
    by: By = "",
) -> None:
    """Close with a verdict: it is over, and nothing but a person opens it again."""
    verdict = Verdict(classification=classification, reason=reason)

    async def say(commands: Commands) -> Incident | None:
        return await commands.resolve(incident, _order(by, note), verdict)

    _command(incident, account, say, f"closed as {classification.value}")


def reopen(
    incident: IncidentId, account: Account = None, note: Note = "", by: By = ""
) -> None:
    """Open it again; whoever is on its routes is told anew."""

    async def say(commands: Commands) -> Incident | None:
        return await commands.reopen(incident, _order(by, note))

    _command(incident, account, say, "reopened")


def comment(
    incident: IncidentId,
    note: Annotated[str, typer.Argument(help="What to keep in the timeline.")],
    account: Account = None,
    by: By = "",
) -> None:
    """Add to its timeline; nothing else changes."""

    async def say(commands: Commands) -> Incident | None:
        return await commands.comment(incident, _order(by, note))

    _command(incident, account, say, "commented")


def merge(
    incident: IncidentId,
    into: Annotated[str, typer.Option(help="The other incident's id.")],
    account: Account = None,
    policy: PolicyFile = None,
    note: Note = "",
    by: By = "",
) -> None:
    """Make it one with another incident; the senior of the two goes on."""
    known(incident)
    known(into)

    async def question(storage: Storage) -> Incident | None:
        head = await _regrouping(storage, policy, account).merge(
            into, incident, _order(by, note)
        )
        if head is None:
            await _refuse(storage, incident, into)
        return head

    head = ask(account, question)
    if head is None:
        unknown(into)
    else:
        # The senior of two goes on, whichever was named.
        said = f"{incident} and {into} are one incident: {head.id}."
        incidents.console.print(said, markup=False)


def split(
    incident: IncidentId,
    alert: Annotated[
        list[str], typer.Option(help="The id of an alert that goes. Repeat as needed.")
    ],
    account: Account = None,
    policy: PolicyFile = None,
    note: Note = "",
    by: By = "",
) -> None:
    """Put some of its alerts on an incident of their own."""

    async def question(storage: Storage) -> tuple[Incident, Incident] | None:
        both = await _regrouping(storage, policy, account).split(
            incident, alert, _order(by, note)
        )
        if both is None:
            await _refuse(storage, incident)
        return both

    known(incident)
    both = ask(account, question)
    if both is None:
        unknown(incident)
        return
    _, split_off = both
    incidents.console.print(
        f"{incident} split: {split_off.id} has the alerts.", markup=False
    )


ORDERS = (ack, resolve, close, reopen, comment, merge, split)


def _regrouping(storage: Storage, by: Path | None, account: str | None) -> Regrouping:
    caps = rules.policy(by, account).correlate
    return Regrouping(storage.ledger, storage.queue, caps)


async def _refuse(storage: Storage, *named: str) -> None:
    """Say so where one that was named is in history; else there is none of that id."""
    for incident in named:
        await storage.history.refuse(incident)


def _order(by: str, note: str) -> Order:
    return Order(person(by), note)


def _command(
    incident: str,
    account: str | None,
    say: Callable[[Commands], Awaitable[Incident | None]],
    done: str,
) -> None:
    async def question(storage: Storage) -> Incident | None:
        head = await say(Commands(storage.ledger, storage.queue))
        if head is None:
            await _refuse(storage, incident)
        return head

    known(incident)
    head = ask(account, question)
    if head is None:
        unknown(incident)
    else:
        where = "" if head.id == incident else f" (merged into {head.id})"
        incidents.console.print(f"{incident}{where} {done}.", markup=False)
