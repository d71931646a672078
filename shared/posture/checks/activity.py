"""The activity log of each subscription: whether it is kept, and all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture.checks import clauses
from shared.posture.checks.targets import targets
from shared.posture.estate import Part
from shared.posture.finding import Check, Found
from shared.posture.fixes import logs as fixes
from shared.posture.wanted import is_covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import Estate
    from shared.posture.wanted import Wanted

_NEEDS = frozenset({Part.ACTIVITY})


def not_kept(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Subscriptions whose activity log goes nowhere."""
    for scope, settings in estate.activity.items():
        if not any(each.is_sending for each in settings):
            fix = fixes.setting(scope, wanted.posture.activity, *targets(estate))
            title = "the activity log goes nowhere: it is gone after 90 days"
            yield Found(scope, title, fix)


def narrow(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Subscriptions of whose activity log some wanted categories go nowhere."""
    for scope, settings in estate.activity.items():
        sent = [each for each in settings if each.is_sending]
        categories = frozenset().union(*(each.categories for each in sent))
        groups = frozenset().union(*(each.groups for each in sent))
        lost = [
            each
            for each in wanted.posture.activity
            if not is_covered(each, categories, groups)
        ]
        if sent and lost:
            fix = fixes.setting(scope, lost, *targets(estate))
            title = f"the activity log is not kept whole: {', '.join(lost)} missing"
            yield Found(scope, title, fix)


CHECKS = (
    Check(
        CheckName.ACTIVITY_NOT_KEPT,
        Severity.HIGH,
        clauses.ACTIVITY,
        "Who changed what in Azure cannot be asked by query, and after 90 days not at all.",
        _NEEDS,
        not_kept,
    ),
    Check(
        CheckName.ACTIVITY_NARROW,
        Severity.MEDIUM,
        clauses.ACTIVITY,
        "A category that is left out leaves a hole in who did what, just where it is asked.",
        _NEEDS,
        narrow,
    ),
)
