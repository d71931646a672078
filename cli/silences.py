"""`firewatch silences`: what is kept quiet, by whom, why, and what it hid."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli import tables
from cli.incidents import Account, By, Json, Note, ask, parsed, person, print_json
from cli.rules import PolicyFile, policy, silences
from shared.api import viewing, views
from shared.commands import Order
from shared.model.silence import Mode, Silence
from shared.wiring.parts import utc_now

if TYPE_CHECKING:
    from shared.clouds.storage import Storage
    from shared.silences import Hidden

app = typer.Typer(help="List, add and end silences.", no_args_is_help=True)
console = tables.console()

Name = Annotated[str, typer.Argument(help="The silence's name.")]

_SPAN = re.compile(r"([0-9]{1,5})(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def list_(
    account: Account = None, policy_file: PolicyFile = None, as_json: Json = False
) -> None:
    """List every silence, those of the policy first, and what each hid."""
    by = policy(policy_file, account)

    async def question(storage: Storage) -> list[Hidden]:
        return await silences(storage, by).report()

    now = utc_now()
    found = [viewing.silence(each, now) for each in ask(account, question)]
    if as_json:
        print_json(found)
        return
    console.print(
        tables.table(
            tables.counted(len(found), "silence"),
            ("silence", "in force", "until", ">hid", "owner", "matches", "why"),
            (
                (
                    each.name,
                    _state(each),
                    f"{each.until.astimezone(UTC):%Y-%m-%d %H:%M}Z",
                    len(each.incidents),
                    each.owner,
                    "; ".join(each.match),
                    each.reason,
                )
                for each in found
            ),
        )
    )


@app.command()
def add(
    name: Name,
    match: Annotated[
        list[str],
        typer.Option(
            help="Incidents that every one of these matchers fits. Repeat as needed."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why; whoever is woken will ask.")],
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    until: Annotated[
        str, typer.Option(help="When it ends, such as 2026-12-01T18:00:00Z.")
    ] = "",
    for_: Annotated[
        str, typer.Option("--for", help="Or how long it lasts: 30m, 2h, 7d.")
    ] = "",
    break_through: Annotated[
        list[str] | None,
        typer.Option(
            help="Incidents that every one of these fits are told of all the same.",
            show_default=False,
        ),
    ] = None,
    monitor: Annotated[
        bool, typer.Option("--monitor", help="Only count what it would hide.")
    ] = False,
    account: Account = None,
    policy_file: PolicyFile = None,
    note: Note = "",
    by: By = "",
) -> None:
    """Add a silence: what fits it is not told of until it ends."""
    parsed(match)
    parsed(break_through, "--break-through")
    silence = Silence(
        name=name,
        match=tuple(match),
        reason=reason,
        owner=owner,
        until=end_of(until, for_),
        break_through=tuple(break_through or ()),
        mode=Mode.MONITOR if monitor else Mode.ACTIVE,
    )
    rules = policy(policy_file, account)

    async def question(storage: Storage) -> Silence:
        return await silences(storage, rules).create(silence, Order(person(by), note))

    made = ask(account, question)
    what = "counts" if monitor else "holds back"
    until = f"{made.until.astimezone(UTC):%Y-%m-%d %H:%M}Z"
    console.print(f"{made.name} {what} what fits it until {until}.", markup=False)


@app.command()
def end(
    name: Name,
    account: Account = None,
    policy_file: PolicyFile = None,
    note: Note = "",
    by: By = "",
) -> None:
    """End a silence now; what it held back is looked at again."""
    rules = policy(policy_file, account)

    async def question(storage: Storage) -> Silence | None:
        return await silences(storage, rules).end(name, Order(person(by), note))

    if ask(account, question) is None:
        typer.echo(
            f"firewatch: no silence {tables.plain(name)} in this account", err=True
        )
        raise typer.Exit(1)
    console.print(f"{name} has ended.", markup=False)


def end_of(until: str, span: str) -> datetime:
    """A time that is given as one, or as how long from now. Raises BadParameter."""
    if bool(until) is bool(span):
        raise typer.BadParameter("say either --until or --for", param_hint="--until")
    if span:
        found = _SPAN.fullmatch(span)
        if found is None:
            said = "expected a time such as 30m, 2h or 7d"
            raise typer.BadParameter(said, param_hint="--for")
        return utc_now() + timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        at = datetime.fromisoformat(until)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        said = "expected a time with its zone, such as 2026-12-01T18:00:00Z"
        raise typer.BadParameter(said, param_hint="--until")
    return at


def _state(each: views.SilenceView) -> str:
    if not each.is_in_force:
        return "no"
    return "only counts" if each.mode is Mode.MONITOR else "yes"
