"""The life of a deed: what is done about it next, when, and what came of that. Pure."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions import backoff
from shared.actions.delivery import as_failure
from shared.model.deed_status import DeedStatus
from shared.model.errors import FailureReason, FirewatchError, TransientFailure

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.deed import Before, DeedRow
    from shared.model.incident import Mark

# Other sides say that a change was made before whoever reads it can see it.
SETTLES_IN = timedelta(minutes=10)
LOOK_AGAIN = timedelta(seconds=15)
SOONEST = timedelta(seconds=1)

# What cannot be done for so long is no answer any more to what just happened.
BEGINS_WITHIN = timedelta(minutes=30)
# And what cannot be seen or taken back for so long, somebody has to look at.
GIVES_UP_AFTER = timedelta(hours=24)

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


def _wait(row: DeedRow, came: Came) -> timedelta:
    if came.reason and came.reason != FailureReason.CONFLICT:
        return backoff.retry_in(row.attempts, came.retry_after)
    return max(came.retry_after or LOOK_AGAIN, SOONEST)
