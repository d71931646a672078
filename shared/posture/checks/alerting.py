"""Alert rules, and whether anybody hears them; Sentinel; the rules on this app itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture.checks import clauses
from shared.posture.checks.targets import targets
from shared.posture.estate import Part, path_of
from shared.posture.finding import Check, Found
from shared.posture.fixes import alerting as fixes
from shared.posture.fixes import defender
from shared.posture.own_rules import OWN_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import ActionGroup, AlertRule, Estate
    from shared.posture.wanted import Wanted

# As infra/watch/watch.bicep calls them.
_OWN = re.compile(r"Firewatch [^:]{1,60}: (?P<name>[a-z-]{1,60})")

_RULES = frozenset({Part.ALERT_RULES, Part.ACTION_GROUPS})


def rules_absent(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Subscriptions without any rule that is on."""
    for scope, rules in estate.alert_rules.items():
        if not any(each.is_enabled for each in rules):
            title = "no alert rule is on in the subscription"
            yield Found(scope, title, fixes.rule(scope, _group(estate)))


def tells_nobody(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Rules that are on and call no group, or only such as are not there."""
    known = _groups(estate)
    for rule in _rules(estate):
        # What is in a subscription that was not read may be there.
        there = [e for e in rule.groups if e in known or not _is_read(estate, e)]
        if rule.is_enabled and not there:
            said = "a group that is not there" if rule.groups else "nobody"
            title = f"rule {resource.display_name(rule.id)} calls {said}"
            yield Found(rule.id, title, fixes.told(rule.id, _group(estate)))


def groups_dead(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Action groups that a rule calls and that are off, or have nobody in them."""
    called = {
        each for rule in _rules(estate) if rule.is_enabled for each in rule.groups
    }
    for group in _groups(estate).values():
        if group.id in called and not _is_alive(group):
            said = (
                "has no receiver that is on" if group.is_enabled else "is switched off"
            )
            title = f"action group {resource.display_name(group.id)} {said}"
            mend = fixes.group if group.is_enabled else fixes.switched_on
            yield Found(group.id, title, mend(group.id))


def sentinel_missing(estate: Estate, _: Wanted) -> Iterator[Found]:
    """No workspace with Sentinel on it, where there are workspaces."""
    states = estate.sentinel
    if states and all(each is None for each in states.values()):
        workspace, _account = targets(estate)
        fix = defender.sentinel(workspace or min(states))
        title = (
            "Sentinel is on no workspace: nothing correlates logs and finds anomalies"
        )
        yield Found("", title, fix)


def sentinel_unfed(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Workspaces with Sentinel that no connector feeds."""
    for workspace, connectors in estate.sentinel.items():
        if connectors == 0:
            name = resource.display_name(workspace)
            yield Found(workspace, f"Sentinel is on {name}, and no connector feeds it")


def own_rules_missing(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """The rules that watch this app itself: those that are not there, or off."""
    if wanted.home not in estate.alert_rules:
        return
    on = {
        found["name"]
        for rule in estate.alert_rules[wanted.home]
        if rule.is_enabled and (found := _OWN.fullmatch(rule.title))
    }
    for name in OWN_RULES:
        if name not in on:
            title = f"no rule {name} watches Firewatch itself (infra/watch)"
            yield Found(wanted.home, title, subject=name)


def _rules(estate: Estate) -> list[AlertRule]:
    return [each for found in estate.alert_rules.values() for each in found]


def _groups(estate: Estate) -> dict[str, ActionGroup]:
    return {g.id: g for found in estate.action_groups.values() for g in found}


def _is_read(estate: Estate, group: str) -> bool:
    return path_of(group) in estate.action_groups


def _is_alive(group: ActionGroup) -> bool:
    return group.is_enabled and group.receivers > 0


def _group(estate: Estate) -> str:
    """A group for a fix to call: one that is alive."""
    alive = (each.id for each in _groups(estate).values() if _is_alive(each))
    return min(alive, default="")


CHECKS = (
    Check(
        CheckName.RULES_ABSENT,
        Severity.MEDIUM,
        clauses.ALERTS,
        "Logs that no rule looks at are read after the damage.",
        _RULES,
        rules_absent,
    ),
    Check(
        CheckName.RULE_TELLS_NOBODY,
        Severity.MEDIUM,
        clauses.ALERTS,
        "It fires, and nobody hears it.",
        _RULES,
        tells_nobody,
    ),
    Check(
        CheckName.GROUP_DEAD,
        Severity.MEDIUM,
        clauses.ALERTS,
        "Every rule that calls it fires unheard.",
        _RULES,
        groups_dead,
    ),
    Check(
        CheckName.SENTINEL_MISSING,
        Severity.LOW,
        clauses.CENTRAL,
        "Anomalies of users and threat intelligence are found by what sees all logs together.",
        frozenset({Part.SENTINEL, Part.WORKSPACES}),
        sentinel_missing,
    ),
    Check(
        CheckName.SENTINEL_UNFED,
        Severity.LOW,
        clauses.CENTRAL,
        "It has nothing to correlate.",
        frozenset({Part.SENTINEL, Part.WORKSPACES}),
        sentinel_unfed,
    ),
    Check(
        CheckName.OWN_RULE_MISSING,
        Severity.MEDIUM,
        clauses.ALERTS,
        "When Firewatch itself is in trouble, nobody is told.",
        _RULES | {Part.HUB},
        own_rules_missing,
    ),
)
