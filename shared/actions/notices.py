"""What the rows of an incident say of its notices: which there are, and what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.action import ActionStatus, Occasion, Verb
from shared.model.action_keys import is_same_notice
from shared.model.errors import FailureReason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from shared.model.action import Action, ActionRow
    from shared.model.incident import Incident

OVER = frozenset({ActionStatus.APPLIED, ActionStatus.FAILED, ActionStatus.DROPPED})

_ESCALATED = frozenset({Occasion.ESCALATED, Occasion.FALLBACK})

# The other side may have taken what it then did not answer for.
_UNCERTAIN = frozenset(
    {FailureReason.TIMEOUT, FailureReason.SERVER, FailureReason.UNKNOWN}
)


def of(action: Action, rows: Sequence[ActionRow]) -> list[ActionRow]:
    """The rows of every notice opened at the action's side, the surest first."""
    found = [
        row
        for row in rows
        if row.verb is Verb.TRIGGER
        and row.occasion is Occasion.OPENED
        and side(row) == side(action)
    ]
    return sorted(found, key=lambda r: (not may_have_arrived(r), r.planned_at, r.key))


def is_escalated(row: ActionRow) -> bool:
    """Whether it opened a notice of its own: to a step's target, or to the fallback."""
    return row.verb is Verb.TRIGGER and row.occasion in _ESCALATED


def mine(action: Action, notices: Sequence[ActionRow]) -> ActionRow | None:
    """The one that the action itself would open."""
    return next(
        (r for r in notices if is_same_notice(r.dedup_key, action.dedup_key)), None
    )


def speaker(
    incident: Incident,
    mine: ActionRow | None,
    notices: Sequence[ActionRow],
    rows: Sequence[ActionRow],
) -> ActionRow | None:
    """The notice that stays open while the incident does."""
    if has_arrived(mine):
        return mine
    ending = {row.dedup_key for row in rows if row.verb is Verb.RESOLVE}
    merged = (
        row
        for row in notices
        # One whose end was begun may be closed already, whatever came of it here.
        if row.incident != incident.id and row.dedup_key not in ending
    )
    return next((row for row in merged if has_arrived(row)), mine)


def side(action: Action | ActionRow) -> tuple[str, str]:
    """Whom it goes to, and by which responder."""
    return (action.responder, action.target)


def has_arrived(row: ActionRow | None) -> bool:
    """Whether the other side is known to have taken it."""
    return row is not None and row.status is ActionStatus.APPLIED


def may_have_arrived(row: ActionRow) -> bool:
    """Whether the other side may have it, for all that is known."""
    match row.status:
        case ActionStatus.APPLIED | ActionStatus.CLAIMED:
            return True
        case ActionStatus.RETRY | ActionStatus.FAILED:
            return row.reason in _UNCERTAIN
        case _:
            return False


def is_open(notice: ActionRow, rows: Sequence[ActionRow]) -> bool:
    """Whether no end of it has arrived."""
    return not any(
        row.verb is Verb.RESOLVE
        and row.dedup_key == notice.dedup_key
        and row.status is ActionStatus.APPLIED
        for row in rows
    )


def may_be_open(notice: ActionRow, rows: Sequence[ActionRow]) -> bool:
    """Whether somebody may be looking at it."""
    return may_have_arrived(notice) and is_open(notice, rows)


def is_superseded(row: ActionRow, rows: Sequence[ActionRow]) -> bool:
    """Whether a row that nobody plans any more is unfinished and left nothing open."""
    if row.status in OVER:
        return False
    return row.verb is not Verb.TRIGGER or not may_be_open(row, rows)


def claims_end(
    incident: Incident,
    notice: ActionRow | None,
    rows: Sequence[ActionRow],
    claims_last: timedelta,
) -> datetime | None:
    """When nobody can be sending what an absorbed incident claimed of a notice.

    Its updates count too: one that arrives after the end would open it again.
    """
    if notice is None or notice.incident == incident.id:
        return None
    claimed = [
        row.changed_at + claims_last
        for row in rows
        if row.status is ActionStatus.CLAIMED
        and row.incident == notice.incident
        and row.dedup_key == notice.dedup_key
    ]
    return max(claimed, default=None)
