"""What must hold between parts of a policy: names that are given and used, and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.actions.routing import Route
from shared.model.guards import Budget, Contain, Guards
from shared.model.silence import Silence
from shared.model.workspaces import Topology, Workspaces
from shared.oncall.policy import (
    Layer,
    OnCall,
    Schedule,
    StandIn,
    Step,
)
from shared.triage.policy import checks, kept, names, on_call
from shared.triage.policy.checks import Rule
from shared.triage.policy.document import step
from shared.triage.policy.schema import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.triage.policy.rules import Field


def references(raw: object) -> dict[Field, Rule]:
    """The rules about names that another part of the same policy gives."""
    responders = names.doing(raw, does=False)
    doers = names.doing(raw, does=True)
    people = names.given(raw, "on_call", "people")
    schedules = names.given(raw, "on_call", "schedules")
    escalations = names.given(raw, "on_call", "escalations")
    found: dict[Field, Rule] = {}
    if responders is not None:
        check = names.check(responders, "responder")
        found[Route, "to"] = Rule(check, "The name of a responder.")
        found[OnCall, "fallback"] = found[Route, "to"]
    if doers is not None:
        check = names.check(doers, "responder that contains")
        found[Contain, "do"] = Rule(check, "The name of a responder that contains.")
        found[Budget, "responders"] = found[Contain, "do"]
    if people is not None:
        person = Rule(names.check(people, "person"), "The name of a person.")
        for struct, name in (
            (Layer, "people"),
            (StandIn, "person"),
            (Schedule, "names"),
        ):
            found[struct, name] = person
    if responders is not None and people is not None and schedules is not None:
        known = [*people, *schedules, *responders]
        check = names.check(known, "person, schedule or responder")
        found[Step, "to"] = Rule(check, "The name of a person, schedule or responder.")
    if escalations is not None:
        check = checks.optional(names.check(escalations, "escalation"))
        found[Route, "escalate"] = Rule(check, "The name of an escalation.")
    return found


def struct_problems(kind: type, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong between the fields of a struct: the field, and what is said of it."""
    starts, until = values.get("starts"), values.get("until")
    if kind is Silence and starts and until and starts >= until:
        return [("until", "expected a time after starts")]
    is_hybrid = values.get("topology") == Topology.HYBRID
    if kind is Workspaces and is_hybrid and not values.get("central"):
        return [("central", "hybrid needs at least one workspace here")]
    if kind is Policy:
        responders = values.get("responders")
        tell = names.doing({"responders": responders}, does=False)
        do = names.doing({"responders": responders}, does=True)
        found = on_call.between(
            None if tell is None else dict.fromkeys(tell), values.get("on_call")
        )
        limits = _wrong(
            values.get("limits"), "limits", names.check(tell or [], "responder")
        )
        held = values.get("guards")
        modes = held.get("responders") if isinstance(held, dict) else None
        known = names.check(do or [], "responder that contains")
        return [
            *((f"on_call.{path}", said) for path, said in found),
            *limits,
            *_wrong(modes, "guards.responders", known),
        ]
    if kind is Guards:
        return _wrong(values.get("scopes"), "scopes", checks.place)
    if kind is Budget:
        return _of_budget(values)
    return [*on_call.problems(kind, values), *kept.problems(kind, values)]


def _of_budget(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A budget is a number or a share, and one of these alone."""
    most, share = values.get("most"), values.get("share")
    if most is None and share is None:
        return [("most", "is required where there is no share")]
    if most is not None and share is not None:
        return [("share", "expected either most or share: make it two budgets")]
    if share is not None and values.get("each"):
        return [("each", "a share is of each scale set and each subnet by itself")]
    return []


def _wrong(
    given: object, section: str, check: Callable[[str], None]
) -> list[tuple[str, str]]:
    """Names in a mapping that are none of those that it may have."""
    found = []
    for place, name in enumerate(given if isinstance(given, dict) else ()):
        try:
            check(str(name))
        except ValueError as error:
            found.append((step(section, name, place), str(error)))
    return found
