"""The life of a deed: what its row says next, when to go on, and what people read. Pure."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions import backoff
from shared.actions.delivery import as_failure
from shared.model.action import Kind
from shared.model.deed import DeedRow, Says, key_of
from shared.model.deed_status import DeedStatus, Gist
from shared.model.errors import FailureReason, FirewatchError, TransientFailure
from shared.model.guards import Mode
from shared.model.incident import Fact
from shared.model.text import minute, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from shared.model.deed import Before, Deed, Finding
    from shared.model.incident import Incident, Mark

# Of one incident: each has a row, and a line in its head.
MOST_OF_ONE = 50

# Other sides say that a change was made before whoever reads it can see it.
SETTLES_IN = timedelta(minutes=10)
LOOK_AGAIN = timedelta(seconds=15)
SOONEST = timedelta(seconds=1)

# What cannot be done for so long is no answer any more to what just happened.
BEGINS_WITHIN = timedelta(minutes=30)
# And what cannot be seen or taken back for so long, somebody has to look at.
GIVES_UP_AFTER = timedelta(hours=24)

# Both are a line of a notice.
_LONGEST_SAYS, _LONGEST_STAND = 200, 300
_NAMED = 3


_UNBEGUN = frozenset(
    {
        DeedStatus.PLANNED,
        DeedStatus.REFUSED,
        DeedStatus.AWAITING,
        DeedStatus.GUARDED,
    }
)

_BEGUN = frozenset({DeedStatus.APPLIED, DeedStatus.VERIFIED})

# Somebody is to look again by itself.
_GOING_ON = frozenset(
    {
        DeedStatus.GUARDED,
        DeedStatus.CLAIMED,
        DeedStatus.APPLIED,
        DeedStatus.RELEASING,
    }
)


class Step(StrEnum):
    """What is to be done about a deed now."""

    APPLY = "apply"
    VERIFY = "verify"
    UNDO = "undo"
    TAG = "tag"
    TELL = "tell"


class Came(NamedTuple):
    """What a step came to: the status that the deed then has, and what to write with it.

    ``retry_after`` is how long to wait until the next step, where there is one; None for
    as long as usual. ``reason`` is a FailureReason where something failed. ``ends`` is
    what it will be once it is taken back, ``is_told`` whether somebody was told of it.
    """

    status: DeedStatus
    detail: str = ""
    reason: str = ""
    retry_after: timedelta | None = None
    before: Before | None = None
    reference: str = ""
    ends: DeedStatus | None = None
    is_told: bool = False


def planned(
    head: Incident,
    deed: Deed,
    *,
    now: datetime,
    policy: str,
) -> DeedRow:
    """The row of a deed that nobody has judged yet."""
    return DeedRow(
        key=key_of(head, deed),
        incident=head.id,
        epoch=head.epoch,
        deed=deed,
        status=DeedStatus.PLANNED,
        mode=Mode.SHADOW,
        planned_at=now,
        changed_at=now,
        policy=policy,
    )


class Renewed(NamedTuple):
    """The rows of what doers plan now, and of what they plan no more.

    ``beyond`` is how many there would have been beside.
    """

    planned: dict[str, DeedRow]
    dropped: tuple[DeedRow, ...] = ()
    beyond: int = 0


def renewed(
    head: Incident,
    known: Mapping[str, DeedRow],
    fresh: Iterable[DeedRow],
    now: datetime,
    *,
    is_all: bool,
) -> Renewed:
    """Compare what is planned with the rows of the incident and of all it absorbed.

    What was begun, or a person denied, is left alone. What nobody approved in time is
    asked for again where more alerts speak for it. ``is_all`` says that nothing else is
    planned.
    """
    mine = {
        _same(row): row
        for row in known.values()
        if row.epoch == head.epoch or row.incident != head.id
    }
    planned: dict[str, DeedRow] = {}
    beyond = 0
    for row in fresh:
        before = mine.get(_same(row))
        if before is None:
            if len(known) + len(planned) < MOST_OF_ONE:
                planned.setdefault(row.key, row)
            else:
                beyond += 1
        elif before.status in _UNBEGUN or _is_asked_again(before, row):
            planned[before.key] = _planned_again(before, row)
    dropped = (
        lapsed(row, "nothing speaks for it any more", now)
        for row in known.values()
        if is_all and row.status in _UNBEGUN and row.key not in planned
    )
    return Renewed(planned, tuple(dropped), beyond)


def _same(row: DeedRow) -> tuple[str, ...]:
    return row.deed.responder, row.deed.use, row.deed.target


def _is_asked_again(before: DeedRow, row: DeedRow) -> bool:
    is_news = {*row.deed.alerts} - {*before.deed.alerts}
    return before.status is DeedStatus.LAPSED and bool(is_news)


def _planned_again(row: DeedRow, fresh: DeedRow) -> DeedRow:
    """A row that was not begun, with the plan of now; another plan is not approved."""
    is_same = row.deed.digest == fresh.deed.digest
    return replace(
        row,
        deed=fresh.deed,
        policy=fresh.policy,
        approval=row.approval if is_same else None,
    )


class Judgement(NamedTuple):
    """What rules and guards say of a deed that was not begun, and what it comes to."""

    status: DeedStatus
    findings: tuple[Finding, ...]
    mode: Mode
    rules: tuple[str, ...]
    lasts: timedelta | None


def judged(
    row: DeedRow, said: Judgement, now: datetime, *, lapses_at: datetime
) -> DeedRow:
    """The row with what guards say; ``lapses_at`` is when nobody is asked any more."""
    status, findings = said.status, said.findings
    is_same = row.status is status
    not_before = row.not_before if is_same else None
    if status is DeedStatus.AWAITING and not is_same:
        not_before = lapses_at
    if status is DeedStatus.GUARDED and waits(findings):
        not_before = now + LOOK_AGAIN
    return replace(
        row,
        findings=findings,
        mode=said.mode,
        rules=said.rules,
        lasts=said.lasts if row.deed.reversible else None,
        status=status,
        changed_at=row.changed_at if is_same else now,
        not_before=not_before,
        reason="",
        detail="",
    )


def lapsed(row: DeedRow, why: str, now: datetime) -> DeedRow:
    """A row that was not begun and never will be."""
    return replace(
        row,
        status=DeedStatus.LAPSED,
        changed_at=now,
        not_before=None,
        detail=why,
        approval=None,
    )


def step(row: DeedRow, now: datetime) -> Step | None:
    """What is to be done about it now; None where nothing is.

    A claimed row that a look meets was left by a worker that died, or waits: what it
    came to is not known.
    """
    at = next_at(row)
    if at is None or at > now:
        return None
    if row.ending is not None and row.status in _ENDS_EARLY:
        return Step.UNDO
    if row.status is DeedStatus.VERIFIED and (row.until is None or row.until > now):
        return Step.TAG
    return _STEPS.get(row.status)


def next_at(row: DeedRow) -> datetime | None:
    """When something is to be done about it by itself; None where nothing is."""
    if row.ending is not None and row.status in _ENDS_EARLY - {DeedStatus.CLAIMED}:
        return row.ending.at
    match row.status:
        case DeedStatus.AWAITING:
            return row.not_before
        case DeedStatus.VERIFIED:
            # At its end; sooner where it holds longer, and nothing there says so yet.
            return min(filter(None, (row.not_before, row.until)), default=None)
        case DeedStatus.STRANDED if row.is_told:
            return None
        case _ if row.status in _STEPS:
            return row.not_before or row.changed_at
        case _:
            return None


_STEPS = {
    DeedStatus.GUARDED: Step.APPLY,
    DeedStatus.CLAIMED: Step.APPLY,
    DeedStatus.APPLIED: Step.VERIFY,
    DeedStatus.VERIFIED: Step.UNDO,
    DeedStatus.RELEASING: Step.UNDO,
    DeedStatus.STRANDED: Step.TELL,
}

# What is taken back as soon as somebody wants it; a claim first comes to its end.
_ENDS_EARLY = frozenset(
    {
        DeedStatus.CLAIMED,
        DeedStatus.APPLIED,
        DeedStatus.VERIFIED,
        DeedStatus.STRANDED,
    }
)


def claimed(row: DeedRow, what: Step, now: datetime, until: datetime) -> DeedRow:
    """The row as a worker takes it on for one step; ``until`` it is that worker's."""
    taken = replace(row, attempts=row.attempts + 1, not_before=until)
    match what:
        case Step.APPLY:
            is_again = row.status is DeedStatus.CLAIMED
            at = row.changed_at if is_again else now
            return replace(taken, status=DeedStatus.CLAIMED, changed_at=at)
        case Step.VERIFY | Step.TELL | Step.TAG:
            return taken
        case Step.UNDO if row.status is DeedStatus.RELEASING:
            return taken
        case Step.UNDO:
            ends = DeedStatus.UNDONE if row.ending else DeedStatus.EXPIRED
            return replace(
                taken, status=DeedStatus.RELEASING, changed_at=now, ends=ends
            )


def broken(row: DeedRow, what: Step, error: BaseException, now: datetime) -> Came:
    """What a step came to that raised: whatever it did, nobody knows."""
    failure = as_failure(error)
    wait = failure.retry_after if isinstance(failure, TransientFailure) else None
    came = Came(row.status, str(failure), failure.reason, wait)
    if what is Step.APPLY:
        if now - row.changed_at < BEGINS_WITHIN:
            return came
        return came._replace(status=DeedStatus.RELEASING, ends=DeedStatus.FAILED)
    if what is Step.TAG:
        # Whether it is tagged or not, it is in force.
        return Came(row.status, f"its tag could not be written: {failure}")
    is_hopeless = not isinstance(failure, TransientFailure)
    if is_hopeless or now - row.changed_at >= GIVES_UP_AFTER:
        return came._replace(status=DeedStatus.STRANDED)
    return came


def is_defect(error: Exception) -> bool:
    """Whether a doer raised what it should not have: a fault of ours."""
    return not isinstance(error, FirewatchError | TimeoutError)


def holds(row: DeedRow, came: Came) -> bool:
    """Whether the deed holds its target after a step that came to that."""
    if came.status is DeedStatus.VERIFIED:
        return row.deed.reversible
    return came.status.may_hold


def concluded(row: DeedRow, came: Came, now: datetime) -> DeedRow:
    """The row after a step."""
    is_new = came.status is not row.status
    is_told = came.is_told or (row.is_told and not is_new)
    is_untold = came.status is DeedStatus.STRANDED and not is_told
    is_done = came.status in {DeedStatus.APPLIED, DeedStatus.VERIFIED}
    goes_on = came.status in _GOING_ON
    applied_at = row.applied_at or (now if is_done else None)
    until = row.until
    if is_done and until is None and row.lasts is not None:
        until = now + row.lasts
    # What failed is said once it is taken back, and who wanted it taken back.
    is_end = came.status is row.ends
    keeps = is_end or came.status is row.status is DeedStatus.RELEASING
    return replace(
        row,
        status=came.status,
        changed_at=now if is_new else row.changed_at,
        applied_at=applied_at,
        until=until,
        attempts=row.attempts if goes_on and not is_new else 0,
        not_before=now + _wait(row, came) if goes_on or is_untold else None,
        by_hand=came.before.by_hand if came.before else row.by_hand,
        ending=row.ending if is_end or goes_on else None,
        ends=came.ends or row.ends,
        reason=came.reason or (row.reason if keeps else ""),
        detail=came.detail or (row.detail if keeps else ""),
        reference=came.reference or row.reference,
        is_told=is_told,
    )


def told(row: DeedRow) -> DeedRow:
    """A row of an incident whose notices are open: they say that it is stranded."""
    if row.status is not DeedStatus.STRANDED or row.is_told:
        return row
    return replace(row, is_told=True, not_before=None)


def heeding(row: DeedRow, claimed: DeedRow, there: DeedRow | None) -> DeedRow:
    """The row after a step, with what a person said of the deed while it was taken.

    ``claimed`` is the row as that began, ``there`` as it is in the store.
    """
    if there is None:
        return row
    if there.until != claimed.until and row.status in _BEGUN:
        # It holds longer than it would, and its tag is to say so.
        is_tagged = row.status is DeedStatus.VERIFIED
        again = there.not_before if is_tagged else row.not_before
        row = replace(row, until=there.until, not_before=again)
    if there.ending is None or there.ending == claimed.ending:
        return row
    if row.status is DeedStatus.GUARDED:
        return denied(row, there.ending)
    if not row.status.may_hold:
        return row
    return replace(row, ending=there.ending, how=there.how)


def denied(row: DeedRow, mark: Mark) -> DeedRow:
    """A row that was not begun, and that a person keeps from being done."""
    return replace(
        row,
        status=DeedStatus.DENIED,
        changed_at=mark.at,
        not_before=None,
        ending=mark,
        approval=None,
    )


def gist(row: DeedRow) -> Gist:
    """What the head of its incident knows of it."""
    by_hand = row.by_hand if row.status.may_hold else ()
    return Gist(
        incident=row.incident,
        status=row.status,
        says=plain(row.deed.says, _LONGEST_SAYS),
        stands=plain(_SAID[row.status](row), _LONGEST_STAND),
        next_at=next_at(row),
        by_hand=by_hand,
        plan=row.deed.digest if row.status is DeedStatus.AWAITING else "",
        contained_at=row.applied_at if row.deed.kind is Kind.CONTAIN else None,
    )


def fact(row: DeedRow) -> Fact:
    """What the timeline says of it; with the commands that take it back, whole."""
    by_hand = ""
    if row.status is DeedStatus.VERIFIED and row.by_hand:
        by_hand = f"; by hand: {'; '.join(row.by_hand)}"
    name = row.status.replace(" ", "_")
    return Fact(kind=f"deed.{name}", detail=f"{gist(row).line}{by_hand}")


def is_news(row: DeedRow, before: DeedRow | None) -> bool:
    """Whether the row says anything to people that it did not say before."""
    return before is None or gist(before).line != gist(row).line


def waits(findings: Iterable[Finding]) -> bool:
    """Whether a guard has the deed wait."""
    return any(finding.says is Says.WAIT for finding in findings)


def why(findings: Iterable[Finding], *says: Says) -> str:
    """The reasons of the findings that say one of these, the first few."""
    found = [finding.why for finding in findings if finding.says in says]
    return "; ".join(found[:_NAMED])


def _of_shadow(row: DeedRow) -> str:
    asks = why(row.findings, Says.ASK, Says.WAIT)
    tail = f"; people would have been asked: {asks}" if asks else ""
    return f"not done, the mode is shadow{tail}{_noted(row)}"


def _of_asking(row: DeedRow) -> str:
    until = f" until {minute(row.not_before)}" if row.not_before else ""
    asks = why(row.findings, Says.ASK, Says.WAIT)
    return f"waits for approval{until}: {asks}{_noted(row)}"


def _noted(row: DeedRow) -> str:
    """What would keep it from being done, as far as that shows."""
    notes = why(row.findings, Says.NOTE)
    return f"; it may fail: {notes}" if notes else ""


def _of_waiting(row: DeedRow) -> str:
    about = row.detail or why(row.findings, Says.WAIT)
    return f"to be done{f', {about}' if about else ''}"


def _of_end(row: DeedRow) -> str:
    who = f" by {row.ending.by}" if row.ending else ""
    how = "taken back" if row.status is DeedStatus.UNDONE else "taken back at its end"
    tail = f"; {row.detail}" if row.detail else ""
    return f"{how}{who}, {minute(row.changed_at)}{tail}"


def _since(row: DeedRow) -> str:
    return f" since {minute(row.applied_at)}" if row.applied_at else ""


def _until(row: DeedRow) -> str:
    if not row.deed.reversible:
        return "; it cannot be taken back"
    return f" until {minute(row.until)}" if row.until else " until it is taken back"


def _wait(row: DeedRow, came: Came) -> timedelta:
    if came.reason and came.reason != FailureReason.CONFLICT:
        return backoff.retry_in(row.attempts, came.retry_after)
    return max(came.retry_after or LOOK_AGAIN, SOONEST)


def _of_denial(row: DeedRow) -> str:
    return f"denied by {row.ending.by}" if row.ending else "denied"


_SAID: dict[DeedStatus, Callable[[DeedRow], str]] = {
    DeedStatus.PLANNED: _of_shadow,
    DeedStatus.REFUSED: lambda row: (
        f"refused, {why(row.findings, Says.REFUSE) or row.detail}"
    ),
    DeedStatus.AWAITING: _of_asking,
    DeedStatus.GUARDED: _of_waiting,
    DeedStatus.CLAIMED: _of_waiting,
    DeedStatus.APPLIED: lambda _: "sent, and not seen to be in force yet",
    DeedStatus.VERIFIED: lambda row: (
        f"in force{_since(row)}{_until(row)}{f'; {row.detail}' if row.detail else ''}"
    ),
    DeedStatus.RELEASING: lambda row: (
        f"being taken back{f', {row.detail}' if row.detail else ''}"
    ),
    DeedStatus.STRANDED: lambda row: f"somebody has to look, {row.detail}",
    DeedStatus.UNDONE: _of_end,
    DeedStatus.EXPIRED: _of_end,
    DeedStatus.FAILED: lambda row: f"failed, {row.detail or row.reason}",
    DeedStatus.DENIED: _of_denial,
    DeedStatus.LAPSED: lambda row: f"not done, {row.detail}",
}
