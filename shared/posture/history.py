"""What was found before and now: findings open, stand, and close."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model import resource
from shared.model.posture import CheckName
from shared.posture import unknown
from shared.posture.checks import CHECKS
from shared.posture.estate import Part, path_of
from shared.posture.finding import Finding, identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model.posture import Excuse
    from shared.posture.estate import Estate
    from shared.posture.finding import Check, Found
    from shared.posture.wanted import Wanted

# How long what was mended is still told of.
KEPT_FOR = timedelta(days=90)

_CHECKS = {each.name: each for each in (*CHECKS, unknown.CHECK)}


def found_now(estate: Estate, wanted: Wanted) -> list[Finding]:
    """All that the checks find, the worst first; each as if it were new."""
    found = {
        made.id: made
        for check in _CHECKS.values()
        for each in check.look(estate, wanted)
        for made in (_made(check, each, wanted),)
    }
    return sorted(found.values(), key=_order)


def merged(
    before: Iterable[Finding], now: Sequence[Finding], estate: Estate, wanted: Wanted
) -> list[Finding]:
    """What is found now with the history of each, and what became of what is not.

    What goes by something that could not be read stands as it was: only what was looked
    at closes.
    """
    seen = {each.id: each for each in now}
    gone: list[Finding] = []
    for old in before:
        new = seen.get(old.id)
        if new is not None:
            if old.closed_at is None:
                seen[old.id] = replace(new, first_seen=old.first_seen)
        elif old.closed_at is not None:
            if wanted.now - old.closed_at < KEPT_FOR:
                gone.append(old)
        elif _stands(old, estate, wanted):
            excused = _excuse(old, wanted)
            gone.append(replace(old, is_seen=False, excused=excused))
        else:
            gone.append(replace(old, closed_at=wanted.now, is_seen=True))
    return sorted([*seen.values(), *gone], key=_order)


def _made(check: Check, found: Found, wanted: Wanted) -> Finding:
    made = Finding(
        id=identity(check.name, found.resource, found.subject),
        check=check.name,
        severity=found.severity or check.severity,
        resource=found.resource,
        subject=found.subject,
        title=found.title,
        clause=check.clause,
        why=check.why,
        fix=found.fix,
        first_seen=wanted.now,
        last_seen=wanted.now,
    )
    return replace(made, excused=_excuse(made, wanted))


def _excuse(found: Finding, wanted: Wanted) -> str:
    """Why the policy lets it be; empty where it does not."""
    for each in wanted.posture.exceptions:
        if each.until > wanted.now and _is_about(each, found):
            return each.reason
    return ""


def _is_about(excuse: Excuse, found: Finding) -> bool:
    above = resource.canonical(excuse.resource) if excuse.resource else ""
    return (
        excuse.check is found.check
        and excuse.subject in {"", found.subject}
        and above is not None
        and (not above or f"{found.resource}/".startswith(f"{above}/"))
    )


def _stands(old: Finding, estate: Estate, wanted: Wanted) -> bool:
    """Whether what it goes by was not all looked at this time."""
    scope = path_of(old.resource)
    if scope and scope not in estate.subscriptions:
        # One that the policy does not name any more is nobody's business; one that is
        # not shown any more may have been hidden.
        return not wanted.posture.subscriptions
    if old.check is CheckName.UNKNOWN:
        return any(each.part is Part.SUBSCRIPTIONS for each in estate.unread)
    check = _CHECKS[old.check]
    needs = check.needs | {Part.SUBSCRIPTIONS}
    return any(
        each.part in needs and (not each.scope or not scope or each.scope == scope)
        for each in estate.unread
    )


def _order(found: Finding) -> tuple[object, ...]:
    is_over = found.closed_at is not None
    return is_over, -found.severity.rank, found.check, found.resource, found.subject
