"""Archive storage: whether there is any, who could change it, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture.checks import clauses
from shared.posture.checks.targets import targets
from shared.posture.estate import Part
from shared.posture.finding import Check, Found
from shared.posture.fixes import logs as fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import Estate
    from shared.posture.wanted import Wanted

_NEEDS = frozenset({Part.ACTIVITY, Part.SETTINGS, Part.DATA_EXPORTS, Part.ARCHIVES})


def missing(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Subscriptions whose activity log is kept, but in no archive."""
    for scope, settings in estate.activity.items():
        sent = [each for each in settings if each.is_sending]
        # What no setting sends anywhere is another finding.
        if sent and not any(each.account or each.is_partner for each in sent):
            fix = fixes.setting(scope, wanted.posture.activity, *targets(estate))
            title = "the activity log goes to no archive storage"
            yield Found(scope, title, fix)


def mutable(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Containers of logs whose blobs somebody may change."""
    days = wanted.archive_days
    for account, found in estate.archives.items():
        for container in found.mutable:
            name = f"{container} of {resource.display_name(account)}"
            title = f"logs in {name} can be changed and deleted"
            yield Found(account, title, fixes.kept(account, container, days), container)


def untiered(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Accounts that keep old logs where they cost most."""
    for account, found in estate.archives.items():
        if not found.is_tiered:
            name = resource.display_name(account)
            title = f"{name} keeps old logs in the dearest tier"
            fix = fixes.lifecycle(account, wanted.archive_days)
            yield Found(account, title, fix)


def deletes(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Accounts whose lifecycle deletes logs before their time."""
    days = wanted.archive_days
    for account, found in estate.archives.items():
        if found.deletes_after is not None and found.deletes_after < days:
            name = resource.display_name(account)
            title = f"{name} deletes logs after {found.deletes_after} days, not {days}"
            yield Found(account, title, fixes.lifecycle(account, days))


CHECKS = (
    Check(
        CheckName.ARCHIVE_MISSING,
        Severity.MEDIUM,
        clauses.PERSIST,
        "A workspace can be emptied or run out; an archive that nobody changes stays.",
        frozenset({Part.ACTIVITY}),
        missing,
    ),
    Check(
        CheckName.ARCHIVE_MUTABLE,
        Severity.MEDIUM,
        clauses.PERSIST,
        "Evidence that can be changed proves little, and is what an intruder deletes.",
        _NEEDS,
        mutable,
    ),
    Check(
        CheckName.ARCHIVE_UNTIERED,
        Severity.INFORMATIONAL,
        clauses.KEEP,
        "What is hardly ever read costs a fraction in a colder tier: so it is kept longer.",
        _NEEDS,
        untiered,
    ),
    Check(
        CheckName.ARCHIVE_DELETES,
        Severity.HIGH,
        clauses.KEEP,
        "The archive forgets before the policy lets it.",
        _NEEDS,
        deletes,
    ),
)
