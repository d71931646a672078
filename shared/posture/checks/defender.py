"""Plans of Defender for Cloud: which are off, and what no alert will come of."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture.checks import clauses
from shared.posture.estate import Part
from shared.posture.finding import Check, Found
from shared.posture.fixes import defender as fixes
from shared.posture.wanted import PLANS
from shared.triage import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import Estate
    from shared.posture.wanted import Wanted

MOST_NAMED = 2
FULLY = "FullyCovered"

_NEEDS = frozenset({Part.PLANS, Part.RESOURCES})
# What must be said for a plan to be all that is sold under its name.
_SUB_PLANS = {"VirtualMachines": "P2", "StorageAccounts": "DefenderForStorageV2"}


def plans_off(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Plans that are wanted and not on."""
    for scope, plans in estate.plans.items():
        on = {each.name for each in plans if each.is_on}
        for name in _wanted(estate, wanted, scope):
            if name not in on:
                fix = fixes.plan(scope, name, _SUB_PLANS.get(name, ""))
                yield Found(scope, f"{name} is off: {_lost(name)}", fix, name)


def plans_partial(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Plans that are on, but not for all that they are for."""
    for scope, plans in estate.plans.items():
        names = _wanted(estate, wanted, scope)
        for each in plans:
            if each.is_on and each.name in names and each.coverage not in {FULLY, ""}:
                fix = fixes.plan(scope, each.name, each.sub_plan)
                said = "some" if each.coverage == "PartiallyCovered" else "all"
                title = f"{each.name} is on, and off for {said} of its resources"
                yield Found(scope, title, fix, each.name)


def plans_without_files(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Defender for Servers in the plan that does not watch files."""
    for scope, plans in estate.plans.items():
        if "VirtualMachines" not in _wanted(estate, wanted, scope):
            continue
        for each in plans:
            if each.name == "VirtualMachines" and each.is_on and each.sub_plan == "P1":
                fix = fixes.plan(scope, each.name, "P2")
                title = (
                    "Defender for Servers is in plan 1: changes of files are not seen"
                )
                yield Found(scope, title, fix, each.name)


def _wanted(estate: Estate, wanted: Wanted, scope: str) -> list[str]:
    """The plans of the policy, else those that the subscription has resources for."""
    if wanted.posture.plans:
        return [*wanted.posture.plans]
    types = {thing.type for thing in estate.things.get(scope, ())}
    return [n for n, each in PLANS.items() if not each.types or each.types & types]


def _lost(name: str) -> str:
    known = PLANS.get(name)
    types = _types_of(known.title) if known else ()
    if not types:
        return "its alerts do not come"
    named = ", ".join(types[:MOST_NAMED])
    return f"{len(types)} documented alert types do not come, such as {named}"


@cache
def _types_of(title: str) -> tuple[str, ...]:
    """The alert types of a plan, the worst first."""
    found = [
        each
        for each in catalogue.load().types
        if each.plan == title and not each.is_deprecated
    ]
    found.sort(key=lambda each: -(each.severity.rank if each.severity else 0))
    return tuple(each.name for each in found)


CHECKS = (
    Check(
        CheckName.PLAN_OFF,
        Severity.HIGH,
        clauses.DETECTION,
        "What Defender would have seen there, nobody sees: no alert comes, and no incident.",
        _NEEDS,
        plans_off,
    ),
    Check(
        CheckName.PLAN_PARTIAL,
        Severity.MEDIUM,
        clauses.DETECTION,
        "Resources that are left out of a plan raise no alert, though the plan is on.",
        _NEEDS,
        plans_partial,
    ),
    Check(
        CheckName.PLAN_WITHOUT_FILES,
        Severity.LOW,
        clauses.SYSTEM,
        "Without file integrity monitoring (plan 2) a changed binary or setting raises nothing.",
        _NEEDS,
        plans_without_files,
    ),
)
