"""What a policy says that is no mistake, but hardly meant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model.guards import DOES, FORWARDS, Guards, Mode
from shared.model.text import instant
from shared.model.workspaces import Topology
from shared.oncall.duty import changes, gaps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.model.risk import Weights
    from shared.model.workspaces import Workspaces
    from shared.oncall.policy import OnCall, Schedule
    from shared.triage.policy.schema import Policy

# How far somebody plans who is on call.
LOOK_AHEAD = timedelta(weeks=4)


def warnings(policy: Policy, now: datetime) -> list[str]:
    """Each with its path: silences that are over, and what can never have an effect."""
    return [
        *_of_silences(policy, now),
        *_of_routes(policy),
        *_of_responders(policy),
        *_of_workspaces(policy.workspaces),
        *_of_risk(policy.risk),
        *_of_schedules(policy.on_call, now),
        *_of_people(policy.on_call),
        *_of_escalations(policy),
        *_of_containment(policy),
        *_of_posture(policy, now),
    ]


def _of_silences(policy: Policy, now: datetime) -> Iterator[str]:
    for place, silence in enumerate(policy.suppress):
        path = f"$.suppress[{place}] ({silence.name})"
        if silence.is_over(now):
            yield f"{path}: is over since {instant(silence.until)}; take it out"


def _of_posture(policy: Policy, now: datetime) -> Iterator[str]:
    for place, excuse in enumerate(policy.posture.exceptions if policy.posture else ()):
        if excuse.until <= now:
            path = f"$.posture.exceptions[{place}] ({excuse.check})"
            yield f"{path}: is over since {instant(excuse.until)}; its findings count"


def _of_routes(policy: Policy) -> Iterator[str]:
    taken: int | None = None
    for place, route in enumerate(policy.routes):
        path = f"$.routes[{place}]"
        if taken is not None:
            yield f"{path}: is never reached, since routes[{taken}] takes everything"
        elif not route.match and not route.goes_on:
            taken = place


def _of_responders(policy: Policy) -> Iterator[str]:
    named = {name for route in policy.routes for name in route.to}
    named |= {*policy.on_call.fallback}
    for escalation in policy.on_call.escalations.values():
        named |= {name for step in escalation.steps for name in step.to}
    for person in policy.on_call.people.values():
        named |= person.contacts.keys()
    done = {name for rule in policy.contain for name in rule.do}
    for name, given in policy.responders.items():
        if given.get("use") in DOES:
            if name not in done:
                yield f"$.responders.{name}: no rule of contain names it"
        elif name not in named:
            yield f"$.responders.{name}: no route and nobody on call names it"


def _of_containment(policy: Policy) -> Iterator[str]:
    guards = policy.guards
    if policy.contain and guards.mode is not Mode.SHADOW and not guards.approvers:
        yield "$.guards.approvers: is empty; nothing leaves shadow without any"
    if not policy.contain and guards != Guards():
        yield "$.guards: guard nothing, since contain has no rules"


def _of_escalations(policy: Policy) -> Iterator[str]:
    silent = {
        name
        for name, given in policy.responders.items()
        if given.get("use") in FORWARDS
    }
    called = {
        f"$.on_call.escalations.{name}.steps[{place}].to": step.to
        for name, escalation in policy.on_call.escalations.items()
        for place, step in enumerate(escalation.steps)
    }
    for path, names in (
        called | {"$.on_call.fallback": policy.on_call.fallback}
    ).items():
        for name in names:
            if name in silent:
                yield f"{path}: {name} forwards, and tells nobody"
    begun = {route.escalate for route in policy.routes}
    for name in policy.on_call.escalations:
        if name not in begun:
            yield f"$.on_call.escalations.{name}: no route begins it"
    if policy.on_call.escalations and not policy.on_call.fallback:
        yield "$.on_call.fallback: is empty; nobody hears when nobody could be reached"


def _of_risk(found: Weights) -> Iterator[str]:
    if found.critical_tags and not found.critical_asset:
        yield "$.risk.critical_tags: is not used where critical_asset is 0"


def _of_workspaces(found: Workspaces) -> Iterator[str]:
    if found.topology is Topology.CENTRAL and found.overrides:
        yield "$.workspaces.overrides: is not used where the topology is central"
    if found.topology is Topology.PER_RESOURCE and found.central:
        yield "$.workspaces.central: is not used where the topology is per_resource"


def _of_schedules(found: OnCall, now: datetime) -> Iterator[str]:
    named = {n for each in found.escalations.values() for s in each.steps for n in s.to}
    for name, schedule in found.schedules.items():
        path = f"$.on_call.schedules.{name}"
        if name not in named:
            yield f"{path}: no escalation names it"
        # What a feed says, `firewatch oncall` asks.
        if schedule.feed is None:
            yield from _of_gaps(path, schedule, now)
        if schedule.holidays and all(layer.on_holidays for layer in schedule.layers):
            yield f"{path}.holidays: every layer has people on holidays"


def _of_gaps(path: str, schedule: Schedule, now: datetime) -> Iterator[str]:
    found = gaps(changes(schedule, now, now + LOOK_AHEAD))
    if found:
        whole = sum((gap.end - gap.start for gap in found), timedelta(0))
        yield (
            f"{path}: nobody is on call for {whole // timedelta(hours=1)} of the next"
            f" {LOOK_AHEAD // timedelta(hours=1)} hours, first from"
            f" {instant(found[0].start)} until {instant(found[0].end)}"
        )


def _of_people(found: OnCall) -> Iterator[str]:
    named = {n for each in found.escalations.values() for s in each.steps for n in s.to}
    for schedule in found.schedules.values():
        named |= {name for layer in schedule.layers for name in layer.people}
        named |= {each.person for each in schedule.overrides}
        # Of a feed, anybody may be in it.
        named |= found.people.keys() if schedule.feed is not None else set()
    for name in found.people:
        if name not in named:
            yield f"$.on_call.people.{name}: no schedule and no escalation names them"
