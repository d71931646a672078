"""What stands in the way of a deed: every guard is asked, and says why. Pure.

A guard lets pass, has the deed wait, asks a person, or refuses; what cannot be read is
never taken for a yes (law 6). What is read for them is in ``Facts``.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.actions import containment, matchers
from shared.model import resource
from shared.model.deed import Finding, Guard, Says
from shared.model.deed_status import DeedStatus
from shared.model.guards import STOP_MARKER, Mode
from shared.model.tags import parse
from shared.model.text import instant
from shared.oncall.hours import next_open

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
    from shared.model.guards import Guards
    from shared.model.incident import Incident
    from shared.model.tally import Group

_OBJECT_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_MACHINE = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"[!-~]{1,500}")

# An owner that does not answer is asked again for so long; then people are.
ANSWERS_WITHIN = timedelta(minutes=5)

# How many findings of one guard are worth a line each.
_MOST_NAMED = 3


class Facts(NamedTuple):
    """What guards go by.

    ``alerts`` are those that speak for the deed, as their owners have them where they
    said so; ``confirmed`` are the ids of these, ``doubted`` of those that look made up,
    ``unread`` of those whose owner did not answer. ``tags`` are those of every scope that was read, by canonical id. ``own`` are the
    resources of the app itself. ``lacking`` are rights that it may need and does not have.
    ``itself`` are the ids of the app's identity; nothing where they cannot be read.
    ``groups`` are those of its machines, where a budget is a share of them.
    """

    alerts: Sequence[AlertRow]
    confirmed: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    tags: Mapping[str, Mapping[str, str]] = {}
    own: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    itself: frozenset[str] = frozenset()
    groups: tuple[Group, ...] = ()


def judge(
    head: Incident,
    deed: Deed,
    mode: Mode,
    guards: Guards,
    facts: Facts,
    *,
    now: datetime,
) -> tuple[Finding, ...]:
    """What does not let the deed pass as it is now, the worst first."""
    real = [alert for alert in facts.alerts if not alert.is_sample]
    sure = [alert for alert in real if alert.id in facts.confirmed]
    found = [
        *_of_obstacle(deed),
        *_of_samples(real, facts),
        *_of_identity(deed),
        *_of_protection(deed, guards, facts),
        *_of_itself(deed, facts),
        *_of_stop(deed, facts),
    ]
    if real:
        found += _of_confirmation(head, real, sure, facts, now)
        counted = sure or real
        found += _of_age(head, counted, guards, now)
        found += _of_floors(head, counted, guards)
    found += _of_hours(guards, now)
    found += _of_rights(facts)
    if mode is Mode.APPROVE:
        why = "the policy has people asked"
        found.append(Finding(guard=Guard.MODE, says=Says.ASK, why=why))
    return tuple(sorted(found, key=lambda each: -each.says.rank))


def standing(
    findings: Sequence[Finding], mode: Mode, *, is_approved: bool
) -> DeedStatus:
    """What a deed that was not begun comes to by what guards found."""
    says = {finding.says for finding in findings}
    if Says.REFUSE in says:
        return DeedStatus.REFUSED
    if mode is Mode.SHADOW:
        return DeedStatus.PLANNED
    if Says.ASK in says and not is_approved:
        return DeedStatus.AWAITING
    return DeedStatus.GUARDED


def scopes_of(deed: Deed) -> tuple[str, ...]:
    """Everything whose tags may protect what the deed touches: that, group, subscription."""
    found: list[str] = []
    for each in deed.resources:
        whole = f"/subscriptions/{resource.subscription(each)}"
        group = resource.group(each)
        found += [each, f"{whole}/resourcegroups/{group}"] if group else [each]
        found.append(whole)
    return tuple(dict.fromkeys(found))


def _of_obstacle(deed: Deed) -> Iterator[Finding]:
    if deed.obstacle:
        yield Finding(guard=Guard.OBSTACLE, says=Says.REFUSE, why=deed.obstacle)


def _of_samples(real: Sequence[AlertRow], facts: Facts) -> Iterator[Finding]:
    if not real:
        why = "every alert that it goes by is a sample"
        why = why if facts.alerts else "no alert that it goes by is known"
        yield Finding(guard=Guard.SAMPLE, says=Says.REFUSE, why=why)


def _of_identity(deed: Deed) -> Iterator[Finding]:
    """What is not named exactly is not guessed at."""
    wrong = [
        *(r for r in deed.resources if not _is_resource(r)),
        *(a for a in deed.accounts if not _OBJECT_ID.fullmatch(a)),
        *(a for a in deed.addresses if not _is_public(a)),
        *(m for m in deed.machines if not _MACHINE.fullmatch(m)),
        *(n for n in deed.names if not _NAME.fullmatch(n)),
    ]
    named = (
        *deed.resources,
        *deed.accounts,
        *deed.addresses,
        *deed.machines,
        *deed.names,
    )
    if not named or not deed.alerts:
        wrong.append("the deed")
    for each in wrong[:_MOST_NAMED]:
        why = f"{each} does not name exactly one thing"
        yield Finding(guard=Guard.IDENTITY, says=Says.REFUSE, why=why)


def _of_protection(deed: Deed, guards: Guards, facts: Facts) -> Iterator[Finding]:
    protected = guards.protected
    named = [
        *(
            each
            for each in deed.resources
            if any(
                containment.is_within(each, scope)
                for scope in (*protected.resources, *facts.own)
            )
        ),
        *(a for a in deed.accounts if a in map(str.lower, protected.accounts)),
        *(a for a in deed.addresses if _is_listed(a, protected.addresses)),
        *(m for m in deed.machines if m in map(str.lower, protected.machines)),
    ]
    for each in named[:_MOST_NAMED]:
        yield _refused(f"{each} is protected by the policy")
    wanted = [(text, parse(text)) for text in protected.tags]
    for scope in scopes_of(deed) if wanted else ():
        tags = facts.tags.get(scope)
        if tags is None:
            why = f"the tags of {scope} cannot be read, and may protect it"
            yield Finding(guard=Guard.PROTECTED, says=Says.WAIT, why=why)
            continue
        lowered = {name.lower(): value for name, value in tags.items()}
        for text, tag in wanted:
            if tag.is_in(lowered):
                yield _refused(f"{scope} is tagged {text}")


def _of_itself(deed: Deed, facts: Facts) -> Iterator[Finding]:
    """Whoever has its identity taken away has stopped everything, and undo too."""
    for each in deed.accounts:
        if each in facts.itself:
            yield _refused(f"{each} is Firewatch's own identity")
    if deed.accounts and not facts.itself:
        why = "which account is Firewatch's own cannot be read"
        yield Finding(guard=Guard.PROTECTED, says=Says.ASK, why=why)


def _of_stop(deed: Deed, facts: Facts) -> Iterator[Finding]:
    """Whoever may tag stops what would be begun there, without a right of Firewatch."""
    tag = parse(STOP_MARKER)
    for scope in scopes_of(deed):
        known = facts.tags.get(scope, {})
        if tag.is_in({name.lower(): value for name, value in known.items()}):
            why = f"{scope} is tagged {STOP_MARKER}"
            yield Finding(guard=Guard.STOP, says=Says.WAIT, why=why)


def _of_confirmation(
    head: Incident,
    real: Sequence[AlertRow],
    sure: Sequence[AlertRow],
    facts: Facts,
    now: datetime,
) -> Iterator[Finding]:
    """A forged alert has nobody isolated by itself (review F3), nor a likely sample (F15)."""
    if not sure:
        is_unread = any(alert.id in facts.unread for alert in real)
        is_new = now - (head.heard_at or head.opened_at) < ANSWERS_WITHIN
        says = Says.WAIT if is_unread and is_new else Says.ASK
        why = "no alert that it goes by was confirmed at its owner"
        yield Finding(guard=Guard.CONFIRMED, says=says, why=why)
    if all(alert.id in facts.doubted for alert in sure or real):
        why = "its alerts look like a test"
        yield Finding(guard=Guard.SAMPLE, says=Says.ASK, why=why)


def _of_age(
    head: Incident, counted: Sequence[AlertRow], guards: Guards, now: datetime
) -> Iterator[Finding]:
    """By the detector's time and by ours: the older of the two counts (review F3, F8)."""
    newest = max(alert.ended_at for alert in counted)
    at = min(newest, head.heard_at or head.opened_at)
    if now - at > guards.max_age:
        why = f"the newest alert is of {instant(at)}"
        yield Finding(guard=Guard.AGE, says=Says.ASK, why=why)


def _of_floors(
    head: Incident, counted: Sequence[AlertRow], guards: Guards
) -> Iterator[Finding]:
    worst = max((alert.severity for alert in counted), key=lambda s: s.rank)
    if worst.rank < guards.severity.rank:
        why = f"its alerts are {worst} at most, and not {guards.severity}"
        yield Finding(guard=Guard.SEVERITY, says=Says.ASK, why=why)
    risk = head.risk
    if guards.risk and (risk is None or risk.missing or risk.total < guards.risk):
        known = "not known" if risk is None or risk.missing else str(risk.total)
        why = f"its score is {known}, and not {guards.risk}"
        yield Finding(guard=Guard.RISK, says=Says.ASK, why=why)
    problems = len({alert.alert_type for alert in counted})
    if problems < guards.problems:
        why = f"{problems} kinds of alerts speak for it, and not {guards.problems}"
        yield Finding(guard=Guard.PROBLEMS, says=Says.ASK, why=why)


def _of_hours(guards: Guards, now: datetime) -> Iterator[Finding]:
    if guards.hours and next_open(guards.hours, guards.time_zone, now) > now:
        why = f"at this time of day people are asked ({', '.join(guards.hours)})"
        yield Finding(guard=Guard.HOURS, says=Says.ASK, why=why)


def _of_rights(facts: Facts) -> Iterator[Finding]:
    """Not every deed needs every right of its doer, so that it is tried all the same."""
    for each in facts.lacking[:_MOST_NAMED]:
        why = f"the app's identity lacks {each}"
        yield Finding(guard=Guard.RIGHTS, says=Says.NOTE, why=why)


def _refused(why: str) -> Finding:
    return Finding(guard=Guard.PROTECTED, says=Says.REFUSE, why=why)


def _is_resource(text: str) -> bool:
    return resource.whole_id(text) == text and resource.whole(text) is not None


def _is_public(text: str) -> bool:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return found.is_global and not found.is_multicast and str(found) == text


def _is_listed(address: str, networks: Sequence[str]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        # It is refused for what it is.
        return False
    return any(
        found.version == known.version and found in known
        for known in map(matchers.network, networks)
    )
