"""The command `firewatch` and its verbs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import (
    coverage,
    dead_letters,
    deeds,
    deliveries,
    explain,
    incidents,
    measures,
    oncall,
    orders,
    page_test,
    parse,
    permissions,
    policy,
    queries,
    query,
    silences,
    tables,
    undo,
)
from cli.account import AccountError, RunError
from cli.archive import commands as archive
from cli.dead_letters import ReplayError
from cli.feed import FeedError
from cli.posture import commands as posture
from cli.rehearsal import commands as rehearsal
from cli.release import commands as release
from cli.release.errors import ReleaseError
from cli.retention import commands as retention
from cli.value import commands as value
from devhost.local import LocalError, RealHub
from devhost.rehearsal import RehearsalError
from devhost.storage import StorageError
from shared.model.errors import FirewatchError

app = typer.Typer(
    help="Answers to Microsoft Defender alerts, on this machine and on a running app.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for order in orders.ORDERS:
    incidents.app.command()(order)
app.add_typer(incidents.app, name="incidents")
app.add_typer(silences.app, name="silences")
app.add_typer(deeds.app, name="deeds")
app.add_typer(archive.app, name="archive")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(policy.app, name="policy")
app.add_typer(release.app, name="release")
app.add_typer(retention.app, name="retention")
app.command()(explain.explain)
app.command()(coverage.coverage)
app.command()(parse.parse)
app.command()(oncall.oncall)
app.command()(measures.measures)
app.command()(undo.undo)
app.command()(permissions.permissions)
app.command()(rehearsal.rehearse)
app.command()(page_test.page_test)
app.command()(posture.posture)
app.command()(query.query)
app.command()(queries.queries)
app.command()(value.value)

console = tables.console()
errors = tables.console(stderr=True)


@app.callback()
def firewatch() -> None:
    """Keep verbs as commands, however few they are."""


@app.command()
def run(
    feed: Annotated[
        list[Path] | None,
        typer.Option(
            help="Feed these files or folders through the Event Hub, in the order of"
            " their names, instead of the written attack. A .ndjson file is an event"
            " per line, any other file one event, byte for byte. Repeat as needed.",
            show_default=False,
        ),
    ] = None,
    more: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...", help="More paths to feed.", show_default=False
        ),
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Exit after the tables; 1 if it does not add up."),
    ] = False,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="Your policy.yaml; its remote sides are replaced by stand-ins."
        ),
    ] = None,
    inventory: Annotated[
        Path | None,
        typer.Option(
            help="What there is in your Azure, as JSON: resources, accounts, machines."
            " Responders that contain act on that, on this machine alone; what the"
            " attack is about, unless given.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write what came of it as JSON to this file.")
    ] = None,
    live: Annotated[
        list[str] | None,
        typer.Option(
            help="Let this responder of the policy call its real remote side, with the"
            " secrets of your environment. Repeat as needed.",
            show_default=False,
        ),
    ] = None,
    hub: Annotated[
        str | None,
        typer.Option(
            envvar="FIREWATCH_HUB",
            help="Read a real Event Hub (connection string) instead of the stand-in.",
            show_default=False,
        ),
    ] = None,
    hub_name: Annotated[str, typer.Option(help="The real hub's name.")] = "",
    consumer_group: Annotated[
        str,
        typer.Option(
            help="The consumer group to read the real hub with: one of your own, since"
            " reading with the app's would take its partitions away."
        ),
    ] = "",
) -> None:
    """Run Firewatch on this machine: play an attack, or feed it your own alerts."""
    # Imported here, so that the other verbs do without the Event Hub SDK.
    from cli import run as runs  # noqa: PLC0415
    from cli.feed import read  # noqa: PLC0415

    runs.interrupt_on_termination()
    paths = [*(feed or []), *(more or [])]
    real = _real_hub(hub, hub_name, consumer_group, paths=paths, once=once)
    if more and not feed:
        raise typer.BadParameter("name the paths after --feed", param_hint="PATH")
    plan = runs.Plan(
        pieces=read(paths) if paths else None,
        policy=_policy(policy) if policy else runs.packaged_policy(),
        once=once,
        live=tuple(live or ()),
        hub=real,
        report=report,
        inventory=inventory,
    )
    raise typer.Exit(runs.run(plan, console))


def main() -> None:
    """Run the command; errors that people can mend are said without a traceback."""
    try:
        app(standalone_mode=True)
    except (
        AccountError,
        FeedError,
        FirewatchError,
        LocalError,
        OSError,
        RehearsalError,
        ReleaseError,
        ReplayError,
        RunError,
        StorageError,
    ) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(message: str) -> None:
    # Not wrapped: a path or an id that is cut in two cannot be searched for.
    errors.print(
        f"firewatch: {message}",
        style="red",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    sys.exit(1)


def _policy(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(
            f"cannot read {path}: {error.strerror}", param_hint="--policy"
        ) from None


def _real_hub(
    hub: str | None, name: str, group: str, *, paths: list[Path], once: bool
) -> RealHub | None:
    if not hub:
        return None
    if not name or not group or group.lower() == "$default":
        raise typer.BadParameter(
            "a real hub needs --hub-name and --consumer-group, and not $Default",
            param_hint="--hub",
        )
    if paths or once:
        raise typer.BadParameter(
            "a real hub is only read: leave out --feed and --once", param_hint="--hub"
        )
    return RealHub(hub, name, group)
