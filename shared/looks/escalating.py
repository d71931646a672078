"""Whom escalations call about an incident now: schedules asked, and what is on record."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from shared import telemetry
from shared.actions import drilling, escalation
from shared.actions.escalation import Call, Contact
from shared.model.action import Occasion, Rung
from shared.oncall.hours import next_open

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from shared.actions.escalation import Stage
    from shared.actions.routing import Rules
    from shared.model.action import ActionRow
    from shared.model.incident import Incident
    from shared.oncall.policy import OnCall


class Escalated(NamedTuple):
    """The calls to make, those that were begun too, and when there is more to do."""

    calls: tuple[Call, ...] = ()
    next_at: datetime | None = None


class Escalating:
    """``who`` says which people a schedule names at an instant; () where nobody knows."""

    def __init__(
        self, who: Callable[[str, datetime], Awaitable[Sequence[str]]]
    ) -> None:
        self._who = who

    async def drilled(self, head: Incident, rules: Rules, now: datetime) -> Rules:
        """What the notices of an incident go by; those of a page test by their own."""
        if not head.is_drill:
            return rules
        schedules = [name for name in head.drill if name in rules.on_call.schedules]
        on_duty = {name: await self._who(name, now) for name in schedules}
        return drilling.rules_of(head.drill, rules, on_duty)

    async def __call__(
        self, head: Incident, stored: Sequence[ActionRow], rules: Rules, now: datetime
    ) -> Escalated:
        """What is to be called by now.

        Acknowledging ends it all, what was begun too.
        """
        if not escalation.begins(head):
            return Escalated()
        rows = escalation.counting(head, stored)
        if head.hold is not None:
            # Its end has a look of its own.
            return Escalated(tuple(escalation.begun(rows, rules.on_call)))
        calls: list[Call] = []
        times: list[datetime] = []
        in_vain = False
        for name in rules.escalations(head):
            if name not in rules.on_call.escalations:
                continue
            found, is_over = await self._one(name, head, rows, rules.on_call, now)
            calls += found.calls
            times += [found.next_at] if found.next_at else []
            in_vain = in_vain or is_over
        untold = _untold(head, rows) if rules.on_call.fallback else []
        times += [at for at in untold if at > now]
        if in_vain or any(at <= now for at in untold):
            calls += _fallback(rows, rules.on_call)
        return Escalated(tuple(calls), min(times, default=None))

    async def _one(
        self,
        name: str,
        head: Incident,
        rows: Sequence[ActionRow],
        on_call: OnCall,
        now: datetime,
    ) -> tuple[Escalated, bool]:
        """The calls of one escalation, and whether it ended in vain."""
        wanted = on_call.escalations[name]
        opens_at = partial(next_open, wanted.hours, wanted.time_zone)
        at = escalation.standing(name, head, rows, on_call, now, opens_at=opens_at)
        if not at.is_due:
            return Escalated(at.calls, at.next_at), False
        for stage, following in zip(at.ahead, [*at.ahead[1:], None], strict=True):
            found = await self._called(name, stage, on_call, now)
            if stage.last or following is None:
                break
            if found:
                later = [following.at, now + escalation.patience(head)]
                soon = min(each for each in later if each > now)
                return Escalated((*at.calls, *found), soon), False
            # A step that calls nobody is no reason to wait for the next.
            telemetry.emit(
                telemetry.ON_CALL_NOBODY,
                incident=head.id,
                escalation=name,
                to=", ".join(stage.to),
            )
        return Escalated(at.calls, at.next_at), True

    async def _called(
        self, name: str, stage: Stage, on_call: OnCall, now: datetime
    ) -> list[Call]:
        """A call to each target of a step, by the contact that it prefers."""
        targets: list[str] = []
        for each in stage.to:
            if each in on_call.schedules:
                targets += await self._who(each, now)
            else:
                targets.append(each)
        rung = Rung(escalation=name, number=stage.number)
        calls = []
        for target in dict.fromkeys(targets):
            known = escalation.contacts(target, on_call)
            calls += [Call(rung, target, contact) for contact in known[:1]]
        return calls


def _untold(head: Incident, rows: Sequence[ActionRow]) -> list[datetime]:
    """When whoever a route names should have been told, and was not."""
    by_responder: dict[str, list[ActionRow]] = {}
    for row in rows:
        if row.occasion is Occasion.OPENED:
            by_responder.setdefault(row.responder, []).append(row)
    lost = (escalation.lost_at(each, head) for each in by_responder.values())
    return [at for at in lost if at is not None]


def _fallback(rows: Sequence[ActionRow], on_call: OnCall) -> list[Call]:
    """Somebody else, once, whatever becomes of it."""
    known = [row for row in rows if row.occasion is Occasion.FALLBACK]
    if known:
        return escalation.begun(known, on_call)
    return [
        Call(escalation.FALLBACK, name, Contact(name), occasion=Occasion.FALLBACK)
        for name in on_call.fallback
    ]
