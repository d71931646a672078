"""What the values of a policy must be beyond their types, field by field.

A rule is kept by the struct and the field it is about, so that it holds wherever such a
struct is read; ``describes`` is what an editor shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.actions import matchers
from shared.actions.routing import Route
from shared.model import retention, tags
from shared.model.correlation import Correlation, NeverGroup
from shared.model.enrich import Enrich
from shared.model.guards import Budget, Contain, Guards, Protected
from shared.model.heartbeat import Heartbeat
from shared.model.posture import Excuse, Posture
from shared.model.retention import Keep
from shared.model.risk import Weights
from shared.model.silence import Silence
from shared.model.storm import Storm
from shared.model.workspaces import Override, Workspaces
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
from shared.triage.policy import checks, on_call
from shared.triage.policy.checks import Rule
from shared.triage.policy.schema import MOST_PROBLEMS, Policy, Reconcile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


Field = tuple[type, str]

# For the field itself, or for each item of a list and each value of a mapping.
EACH: Mapping[Field, Rule] = {
    (Route, "match"): checks.MATCHER,
    (Route, "name"): Rule(checks.optional(checks.name), checks.NAME.describes),
    (Route, "every"): checks.DURATION,
    (Route, "repeat"): checks.DURATION,
    (Silence, "name"): checks.NAME,
    (Silence, "match"): checks.OF_SILENCE,
    (Silence, "break_through"): checks.OF_SILENCE,
    (Silence, "reason"): Rule(checks.said, "Why nobody need be told."),
    (Silence, "owner"): Rule(
        checks.said, "Who answers for it, and is told of its end."
    ),
    (Storm, "pages"): checks.whole_number(1, 10_000),
    (Storm, "within"): checks.DURATION,
    (Correlation, "gap"): checks.DURATION,
    (Correlation, "max_age"): checks.DURATION,
    (Correlation, "max_problems"): checks.whole_number(1, MOST_PROBLEMS),
    (Correlation, "quiet"): checks.DURATION,
    (NeverGroup, "accounts"): checks.ENTITY,
    (NeverGroup, "hosts"): checks.ENTITY,
    (NeverGroup, "hashes"): checks.ENTITY,
    (NeverGroup, "addresses"): Rule(matchers.network, "An address or a network."),
    (Reconcile, "subscriptions"): checks.GUID,
    (Posture, "subscriptions"): checks.GUID,
    (Posture, "plans"): Rule(
        checks.said, "The name of a plan, such as VirtualMachines."
    ),
    (Posture, "hub"): Rule(checks.optional(checks.hub), "The ARM id of an event hub."),
    (Posture, "activity"): Rule(checks.said, "A category of the activity log."),
    (Excuse, "resource"): Rule(
        checks.optional(checks.scope),
        "The id of a resource, a resource group or a subscription.",
    ),
    (Excuse, "reason"): Rule(checks.said, "Why nobody need mend it."),
    (Workspaces, "central"): checks.WORKSPACE,
    (Enrich, "queries"): Rule(checks.query, "The name of a query of the pack."),
    (Enrich, "most"): checks.whole_number(1, 24),
    (Enrich, "deadline"): Rule(checks.a_minute, "Above zero, a minute at most."),
    (Override, "resource"): Rule(
        checks.scope, "The id of a resource, a resource group or a subscription."
    ),
    (Override, "workspaces"): checks.WORKSPACE,
    **{(Weights, name): checks.POINTS for name in Weights.__struct_fields__},
    (Weights, "critical_tags"): Rule(
        tags.parse, "A tag as name=value, compared without case."
    ),
    (Person, "contacts"): Rule(on_call.address, "The address there."),
    (Schedule, "time_zone"): checks.ZONE,
    (Layer, "turn"): Rule(on_call.turn, "An hour at least."),
    (Layer, "hours"): checks.HOURS,
    (Layer, "starts"): checks.WALL,
    (Layer, "until"): checks.WALL,
    (StandIn, "starts"): checks.WALL,
    (StandIn, "until"): checks.WALL,
    (Schedule, "holidays"): Rule(on_call.year, "A date such as 2026-12-25."),
    (Step, "after"): Rule(on_call.delay, "Seven days at most."),
    (Escalation, "repeat"): checks.whole_number(0, 9),
    (Escalation, "pause"): Rule(on_call.pause, "Above zero, seven days at most."),
    (Escalation, "hours"): checks.HOURS,
    (Escalation, "time_zone"): checks.ZONE,
    (Contain, "match"): checks.MATCHER,
    (Contain, "name"): Rule(checks.optional(checks.name), checks.NAME.describes),
    (Contain, "lasts"): checks.DURATION,
    (Budget, "most"): checks.whole_number(0, 1_000),
    (Budget, "share"): checks.whole_number(1, 100),
    (Budget, "within"): Rule(checks.a_minute_or_more, "A minute at least."),
    (Protected, "resources"): checks.PLACE,
    (Protected, "accounts"): checks.OBJECT_ID,
    (Protected, "machines"): checks.MACHINE,
    (Protected, "addresses"): Rule(matchers.network, "An address or a network."),
    (Protected, "tags"): Rule(tags.parse, "A tag as name=value."),
    (Guards, "risk"): checks.whole_number(0, 100),
    (Guards, "problems"): checks.whole_number(1, 20),
    (Guards, "hours"): checks.HOURS,
    (Guards, "time_zone"): checks.ZONE,
    (Guards, "max_age"): checks.DURATION,
    (Guards, "approval"): Rule(checks.a_minute_or_more, "A minute at least."),
    (Guards, "approvers"): checks.OBJECT_ID,
    (Heartbeat, "every"): Rule(checks.whole_minutes, "Whole minutes, an hour at most."),
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
    (KeySender, "formats"): checks.FORMAT,
    (HmacSender, "formats"): checks.FORMAT,
    (EntraSender, "formats"): checks.FORMAT,
}

# For the whole of a list or a mapping.
WHOLE: Mapping[Field, Callable[[Any], None]] = {
    (Policy, "routes"): checks.filled("at least one route must name a responder"),
    (Silence, "match"): checks.filled(
        "a silence of everything needs matchers that say so"
    ),
    (Override, "workspaces"): checks.filled(
        "name the workspaces that are asked instead"
    ),
    (Person, "contacts"): checks.filled("name a responder, and the address there"),
    (Layer, "people"): checks.filled("name at least one"),
    (Schedule, "layers"): checks.filled("nobody would ever be on call"),
    (Escalation, "steps"): checks.filled("nobody would be told"),
    (Step, "to"): checks.filled("nobody would be told"),
    (Contain, "do"): checks.filled("name what is to be done"),
    (Contain, "match"): checks.filled(
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
