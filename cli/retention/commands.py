"""`firewatch retention`: what tables keep, what the policy wants, and making it so."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import rules
from cli.incidents import Json, print_json
from cli.retention import image, showing
from cli.retention.applying import Bringer, Pace, Target, is_hopeless
from cli.retention.image import Image
from cli.retention.places import address, arm, workspaces
from shared.enrichment.pack import pack
from shared.log_retention.plan import planned
from shared.log_retention.workspace import Workspace
from shared.model.errors import CommandRefused, ResponderError, SettingsError
from shared.settings import PACKAGED_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shared.log_retention.plan import Line, Plan
    from shared.model.rest import Rest
    from shared.triage.policy import Policy

ONE_DAY = timedelta(days=1)

app = typer.Typer(
    help="See how long tables of Log Analytics keep their rows, and change it.",
    no_args_is_help=True,
)

PolicyFile = Annotated[
    Path | None,
    typer.Option(
        help="The policy that says how long. Left out: the policy.yaml beside the app;"
        " with --rehearse that of the run.",
        show_default=False,
    ),
]
Named = Annotated[
    list[str] | None,
    typer.Option(
        "--workspace",
        help="A workspace, by its ARM id or its GUID. Repeat as needed. Left out: those"
        " of the policy.",
        show_default=False,
    ),
]
Url = Annotated[
    str,
    typer.Option(
        envvar="FIREWATCH_ARM_URL",
        help="Azure Resource Manager, of another cloud.",
        show_default=False,
    ),
]
Rehearse = Annotated[
    bool,
    typer.Option(
        "--rehearse", help="On the stand-in of the `firewatch run` that is up."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def plan(
    policy: PolicyFile = None,
    workspace: Named = None,
    url: Url = "",
    rehearse: Rehearse = False,
    as_json: Json = False,
) -> None:
    """Show what the policy's `retention` would change; nothing is changed."""
    by = _policy(policy, rehearse=rehearse)
    where = address(url, rehearse=rehearse)

    async def go() -> list[Plan]:
        async with arm(where) as client:
            return await _plans(client, workspace or (), by)

    found = asyncio.run(go())
    if as_json:
        print_json(found)
    else:
        showing.plans(found)


@app.command()
def apply(
    policy: PolicyFile = None,
    workspace: Named = None,
    before: Annotated[
        Path | None,
        typer.Option(
            help="Where to keep what was before, to undo by; a new file here, if left"
            " out.",
            show_default=False,
        ),
    ] = None,
    url: Url = "",
    rehearse: Rehearse = False,
    yes: Yes = False,
) -> None:
    """Change what differs from the policy's `retention`, after it was shown and agreed to.

    What was before is written to a file first. 1 if a table is not as it should be.
    """
    by = _policy(policy, rehearse=rehearse)
    where = address(url, rehearse=rehearse)

    async def go() -> bool:
        async with arm(where) as client:
            found = await _plans(client, workspace or (), by)
            showing.plans(found)
            count = sum(len(each.changes) for each in found)
            if not count:
                return True
            _agree(count, yes=yes)
            now = datetime.now(UTC)
            file = before or Path(f"retention-before-{now:%Y%m%dT%H%M%SZ}.json")
            image.write(file, Image(made_at=now, plans=tuple(found)))
            showing.undo_by(file, url=url, rehearse=rehearse)
            return await brought(
                (
                    (Workspace(client, each.workspace), _forth(line))
                    for each in found
                    for line in each.changes
                ),
                Pace(),
            )

    if not asyncio.run(go()):
        showing.say("Not all is as the policy wants it: apply again to go on.")
        raise typer.Exit(1)


@app.command()
def undo(
    file: Annotated[
        Path,
        typer.Argument(
            help="What `retention apply` wrote.", exists=True, dir_okay=False
        ),
    ],
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Also what somebody changed since, whatever it is."
        ),
    ] = False,
    url: Url = "",
    rehearse: Rehearse = False,
    yes: Yes = False,
) -> None:
    """Put back what was before an apply; what was changed since is refused, and named."""
    was = image.read(file)
    where = address(url, rehearse=rehearse)
    lines = [(each.workspace, line) for each in was.plans for line in each.lines]
    showing.undoing(was)
    _agree(len(lines), yes=yes)

    async def go() -> bool:
        async with arm(where) as client:
            return await brought(
                (
                    (Workspace(client, at), _back(line, force=force))
                    for at, line in lines
                ),
                Pace(),
            )

    if not asyncio.run(go()):
        showing.say("Not all was put back.")
        raise typer.Exit(1)


async def brought(targets: Iterable[tuple[Workspace, Target]], pace: Pace) -> bool:
    """Bring every table to its target, and say what came of each; whether all did."""
    is_done = True
    for workspace, target in targets:
        shown = f"{target.table} ({workspace.id.rpartition('/')[2]})"
        bringer = Bringer(workspace, pace, _telling(shown))
        try:
            had_to = await bringer(target)
        except (CommandRefused, ResponderError) as failure:
            is_done = False
            showing.say(f"{shown}: NOT CHANGED: {failure}")
            if is_hopeless(failure):
                break
        else:
            verb = "now keeps" if had_to else "keeps already"
            showing.say(f"{shown}: {verb} {target.after.said}")
    return is_done


def _telling(about: str) -> Callable[[str], None]:
    return lambda line: showing.say(f"  {about}: {line}")


async def _plans(client: Rest, named: Sequence[str], by: Policy) -> list[Plan]:
    found = await workspaces(client, named, by.workspaces)
    reaches = _reaches()
    return [
        planned(each.id, await each.tables(), by.retention, reaches) for each in found
    ]


def _reaches() -> dict[str, int]:
    """The tables that the pack reads, and how many days back its queries look there."""
    found: dict[str, int] = {}
    for query in pack().values():
        for name in query.tables:
            # A day that has begun is one.
            days = -(-query.reach // ONE_DAY)
            found[name] = max(days, found.get(name, 0))
    return found


def _policy(file: Path | None, *, rehearse: bool) -> Policy:
    """The policy of a file. That of a run is for rehearsing alone."""
    found = rules.policy(file or (None if rehearse else PACKAGED_POLICY), None)
    if not (found.retention.default or found.retention.tables):
        raise SettingsError(
            ["the policy has no retention: docs/retention.md says how to write it"]
        )
    return found


def _forth(line: Line) -> Target:
    return Target(line.table, line.before, line.after, line.properties)


def _back(line: Line, *, force: bool) -> Target:
    since = None if force else line.after
    return Target(line.table, since, line.before, image.back(line))


def is_terminal() -> bool:
    """Whether somebody is here to be asked."""
    return sys.stdin.isatty()


def _agree(count: int, *, yes: bool) -> None:
    """Have somebody agree. Without a terminal nobody can, but by --yes."""
    if yes:
        return
    if not is_terminal():
        raise typer.BadParameter("nobody is here to ask", param_hint="--yes")
    typer.confirm(f"Change {count}?", abort=True)
