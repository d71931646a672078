"""Which incident an alert belongs to: every key at once, merging what it ties.

This is where a strategy, a cap or a rule of grouping is added; the rest of the app only
sees what it decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.alert import ROAD_RANK, AlertRow, AlertStatus, Road, Version
from shared.model.books import Booking
from shared.model.correlation import Correlation, OpenKey
from shared.model.incident import Fact, Incident, IncidentStatus
from shared.store import rows
from shared.store.draft import news
from shared.triage import incidents, parts
from shared.triage.fingerprint import Strategy, fingerprint, keys
from shared.triage.parts import MOST_ENTITIES

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.store.draft import Draft
    from shared.triage.fingerprint import Key


# What one detector's incident may tie at once: alerts it names, and incidents they are
# on. Defender's own incidents name a few dozen alerts at the most.
MOST_MEMBERS = 40
MOST_MERGES = 8

# An alert, two keys, and a head with its timeline and due rows, for each it may merge.
_ROWS_ALONE = 20


def rows_needed(alert: Alert) -> int:
    """The rows that folding the alert may write, at the most."""
    members = min(len(alert.members), MOST_MEMBERS)
    return _ROWS_ALONE + members + (4 * MOST_MERGES if members else 0)


def fold(draft: Draft, alert: Alert, caps: Correlation) -> Booking:
    """Put one alert where it belongs, in the draft, and say what it was.

    Alert, key and head rows it needs must be known to the draft, or be absent.
    """
    row = draft.read(rows.alert(alert.id), AlertRow)
    if row is None or row.is_expected:
        _store(draft, alert, row, caps)
        return Booking.STORED
    if alert.is_part:
        return _join_part(draft, row, alert)
    if row.version.digest == alert.version.digest:
        return Booking.DUPLICATE
    if _order(alert) > _order(row):
        _update(draft, row, alert, caps)
        return Booking.UPDATED
    _note_extent(draft, row, alert)
    is_lesser = _is_full(row.version) and not _is_full(alert.version)
    return Booking.DUPLICATE if is_lesser else Booking.STALE


def _order(copy: Alert | AlertRow) -> tuple[bool, datetime, bool, int, str]:
    """The later version wins, but a lesser road's copy never over a full one's.

    Sentinel, Log Analytics and the activity log tell of an alert later than its own
    product and with less in it (review F18). Of two copies with one time the closed one
    is later: dismissing an alert is not known to move its processing time.
    """
    version = copy.version
    is_closed = copy.status is AlertStatus.CLOSED
    return _is_full(version), version.at, is_closed, version.rank, version.digest


def _is_full(version: Version) -> bool:
    return version.rank >= ROAD_RANK[Road.ARM]


def _store(
    draft: Draft, alert: Alert, expected: AlertRow | None, caps: Correlation
) -> None:
    identity = fingerprint(alert)
    shared = keys(alert)
    named = _named(draft, alert, expected)
    candidates = _candidates(draft, alert, shared, named, caps)
    fitting = [
        (incident, why)
        for incident, why in candidates
        if incidents.accepts(incident, alert, identity, caps)
    ]
    if fitting:
        survivor, why = fitting[0]
        grown = incidents.joined(survivor, alert, identity, draft.now)
        grown = _merge(draft, grown, [i for i, _ in fitting[1:]], caps)
        fact = Fact(kind="alert.joined", alert=alert.id, detail=why)
    else:
        before = candidates[-1][0] if candidates else None
        grown = incidents.opened(
            alert,
            identity,
            partition=draft.partition,
            now=draft.now,
            predecessor=before,
            is_taken=lambda i: draft.read(rows.incident(i), Incident) is not None,
        )
        if before is not None and grown.root != grown.id:
            draft.change(replace(before, successor=grown.id))
        fact = Fact(kind="incident.opened", alert=alert.id)
    draft.change(news(grown, draft.now), fact)
    draft.put(rows.alert(alert.id), _row(alert, grown.id, identity))
    _expect_members(draft, alert, grown.id)
    for key in shared:
        _extend(draft, key, alert, grown.id, caps)


def _named(draft: Draft, alert: Alert, expected: AlertRow | None) -> list[Incident]:
    """The incidents that a detector's own incident ties the alert to."""
    members = alert.members[:MOST_MEMBERS]
    told = [draft.read(rows.alert(member), AlertRow) for member in members]
    found = (draft.incident(row.incident) for row in (expected, *told) if row)
    return [incident for incident in found if incident is not None]


def _expect_members(draft: Draft, alert: Alert, incident_id: str) -> None:
    """Hold the place of members that have not come: they will join this incident."""
    for member in alert.members[:MOST_MEMBERS]:
        if draft.read(rows.alert(member), AlertRow) is None:
            draft.put(rows.alert(member), _expected(member, incident_id, alert))


def _candidates(
    draft: Draft,
    alert: Alert,
    shared: tuple[Key, ...],
    named: list[Incident],
    caps: Correlation,
) -> list[tuple[Incident, str]]:
    """Incidents the alert is tied to, the most senior first, and why."""
    found: dict[str, tuple[Incident, str]] = {}
    for key in shared:
        known = draft.read(rows.open_key(key.digest), OpenKey)
        for interval in known.near(alert.point, caps.gap) if known else ():
            incident = draft.incident(interval.incident)
            if incident is not None:
                found.setdefault(incident.id, (incident, key.strategy.value))
    for incident in named:
        found.setdefault(incident.id, (incident, Strategy.MEMBER.value))
    return sorted(found.values(), key=lambda pair: incidents.seniority(pair[0]))


def _merge(
    draft: Draft, winner: Incident, others: list[Incident], caps: Correlation
) -> Incident:
    """Fold the others into the winner, where the caps allow.

    The loser's ``merged_into`` is the one point where the merge happens (review F6);
    here it is one transaction with the winner.
    """
    for loser in others[:MOST_MERGES]:
        if not incidents.fits(winner, loser, caps):
            continue
        winner = incidents.merged(winner, loser, draft.now)
        gone = replace(
            loser,
            status=IncidentStatus.MERGED,
            merged_into=winner.id,
            changed_at=draft.now,
            # Whatever it had open is the winner's to close.
            observed=loser.generation,
            due=None,
        )
        draft.change(gone, Fact(kind="incident.merged", detail=winner.id))
        draft.change(winner, Fact(kind="incident.absorbed", detail=loser.id))
    return winner


def _extend(
    draft: Draft, key: Key, alert: Alert, incident_id: str, caps: Correlation
) -> None:
    """Have the key's intervals cover the alert; those of merged incidents join in."""
    name = rows.open_key(key.digest)
    known = draft.read(name, OpenKey)
    before = known or OpenKey()
    tied = {incident_id}
    for interval in before.near(alert.point, caps.gap):
        owner = draft.incident(interval.incident)
        if owner is not None and owner.id == incident_id:
            tied.add(interval.incident)
    after = before.extended(alert.point, incident_id, frozenset(tied), caps.gap)
    if known is None or after != before:
        draft.put(name, after)


def _update(draft: Draft, row: AlertRow, alert: Alert, caps: Correlation) -> None:
    incident = draft.incident(row.incident)
    kept = row.incident
    if incident is not None:
        changed = incidents.updated(incident, row, alert, draft.now)
        others = {i.id: i for i in _named(draft, alert, None) if i.id != changed.id}
        changed = _merge(draft, changed, list(others.values()), caps)
        fact = Fact(kind="alert.updated", alert=alert.id, detail=alert.status.value)
        draft.change(news(changed, draft.now), fact)
        _expect_members(draft, alert, changed.id)
    draft.put(rows.alert(alert.id), _row(alert, kept, row.fingerprint))


def _join_part(draft: Draft, row: AlertRow, alert: Alert) -> Booking:
    """Add one record of several that are one alert; nothing it says is ever lowered.

    A union, so parts may come in any order and again. A part has no word on the
    status.
    """
    whole = parts.union(row, alert)
    if whole == row:
        return Booking.DUPLICATE
    draft.put(rows.alert(alert.id), whole)
    incident = draft.incident(row.incident)
    if incident is not None:
        wider = incidents.seen(incident, row.fingerprint, alert)
        fact = Fact(kind="alert.updated", alert=alert.id)
        draft.change(news(wider, draft.now), fact)
    return Booking.UPDATED


def _note_extent(draft: Draft, row: AlertRow, alert: Alert) -> None:
    """An older version changes nothing, but what it shows of the extent is kept."""
    incident = draft.incident(row.incident)
    if incident is None:
        return
    wider = incidents.seen(incident, row.fingerprint, alert)
    if wider != incident:
        fact = Fact(kind="alert.stale", alert=alert.id)
        draft.change(news(wider, draft.now), fact)


def _row(alert: Alert, incident_id: str, identity: str) -> AlertRow:
    return AlertRow(
        id=alert.id,
        incident=incident_id,
        fingerprint=identity,
        version=alert.version,
        alert_type=alert.alert_type,
        title=alert.title,
        severity=alert.severity,
        status=alert.status,
        started_at=alert.started_at,
        ended_at=alert.ended_at,
        resource=alert.resource,
        is_sample=alert.is_sample,
        archived=alert.archived,
        kind=alert.kind,
        plan=alert.plan,
        reported_severity=alert.reported_severity,
        tactics=alert.tactics,
        techniques=alert.techniques,
        entities=alert.entities[:MOST_ENTITIES],
    )


def _expected(member: str, incident_id: str, alert: Alert) -> AlertRow:
    return AlertRow(
        id=member,
        incident=incident_id,
        fingerprint="",
        version=Version(at=alert.version.at, rank=0, digest=""),
        alert_type="",
        title="",
        severity=alert.severity,
        status=alert.status,
        started_at=alert.started_at,
        ended_at=alert.ended_at,
        resource=None,
        is_sample=False,
        archived="",
        is_expected=True,
    )
