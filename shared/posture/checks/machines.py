"""Logs of operating systems: agents, rules, what those collect, and whether any comes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.model.text import minute
from shared.posture.checks import clauses
from shared.posture.estate import Part
from shared.posture.finding import Check, Found
from shared.posture.fixes import machines as fixes
from shared.posture.wanted import FACILITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.posture.estate import Estate, Machine, Rule
    from shared.posture.wanted import Wanted

# A heartbeat comes each minute; a quarter of an hour is what a workspace may be late.
SILENT_AFTER = timedelta(hours=1)

# What is asked about, in the question of ``heartbeats``.
LOOKED_BACK = timedelta(days=14)

_AGENT = "azuremonitor"


def without_agent(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Machines without an agent that is in place."""
    for machine in _machines(estate):
        if estate.agents is not None and not _has_agent(estate, machine):
            name = resource.display_name(machine.id)
            fix = fixes.agent(machine.id, machine.os)
            yield Found(machine.id, f"{name} has no agent that collects its logs", fix)


def without_rule(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Machines with an agent that no rule tells what to collect."""
    rule = next((r.id for r in estate.all_rules.values() if _is_whole(r)), "")
    for machine in _machines(estate):
        if (
            estate.associations is not None
            and not estate.associations.get(machine.id)
            and (estate.agents is None or _has_agent(estate, machine))
        ):
            name = resource.display_name(machine.id)
            title = f"{name} has an agent, and no rule says what it collects"
            yield Found(machine.id, title, fixes.association(machine.id, rule))


def without_events(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Machines whose rules leave out what says who signed in."""
    known = estate.all_rules
    for machine in _machines(estate):
        names = (estate.associations or {}).get(machine.id, ())
        rules = [known[each] for each in names if each in known]
        # One of a subscription that was not read may collect it.
        is_known = bool(names) and len(rules) == len(names)
        if is_known and not any(_collects(rule, machine.os) for rule in rules):
            what = "security events" if machine.os == "windows" else "auth and authpriv"
            name = resource.display_name(machine.id)
            title = f"the rules of {name} do not collect {what}"
            yield Found(machine.id, title, fixes.events(rules[0].id, machine.os))


def silent(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Machines that run, should be heard, and are not."""
    known = estate.all_rules
    for machine in _machines(estate):
        expected = _expected(estate, machine, known)
        if not machine.is_running or not expected or not expected <= {*estate.beats}:
            continue
        heard = [b[machine.id] for b in estate.beats.values() if machine.id in b]
        last = max(heard, default=None)
        name = resource.display_name(machine.id)
        if last is None:
            title = f"{name} was not heard of for {LOOKED_BACK.days} days"
            yield Found(machine.id, title)
        elif wanted.now - last > SILENT_AFTER:
            yield Found(machine.id, f"{name} was heard of last at {minute(last)}")


def expected_in(estate: Estate) -> set[str]:
    """The workspaces that a running machine should be heard of in."""
    known = estate.all_rules
    running = [each for each in _machines(estate) if each.is_running]
    return {w for machine in running for w in _expected(estate, machine, known)}


def _expected(estate: Estate, machine: Machine, known: Mapping[str, Rule]) -> set[str]:
    """The workspaces that its rules send to, where it has an agent."""
    if estate.agents is None or not _has_agent(estate, machine):
        return set()
    names = (estate.associations or {}).get(machine.id, ())
    return {w for each in names if each in known for w in known[each].workspaces}


def _machines(estate: Estate) -> list[Machine]:
    return [each for found in estate.machines.values() for each in found]


def _has_agent(estate: Estate, machine: Machine) -> bool:
    agents = (estate.agents or {}).get(machine.id, ())
    return any(e.kind.startswith(_AGENT) and e.is_provisioned for e in agents)


def _collects(rule: Rule, os: str) -> bool:
    if os == "windows":
        return rule.has_security_events
    return bool(rule.facilities & {"*"}) or rule.facilities >= FACILITIES


def _is_whole(rule: Rule) -> bool:
    return _collects(rule, "windows") and _collects(rule, "linux")


CHECKS = (
    Check(
        CheckName.AGENT_MISSING,
        Severity.MEDIUM,
        clauses.SYSTEM,
        "Sign-ins, new users, new services: what happens on the machine stays on it.",
        frozenset({Part.RESOURCES, Part.AGENTS}),
        without_agent,
    ),
    Check(
        CheckName.RULE_MISSING,
        Severity.MEDIUM,
        clauses.SYSTEM,
        "An agent without a rule sends a heartbeat and nothing else.",
        frozenset({Part.RESOURCES, Part.AGENTS, Part.ASSOCIATIONS}),
        without_rule,
    ),
    Check(
        CheckName.EVENTS_MISSING,
        Severity.MEDIUM,
        clauses.SYSTEM,
        "Who signed in and who became whom is what an investigation of a machine begins with.",
        frozenset({Part.RESOURCES, Part.ASSOCIATIONS, Part.RULES}),
        without_events,
    ),
    Check(
        CheckName.MACHINE_SILENT,
        Severity.MEDIUM,
        clauses.SYSTEM,
        "Its agent is broken, cut off, or was stopped by somebody.",
        frozenset(
            {
                Part.RESOURCES,
                Part.AGENTS,
                Part.ASSOCIATIONS,
                Part.RULES,
                Part.HEARTBEATS,
            }
        ),
        silent,
    ),
)
