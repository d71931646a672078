"""Which incident an alert belongs to: every key at once, merging what it ties.

This is where a strategy, a cap or a rule of grouping is added; the rest of the app only
sees what it decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.alert import AlertRow
from shared.model.books import Booking
from shared.model.correlation import Correlation, OpenKey
from shared.model.incident import Fact, Incident, IncidentStatus
from shared.store import rows
from shared.store.draft import news
from shared.triage import incidents
from shared.triage.fingerprint import fingerprint, keys

if TYPE_CHECKING:
    from shared.model.alert import Alert
    from shared.store.draft import Draft
    from shared.triage.fingerprint import Key


def fold(draft: Draft, alert: Alert, caps: Correlation) -> Booking:
    """Put one alert where it belongs, in the draft, and say what it was.

    Alert, key and head rows it needs must be known to the draft, or be absent.
    """
    row = draft.read(rows.alert(alert.id), AlertRow)
    if row is None:
        _store(draft, alert, caps)
        return Booking.STORED
    if row.version.digest == alert.version.digest:
        return Booking.DUPLICATE
    if alert.version > row.version:
        _update(draft, row, alert)
        return Booking.UPDATED
    _note_stale(draft, row, alert)
    return Booking.STALE


def _store(draft: Draft, alert: Alert, caps: Correlation) -> None:
    identity = fingerprint(alert)
    shared = keys(alert)
    candidates = _candidates(draft, alert, shared, caps)
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
        )
        fact = Fact(kind="incident.opened", alert=alert.id)
    draft.change(news(grown, draft.now), fact)
    draft.put(rows.alert(alert.id), _row(alert, grown.id, identity))
    for key in shared:
        _extend(draft, key, alert, grown.id, caps)


def _candidates(
    draft: Draft, alert: Alert, shared: tuple[Key, ...], caps: Correlation
) -> list[tuple[Incident, str]]:
    """Incidents that share a key within its gap, the most senior first, and why."""
    found: dict[str, tuple[Incident, str]] = {}
    for key in shared:
        known = draft.read(rows.open_key(key.digest), OpenKey)
        for interval in known.near(alert.point, caps.gap) if known else ():
            incident = draft.incident(interval.incident)
            if incident is not None:
                found.setdefault(incident.id, (incident, key.strategy.value))
    return sorted(found.values(), key=lambda pair: incidents.seniority(pair[0]))


def _merge(
    draft: Draft, winner: Incident, others: list[Incident], caps: Correlation
) -> Incident:
    """Fold the others into the winner, where the caps allow.

    The loser's ``merged_into`` is the one point where the merge happens (review F6);
    here it is one transaction with the winner.
    """
    for loser in others:
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


def _update(draft: Draft, row: AlertRow, alert: Alert) -> None:
    draft.put(rows.alert(alert.id), _row(alert, row.incident, row.fingerprint))
    incident = draft.incident(row.incident)
    if incident is not None:
        changed = incidents.updated(incident, row, alert, draft.now)
        fact = Fact(kind="alert.updated", alert=alert.id, detail=alert.status.value)
        draft.change(news(changed, draft.now), fact)


def _note_stale(draft: Draft, row: AlertRow, alert: Alert) -> None:
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
    )
