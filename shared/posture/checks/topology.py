"""Where all the logs are: whether this app asks there, and whether one query can."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture.checks import clauses
from shared.posture.estate import Part
from shared.posture.finding import Check, Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import Estate
    from shared.posture.wanted import Wanted

# One query reaches so many (log-analytics.md 4).
MOST_IN_ONE_QUERY = 100

_NEEDS = frozenset({Part.SETTINGS, Part.ACTIVITY, Part.RULES, Part.WORKSPACES})


def fed(estate: Estate) -> Counter[str]:
    """How many settings and rules send logs to each workspace."""
    found = Counter(each.workspace for each in estate.settings_of_all if each.workspace)
    for rule in estate.all_rules.values():
        found.update(rule.workspaces)
    return found


def not_asked(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Workspaces that logs go to, and that are never asked about incidents."""
    if not wanted.asked:
        return
    sources = fed(estate)
    for each in estate.all_workspaces:
        if sources[each.id] and each.customer not in wanted.asked:
            name = resource.display_name(each.id)
            title = f"logs go to {name}, which Firewatch does not ask"
            yield Found(each.id, title)


def too_many(estate: Estate, _: Wanted) -> Iterator[Found]:
    """More workspaces than one query reaches."""
    count = len(fed(estate))
    if count > MOST_IN_ONE_QUERY:
        title = f"logs are in {count} workspaces; one query reaches {MOST_IN_ONE_QUERY}"
        yield Found("", title)


CHECKS = (
    Check(
        CheckName.WORKSPACE_NOT_ASKED,
        Severity.LOW,
        clauses.CENTRAL,
        "Evidence that lies there is on no page. Name it in `workspaces` of the policy.",
        _NEEDS,
        not_asked,
    ),
    Check(
        CheckName.TOO_MANY_WORKSPACES,
        Severity.LOW,
        clauses.CENTRAL,
        "Nobody can ask about the whole estate at once, nor can a rule.",
        _NEEDS,
        too_many,
    ),
)
