"""What came of a run, as one JSON object: books, incidents, deliveries, dead letters."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.actions.deed_words import gist
from shared.model.action import ActionRow, ActionStatus, Kind
from shared.model.books import Books
from shared.model.deed_status import DeedStatus
from shared.model.incident import Incident, IncidentStatus
from shared.model.risk import Risk
from shared.store import reading

if TYPE_CHECKING:
    from cli.feed import Sent
    from shared.clouds.storage import Storage
    from shared.model.deed import DeedRow
    from shared.model.evidence import EvidenceRow
    from shared.store.archive import DeadLetter


_WRONG = frozenset({DeedStatus.FAILED, DeedStatus.STRANDED})


class ReportedEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one query said of an incident; ``reason`` says why it did not say all."""

    query: str
    subject: str
    status: str
    reason: str
    rows: int
    reading: str


class ReportedIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as people count it: with the alerts of all that it absorbed."""

    id: str
    title: str
    severity: str
    status: str
    alerts: list[str]
    resources: list[str]
    first_seen: datetime
    last_seen: datetime
    evidence: list[ReportedEvidence]
    risk: Risk | None


class ReportedAction(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was told or done; ``key`` is what the other side was given.

    ``reason`` is the occasion of a notice, and of a deed what it is and how it stands.
    """

    incident: str
    responder: str
    key: str
    reason: str
    status: str
    attempts: int


class ReportedLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One unit in a dead letter."""

    source: str
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole. ``ok`` says that nothing failed; dead letters alone are no failure.

    ``deliveries`` are notices, ``actions`` deeds.
    """

    books: Books
    incidents: list[ReportedIncident]
    deliveries: list[ReportedAction]
    forwards: list[ReportedAction]
    actions: list[ReportedAction]
    dead_letters: list[ReportedLetter]
    ok: bool


async def build(storage: Storage, sent: Sent | None) -> Report:
    """Read the report out of the account. ``sent`` names the origins of a feed."""
    ledger = storage.ledger
    heads = {head.id: head for head in await reading.incidents(ledger)}
    books = await reading.books(ledger)
    members: dict[str, list[str]] = defaultdict(list)
    for alert in await reading.alerts(ledger):
        members[_survivor(heads, alert.incident)].append(alert.id)
    letters = [
        ReportedLetter(source=_origin(letter, sent), reason=f"{p.path}: {p.problem}")
        async for _, letter in storage.archive.letters()
        for p in letter.problems
    ]
    if sent is not None:
        letters += [
            ReportedLetter(source=origin, reason="too large: over 1 MiB")
            for origin in sent.too_large
        ]
        lost = len(sent.too_large)
        books += Books(received=lost, dead_lettered=lost)
    evidence: dict[str, list[ReportedEvidence]] = defaultdict(list)
    for kept in await reading.evidence(ledger):
        evidence[_survivor(heads, kept.incident)].append(_evidence(kept))
    live = [head for head in heads.values() if head.status is not IncidentStatus.MERGED]
    books += Books(suppressed=sum(head.alerts for head in live if head.hold))
    rows = await reading.actions(ledger)
    deeds = await reading.deeds(ledger)
    return Report(
        books=books,
        incidents=[
            _incident(head, sorted(members[head.id]), evidence[head.id])
            for head in live
        ],
        deliveries=[
            _action(row, _survivor(heads, row.incident))
            for row in rows
            if row.kind is not Kind.FORWARD
        ],
        forwards=[
            _action(row, row.incident) for row in rows if row.kind is Kind.FORWARD
        ],
        actions=[_deed(row, _survivor(heads, row.incident)) for row in deeds],
        dead_letters=letters,
        ok=books.is_balanced
        and not any(row.status is ActionStatus.FAILED for row in rows)
        and not any(row.status in _WRONG for row in deeds)
        and not any(head.stuck for head in live),
    )


def encode(report: Report) -> bytes:
    """The report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def _incident(
    head: Incident, alerts: list[str], evidence: list[ReportedEvidence]
) -> ReportedIncident:
    return ReportedIncident(
        id=head.id,
        title=head.title,
        severity=head.severity.value,
        status=head.status.value,
        alerts=alerts,
        resources=list(head.resources),
        first_seen=head.first_seen,
        last_seen=head.last_seen,
        evidence=evidence,
        risk=head.risk,
    )


def _evidence(kept: EvidenceRow) -> ReportedEvidence:
    found = kept.evidence
    return ReportedEvidence(
        query=found.query,
        subject=found.subject,
        status=found.status.value,
        reason=found.reason,
        rows=found.row_count,
        reading=found.reading,
    )


def _action(row: ActionRow, incident: str) -> ReportedAction:
    return ReportedAction(
        incident=incident,
        responder=row.responder,
        key=row.dedup_key,
        reason=row.occasion.value,
        status=row.status.value,
        attempts=row.attempts,
    )


def _deed(row: DeedRow, incident: str) -> ReportedAction:
    return ReportedAction(
        incident=incident,
        responder=row.deed.responder,
        key=row.key,
        reason=gist(row).line,
        status=row.status.value,
        attempts=row.attempts,
    )


def _survivor(heads: dict[str, Incident], incident_id: str) -> str:
    while (head := heads.get(incident_id)) is not None and head.merged_into:
        incident_id = head.merged_into
    return incident_id


def _origin(letter: DeadLetter, sent: Sent | None) -> str:
    """The file a dead letter came from where it is known, else its source and place."""
    place = letter.place
    if sent is not None and letter.source.startswith("hub/") and place.isdigit():
        number = int(place)
        if number < len(sent.origins):
            return sent.origins[number]
    shown = str(int(place)) if place.isdigit() else place[:12]
    return f"{letter.source}#{shown}"
