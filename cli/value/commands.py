"""`firewatch value`: collection is not detection."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from cli import query, rules
from cli.account import AccountError, running
from cli.incidents import Account, Json, ask, print_json
from cli.retention import places
from cli.value import advice, figures, reading, showing, usage
from cli.value import rules as readers
from cli.value.kinds import kinds
from shared import settings
from shared.api.bodies import MOST_DAYS
from shared.clouds.credentials import Credentials
from shared.clouds.log_analytics import LogAnalytics
from shared.enrichment.pack import pack
from shared.model.errors import FirewatchError, LogsUnavailable
from shared.wiring.parts import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cli.value.figures import Told, Value, Volume
    from shared.clouds.storage import Storage
    from shared.triage.policy import Policy


class _Where(NamedTuple):
    """Which workspaces are asked, and where their APIs are."""

    workspaces: tuple[str, ...]
    logs: str
    arm: str


def value(
    days: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_DAYS, help="Of what was opened in so many days until now."
        ),
    ] = 30,
    price_per_gb: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PRICE",
            help="What a GB of ingestion costs you, such as 2.99; or of one table, such"
            " as AKSAudit=0.65. Repeat as needed. Without it there is no money.",
            show_default=False,
        ),
    ] = None,
    workspace: Annotated[
        list[str] | None,
        typer.Option(
            help="The id (a GUID) of a workspace to count tables in. Repeat as needed."
            " Left out: those of the policy.",
            show_default=False,
        ),
    ] = None,
    look_at_rules: Annotated[
        bool,
        typer.Option(
            "--rules",
            help="Read the rules of Sentinel and Azure Monitor too, for the tables that"
            " they read.",
        ),
    ] = False,
    policy: rules.PolicyFile = None,
    account: Account = None,
    url: Annotated[
        str,
        typer.Option(
            envvar="FIREWATCH_LOGS_URL",
            help="Where the query API is, of another cloud.",
            show_default=False,
        ),
    ] = "",
    arm_url: Annotated[
        str,
        typer.Option(
            envvar="FIREWATCH_ARM_URL",
            help="Azure Resource Manager, of another cloud.",
            show_default=False,
        ),
    ] = "",
    as_json: Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Markdown instead of tables.")
    ] = False,
) -> None:
    """Show what tables cost and were good for, and queries and alert types, and what to do."""
    prices = _prices(price_per_gb or [])
    by = rules.policy(policy, account)
    where = _where(workspace or (), by, account, url, arm_url)
    until = utc_now()
    since = until - timedelta(days=days)

    async def question(storage: Storage) -> Value:
        told = await reading.told(storage, since)
        missing: list[str] = []
        volumes = await _volumes(where, since, until, missing)
        names = {*(volumes or ()), *(t for q in pack().values() for t in q.tables)}
        read_by = await _readers(where, by, names, missing) if look_at_rules else None
        if not look_at_rules:
            missing.append("rules of Sentinel and Azure Monitor: look by --rules")
        if volumes is not None and not prices:
            missing.append("money: say what a GB costs you by --price-per-gb")
        return _value((since, until), told, volumes, prices, read_by, missing)

    found = ask(account, question)
    if as_json:
        print_json(found)
    elif markdown:
        showing.markdown(found, days)
    else:
        showing.tables_of(found, days)


def _value(
    times: tuple[datetime, datetime],
    told: Sequence[Told],
    volumes: Mapping[str, Volume] | None,
    prices: Mapping[str, float],
    read_by: Mapping[str, Sequence[str]] | None,
    missing: list[str],
) -> Value:
    answers = figures.by_query(told)
    tables = [
        advice.of_table(each)
        for each in figures.tables(answers, pack(), volumes, prices, read_by)
    ]
    ended = [each.head for each in told if each.head.ended_at is not None]
    unjudged = sum(head.judged is None for head in ended)
    if unjudged:
        missing.append(f"verdicts: {unjudged} of {len(ended)} ended without one")
    paid = [each.money for each in tables if each.money is not None]
    return figures.Value(
        since=times[0],
        until=times[1],
        incidents=len(told),
        money=round(math.fsum(paid), 2) if paid else None,
        tables=tuple(tables),
        queries=tuple(map(advice.of_query, figures.queries(answers, pack()))),
        kinds=tuple(map(advice.of_kind, kinds([each.head for each in told]))),
        missing=tuple(missing),
    )


async def _volumes(
    where: _Where, since: datetime, until: datetime, missing: list[str]
) -> dict[str, Volume] | None:
    """What tables took in, of the workspaces that say it; None where none does."""
    if not where.workspaces:
        missing.append("volumes: name a workspace by --workspace, or in the policy")
        return None
    credentials = Credentials("")
    logs = LogAnalytics(where.logs, token=credentials.token)
    found: list[Mapping[str, Volume]] = []
    try:
        for workspace in where.workspaces:
            try:
                found.append(await usage.of_workspace(logs, workspace, since, until))
            except LogsUnavailable as error:
                missing.append(
                    f"volumes of workspace {workspace}: {error.lack}: {error}"
                )
    finally:
        await logs.close()
        await credentials.close()
    return usage.together(found) if found else None


async def _readers(
    where: _Where, by: Policy, tables: set[str], missing: list[str]
) -> dict[str, list[str]] | None:
    """The rules that read each table; None where they could not all be read."""
    try:
        async with places.arm(where.arm) as client:
            named = (
                [] if where.workspaces == (query.ANY_WORKSPACE,) else where.workspaces
            )
            found = await places.workspaces(client, named, by.workspaces)
            return await readers.readers(client, found, tables)
    except (FirewatchError, AccountError) as error:
        missing.append(f"rules of Sentinel and Azure Monitor: {error}")
        return None


def _where(
    named: Sequence[str],
    by: Policy,
    account: str | None,
    url: str,
    arm_url: str,
) -> _Where:
    run = None if account or named or url else running()
    if run is not None and run.logs:
        return _Where((query.ANY_WORKSPACE,), run.logs, run.arm)
    overridden = [each for o in by.workspaces.overrides for each in o.workspaces]
    asked = named or [*by.workspaces.central, *overridden]
    # The one rule of what an address may be: no token goes anywhere by plain http.
    checked = settings.from_environment(
        {
            "AzureWebJobsStorage": "none",
            "FIREWATCH_LOGS_URL": url,
            "FIREWATCH_ARM_URL": arm_url,
        }
    )
    return _Where(tuple(dict.fromkeys(asked)), checked.logs_url, checked.arm_url)


def _prices(given: Sequence[str]) -> dict[str, float]:
    """A price for each table that is named, and for all others by the empty name."""
    found: dict[str, float] = {}
    for each in given:
        table, _, text = each.rpartition("=")
        try:
            price = float(text)
        except ValueError:
            price = -1
        if not 0 <= price < math.inf:
            raise typer.BadParameter(
                "expected a price such as 2.99, or TABLE=0.65",
                param_hint="--price-per-gb",
            )
        found[table.strip()] = price
    return found
