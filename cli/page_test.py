"""`firewatch page-test`: whether a page reaches people, tried by one that says so."""

from __future__ import annotations

from asyncio import sleep as pause
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from cli import rules, tables
from cli.account import named
from cli.incidents import Account, By, Json, ask, person, print_json
from cli.rules import PolicyFile
from responders import RESPONDERS
from shared.commands import Commands, Order
from shared.drills import Drills, targets_of
from shared.model.action import ActionRow, ActionStatus, Verb
from shared.store import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.clouds.storage import Storage
    from shared.model.incident import Incident
    from shared.triage.policy import Policy

LOOK_EVERY_S = 0.5
# The test itself ends after fifteen minutes (shared.actions.head).
LONGEST_WAIT_S = 840

OVER = "the page test is over"
NOBODY = "nobody"

_SAYS = {
    ActionStatus.APPLIED: "arrived",
    ActionStatus.FAILED: "refused",
    ActionStatus.DROPPED: "given up",
    ActionStatus.CLAIMED: "on its way",
    ActionStatus.RETRY: "on its way",
}
_UNFINISHED = {ActionStatus.CLAIMED, ActionStatus.RETRY}

console = tables.console()


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the test at one contact of a target, as `--json` prints it.

    ``took`` is in seconds, from when the test was asked for; null where it did not
    arrive.
    """

    target: str
    contact: str
    status: str
    took: float | None
    reason: str

    @property
    def has_arrived(self) -> bool:
        """Whether the other side took it."""
        return self.status == _SAYS[ActionStatus.APPLIED]


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a test. ``is_seen`` is whether any worker looked at it."""

    incident: str
    is_seen: bool
    notices: tuple[Notice, ...]

    @property
    def has_arrived(self) -> bool:
        """Whether everybody who was named was reached by each contact."""
        return all(notice.has_arrived for notice in self.notices)


class _State(NamedTuple):
    head: Incident
    rows: list[ActionRow]

    @property
    def is_seen(self) -> bool:
        return bool(self.rows) or not (self.head.is_dirty or self.head.lease)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for any more."""
        if self.head.status.has_ended:
            return True
        is_looked_at = self.head.is_dirty or self.head.lease is not None
        return not is_looked_at and not any(r.status in _UNFINISHED for r in self.rows)


def page_test(
    target: Annotated[
        list[str] | None,
        typer.Argument(
            help="People (each of their contacts), schedules (whoever has it now) and"
            " responders.",
            show_default=False,
        ),
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            help="Whom this route tells, and the first step of its escalation. Repeat"
            " as needed.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        int,
        typer.Option(
            min=1, max=LONGEST_WAIT_S, help="Seconds to wait for them to arrive."
        ),
    ] = 120,
    policy: PolicyFile = None,
    account: Account = None,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Have the app page people with a test; 1 if one of them does not arrive."""
    # Without an account there is no policy to look names up in.
    named(account)
    by_policy = rules.policy(policy, account)
    targets = _targets(by_policy, target or [], route or [])
    order = Order(person(by))

    async def question(storage: Storage) -> Tested:
        drills = Drills(storage.ledger, storage.queue, by_policy.correlate)
        head = await drills.begin(targets, order)
        try:
            state = await _awaited(storage, head, wait, quiet=as_json)
        finally:
            commands = Commands(storage.ledger, storage.queue)
            await commands.resolve(head.id, order._replace(note=OVER))
        return Tested(
            incident=head.id,
            is_seen=state.is_seen,
            notices=tuple(_notices(targets, state)),
        )

    found = ask(account, question)
    if as_json:
        print_json(found)
    else:
        _print(found, wait)
    raise typer.Exit(int(not found.has_arrived))


def _targets(policy: Policy, names: Sequence[str], routes: Sequence[str]) -> list[str]:
    """Whom the test is for. Raises BadParameter."""
    kinds = {name: str(given.get("use")) for name, given in policy.responders.items()}
    try:
        found = targets_of(
            names,
            routes,
            routes=policy.routes,
            on_call=policy.on_call,
            responders=[name for name, use in kinds.items() if use in RESPONDERS],
            quiet=[
                name
                for name, use in kinds.items()
                if use in RESPONDERS and not RESPONDERS[use].kind.tells_people
            ],
        )
    except ValueError as error:
        raise typer.BadParameter(tables.plain(str(error))) from None
    if not found:
        raise typer.BadParameter("name whom to test, or a --route")
    return found


async def _awaited(
    storage: Storage, head: Incident, wait_s: float, *, quiet: bool
) -> _State:
    """The test as it is when all of it arrived or failed, or the time is over."""
    ends = storage.ledger.now() + timedelta(seconds=wait_s)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=quiet,
    ) as progress:
        task = progress.add_task("waiting for a worker")
        while True:
            state = await _state(storage, head)
            arrived = sum(r.status is ActionStatus.APPLIED for r in state.rows)
            if state.rows:
                said = f"{arrived} of {len(state.rows)} arrived"
                progress.update(task, description=said)
            if state.is_over or storage.ledger.now() > ends:
                return state
            await pause(LOOK_EVERY_S)


async def _state(storage: Storage, head: Incident) -> _State:
    now = await reading.head(storage.ledger, head.id)
    found = await reading.actions_of(storage.ledger, {head.id})
    return _State(now or head, [row for row in found if row.verb is Verb.TRIGGER])


def _notices(targets: Sequence[str], state: _State) -> Iterator[Notice]:
    """What came of it at each contact of each target, in the order they were named."""
    by_target: dict[str, list[ActionRow]] = defaultdict(list)
    for row in state.rows:
        if row.rung is not None:
            by_target[row.rung.escalation].append(row)
    for target in targets:
        for row in sorted(by_target[target], key=lambda row: row.target):
            yield _notice(target, row, state.head.opened_at)
        if not by_target[target]:
            yield Notice(
                target=target, contact="-", status=NOBODY, took=None, reason=""
            )


def _notice(target: str, row: ActionRow, began: datetime) -> Notice:
    arrived = row.status is ActionStatus.APPLIED
    took = row.changed_at - began
    why = row.detail if row.detail != row.reason else ""
    return Notice(
        target=target,
        contact=row.target if row.target != target else row.responder,
        status=_SAYS[row.status],
        took=max(0.0, took.total_seconds()) if arrived else None,
        reason=": ".join(filter(None, (row.reason, why))),
    )


def _print(found: Tested, wait: int) -> None:
    console.print(
        tables.table(
            f"Page test {found.incident}",
            ("target", "contact", "status", ">took", "reason"),
            (
                (
                    each.target,
                    each.contact,
                    each.status,
                    "-" if each.took is None else f"{each.took:.1f}s",
                    each.reason,
                )
                for each in found.notices
            ),
        )
    )
    for line in _advice(found, wait):
        console.print(tables.plain(line), markup=False, highlight=False, soft_wrap=True)


def _advice(found: Tested, wait: int) -> Iterator[str]:
    """What to do about what did not arrive."""
    if found.has_arrived:
        yield "Everything arrived. Ask them whether it rang."
        return
    if not found.is_seen:
        yield (
            f"No worker looked at it in {wait} s. Is the app up (GET /api/health), and"
            " is it this account that it works on?"
        )
        return
    lost = {each.status for each in found.notices if not each.has_arrived}
    if NOBODY in lost:
        missing = [n.target for n in found.notices if n.status == NOBODY]
        yield (
            f"Nobody was told for {', '.join(missing)}: no one has the schedule now"
            " (`firewatch oncall`), or the app runs with another policy."
        )
    if _SAYS[ActionStatus.FAILED] in lost:
        yield (
            "What was refused stays so until the cause is mended: docs/operations.md"
            ' ("Reasons of a delivery") says what each reason means.'
        )
    if _SAYS[ActionStatus.RETRY] in lost:
        yield f"What is on its way did not arrive in {wait} s; --wait gives it longer."
    yield f"`firewatch incidents show {found.incident}` has all that was done."
