"""What the values of a policy must be beyond their types, field by field.

A rule is kept by the struct and the field it is about, so that it holds wherever such a
struct is read; ``describes`` is what an editor shows.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.actions import matchers
from shared.actions.routing import Route
from shared.model import resource, retention, tags
from shared.model.correlation import Correlation, NeverGroup
from shared.model.enrich import Enrich
from shared.model.guards import Budget, Contain, Guards, Protected
from shared.model.heartbeat import Heartbeat
from shared.model.posture import Excuse, Posture
from shared.model.retention import Keep
from shared.model.risk import Weights
from shared.model.silence import Silence
from shared.model.storm import Storm
from shared.model.text import is_name
from shared.model.workspaces import Override, Topology, Workspaces
from shared.oncall import hours
from shared.oncall.policy import (
    Escalation,
    Layer,
    OnCall,
    Person,
    Schedule,
    StandIn,
    Step,
)
from shared.senders import EntraSender, HmacSender, KeySender
from shared.sources import NAMES
from shared.triage.policy import kept, names, on_call
from shared.triage.policy.document import step
from shared.triage.policy.schema import MOST_PROBLEMS, Policy, Reconcile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GUID_PATTERN = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


class Rule(NamedTuple):
    """A check, which raises ValueError saying what was expected; and that in words."""

    check: Callable[[Any], object]
    describes: str


Field = tuple[type, str]


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
        check = _or_none(names.check(escalations, "escalation"))
        found[Route, "escalate"] = Rule(check, "The name of an escalation.")
    return found


def _or_none(check: Callable[[str], object]) -> Callable[[str], None]:
    def is_empty_or(text: str) -> None:
        if text:
            check(text)

    return is_empty_or


def _name(text: str) -> None:
    if not is_name(text):
        raise ValueError(
            "expected 1 to 40 letters, digits and hyphens, beginning with a letter"
        )


def _guid(text: str) -> None:
    if not re.fullmatch(GUID_PATTERN, text):
        raise ValueError("expected a subscription's GUID")


def _object_id(text: str) -> None:
    if not re.fullmatch(GUID_PATTERN, text):
        raise ValueError("expected an object id of Entra, a GUID, not a name")


def _machine(text: str) -> None:
    if not re.fullmatch("[0-9a-fA-F]{40}", text):
        raise ValueError("expected an id of Defender for Endpoint, 40 hex digits")


def _place(text: str) -> None:
    if not re.fullmatch(GUID_PATTERN, text) and resource.whole_id(text) is None:
        raise ValueError(
            "expected a subscription's GUID, or the id of a resource, a resource group"
            " or a subscription, such as /subscriptions/GUID/resourceGroups/NAME"
        )


def _workspace(text: str) -> None:
    if not re.fullmatch(GUID_PATTERN, text):
        raise ValueError("expected a workspace's id, a GUID, not its name")


def _scope(text: str) -> None:
    if resource.whole_id(text) is None:
        raise ValueError(
            "expected the id of a resource, a resource group or a subscription,"
            " such as /subscriptions/GUID/resourceGroups/NAME"
        )


def _hub(text: str) -> None:
    known = resource.whole_id(text)
    if (
        known is None
        or resource.type_of(known) != "microsoft.eventhub/namespaces/eventhubs"
    ):
        raise ValueError(
            "expected the ARM id of an event hub, such as /subscriptions/GUID/"
            "resourceGroups/NAME/providers/Microsoft.EventHub/namespaces/NAME/eventhubs/NAME"
        )


def _format(name: str) -> None:
    if name not in NAMES:
        raise ValueError(
            f"no format is named {name[: names.LONGEST]}; expected one of"
            f" {', '.join(sorted(NAMES))}"
        )


def _query(name: str) -> None:
    from shared.enrichment.pack import pack  # noqa: PLC0415  reads the queries

    if name not in pack():
        raise ValueError(
            f"the pack has no query {name[: names.LONGEST]}; `firewatch queries` lists them"
        )


def _a_minute(duration: timedelta) -> None:
    if not timedelta(0) < duration <= timedelta(minutes=1):
        raise ValueError("expected a duration above zero, a minute at most")


def _minutes(duration: timedelta) -> None:
    if not timedelta(0) < duration <= timedelta(hours=1) or duration.seconds % 60:
        raise ValueError("expected whole minutes from 1m to 1h")


def _minutes_or_more(duration: timedelta) -> None:
    if duration < timedelta(minutes=1):
        raise ValueError("expected a minute at least")


def _said(text: str) -> None:
    if not text.strip():
        raise ValueError("must not be empty")
    if len(text) > matchers.LONGEST:
        raise ValueError(f"expected at most {matchers.LONGEST} characters")


def _above_zero(duration: timedelta | None) -> None:
    if duration is not None and duration <= timedelta(0):
        raise ValueError("expected a duration above zero, such as 5h")


def _between(least: int, most: int) -> Rule:
    def check(number: int) -> None:
        if not least <= number <= most:
            raise ValueError(f"expected {least} to {most}")

    return Rule(check, f"A whole number from {least} to {most}.")


def _something(what: str) -> Callable[[Any], None]:
    def check(found: Any) -> None:  # noqa: ANN401  any collection
        if not found:
            raise ValueError(f"is empty; {what}")

    return check


MATCHER = Rule(
    matchers.parse,
    "A matcher: field, operator and value, such as severity>=medium or"
    ' alert_type=~"K8S_.*". Operators: =, !=, =~, !~, and >= for severity and risk,'
    " < for risk. Fields: "
    + ", ".join((*matchers.FIELDS, f"{matchers.TAG}NAME"))
    + ".",
)
OF_SILENCE = Rule(
    matchers.parse_of_silence, "A matcher as in routes, of any field but risk."
)
NAME = Rule(_name, "1 to 40 letters, digits and hyphens, beginning with a letter.")
GUID = Rule(_guid, "A subscription's id, a GUID.")
WORKSPACE = Rule(_workspace, "A workspace's id, a GUID.")
FORMAT = Rule(_format, f"A format: {', '.join(sorted(NAMES))}.")
ENTITY = Rule(_said, "An identifier of the entity, compared without case.")
OBJECT_ID = Rule(_object_id, "An object id of Entra, a GUID.")
MACHINE = Rule(_machine, "An id of Defender for Endpoint, 40 hex digits.")
PLACE = Rule(
    _place, "A subscription's GUID, or an id of a resource, group or subscription."
)
DURATION = Rule(_above_zero, "Above zero.")
POINTS = _between(-100, 100)
HOURS = Rule(
    hours.parse,
    "Days, hours or both, such as mon-fri 08:00-18:00, sat-sun, 18:00-08:00.",
)
ZONE = Rule(on_call.zone, "A time zone of the IANA database, such as Europe/Oslo.")
WALL = Rule(
    on_call.year, "A time of the schedule's own clock, such as 2026-11-02T09:00."
)

# For the field itself, or for each item of a list and each value of a mapping.
EACH: Mapping[Field, Rule] = {
    (Route, "match"): MATCHER,
    (Route, "name"): Rule(_or_none(_name), NAME.describes),
    (Route, "every"): DURATION,
    (Route, "repeat"): DURATION,
    (Silence, "name"): NAME,
    (Silence, "match"): OF_SILENCE,
    (Silence, "break_through"): OF_SILENCE,
    (Silence, "reason"): Rule(_said, "Why nobody need be told."),
    (Silence, "owner"): Rule(_said, "Who answers for it, and is told of its end."),
    (Storm, "pages"): _between(1, 10_000),
    (Storm, "within"): DURATION,
    (Correlation, "gap"): DURATION,
    (Correlation, "max_age"): DURATION,
    (Correlation, "max_problems"): _between(1, MOST_PROBLEMS),
    (Correlation, "quiet"): DURATION,
    (NeverGroup, "accounts"): ENTITY,
    (NeverGroup, "hosts"): ENTITY,
    (NeverGroup, "hashes"): ENTITY,
    (NeverGroup, "addresses"): Rule(matchers.network, "An address or a network."),
    (Reconcile, "subscriptions"): GUID,
    (Posture, "subscriptions"): GUID,
    (Posture, "plans"): Rule(_said, "The name of a plan, such as VirtualMachines."),
    (Posture, "hub"): Rule(_or_none(_hub), "The ARM id of an event hub."),
    (Posture, "activity"): Rule(_said, "A category of the activity log."),
    (Excuse, "resource"): Rule(
        _or_none(_scope), "The id of a resource, a resource group or a subscription."
    ),
    (Excuse, "reason"): Rule(_said, "Why nobody need mend it."),
    (Workspaces, "central"): WORKSPACE,
    (Enrich, "queries"): Rule(_query, "The name of a query of the pack."),
    (Enrich, "most"): _between(1, 24),
    (Enrich, "deadline"): Rule(_a_minute, "Above zero, a minute at most."),
    (Override, "resource"): Rule(
        _scope, "The id of a resource, a resource group or a subscription."
    ),
    (Override, "workspaces"): WORKSPACE,
    **{(Weights, name): POINTS for name in Weights.__struct_fields__},
    (Weights, "critical_tags"): Rule(
        tags.parse, "A tag as name=value, compared without case."
    ),
    (Person, "contacts"): Rule(on_call.address, "The address there."),
    (Schedule, "time_zone"): ZONE,
    (Layer, "turn"): Rule(on_call.turn, "An hour at least."),
    (Layer, "hours"): HOURS,
    (Layer, "starts"): WALL,
    (Layer, "until"): WALL,
    (StandIn, "starts"): WALL,
    (StandIn, "until"): WALL,
    (Schedule, "holidays"): Rule(on_call.year, "A date such as 2026-12-25."),
    (Step, "after"): Rule(on_call.delay, "Seven days at most."),
    (Escalation, "repeat"): _between(0, 9),
    (Escalation, "pause"): Rule(on_call.pause, "Above zero, seven days at most."),
    (Escalation, "hours"): HOURS,
    (Escalation, "time_zone"): ZONE,
    (Contain, "match"): MATCHER,
    (Contain, "name"): Rule(_or_none(_name), NAME.describes),
    (Contain, "lasts"): DURATION,
    (Budget, "most"): _between(0, 1_000),
    (Budget, "within"): Rule(_minutes_or_more, "A minute at least."),
    (Protected, "resources"): PLACE,
    (Protected, "accounts"): OBJECT_ID,
    (Protected, "machines"): MACHINE,
    (Protected, "addresses"): Rule(matchers.network, "An address or a network."),
    (Protected, "tags"): Rule(tags.parse, "A tag as name=value."),
    (Guards, "risk"): _between(0, 100),
    (Guards, "problems"): _between(1, 20),
    (Guards, "hours"): HOURS,
    (Guards, "time_zone"): ZONE,
    (Guards, "max_age"): DURATION,
    (Guards, "approval"): Rule(_minutes_or_more, "A minute at least."),
    (Guards, "approvers"): OBJECT_ID,
    (Heartbeat, "every"): Rule(_minutes, "Whole minutes, an hour at most."),
    (Keep, "interactive_days"): Rule(
        retention.interactive,
        f"Days that queries find rows for: {retention.LEAST_DAYS} to"
        f" {retention.MOST_INTERACTIVE}.",
    ),
    (Keep, "total_days"): Rule(
        retention.total,
        f"Days in all: {retention.LEAST_DAYS} to {retention.MOST_INTERACTIVE}, or"
        f" {', '.join(map(str, retention.YEARS))}.",
    ),
    (KeySender, "formats"): FORMAT,
    (HmacSender, "formats"): FORMAT,
    (EntraSender, "formats"): FORMAT,
}

# For the whole of a list or a mapping.
WHOLE: Mapping[Field, Callable[[Any], None]] = {
    (Policy, "routes"): _something("at least one route must name a responder"),
    (Silence, "match"): _something(
        "a silence of everything needs matchers that say so"
    ),
    (Override, "workspaces"): _something("name the workspaces that are asked instead"),
    (Person, "contacts"): _something("name a responder, and the address there"),
    (Layer, "people"): _something("name at least one"),
    (Schedule, "layers"): _something("nobody would ever be on call"),
    (Escalation, "steps"): _something("nobody would be told"),
    (Step, "to"): _something("nobody would be told"),
    (Contain, "do"): _something("name what is to be done"),
    (Contain, "match"): _something(
        "a rule for everything needs matchers that say so, such as severity>=high"
    ),
}

# Mappings whose keys are names of the policy's own.
NAMED: frozenset[Field] = frozenset(
    {
        (Policy, "senders"),
        (Policy, "responders"),
        (OnCall, "people"),
        (OnCall, "schedules"),
        (OnCall, "escalations"),
    }
)

# Lists whose items have names that must differ.
DISTINCT: frozenset[Field] = frozenset(
    {(Policy, "routes"), (Policy, "suppress"), (Policy, "contain")}
)


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
        return _wrong(values.get("scopes"), "scopes", _place)
    return [*on_call.problems(kind, values), *kept.problems(kind, values)]


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
