"""Which steps of an escalation should have been taken by now, and by whom. Pure.

A step counts once any notice of it is on record, whatever the schedules say later: two
workers, a restart and a hand-off in between end with the people it began with. Time
counts from the first notice, so that what a silence held back begins at its first step.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.actions import notices
from shared.actions.follow_ups import continuing, escalating
from shared.model.action import ActionStatus, Occasion, Rung, Verb
from shared.model.alert import Severity
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from shared.model.action import Action, ActionRow
    from shared.model.incident import Incident
    from shared.oncall.policy import Escalation, OnCall

# A notice that did not arrive for so long is handed on to who comes next.
PATIENCE = timedelta(minutes=2)
PATIENCE_BELOW_HIGH = timedelta(minutes=10)

# The rung of notices to the fallback; no escalation has an empty name.
FALLBACK = Rung(escalation="", number=0)


class Contact(NamedTuple):
    """Where a target is reached: the responder, and its own address for them."""

    responder: str
    address: str = ""


class Call(NamedTuple):
    """A notice that escalation sends, or has begun to send: then there is a ``row``."""

    rung: Rung
    target: str
    contact: Contact
    row: ActionRow | None = None
    occasion: Occasion = Occasion.ESCALATED


class Stage(NamedTuple):
    """A step in one of the rounds, counted over all of them from 0.

    One that is ``last`` calls nobody: it is when all was in vain.
    """

    number: int
    at: datetime
    to: tuple[str, ...]
    last: bool = False


class Standing(NamedTuple):
    """How far an escalation is.

    ``calls`` are to be brought to their end. ``ahead`` are the stages that were not
    taken, the first of them now where ``is_due``. ``next_at`` is when to look again.
    """

    calls: tuple[Call, ...]
    ahead: tuple[Stage, ...]
    is_due: bool
    next_at: datetime | None


def begins(incident: Incident) -> bool:
    """Whether anybody is to be called about it at all, as it is now."""
    return (
        incident.status is IncidentStatus.OPEN
        and incident.was_active
        and incident.root == incident.id
        # A page test is over when everybody was reached.
        and (incident.acknowledged is None or incident.is_drill)
    )


def patience(incident: Incident) -> timedelta:
    """How long a notice may take to arrive before somebody else is called."""
    return PATIENCE if incident.severity is Severity.HIGH else PATIENCE_BELOW_HIGH


def stages(escalation: Escalation, began: datetime) -> Iterator[Stage]:
    """Every step of every round, and when it is over."""
    steps = escalation.steps
    length = max((step.after for step in steps), default=timedelta(0))
    length += escalation.pause
    rounds = escalation.repeat + 1
    for turn in range(rounds):
        for place, step in enumerate(steps):
            at = began + turn * length + step.after
            yield Stage(turn * len(steps) + place, at, step.to)
    yield Stage(rounds * len(steps), began + rounds * length, (), last=True)


def contacts(target: str, on_call: OnCall) -> tuple[Contact, ...]:
    """Where a person, or a responder by its own name, is reached: the best first."""
    person = on_call.people.get(target)
    if person is None:
        return (Contact(target),)
    return tuple(Contact(name, at) for name, at in person.contacts.items())


def counting(incident: Incident, rows: Iterable[ActionRow]) -> list[ActionRow]:
    """The notices that count for this epoch, those of absorbed incidents too.

    What was told of an epoch that is over counts no more; and what an absorbed incident
    was told of may be of one.
    """
    return [
        row
        for row in rows
        if row.verb is Verb.TRIGGER
        and (
            row.epoch == incident.epoch
            if row.incident == incident.id
            else incident.epoch == 1
        )
    ]


def standing(
    name: str,
    incident: Incident,
    rows: Sequence[ActionRow],
    on_call: OnCall,
    now: datetime,
    *,
    opens_at: Callable[[datetime], datetime] = lambda at: at,
) -> Standing:
    """What is to be done by now, going by the rows that are ``counting``.

    ``opens_at`` gives the first moment from then on at which it may begin.
    """
    plan = on_call.escalations[name]
    mine = [row for row in rows if row.rung and row.rung.escalation == name]
    if not mine and opens_at(now) > now:
        return Standing((), (), is_due=False, next_at=opens_at(now))
    taken = max((row.rung.number for row in mine if row.rung), default=-1)
    began = _began(plan, incident, mine, rows, now)
    ahead = [s for s in stages(plan, began) if s.number > taken]
    calls, is_reached, check_at = _calls(mine, taken, incident, on_call, now)
    due = [stage for stage in ahead if stage.at <= now]
    if not due and ahead and taken >= 0 and not is_reached:
        due = ahead[:1]
    if not due:
        times = [at for at in (check_at, ahead[0].at if ahead else None) if at]
        return Standing(calls, (), is_due=False, next_at=min(times, default=None))
    return Standing(calls, tuple(_caught_up(due, ahead)), is_due=True, next_at=check_at)


def _began(
    plan: Escalation,
    incident: Incident,
    mine: Sequence[ActionRow],
    rows: Sequence[ActionRow],
    now: datetime,
) -> datetime:
    """When it began, going by the first of its notices, else by when others went out.

    Where the first step waits and nobody was told of anything, the incident's own time
    is all there is to go by.
    """
    after = [step.after for step in plan.steps]
    if mine:
        first = min(mine, key=lambda row: row.rung.number if row.rung else 0)
        number = first.rung.number if first.rung else 0
        # Past the first round a step that changed meanwhile may not be there any more.
        return first.planned_at - (after[number] if number < len(after) else after[0])
    if after[0] == timedelta(0):
        return now
    told = [row.planned_at for row in rows if row.occasion is Occasion.OPENED]
    opened = incident.opened_at if incident.epoch == 1 else incident.heard_at
    return min([*told, now if told else opened or now])


def _caught_up(due: Sequence[Stage], ahead: Sequence[Stage]) -> list[Stage]:
    """What is ahead, with all that is due as one stage: nobody is called twice at once.

    The end waits until whoever was to be called before it was.
    """
    missed = [stage for stage in due if not stage.last]
    if not missed:
        return list(ahead)
    to = tuple(dict.fromkeys(name for stage in missed for name in stage.to))
    return [missed[-1]._replace(to=to), *ahead[len(missed) :]]


def _calls(
    rows: Sequence[ActionRow],
    taken: int,
    incident: Incident,
    on_call: OnCall,
    now: datetime,
) -> tuple[tuple[Call, ...], bool, datetime | None]:
    """What is begun, whether the last step reached somebody or may, and when to see.

    Somebody who is not reached by one contact is called by the next.
    """
    calls: list[Call] = []
    checks: list[datetime] = []
    is_reached = False
    tried: dict[tuple[int, str], list[ActionRow]] = {}
    for row in rows:
        if row.rung is not None:
            tried.setdefault((row.rung.number, row.target), []).append(row)
    for (number, target), attempts in tried.items():
        calls += begun(attempts, on_call)
        at = lost_at(attempts, incident)
        if at is not None and at <= now:
            used = {row.responder for row in attempts}
            rung = attempts[0].rung
            untried = [c for c in contacts(target, on_call) if c.responder not in used]
            if not untried or rung is None:
                continue
            calls.append(Call(rung, target, untried[0]))
            at = now + patience(incident)
        if at is not None:
            checks.append(at)
        is_reached = is_reached or number == taken
    return tuple(calls), is_reached, min(checks, default=None)


def actions(calls: Sequence[Call], templates: Sequence[Action]) -> list[Action]:
    """What is sent for each call, made of what its responder would send."""
    triggers = {a.responder: a for a in templates if a.verb is Verb.TRIGGER}
    found = []
    for call in calls:
        trigger = triggers.get(call.contact.responder)
        if trigger is None:
            continue
        found.append(
            continuing(trigger, call.row)
            if call.row
            else escalating(
                trigger, rung=call.rung, target=call.target, occasion=call.occasion
            )
        )
    return found


def begun(rows: Iterable[ActionRow], on_call: OnCall) -> list[Call]:
    """The notices of the rows that have not come to their end."""
    found = []
    for row in rows:
        if row.status not in notices.OVER and row.rung is not None:
            known = {c.responder: c for c in contacts(row.target, on_call)}
            contact = known.get(row.responder)
            # Who has left the policy is called no more.
            if contact is not None:
                found.append(Call(row.rung, row.target, contact, row, row.occasion))
    return found


def lost_at(rows: Sequence[ActionRow], incident: Incident) -> datetime | None:
    """When nobody waits any more for one of these to arrive; None where one has.

    One that failed for good is not waited for at all.
    """
    if any(map(notices.has_arrived, rows)):
        return None
    return max(
        row.changed_at
        if row.status in {ActionStatus.FAILED, ActionStatus.DROPPED}
        else row.planned_at + patience(incident)
        for row in rows
    )
