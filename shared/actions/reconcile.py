"""What is still to be done: what should have been done by now, less what was.

Pure, and level-triggered: it knows nothing of messages or of what happened just now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.model.action import ActionStatus, Occasion, Verb, closing
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from shared.model.action import Action, ActionRow
    from shared.model.incident import Incident

_OVER = frozenset({ActionStatus.APPLIED, ActionStatus.FAILED, ActionStatus.DROPPED})


class Todo(NamedTuple):
    """Actions to do now, rows to give up, and when there is more to do."""

    actions: tuple[Action, ...]
    dropped: tuple[ActionRow, ...] = ()
    next_at: datetime | None = None


def todo(
    incident: Incident,
    wanted: Sequence[Action],
    resolves: Sequence[Action],
    rows: Sequence[ActionRow],
    now: datetime,
) -> Todo:
    """Compare what the responders want with the rows of the incident.

    ``wanted`` is every responder's plan. ``resolves`` are what they would send to close
    a notice. ``rows`` are those of the incident and of all it absorbed. Whoever calls
    holds the incident's lease, so a row that is still claimed is of a worker that died:
    its outcome is unknown and a notice goes out again with the same key (law 3).
    """
    done = {row.key: row for row in rows}
    due: list[Action] = []
    later: list[datetime] = []
    for action in [*_own(wanted, rows), *_strays(incident, resolves, rows)]:
        row = done.get(action.key)
        if row is not None and row.status in _OVER:
            continue
        if row is not None and row.not_before is not None and row.not_before > now:
            later.append(row.not_before)
        else:
            due.append(action)
    return Todo(tuple(due), _orphans(incident, rows), min(later, default=None))


def _own(wanted: Sequence[Action], rows: Sequence[ActionRow]) -> Iterable[Action]:
    """The incident's own notices, less what needs no sending.

    No trigger where a merged incident's speaks for it; no resolve before its trigger
    has arrived.
    """
    for action in wanted:
        side = (action.responder, action.target)
        opened = [row for row in _triggers(rows) if (row.responder, row.target) == side]
        mine = [row for row in opened if row.dedup_key == action.dedup_key]
        if action.verb is Verb.RESOLVE:
            if mine:
                yield action
        elif mine or not any(_is_open(row, rows) for row in opened):
            yield action


def _strays(
    incident: Incident, resolves: Sequence[Action], rows: Sequence[ActionRow]
) -> Iterable[Action]:
    """Closing actions for open notices that are not the incident's current one.

    One of them stays open while the incident is, if it is all that speaks for it.
    """
    ended = incident.status is not IncidentStatus.OPEN
    for resolve in resolves:
        side = (resolve.responder, resolve.target)
        opened = [row for row in _triggers(rows) if (row.responder, row.target) == side]
        others = [row for row in opened if row.dedup_key != resolve.dedup_key]
        is_spoken_for = len(others) < len(opened)
        for row in sorted(others, key=lambda row: (row.planned_at, row.key)):
            if not _is_open(row, rows):
                continue
            if not ended and not is_spoken_for and row.incident != incident.id:
                is_spoken_for = True
                continue
            merged = row.incident != incident.id and not ended
            occasion = Occasion.MERGED if merged else Occasion.RESOLVED
            yield closing(resolve, row, occasion)


def _orphans(incident: Incident, rows: Sequence[ActionRow]) -> tuple[ActionRow, ...]:
    """Unfinished actions of merged incidents: the winner's own take their place."""
    return tuple(
        row
        for row in rows
        if row.incident != incident.id
        and row.status is ActionStatus.RETRY
        and row.verb is Verb.TRIGGER
    )


def _triggers(rows: Sequence[ActionRow]) -> Iterable[ActionRow]:
    return (
        row
        for row in rows
        if row.verb is Verb.TRIGGER
        and row.status is ActionStatus.APPLIED
        and row.occasion is Occasion.OPENED
    )


def _is_open(trigger: ActionRow, rows: Sequence[ActionRow]) -> bool:
    return not any(
        row.verb is Verb.RESOLVE
        and row.dedup_key == trigger.dedup_key
        and row.status is ActionStatus.APPLIED
        for row in rows
    )
