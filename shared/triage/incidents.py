"""How an incident changes when an alert joins it, changes, or ties it to another.

Aggregates are taken over everything ever seen, so arrival order cannot show in them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.alert import UNTITLED, AlertStatus
from shared.model.incident import SOURCE, Incident, IncidentStatus, Mark, Problem
from shared.model.text import is_link

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.model.alert import Alert, AlertRow
    from shared.model.correlation import Correlation

# What a head holds of a list; the rest is on the alert rows.
MOST_RESOURCES = 50
MOST_LINKS = 5
MOST_TACTICS = 30


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
    itself, and it begins with the partition, so the id alone finds the row. After a
    sealed predecessor it inherits the root and the acknowledgement, and its notices
    are the root's until that has ended (design 5).
    """
    identity = f"{alert.scope}|{alert.id.lower()}|{alert.started_at.isoformat()}"
    digest = hashlib.sha256(identity.encode()).hexdigest()
    incident_id = f"{partition}{digest[:14]}"
    while is_taken(incident_id):
        # 56 bits can meet, and a restore may leave a head without its alerts.
        digest = hashlib.sha256(digest.encode()).hexdigest()
        incident_id = f"{partition}{digest[:14]}"
    is_open = alert.status is AlertStatus.OPEN
    is_sequel = predecessor is not None and predecessor.resolved is None
    return _settled(
        Incident(
            id=incident_id,
            scope=alert.scope,
            root=predecessor.root if predecessor and is_sequel else incident_id,
            status=IncidentStatus.OPEN,
            severity=alert.severity,
            first_seen=alert.started_at,
            last_seen=alert.ended_at,
            earliest=alert.point,
            latest=alert.point,
            opened_at=now,
            changed_at=now,
            alerts=1,
            active=int(is_open),
            was_active=is_open,
            is_sample=alert.is_sample,
            problems={fingerprint: _problem(alert)},
            resources=(alert.resource,) if alert.resource else (),
            tactics=alert.tactics[:MOST_TACTICS],
            links=(alert.uri,) if is_link(alert.uri) else (),
            predecessor=predecessor.id if predecessor else None,
            acknowledged=predecessor.acknowledged
            if predecessor and is_sequel
            else None,
        ),
        now,
    )


def accepts(
    incident: Incident, alert: Alert, fingerprint: str, caps: Correlation
) -> bool:
    """Whether the incident is open to this alert: not ended by a person, not sealed."""
    if incident.resolved is not None and incident.resolved.by != SOURCE:
        return False
    earliest = min(incident.earliest, alert.point)
    latest = max(incident.latest, alert.point)
    if latest - earliest > caps.max_age:
        return False
    known = fingerprint in incident.problems
    return known or len(incident.problems) < caps.max_problems


def joined(
    incident: Incident, alert: Alert, fingerprint: str, now: datetime
) -> Incident:
    """The incident with one more alert."""
    problem = incident.problems.get(fingerprint)
    counted = _problem(alert)
    if problem is not None:
        counted = _union(problem, counted)
    is_open = alert.status is AlertStatus.OPEN
    grown = replace(
        _widened(incident, alert),
        earliest=min(incident.earliest, alert.point),
        latest=max(incident.latest, alert.point),
        alerts=incident.alerts + 1,
        active=incident.active + is_open,
        was_active=incident.was_active or is_open,
        is_sample=incident.is_sample and alert.is_sample,
        problems={**incident.problems, fingerprint: counted},
        changed_at=now,
    )
    return _settled(grown, now)


def updated(incident: Incident, row: AlertRow, alert: Alert, now: datetime) -> Incident:
    """The incident after one of its alerts has a newer version."""
    is_open = alert.status is AlertStatus.OPEN
    was_open = row.status is AlertStatus.OPEN
    changed = replace(
        seen(incident, row.fingerprint, alert),
        active=incident.active + is_open - was_open,
        changed_at=now,
    )
    return _settled(changed, now)


def seen(incident: Incident, fingerprint: str, alert: Alert) -> Incident:
    """The incident after any version of a known alert, a stale one too.

    Only what grows may grow: severity, times, resources. Unchanged, it is equal.
    """
    wider = _widened(incident, alert)
    if (problem := incident.problems.get(fingerprint)) is not None:
        union = replace(_union(problem, _problem(alert)), count=problem.count)
        wider = replace(wider, problems={**incident.problems, fingerprint: union})
    is_open = alert.status is AlertStatus.OPEN
    return replace(wider, was_active=incident.was_active or is_open)


def fits(one: Incident, other: Incident, caps: Correlation) -> bool:
    """Whether two incidents may become one without passing a cap."""
    problems = len(one.problems.keys() | other.problems.keys())
    age = max(one.latest, other.latest) - min(one.earliest, other.earliest)
    return problems <= caps.max_problems and age <= caps.max_age


def merged(winner: Incident, loser: Incident, now: datetime) -> Incident:
    """The winner with all that the loser held; the more open of the two states wins."""
    problems = dict(winner.problems)
    for fingerprint, problem in loser.problems.items():
        mine = problems.get(fingerprint)
        problems[fingerprint] = _union(mine, problem) if mine else problem
    union = replace(
        winner,
        severity=max(winner.severity, loser.severity, key=lambda s: s.rank),
        first_seen=min(winner.first_seen, loser.first_seen),
        last_seen=max(winner.last_seen, loser.last_seen),
        earliest=min(winner.earliest, loser.earliest),
        latest=max(winner.latest, loser.latest),
        opened_at=min(winner.opened_at, loser.opened_at),
        alerts=winner.alerts + loser.alerts,
        active=winner.active + loser.active,
        was_active=winner.was_active or loser.was_active,
        is_sample=winner.is_sample and loser.is_sample,
        problems=problems,
        resources=_first(winner.resources + loser.resources, MOST_RESOURCES),
        tactics=_first(winner.tactics + loser.tactics, MOST_TACTICS),
        links=_first(winner.links + loser.links, MOST_LINKS),
        absorbed=_first((*winner.absorbed, loser.id, *loser.absorbed), 10_000),
        changed_at=now,
    )
    return _settled(union, now)


def seniority(incident: Incident) -> tuple[datetime, str]:
    """The order in which one of two survives: a total order, so merges never cycle."""
    return (incident.first_seen, incident.id)


def _settled(incident: Incident, now: datetime) -> Incident:
    """Resolved when its source closed every alert, open again when one is active.

    What a person resolved stays resolved; a recurrence opens a successor.
    """
    by_source = incident.resolved is None or incident.resolved.by == SOURCE
    if not by_source or incident.status is IncidentStatus.MERGED:
        return incident
    if incident.active == 0 and incident.status is IncidentStatus.OPEN:
        mark = Mark(by=SOURCE, at=now, note="every alert is closed at its source")
        return replace(incident, status=IncidentStatus.RESOLVED, resolved=mark)
    if incident.active > 0 and incident.status is IncidentStatus.RESOLVED:
        return replace(
            incident,
            status=IncidentStatus.OPEN,
            resolved=None,
            epoch=incident.epoch + 1,
        )
    return incident


def _widened(incident: Incident, alert: Alert) -> Incident:
    resources = (alert.resource,) if alert.resource else ()
    links = (alert.uri,) if is_link(alert.uri) else ()
    return replace(
        incident,
        severity=max(incident.severity, alert.severity, key=lambda s: s.rank),
        first_seen=min(incident.first_seen, alert.started_at),
        last_seen=max(incident.last_seen, alert.ended_at),
        resources=_first(incident.resources + resources, MOST_RESOURCES),
        tactics=_first(incident.tactics + alert.tactics, MOST_TACTICS),
        links=_first(incident.links + links, MOST_LINKS),
    )


def _problem(alert: Alert) -> Problem:
    return Problem(
        alert_type=alert.alert_type,
        title=alert.title,
        severity=alert.severity,
        count=1,
        first_seen=alert.started_at,
        last_seen=alert.ended_at,
    )


def _union(one: Problem, other: Problem) -> Problem:
    return Problem(
        alert_type=_name(one.alert_type, other.alert_type),
        title=_name(one.title, other.title),
        severity=max(one.severity, other.severity, key=lambda s: s.rank),
        count=one.count + other.count,
        first_seen=min(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
    )


def _name(one: str, other: str) -> str:
    """One of two names, the same in any order; a real one if there is one."""
    return min(one, other, key=lambda name: (name.startswith(UNTITLED), name))


def _first(items: tuple[str, ...], most: int) -> tuple[str, ...]:
    """The first of the sorted distinct items: the same whatever came first."""
    return tuple(sorted(set(items)))[:most]
