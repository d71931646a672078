"""`firewatch posture`: reads what there is, and says what is not as it should be."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn

from cli import account as accounts
from cli import rules, tables
from cli.incidents import Account, Json, print_json
from cli.posture.markdown import markdown
from cli.posture.showing import show
from shared import settings
from shared.audit_posture import wanted_of
from shared.clouds.arm import Arm
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.clouds.log_analytics import LogAnalytics
from shared.clouds.resource_graph import ResourceGraph
from shared.clouds.rest import RestClient
from shared.held import held
from shared.model.alert import Severity
from shared.model.errors import FirewatchError
from shared.posture import store
from shared.posture.audited import Report
from shared.posture.estate import Part
from shared.posture.gate import Gate
from shared.posture.look import Sides, look
from shared.posture.report import report
from shared.wiring.parts import LIST_TIMEOUT_S, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.posture.estate import Held
    from shared.posture.finding import Finding
    from shared.posture.wanted import Wanted

OPEN, ERROR = 1, 2

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

console = tables.console()
errors = tables.console(stderr=True)


def posture(
    subscription: Annotated[
        list[str] | None,
        typer.Option(
            help="A subscription, by its id. Repeat as needed. Left out: those of the"
            " policy, else all that you can read.",
            show_default=False,
        ),
    ] = None,
    policy: rules.PolicyFile = None,
    fail_on: Annotated[
        Severity,
        typer.Option(help="Exit with 1 where a finding as severe as this is open."),
    ] = Severity.HIGH,
    account: Account = None,
    rehearse: Annotated[
        bool,
        typer.Option(
            "--rehearse", help="On the stand-ins of the `firewatch run` that is up."
        ),
    ] = False,
    url: Annotated[
        str,
        typer.Option(
            envvar="FIREWATCH_ARM_URL",
            help="Azure Resource Manager, of another cloud.",
            show_default=False,
        ),
    ] = "",
    logs_url: Annotated[
        str,
        typer.Option(
            envvar="FIREWATCH_LOGS_URL",
            help="Log Analytics, of another cloud.",
            show_default=False,
        ),
    ] = "",
    fixes: Annotated[
        bool, typer.Option("--fixes", help="A line for a shell below each finding.")
    ] = False,
    as_json: Json = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Markdown, with the Bicep of each fix.")
    ] = False,
) -> None:
    """Audit logs and detection; reads and changes nothing. 1 if findings are open, 2 on errors.

    With an account findings have the history that the app knows.
    """
    for each in subscription or ():
        if not _GUID.fullmatch(each):
            raise typer.BadParameter("not a GUID", param_hint="--subscription")
    try:
        by = rules.policy(policy, account)
        wanted = wanted_of(by, hub="", now=utc_now())
        if subscription:
            chosen = msgspec.structs.replace(
                wanted.posture, subscriptions=tuple(subscription)
            )
            wanted = wanted._replace(posture=chosen)
        where = _addresses(url, logs_url, rehearse=rehearse)
        # What a run on this machine knows is nothing of any other estate.
        known = accounts.named(account) if account or rehearse else None
        found = asyncio.run(_audited(where, wanted, known))
    except (FirewatchError, accounts.AccountError, OSError) as error:
        errors.print(
            tables.plain(f"firewatch: {error}"),
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(ERROR) from None
    if as_json:
        print_json(found)
    elif as_markdown:
        typer.echo(markdown(found), nl=False)
    else:
        show(found, console, with_fixes=fixes)
    if any(n for severity, n in found.open.items() if severity.rank >= fail_on.rank):
        raise typer.Exit(OPEN)


def _addresses(url: str, logs_url: str, *, rehearse: bool) -> tuple[str, str]:
    if rehearse:
        run = accounts.running()
        if run is None or not run.arm:
            raise accounts.AccountError("no `firewatch run` is up here to rehearse on")
        return run.arm, run.logs
    # The one rule of what an address may be: no token goes anywhere by plain http.
    checked = settings.from_environment(
        {
            "AzureWebJobsStorage": "none",
            "FIREWATCH_ARM_URL": url,
            "FIREWATCH_LOGS_URL": logs_url,
        }
    )
    return checked.arm_url, checked.logs_url


async def _audited(where: tuple[str, str], wanted: Wanted, named: str | None) -> Report:
    known, before = await _known(named)
    arm_url, logs_url = where
    http = HttpClient(read_timeout_s=LIST_TIMEOUT_S, whole_timeout_s=LIST_TIMEOUT_S)
    async with AsyncExitStack() as stack:
        credentials = Credentials("")
        logs = LogAnalytics(logs_url, token=credentials.token)
        for opened in (credentials, logs, http):
            stack.push_async_callback(opened.close)
        sides = Sides(
            RestClient("ARM", arm_url, http=http, token=credentials.token),
            ResourceGraph(Arm(arm_url, http=http, token=credentials.token)),
            logs,
        )
        progress = stack.enter_context(_progress())
        task = progress.add_task("reading", total=None)

        def told(done: int, begun: int) -> None:
            progress.update(task, completed=done, total=begun)

        gate = Gate(seconds=time.monotonic, told=told)
        estate, wanted = await look(sides, wanted, gate=gate, held=known)
    if not estate.subscriptions:
        unread = [u.reason for u in estate.unread if u.part is Part.SUBSCRIPTIONS]
        raise accounts.AccountError(unread[0] if unread else "no subscription")
    return report(estate, wanted, before)


async def _known(
    named: str | None,
) -> tuple[Sequence[Held] | None, Sequence[Finding]]:
    """Evidence of open incidents, and what the app found last; nothing without one."""
    if named is None:
        return None, ()
    storage = await accounts.open_account(named)
    try:
        last = await store.load(storage.blobs)
        return await held(storage.ledger), last.findings if last else ()
    finally:
        await storage.close()


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} reads"),
        console=errors,
        transient=True,
    )
