"""The life of an action row: claimed, then applied, failed, or to be tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.actions import backoff
from shared.model.action import ActionRow, ActionStatus, Outcome, Verb
from shared.model.errors import FailureReason, ResponderError, TransientFailure
from shared.model.incident import Fact

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.action import Action, Told


def claimed(
    action: Action,
    before: ActionRow | None,
    now: datetime,
    *,
    told: Told,
    policy: str = "",
) -> ActionRow:
    """The row of an action that a worker takes on, for the first time or again."""
    if before is not None:
        return replace(
            before,
            told=told,
            policy=policy,
            status=ActionStatus.CLAIMED,
            attempts=before.attempts + 1,
            changed_at=now,
            not_before=None,
        )
    return ActionRow(
        key=action.key,
        dedup_key=action.dedup_key,
        incident=action.incident,
        responder=action.responder,
        kind=action.kind,
        verb=action.verb,
        target=action.target,
        occasion=action.occasion,
        status=ActionStatus.CLAIMED,
        attempts=1,
        planned_at=now,
        changed_at=now,
        told=told,
        policy=policy,
        epoch=action.epoch,
        rung=action.rung,
    )


def continued(action: Action, row: ActionRow) -> Action:
    """The action with the name of what an attempt before has done of it, if one has."""
    return replace(action, reference=row.reference or action.reference)


def concluded(
    row: ActionRow, result: Outcome | BaseException, now: datetime
) -> ActionRow:
    """The row after the responder answered, raised, or took too long."""
    if isinstance(result, Outcome):
        return replace(
            row,
            status=ActionStatus.APPLIED,
            changed_at=now,
            reason="",
            detail="",
            reference=result.reference,
            traffic=result.traffic,
        )
    if not isinstance(result, Exception):
        # Somebody stops the whole worker; that is no answer of the other side.
        raise result
    error = as_failure(result)
    failed = replace(
        row,
        changed_at=now,
        reason=error.reason,
        detail=str(error),
        reference=error.reference or row.reference,
    )
    is_late = now - row.planned_at > backoff.GIVE_UP_AFTER
    if isinstance(error, TransientFailure) and not is_late:
        wait = backoff.retry_in(row.attempts, error.retry_after)
        return replace(failed, status=ActionStatus.RETRY, not_before=now + wait)
    return replace(failed, status=ActionStatus.FAILED)


def is_defect(result: Outcome | BaseException) -> bool:
    """Whether a responder raised what it should not have: a fault of ours."""
    known = (Outcome, ResponderError, TimeoutError)
    return isinstance(result, Exception) and not isinstance(result, known)


def as_failure(error: BaseException) -> ResponderError:
    """Whatever a responder raised, as a failure with a reason of the closed list."""
    if isinstance(error, ResponderError):
        return error
    if isinstance(error, TimeoutError):
        return TransientFailure(FailureReason.TIMEOUT, "took longer than the lease")
    name = type(error).__name__
    return TransientFailure(FailureReason.UNKNOWN, f"a defect of Firewatch: {name}")


def facts(row: ActionRow) -> tuple[Fact, ...]:
    """What the timeline says of it.

    Nothing of a forward: it copies the timeline, and would never come to its end.
    """
    if row.verb is Verb.FORWARD:
        return ()
    what = f"{row.responder} {row.verb} ({row.occasion})"
    why = f": {row.reason}" if row.reason else ""
    return (Fact(kind=f"delivery.{row.status}", detail=what + why),)
