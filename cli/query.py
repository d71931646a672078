"""`firewatch query`: one query of the pack, put to a workspace by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli import account, tables
from cli.incidents import Json
from shared import settings
from shared.clouds.credentials import Credentials
from shared.clouds.log_analytics import LogAnalytics
from shared.enrichment.fitting import ASKED_ROWS
from shared.enrichment.kql import Value, parsed, render
from shared.enrichment.pack import pack
from shared.enrichment.query import reading
from shared.model.errors import LogsUnavailable
from shared.triage.policy.names import suggestion

if TYPE_CHECKING:
    from shared.enrichment.query import Query
    from shared.model.logs import Answer

# The service itself stops after ten minutes.
LONGEST = timedelta(minutes=10)

# What a stand-in is asked, which has one answer for all.
ANY_WORKSPACE = "00000000-0000-4000-8000-000000000000"

console = tables.console()
errors = tables.console(stderr=True)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a query, as `--json` prints it."""

    query: str
    workspace: str
    since: datetime
    until: datetime
    took_ms: int
    is_partial: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    reading: str


def query(
    name: Annotated[str, typer.Argument(help="The query's name, see docs/queries.md.")],
    workspace: Annotated[
        str,
        typer.Option(
            help="The workspace's id (a GUID), or a resource's for its own logs; you"
            " sign in as yourself, by `az login` or what your environment says. Left"
            " out: the stand-in of the `firewatch run` that is up.",
            show_default=False,
        ),
    ] = "",
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A value of the query's; of a list, its items between commas. Repeat"
            " as needed.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
            help="From when on, UTC; the query's own reach before --until, if left out.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
            help="Until when, UTC; now, if left out.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str,
        typer.Option(
            envvar="FIREWATCH_LOGS_URL",
            help="Where the query API is, of another cloud or of a stand-in.",
            show_default=False,
        ),
    ] = "",
    within: Annotated[
        int, typer.Option(min=1, max=600, help="Seconds to wait for the answer.")
    ] = 60,
    most: Annotated[
        int, typer.Option(min=1, max=10_000, help="Rows to ask for.")
    ] = ASKED_ROWS,
    kql: Annotated[
        bool, typer.Option("--kql", help="Print what would be sent, and send nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run one query of the pack and show its rows and their reading; 1 without answer."""
    chosen = _chosen(name)
    to = _utc(until) if until else datetime.now(UTC)
    from_ = _utc(since) if since else to - chosen.reach
    try:
        text = render(
            chosen, _values(chosen, param or []), since=from_, until=to, most_rows=most
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--param") from None
    if kql:
        typer.echo(text, nl=False)
        return
    workspace, address = _where(workspace, url)
    began = datetime.now(UTC)
    try:
        answer = asyncio.run(
            _asked(address, workspace, text, (from_, to), timedelta(seconds=within))
        )
    except LogsUnavailable as error:
        _print(f"firewatch: {error.lack}: {error}", on_stderr=True)
        raise typer.Exit(1) from None
    took = datetime.now(UTC) - began
    shown = Shown(
        query=name,
        workspace=workspace,
        since=from_,
        until=to,
        took_ms=round(took.total_seconds() * 1000),
        is_partial=answer.is_partial,
        columns=answer.columns,
        rows=answer.rows,
        reading=reading(chosen, answer.columns, answer.rows, len(answer.rows)),
    )
    if as_json:
        typer.echo(msgspec.json.encode(shown))
    else:
        _show(shown, most)


async def _asked(
    url: str,
    workspace: str,
    text: str,
    times: tuple[datetime, datetime],
    within: timedelta,
) -> Answer:
    credentials = Credentials("")
    logs = LogAnalytics(url, token=credentials.token)
    try:
        return await logs.query(
            workspace, text, since=times[0], until=times[1], within=min(within, LONGEST)
        )
    finally:
        await logs.close()
        await credentials.close()


def _chosen(name: str) -> Query:
    """The query. An unknown one is a mistake in the command."""
    known = pack()
    if name not in known:
        near = suggestion(name, known) or f"; there are {', '.join(known)}"
        raise typer.BadParameter(
            f"no query is named {tables.plain(name)}{near}", param_hint="NAME"
        )
    return known[name]


def _values(chosen: Query, given: list[str]) -> dict[str, Value]:
    """The values, each as its parameter's type."""
    kinds = {parameter.name: parameter.kind for parameter in chosen.parameters}
    found: dict[str, Value] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or name not in kinds:
            wanted = ", ".join(f"{n}=<{kind}>" for n, kind in kinds.items())
            raise typer.BadParameter(
                f"{tables.plain(each)}: {chosen.name} takes {wanted or 'no values'}",
                param_hint="--param",
            )
        try:
            found[name] = parsed(kinds[name], text)
        except ValueError as error:
            raise typer.BadParameter(f"{name}: {error}", param_hint="--param") from None
    return found


def _where(workspace: str, url: str) -> tuple[str, str]:
    """Whom to ask, and at which address; a stand-in where nobody is named."""
    if not workspace:
        run = account.running()
        if run is None or not run.logs:
            raise account.AccountError(
                "no `firewatch run` is up here: name a workspace with --workspace"
            )
        return ANY_WORKSPACE, run.logs
    # The one rule of what an address may be: no token goes anywhere by plain http.
    checked = settings.from_environment(
        {"AzureWebJobsStorage": "none", "FIREWATCH_LOGS_URL": url}
    )
    return workspace, checked.logs_url


def _show(shown: Shown, most: int) -> None:
    count = tables.counted(len(shown.rows), "row")
    times = f"{shown.since:%Y-%m-%d %H:%M}Z to {shown.until:%Y-%m-%d %H:%M}Z"
    title = f"{shown.query}: {count}, {times}, in {shown.took_ms} ms"
    if shown.rows:
        made = tables.table(title, shown.columns, shown.rows)
        # Any cell may be the one that is looked for: none is cut.
        for column in made.columns:
            column.no_wrap, column.overflow = False, "fold"
        console.print(made)
    else:
        _print(title)
    _print(shown.reading)
    if shown.is_partial:
        _print("The workspace could not give all there is.")
    if len(shown.rows) >= most:
        _print(f"There may be more than the {most} that were asked for (--most).")


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)


def _print(text: str, *, on_stderr: bool = False) -> None:
    on = errors if on_stderr else console
    on.print(
        tables.plain(text),
        markup=False,
        highlight=False,
        soft_wrap=True,
        style="red" if on_stderr else None,
    )
