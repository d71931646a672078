"""`firewatch run`: the app on this machine, with an attack or a feed of one's own."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import httpx
from azure.core.exceptions import AzureError
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from cli import account, feed, forwards, report, tables
from cli.account import RunError
from cli.story.attack import POLICY, Way, attack
from cli.watch import Watch
from devhost.local import Local
from devhost.outside.azure.inventory import InventoryError, read
from devhost.rehearsal import rehearse
from shared.model.errors import StoreError
from shared.model.evidence import OWN_QUESTIONS
from shared.triage import policy as policies

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from cli.feed import Piece, Sent
    from cli.report import Report
    from devhost.local import RealHub

LOOK_EVERY_S = 0.5
# Where the outside world is while a policy is only looked at.
NOWHERE_URL = "http://127.0.0.1:9"
# What is not quiet by then never will be; a feed gets more time by its size.
PATIENCE_S = 180.0
PATIENCE_PER_EVENT_S = 0.05


class Plan(NamedTuple):
    """What to run: the files of a feed, or the story where there is none."""

    pieces: list[Piece] | None
    policy: bytes
    once: bool
    live: tuple[str, ...]
    hub: RealHub | None
    report: Path | None
    inventory: Path | None


def run(plan: Plan, console: Console) -> int:
    """Run it; the exit code: 0, or 1 when something did not add up."""
    began = time.monotonic()
    _check(plan)
    console.print("Starting storage, Event Hub, the outside world and the app ...")
    with Local(
        plan.policy,
        live=plan.live,
        environment=os.environ,
        hub=plan.hub,
        inventory=plan.inventory,
    ) as local:
        local.start_app()
        console.print(f"Up after {time.monotonic() - began:.1f} s.")
        left = account.announce(
            account.Run(
                os.getpid(),
                local.storage,
                local.hub,
                local.hub_name,
                local.url,
                str(local.folder / "policy.yaml"),
                local.logs_url,
                f"{local.outside_url}/arm",
            )
        )
        try:
            asyncio.run(_healthy(local))
            found = None
            if plan.hub is None:
                found = asyncio.run(_play(local, plan, console))
                _show(local, found, console, seconds=time.monotonic() - began)
                if plan.report is not None:
                    plan.report.write_bytes(report.encode(found))
            if not plan.once:
                _stay(local, plan, console)
            return 0 if found is None or found.ok else 1
        finally:
            left.unlink(missing_ok=True)


def _check(plan: Plan) -> None:
    """Say what is wrong with files before anything is started.

    Raises RunError, RehearsalError and SettingsError.
    """
    if plan.inventory is not None:
        try:
            read(plan.inventory.read_bytes())
        except InventoryError as error:
            raise RunError(f"{plan.inventory}: {error}") from None
    rehearsal = rehearse(
        plan.policy, outside=NOWHERE_URL, live=plan.live, environment=os.environ
    )
    policies.load(rehearsal.policy, name="policy.yaml")
    is_attacked = plan.pieces is None and plan.hub is None
    if is_attacked and not rehearsal.environment.keys() >= feed.STORY_SECRETS:
        raise RunError(
            "the attack comes by senders that this policy does not have; give your own"
            " alerts by --feed, or add the senders of cli/story/policy.yaml"
        )


async def _healthy(local: Local) -> None:
    """Raise RunError with what the app itself says is wrong with its settings."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(
            f"{local.url}/api/health",
            headers={"x-functions-key": local.function_key},
        )
    if not answer.is_success:
        problems = answer.json().get("problems", []) if answer.content else []
        raise RunError("\n".join(problems) or f"health answered {answer.status_code}")


async def _play(local: Local, plan: Plan, console: Console) -> Report:
    """Send everything, wait until it is quiet, and read the report."""
    story = attack(datetime.now(UTC)) if plan.pieces is None else []
    total = len(story) or len(plan.pieces or [])
    sent: Sent | None = None
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description:9}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} events  {task.fields[state]}"),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("sending", total=total, state="")

        def told(count: int) -> None:
            progress.advance(task, count)

        async with Watch(local) as watch:
            showing = asyncio.create_task(_show_progress(watch, progress, task))
            try:
                if plan.pieces is None:
                    await feed.tell(local, story, told)
                else:
                    sent = await feed.send(local, plan.pieces, told)
                progress.update(task, description="working")
                await _until_quiet(
                    local, watch, PATIENCE_S + total * PATIENCE_PER_EVENT_S
                )
            finally:
                showing.cancel()
            storage = await account.open_account(local.storage)
            try:
                return await report.build(storage, sent)
            finally:
                await storage.close()


async def _show_progress(watch: Watch, progress: Progress, task: TaskID) -> None:
    while True:
        try:
            state = await watch.look()
        except (StoreError, AzureError):
            state = None
        if state is not None:
            shown = f"{state.alerts} alerts, {state.incidents} incidents"
            progress.update(task, state=f"{shown}  {state.pending}")
        await asyncio.sleep(LOOK_EVERY_S)


async def _until_quiet(local: Local, watch: Watch, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        state = await watch.look()
        if state.is_quiet:
            return
        if not local.is_app_running:
            raise RunError(f"the app ended; {state.pending} pending")
        if time.monotonic() > deadline:
            raise RunError(f"not quiet after {patience_s:.0f} s: {state.pending}")
        await asyncio.sleep(LOOK_EVERY_S)


def _show(local: Local, found: Report, console: Console, *, seconds: float) -> None:
    console.print(tables.incidents(found))
    console.print(tables.pages(local.control("GET", "pages")))
    if found.actions:
        changes = local.control("GET", "received")["resources"]["changes"]
        console.print(tables.contained(found))
        console.print(tables.changes(changes))
    if found.forwards:
        console.print(tables.forwards(asyncio.run(forwards.arrived(local))))
    console.print(tables.books(found.books))
    _say_evidence(found, console)
    if found.dead_letters:
        console.print(tables.dead_letters(found))
    verdict = "Everything adds up" if found.ok else "SOMETHING DID NOT ADD UP"
    console.print(f"{verdict}; {seconds:.0f} s from the start.")


def _say_evidence(found: Report, console: Console) -> None:
    asked = [
        each
        for incident in found.incidents
        for each in incident.evidence
        if each.query not in OWN_QUESTIONS
    ]
    if asked:
        answered = sum(each.status != "unavailable" for each in asked)
        console.print(
            f"Logs answered {answered} of {tables.counted(len(asked), 'question')};"
            " the pages say what they know.\n"
        )


def _stay(local: Local, plan: Plan, console: Console) -> None:
    """Say where everything is, and stay until Ctrl-C."""
    console.print(f"\nThe app answers at {local.url}/api/alerts")
    console.print(f"Its health: {local.url}/api/health?code={local.function_key}")
    console.print(
        f"The outside world is at {local.outside_url}; logs in {local.folder}"
    )
    console.print("In another terminal: .venv/bin/firewatch incidents list")
    if plan.pieces is None and plan.hub is None:
        key = feed.signed(local, Way.KEY, b"")["x-firewatch-key"]
        console.print(
            "Send an alert of your own:\n"
            f"  curl -i {local.url}/api/alerts -H 'x-firewatch-key: {key}' \\\n"
            '    -d \'{"SystemAlertId": "my-first", "AlertType": "VM_Test",'
            ' "AlertDisplayName": "Something happened", "Severity": "High"}\'',
            soft_wrap=True,
            markup=False,
        )
    if link := _answer(local):
        console.print("Answer a page, as whoever is on call would:")
        console.print(f"  {link}", soft_wrap=True, markup=False)
    console.print("Ctrl-C stops everything.")
    try:
        while local.is_app_running:
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        console.print("\nStopping ...")
        return
    raise RunError(f"the app ended; its log is {local.folder / 'app.log'}")


def _answer(local: Local) -> str:
    """The link to acknowledge by of the latest page; empty where there is none."""
    events = local.control("GET", "received")["pagerduty"]["events"]
    links = (
        link for event in reversed(events) for link in event["body"].get("links", ())
    )
    return next((x["href"] for x in links if x["text"] == "Acknowledge"), "")


def interrupt_on_termination() -> None:
    """Have SIGTERM end a run as Ctrl-C does, so that nothing is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def packaged_policy() -> bytes:
    """The policy that the story is played against."""
    return POLICY.read_bytes()
