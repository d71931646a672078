"""`firewatch permissions`: what the app's identity must be allowed for a policy."""

from __future__ import annotations

import itertools
import string
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import grants, tables
from cli.coverage import SHIPPED
from cli.incidents import Json, print_json
from cli.policy import examined, refuse
from responders import DOERS, RESPONDERS
from shared.containment import needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.table import Table

    from shared.containment.needs import Need
    from shared.model.permission import Permission
    from shared.triage.policy import Policy

console = tables.console()

# What every ``use`` declares.
RIGHTS: dict[str, Sequence[Permission]] = {
    use: getattr(kind, "permissions", ())
    for use, kind in {**RESPONDERS, **DOERS}.items()
}


def permissions(
    policy: Annotated[
        Path,
        typer.Option(
            help="Your policy.yaml; the shipped one if left out.",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = SHIPPED,
    as_json: Json = False,
    grant: Annotated[
        str,
        typer.Option(
            metavar="OBJECT_ID",
            help="Print the commands that give this identity, the worker's, what it"
            " needs of Microsoft Graph and Defender for Endpoint. Nothing is run.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Print exactly what the policy needs, and which responder is armed.

    Nothing is called. Beside it every app needs its own storage, hub and key vault.
    """
    if grant and not grants.OBJECT_ID.fullmatch(grant):
        refuse([f"--grant {grant}: expected the object id of an identity"])
    found, mistakes = examined(policy.read_bytes())
    if found is None or mistakes:
        refuse([f"{policy.name}: {mistake}" for mistake in mistakes])
    wanted = needs.needed(found, RIGHTS)
    if grant:
        typer.echo(grants.script(wanted, grant))
        return
    if as_json:
        print_json({"permissions": [*map(_shown, wanted)], "armed": _armed(found)})
        return
    scopes = dict.fromkeys(scope for each in wanted for scope in each.scopes)
    places = dict(zip(scopes, _letters(), strict=False))
    console.print(_table(wanted, places))
    console.print(
        tables.table(
            "Where",
            ("where", "scope"),
            ((letter, scope) for scope, letter in places.items()),
        )
    )
    if found.contain:
        console.print(
            tables.table(
                "What is armed, where people can sign in and links can be signed",
                ("responder", "armed", "why not"),
                (
                    (name, "no" if why else "yes", why or "-")
                    for name, why in _armed(found).items()
                ),
            )
        )


def _table(wanted: Sequence[Need], places: Mapping[str, str]) -> Table:
    return tables.table(
        tables.counted(len(wanted), "permission"),
        ("of", "permission", "where", "for"),
        (
            (
                each.permission.api,
                each.permission.action,
                " ".join(places[scope] for scope in each.scopes),
                ", ".join(each.by),
            )
            for each in wanted
        ),
    )


def _shown(need: Need) -> dict[str, Any]:
    return {
        "api": need.permission.api,
        "action": need.permission.action,
        "on": need.permission.on,
        "scopes": need.scopes,
        "by": need.by,
    }


def _armed(policy: Policy) -> dict[str, str]:
    """Why each doer will do nothing by itself; empty where it may."""
    return {
        name: needs.unarmed(policy, name, can_sign_in=True, can_sign=True)
        for name, given in policy.responders.items()
        if given.get("use") in DOERS
    }


def _letters() -> Iterator[str]:
    for round_ in itertools.count():
        for letter in string.ascii_lowercase:
            yield f"{letter}{round_ or ''}"
