"""How an incident changes when an alert joins it, changes, or ties it to another."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.alert import AlertStatus
from shared.model.correlation import AfterResolve
from shared.model.incident import QUIET, SOURCE, Incident, IncidentStatus, Mark
from shared.triage import extent

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.model.alert import Alert, AlertRow
    from shared.model.correlation import Correlation


# Whatever is in history began longer ago (FIREWATCH_KEEP_DAYS is no less).
LATE = timedelta(days=8)


def opened(
    alert: Alert,
    fingerprint: str,
    *,
    partition: str,
    now: datetime,
    predecessor: Incident | None = None,
    is_taken: Callable[[str], bool] = lambda _: False,
) -> Incident:
    """A new incident of one alert.

    Its id is a hash of that alert, so a creation that crashed is created again as
    itself; for an alert that comes late, of the day too, since it may have been here
    before and gone to history. After a sealed predecessor it inherits the root and the acknowledgement, and
    its notices are the root's until that has ended (design 5). It is kept apart from
    whatever its predecessor is.
    """
    identity = f"{alert.scope}|{alert.id.lower()}|{alert.started_at.isoformat()}"
    if now - alert.started_at >= LATE:
        identity += f"|{now.date().isoformat()}"
    incident_id = new_id(partition, identity, is_taken)
    is_open = alert.status is AlertStatus.OPEN
    sealed = predecessor if predecessor and _goes_on(predecessor) else None
    bare = Incident(
        id=incident_id,
        scope=alert.scope,
        root=sealed.root if sealed else incident_id,
        status=IncidentStatus.OPEN,
        severity=alert.severity,
        first_seen=alert.started_at,
        last_seen=alert.ended_at,
        earliest=alert.point,
        latest=alert.point,
        opened_at=now,
        changed_at=now,
        heard_at=now,
        alerts=1,
        active=int(is_open),
        was_active=is_open,
        is_sample=alert.is_sample,
        problems={fingerprint: extent.problem_of(alert)},
        resources=(),
        tactics=(),
        predecessor=predecessor.id if predecessor else None,
        apart=predecessor.apart if predecessor else (),
        kin=descent(predecessor) if predecessor and predecessor.apart else (),
        acknowledged=sealed.acknowledged if sealed else None,
    )
    return settled(extent.widened(bare, alert), now)


def new_id(partition: str, identity: str, is_taken: Callable[[str], bool]) -> str:
    """An id that follows from what the incident is, and begins with its partition.

    So the id alone finds the row. 56 bits can meet, and a restore may leave a head
    without its alerts: then the next one is taken.
    """
    digest = identity
    while True:
        digest = hashlib.sha256(digest.encode()).hexdigest()
        incident_id = f"{partition}{digest[:14]}"
        if not is_taken(incident_id):
            return incident_id


def refusal(
    incident: Incident, alert: Alert, fingerprint: str, caps: Correlation
) -> str:
    """Why the incident is not open to this alert, for people; empty where it is."""
    if incident.status is IncidentStatus.CLOSED:
        return f"incident {incident.id} closed{_by(incident)}"
    if not is_live(incident) and caps.after_resolve is not AfterResolve.REOPEN:
        return f"incident {incident.id} resolved{_by(incident)}"
    earliest = min(incident.earliest, alert.point)
    latest = max(incident.latest, alert.point)
    is_known = fingerprint in incident.problems
    problems = 0 if is_known else len(incident.problems) + 1
    sealed = _passed(latest - earliest, problems, caps)
    return f"incident {incident.id} sealed: {sealed}" if sealed else ""


def accepts(
    incident: Incident, alert: Alert, fingerprint: str, caps: Correlation
) -> bool:
    """Whether the incident is open to this alert: not ended for good, not sealed."""
    return not refusal(incident, alert, fingerprint, caps)


def is_live(incident: Incident) -> bool:
    """Whether it goes on by itself: open, or resolved by its source alone."""
    if incident.status in {IncidentStatus.CLOSED, IncidentStatus.MERGED}:
        return False
    return incident.resolved is None or incident.resolved.by == SOURCE


def joined(
    incident: Incident, alert: Alert, fingerprint: str, now: datetime
) -> Incident:
    """The incident with one more alert; an active one opens it again."""
    problem = incident.problems.get(fingerprint)
    counted = extent.problem_of(alert)
    if problem is not None:
        counted = extent.both(problem, counted)
    is_open = alert.status is AlertStatus.OPEN
    grown = replace(
        extent.widened(incident, alert),
        earliest=min(incident.earliest, alert.point),
        latest=max(incident.latest, alert.point),
        alerts=incident.alerts + 1,
        active=incident.active + is_open,
        was_active=incident.was_active or is_open,
        is_sample=incident.is_sample and alert.is_sample,
        problems={**incident.problems, fingerprint: counted},
        heard_at=extent.later(incident.heard_at, now),
        changed_at=now,
    )
    if is_open and grown.status is IncidentStatus.RESOLVED:
        grown = reopened(grown)
    return settled(grown, now)


def updated(incident: Incident, row: AlertRow, alert: Alert, now: datetime) -> Incident:
    """The incident after one of its alerts has a newer version.

    One that ended for want of news is open again by that; what a person ended is not.
    """
    is_open = alert.status is AlertStatus.OPEN
    was_open = row.status is AlertStatus.OPEN
    changed = replace(
        seen(incident, row.fingerprint, alert),
        active=incident.active + is_open - was_open,
        heard_at=extent.later(incident.heard_at, now),
        changed_at=now,
    )
    if is_open and incident.resolved is not None and incident.resolved.by == QUIET:
        # It was over because nothing was heard of it, and something is.
        changed = reopened(changed)
    return settled(changed, now)


def seen(incident: Incident, fingerprint: str, alert: Alert) -> Incident:
    """The incident after any version of a known alert, a stale one too.

    Only what grows may grow: severity, times, lists. Unchanged, it is equal.
    """
    wider = extent.widened(incident, alert)
    if (problem := incident.problems.get(fingerprint)) is not None:
        union = extent.both(problem, extent.problem_of(alert))
        union = replace(union, count=problem.count)
        wider = replace(wider, problems={**incident.problems, fingerprint: union})
    is_open = alert.status is AlertStatus.OPEN
    return replace(wider, was_active=incident.was_active or is_open)


def names(incident: Incident) -> frozenset[str]:
    """Every id that means this incident: its own, and those it absorbed."""
    return frozenset({incident.id, *incident.absorbed})


def descent(incident: Incident) -> tuple[str, ...]:
    """What goes on from the incident, or comes out of it, descends from."""
    return tuple(sorted({*names(incident), *incident.kin}))


def are_apart(one: Incident, other: Incident) -> bool:
    """Whether a person took one out of the other, or out of what either absorbed.

    What goes on where one of them was sealed or ended is kept apart as it was, and so
    is what was later taken out of one of them. What both descend from says nothing.
    """
    if not (one.apart or other.apart):
        return False
    both = {*one.kin} & {*other.kin}
    mine, theirs = (
        names(i) | {i.predecessor} | ({*i.kin} - both) for i in (one, other)
    )
    return not (theirs.isdisjoint(one.apart) and mine.isdisjoint(other.apart))


def unfit(one: Incident, other: Incident, caps: Correlation) -> str:
    """Which cap two incidents would pass as one, for people; empty where none."""
    problems = len(one.problems.keys() | other.problems.keys())
    age = max(one.latest, other.latest) - min(one.earliest, other.earliest)
    return _passed(age, problems, caps)


def fits(one: Incident, other: Incident, caps: Correlation) -> bool:
    """Whether two incidents may become one: within the caps, and not kept apart."""
    return not are_apart(one, other) and not unfit(one, other, caps)


def merged(winner: Incident, loser: Incident, now: datetime) -> Incident:
    """The winner with all that the loser held; the more open of the two states wins."""
    union = replace(
        extent.union(winner, loser),
        absorbed=extent.first(
            (*winner.absorbed, loser.id, *loser.absorbed), extent.MOST_ABSORBED
        ),
        apart=tuple(sorted({*winner.apart, *loser.apart})),
        kin=tuple(sorted({*winner.kin, *loser.kin})),
        changed_at=now,
    )
    if loser.status is IncidentStatus.OPEN and union.status is IncidentStatus.RESOLVED:
        union = reopened(union)
    return settled(union, now)


def seniority(incident: Incident) -> tuple[datetime, str]:
    """The order in which one of two survives: a total order, so merges never cycle."""
    return (incident.first_seen, incident.id)


def reopened(incident: Incident) -> Incident:
    """The incident open once more: another epoch, with notices of its own."""
    return replace(
        incident,
        status=IncidentStatus.OPEN,
        resolved=None,
        verdict=None,
        epoch=incident.epoch + 1,
    )


def settled(incident: Incident, now: datetime) -> Incident:
    """Resolved when its source closed every alert, open again when one is active.

    What a person or quiet resolved stays resolved, and closed is closed.
    """
    if not is_live(incident):
        return incident
    if incident.active == 0 and incident.status is IncidentStatus.OPEN:
        mark = Mark(by=SOURCE, at=now, note="every alert is closed at its source")
        return replace(incident, status=IncidentStatus.RESOLVED, resolved=mark)
    if incident.active > 0 and incident.status is IncidentStatus.RESOLVED:
        return reopened(incident)
    return incident


def _passed(age: timedelta, problems: int, caps: Correlation) -> str:
    if age > caps.max_age:
        return f"older than {caps.max_age.total_seconds() / 3600:g} h"
    if problems > caps.max_problems:
        return f"over {caps.max_problems} problems"
    return ""


def _goes_on(incident: Incident) -> bool:
    return incident.resolved is None and not incident.status.has_ended


def _by(incident: Incident) -> str:
    return f" by {incident.resolved.by}" if incident.resolved else ""
