"""What is still to be done: what should have been done by now, less what was.

Pure, and level-triggered: it knows nothing of messages or of what happened just now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.actions import notices
from shared.model.action import (
    Change,
    Occasion,
    Verb,
    closing,
    continuing,
    kept,
    told_of,
    updating,
)
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from shared.actions.routing import Route
    from shared.model.action import Action, ActionRow, Told
    from shared.model.incident import Incident


class Todo(NamedTuple):
    """Actions to do now, rows to give up, and when there is more to do."""

    actions: tuple[Action, ...]
    dropped: tuple[ActionRow, ...] = ()
    next_at: datetime | None = None


class _Step(NamedTuple):
    """An action that should have been done, and the row of the notice it is about.

    ``at`` is when, where it is not at once.
    """

    action: Action
    notice: ActionRow | None
    at: datetime | None = None


def todo(
    incident: Incident,
    wanted: Sequence[Action],
    resolves: Sequence[Action],
    rows: Sequence[ActionRow],
    now: datetime,
    *,
    claims_last: timedelta,
    routes: Mapping[str, Route] = {},
    is_held: bool = False,
) -> Todo:
    """Compare what the responders want with the rows of the incident.

    ``wanted`` is every responder's plan. ``resolves`` are what they would send to close
    a notice. ``rows`` are those of the incident and of all it absorbed. Whoever calls
    holds the incident's lease, so a row of its own that is still claimed is of a worker
    that died: its outcome is unknown and a notice goes out again with the same key (law
    3). The worker of an incident that was absorbed may live until its claim ends.

    ``routes`` says for each responder what it is told again. While ``is_held`` no
    notice is begun; one that was is brought to its end, and ends are told.
    """
    done = {row.key: row for row in rows}
    steps = [
        *_triggers(incident, wanted, rows),
        *_updates(incident, wanted, rows, routes),
    ]
    if is_held or (incident.hidden_by and incident.status is not IncidentStatus.OPEN):
        # Nobody wants to hear of what was held back until it was over.
        steps = [step for step in steps if step.action.key in done]
    steps += _resolves(incident, wanted, resolves, rows, {s.action.key for s in steps})
    due: list[Action] = []
    later: list[datetime] = []
    for action, notice, waits_until in steps:
        row = done.get(action.key)
        if row is not None and row.status in notices.OVER:
            continue
        not_before = [
            waits_until,
            row.not_before if row else None,
            notices.claims_end(incident, notice, rows, claims_last),
        ]
        at = max((at for at in not_before if at is not None), default=now)
        if at > now:
            later.append(at)
        else:
            due.append(action)
    planned = {step.action.key for step in steps}
    dropped = tuple(
        row
        for row in rows
        if row.key not in planned
        and notices.is_superseded(row, rows)
        and (notices.claims_end(incident, row, rows, claims_last) or now) <= now
    )
    return Todo(tuple(due), dropped, min(later, default=None))


def _triggers(
    incident: Incident, wanted: Sequence[Action], rows: Sequence[ActionRow]
) -> Iterable[_Step]:
    """The notices to open; none where a merged incident's speaks for this one.

    One that a merged incident's worker left unfinished is sent on instead of another.
    """
    for trigger in wanted:
        if trigger.verb is not Verb.TRIGGER:
            continue
        found = notices.of(trigger, rows)
        mine = notices.mine(trigger, found)
        merged = [row for row in found if row.incident != incident.id]
        if notices.speaker(incident, mine, found, rows) in merged:
            continue
        unfinished = [row for row in merged if row.status not in notices.OVER]
        if mine is None and unfinished:
            yield _Step(continuing(trigger, unfinished[0]), unfinished[0])
        else:
            yield _Step(kept(trigger, mine), mine)


def _updates(
    incident: Incident,
    wanted: Sequence[Action],
    rows: Sequence[ActionRow],
    routes: Mapping[str, Route],
) -> Iterable[_Step]:
    """What has changed since somebody was told, and is worth telling again.

    A raised severity goes out at once, and so does evidence that came late; all else
    waits until the route's time between two notices is over, and then is one notice.
    """
    if incident.status is not IncidentStatus.OPEN:
        return
    for trigger in wanted:
        route = routes.get(trigger.responder)
        if trigger.verb is not Verb.TRIGGER or route is None:
            continue
        found = notices.of(trigger, rows)
        speaker = notices.speaker(incident, notices.mine(trigger, found), found, rows)
        if (
            speaker is None
            or not notices.has_arrived(speaker)
            or not notices.is_open(speaker, rows)
        ):
            continue
        heard = [
            row
            for row in rows
            if row.dedup_key == speaker.dedup_key
            and row.told is not None
            and notices.has_arrived(row)
        ]
        now_so = told_of(incident)
        change = _first_change(now_so, heard, route.again)
        if change is not None:
            is_urgent = change in {Change.SEVERITY_RAISED, Change.EVIDENCE}
            last = max(
                (
                    row.changed_at
                    for row in heard
                    if row.occasion is not Occasion.EVIDENCE
                ),
                default=speaker.changed_at,
            )
            at = None if is_urgent else last + route.every
            yield _Step(updating(trigger, speaker, change, now_so), None, at)
            if at is not None and _is_more(now_so, heard, route.again):
                # What came late does not wait for what is not told yet.
                late = updating(trigger, speaker, Change.EVIDENCE, now_so)
                yield _Step(late, None)


def _first_change(
    now_so: Told, heard: Sequence[ActionRow], again: Sequence[Change]
) -> Change | None:
    """The weightiest thing that nobody was told of yet, of those that are told again."""
    told = [row.told for row in heard if row.told is not None]
    if not told:
        # A row of an older version does not say what was told.
        return None
    is_new = {
        Change.SEVERITY_RAISED: all(
            now_so.severity.rank > one.severity.rank for one in told
        ),
        Change.NEW_TACTIC: bool(
            set(now_so.tactics).difference(*(one.tactics for one in told))
        ),
        Change.NEW_RESOURCE: bool(
            set(now_so.resources).difference(*(one.resources for one in told))
        ),
        Change.EVIDENCE: _is_more(now_so, heard, again),
    }
    return next(
        (change for change in Change if change in again and is_new[change]), None
    )


def _is_more(now_so: Told, heard: Sequence[ActionRow], again: Sequence[Change]) -> bool:
    """Whether more evidence is there than any notice had."""
    told = [row.told for row in heard if row.told is not None]
    return Change.EVIDENCE in again and (
        now_so.answered > max(one.answered for one in told)
        or now_so.found > max(one.found for one in told)
    )


def _resolves(
    incident: Incident,
    wanted: Sequence[Action],
    resolves: Sequence[Action],
    rows: Sequence[ActionRow],
    triggered: set[str],
) -> Iterable[_Step]:
    """The notices to close: all at the end, until then all but one that speaks.

    What is not known to have arrived is closed too, unless it is still being sent.
    """
    ends = {notices.side(a): a for a in wanted if a.verb is Verb.RESOLVE}
    has_ended = incident.status is not IncidentStatus.OPEN
    for resolve in resolves:
        found = notices.of(resolve, rows)
        mine = notices.mine(resolve, found)
        speaker = notices.speaker(incident, mine, found, rows)
        for row in found:
            is_under_way = row.key in triggered and row.status not in notices.OVER
            if is_under_way or not notices.may_be_open(row, rows):
                continue
            if row is speaker and not has_ended:
                continue
            if row is mine and has_ended:
                end = ends.get(notices.side(resolve), resolve)
                yield _Step(kept(end, row), row)
                continue
            is_taken_over = row.incident != incident.id and not has_ended
            why = Occasion.MERGED if is_taken_over else Occasion.RESOLVED
            yield _Step(closing(resolve, row, why), row)
