"""`firewatch archive` and its verbs."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import tables
from cli.archive import period, showing, trails
from cli.archive.export import Files, Lines, Outcome, Stream, export
from cli.archive.getting import kept
from cli.archive.period import Period
from cli.archive.verifying import Verification
from cli.incidents import Account, Json, ask, known, print_json
from cli.parse import harmless
from shared.store import finding
from shared.store.batches import ARCHIVE, read_name
from shared.store.trail import day_of_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.archive.export import Sink
    from cli.archive.verifying import Verified
    from shared.clouds.storage import Storage
    from shared.store.batches import Line

app = typer.Typer(
    help="Read the archive: every event as it came, and what was done.",
    no_args_is_help=True,
)
console = tables.console()
errors = tables.console(stderr=True)

Since = Annotated[
    str,
    typer.Option(
        "--from",
        help="From this day on, such as 2026-11-23, in UTC; or a time with its zone.",
        show_default=False,
    ),
]
Until = Annotated[
    str,
    typer.Option(
        "--to",
        help="Up to the end of this day, or before this time. Left out: up to now.",
        show_default=False,
    ),
]
Source = Annotated[
    str,
    typer.Option(
        help="Of this source alone, such as hub/alerts/0, or of all below it: http.",
        show_default=False,
    ),
]


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
    showing.event(found.raw, pretty=pretty)


@app.command("list")
def list_(
    since: Since = "",
    until: Until = "",
    source: Source = "",
    account: Account = None,
    as_json: Json = False,
) -> None:
    """List what is archived: by day and source, how many batches, how large."""
    asked = _period(since, until)

    async def question(storage: Storage) -> dict[str, int]:
        found = await period.sizes(storage.blobs, asked, source)
        if source in {"", trails.SOURCE}:
            found |= await trails.sizes(storage.blobs, asked)
        return found

    found = showing.listed(ask(account, question))
    if as_json:
        print_json(found)
    else:
        showing.days(found, console)


@app.command("export")
def export_(
    since: Since,
    until: Until = "",
    source: Source = "",
    output: Annotated[
        str,
        typer.Option(
            "--output",
            help="A folder to make files in, one for each day and source; - is standard"
            " output.",
        ),
    ] = "-",
    files: Annotated[
        bool,
        typer.Option(
            "--files",
            help="A file for each event, its bytes and nothing else, as"
            " `firewatch run --feed` takes them.",
        ),
    ] = False,
    account: Account = None,
) -> None:
    """Give every event of a time back, byte for byte, each once; 1 if one is lost.

    A line of JSON for each: where it came from and when, its SHA-256, and its bytes as
    `body`, or `base64` where they are no text.
    """
    asked = _period(since, until)
    sink = _sink(output, files=files)

    async def question(storage: Storage) -> Outcome:
        names = await period.sizes(storage.blobs, asked, source)
        # Lines and progress would meet on one terminal.
        quiet = output == "-" and sys.stdout.isatty()
        far = showing.progress(len(names), errors, is_shown=not quiet)
        with far as (told, _), sink:
            return await export(
                storage.archive, names, asked, sink, lambda done: told(done.blobs)
            )

    done = ask(account, question)
    events = tables.counted(done.events, "event")
    blobs = tables.counted(done.blobs, "blob")
    errors.print(f"{events} of {blobs}, {showing.size(done.bytes)}.", markup=False)
    for problem in done.broken:
        typer.echo(f"firewatch: {tables.plain(problem)}", err=True)
    if done.broken:
        raise typer.Exit(1)


@app.command()
def audit(since: Since, until: Until = "", account: Account = None) -> None:
    """Print the audit trail of some days: who did what, when and why, as JSON lines.

    Each day opens with its number and the hash of the day before it.
    """
    asked = _period(since, until)

    async def question(storage: Storage) -> None:
        async for lines in trails.text_of(storage.blobs, asked):
            for line in lines:
                typer.echo(harmless(line))

    ask(account, question)


@app.command()
def verify(
    kept_days: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="What is older may be gone: archiveDeleteAfterDays of the deployment."
            " Left out: everything is to be there.",
            show_default=False,
        ),
    ] = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Hold archive, alerts, timelines and audit trail together; 1 if one does not fit.

    Every blob is read, every event hashed, every chain proved.
    """

    async def question(storage: Storage) -> Verified:
        with showing.progress(None, errors) as (_, said):
            since = None
            if kept_days is not None:
                since = (storage.ledger.now() - timedelta(days=kept_days)).date()
            return await _verified(storage, since, said)

    found = ask(account, question)
    if as_json:
        print_json(found)
    else:
        showing.checked(found, console)
    if found.misfits:
        raise typer.Exit(1)


async def _verified(
    storage: Storage, since: date | None, said: Callable[[str], None]
) -> Verified:
    look = Verification(
        storage.ledger, storage.history, storage.archive, kept_since=since, tell=said
    )
    await look.rows()
    names = []
    async for name, _ in storage.blobs.sizes(ARCHIVE):
        if day_of_name(name) is not None:
            continue
        if read_name(name) is None:
            look.found.wrong("blob", name, "has no name that Firewatch gives")
        else:
            names.append(name)
    await look.blobs(names)
    found = look.close()
    await trails.verify(
        storage.ledger, storage.blobs, look.entries, found, kept_since=since
    )
    return found


def _sink(output: str, *, files: bool) -> Sink:
    if output != "-":
        return Files(Path(output)) if files else Lines(Path(output))
    if files:
        raise typer.BadParameter("name a folder", param_hint="--output")
    return Stream(sys.stdout.buffer)


def _period(since: str, until: str) -> Period:
    """The time that two options name. Raises BadParameter."""
    whole = Period()
    found = whole._replace(
        since=_moment(since, "--from") or whole.since,
        until=_moment(until, "--to", is_end=True) or whole.until,
    )
    if found.since >= found.until:
        raise typer.BadParameter("it ends before it begins", param_hint="--to")
    return found


def _moment(text: str, option: str, *, is_end: bool = False) -> datetime | None:
    if not text:
        return None
    try:
        return period.moment(text, is_end=is_end)
    except ValueError:
        said = "expected a day such as 2026-11-23, or a time such as 2026-11-23T12:00Z"
        raise typer.BadParameter(said, param_hint=option) from None
