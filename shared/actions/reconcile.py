"""What is still to be done: what should have been done by now, less what was.

Pure, and level-triggered: it knows nothing of messages or of what happened just now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions import forwards, notices, updates
from shared.actions.follow_ups import acknowledging, closing, continuing, kept
from shared.actions.routing import Route
from shared.model.action import Occasion, Verb
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from shared.model.action import Action, ActionRow
    from shared.model.incident import Incident

# By what a notice is told again that no route names any more.
_NO_ROUTE = Route()


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


class _Plans(NamedTuple):
    """What the responders would send: to open a notice and to close one, by side."""

    triggers: dict[str, Action]
    resolves: dict[str, Action]


def todo(
    incident: Incident,
    wanted: Sequence[Action],
    templates: Sequence[Action],
    rows: Sequence[ActionRow],
    now: datetime,
    *,
    claims_last: timedelta,
    routes: Mapping[str, Route] = {},
    verbs: Mapping[str, frozenset[Verb]] = {},
    escalated: Sequence[Action] = (),
    is_held: bool = False,
) -> Todo:
    """Compare what the responders want with the rows of the incident.

    ``wanted`` is every responder's plan. ``templates`` are what each would send to open
    a notice and to close it. ``rows`` are those of the incident and of all it absorbed. Whoever calls
    holds the incident's lease, so a row of its own that is still claimed is of a worker
    that died: its outcome is unknown and a notice goes out again with the same key (law
    3). The worker of an incident that was absorbed may live until its claim ends.

    ``routes`` says for each responder what it is told again, ``verbs`` what it can be
    asked for. ``escalated`` are the notices that escalation has sent or sends now. While
    ``is_held`` no notice is begun; one that was is brought to its end, and ends are
    told.
    """
    done = {row.key: row for row in rows}
    plans = _Plans(
        {a.responder: a for a in templates if a.verb is Verb.TRIGGER},
        {a.responder: a for a in templates if a.verb is Verb.RESOLVE},
    )
    steps = [
        *_triggers(incident, wanted, rows),
        *(_Step(action, done.get(action.key)) for action in escalated),
        *_again(incident, wanted, plans, rows, routes),
        *_acknowledges(incident, wanted, plans, rows, verbs),
    ]
    if is_held or (incident.hidden_by and incident.status is not IncidentStatus.OPEN):
        # Nobody wants to hear of what was held back until it was over.
        steps = [step for step in steps if step.action.key in done]
    begun = {step.action.key for step in steps}
    steps += _resolves(incident, wanted, plans, rows, begun)
    steps += [
        _Step(each.action, each.row, each.at)
        for each in forwards.of(incident, wanted, rows, routes, is_held=is_held)
    ]
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


def forwards_last(todo: Todo, *, acts: bool = False) -> Todo:
    """What is to do first: a forward tells what was done once nothing else is left.

    The look that does the rest, or ``acts`` otherwise, comes back for it.
    """
    first = tuple(a for a in todo.actions if a.verb is not Verb.FORWARD)
    return todo._replace(actions=first if first or acts else todo.actions)


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


def _speaking(
    incident: Incident,
    wanted: Sequence[Action],
    plans: _Plans,
    rows: Sequence[ActionRow],
) -> Iterator[tuple[Action, ActionRow]]:
    """Each notice that people have of an open incident, and what opened it as of now."""
    if incident.status is not IncidentStatus.OPEN:
        return
    speakers = []
    for trigger in wanted:
        if trigger.verb is not Verb.TRIGGER:
            continue
        found = notices.of(trigger, rows)
        mine = notices.mine(trigger, found)
        speakers.append((trigger, notices.speaker(incident, mine, found, rows)))
    speakers += [
        (plans.triggers[row.responder], row)
        for row in rows
        if notices.is_escalated(row) and row.responder in plans.triggers
    ]
    for trigger, row in speakers:
        if row is not None and notices.has_arrived(row) and notices.is_open(row, rows):
            yield trigger, row


def _again(
    incident: Incident,
    wanted: Sequence[Action],
    plans: _Plans,
    rows: Sequence[ActionRow],
    routes: Mapping[str, Route],
) -> Iterator[_Step]:
    """What is told again of what people know of."""
    for trigger, row in _speaking(incident, wanted, plans, rows):
        route = routes.get(row.responder)
        if route is None and notices.is_escalated(row):
            route = _NO_ROUTE
        if route is not None:
            for action, at in updates.of(incident, trigger, row, rows, route):
                yield _Step(action, None, at)


def _acknowledges(
    incident: Incident,
    wanted: Sequence[Action],
    plans: _Plans,
    rows: Sequence[ActionRow],
    verbs: Mapping[str, frozenset[Verb]],
) -> Iterator[_Step]:
    """That somebody works on it, wherever that means anything."""
    mark = incident.acknowledged
    if mark is None:
        return
    for trigger, row in _speaking(incident, wanted, plans, rows):
        if Verb.ACKNOWLEDGE in verbs.get(row.responder, ()):
            is_echo = mark.via == row.responder
            yield _Step(acknowledging(trigger, row, is_echo=is_echo), None)


def _resolves(
    incident: Incident,
    wanted: Sequence[Action],
    plans: _Plans,
    rows: Sequence[ActionRow],
    triggered: set[str],
) -> Iterable[_Step]:
    """The notices to close: all at the end, until then all but those that speak.

    What is not known to have arrived is closed too, unless it is still being sent.
    """
    ends = {notices.side(a): a for a in wanted if a.verb is Verb.RESOLVE}
    has_ended = incident.status is not IncidentStatus.OPEN
    by = incident.resolved.via if incident.resolved else ""
    for name, resolve in plans.resolves.items():
        found = notices.of(resolve, rows)
        mine = notices.mine(resolve, found)
        speaker = notices.speaker(incident, mine, found, rows)
        escalated = [r for r in rows if r.responder == name and notices.is_escalated(r)]
        for row in (*found, *escalated):
            is_under_way = row.key in triggered and row.status not in notices.OVER
            if is_under_way or not notices.may_be_open(row, rows):
                continue
            if not has_ended and (row is speaker or row in escalated):
                continue
            is_echo = has_ended and bool(by) and by == name
            if row is mine and has_ended:
                end = ends.get(notices.side(resolve), resolve)
                yield _Step(replace(kept(end, row), is_echo=is_echo), row)
                continue
            is_taken_over = row.incident != incident.id and not has_ended
            why = Occasion.MERGED if is_taken_over else Occasion.RESOLVED
            yield _Step(closing(resolve, row, why, is_echo=is_echo), row)
