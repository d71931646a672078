"""`firewatch explain`: why an alert or an incident is as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import tables
from cli.incidents import Account, Json, ask, known, print_json, unknown
from cli.rules import PolicyFile, policy, silences
from shared.explain import answer
from shared.explain.case import Ruleset
from shared.store import reading
from shared.store.history import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.clouds.storage import Storage
    from shared.explain.report import ExplainedAlert, ExplainedIncident

console = tables.console()


def explain(
    alert: Annotated[str, typer.Option(help="An alert's id.", show_default=False)] = "",
    incident: Annotated[
        str, typer.Option(help="Or an incident's.", show_default=False)
    ] = "",
    account: Account = None,
    policy_file: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Say why: how an alert was grouped, who was told, what is next, and what if."""
    if bool(alert) is bool(incident):
        raise typer.BadParameter(
            "say either --alert or --incident", param_hint="--alert"
        )
    if incident:
        known(incident)
    by = policy(policy_file, account)

    async def question(
        storage: Storage,
    ) -> ExplainedAlert | ExplainedIncident | None:
        every = await silences(storage, by).every()
        rules = Ruleset(by.routes, [one for one, _ in every], by.correlate.quiet)
        if incident:
            shelf, _ = await find(storage.ledger, storage.history, incident)
            return await answer.of_incident(shelf, incident, rules)
        row = await reading.alert(storage.ledger, alert)
        return await answer.of_alert(storage.ledger, row, rules) if row else None

    found = ask(account, question)
    if found is None:
        _unknown(alert, incident)
    elif as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: ExplainedAlert | ExplainedIncident) -> None:
    about = getattr(found, "about", None)
    parts: list[tuple[str, Sequence[str]]] = [
        # A merger is told of the alert and of its incident.
        ("Why", [*dict.fromkeys((*found.lines, *(about.lines if about else ())))]),
        ("Otherwise", [*found.otherwise, *(about.otherwise if about else ())]),
    ]
    for title, lines in parts:
        if lines:
            console.print(title, style="bold")
        for line in lines:
            # Not wrapped: an id that is cut in two cannot be searched for.
            shown = f"  {tables.plain(line)}"
            console.print(shown, markup=False, highlight=False, soft_wrap=True)


def _unknown(alert: str, incident: str) -> None:
    if incident:
        unknown(incident)
    typer.echo(f"firewatch: no alert {tables.plain(alert)} in this account", err=True)
    raise typer.Exit(1)
