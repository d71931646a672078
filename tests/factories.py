"""One obvious default of each model, for tests to change what they are about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shared.model.alert import Severity
from shared.model.evidence import Cost, Evidence, EvidenceRow, EvidenceStatus
from shared.model.incident import Incident, IncidentStatus, Problem
from shared.model.risk import Factor, Risk, summed

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
VM = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/web"
    "/providers/microsoft.compute/virtualmachines/vm-web-01"
)


def make_problem(**changes: object) -> Problem:
    """Three high alerts of a web shell on one machine."""
    default = Problem(
        alert_type="VM_WebShellDetected",
        title="Possible web shell detected",
        severity=Severity.HIGH,
        count=3,
        first_seen=NOON,
        last_seen=NOON,
    )
    return msgspec.structs.replace(default, **changes)


def make_incident(**changes: object) -> Incident:
    """An open incident of three high alerts about one machine.

    ``root`` follows ``id`` unless it is given: most incidents speak for themselves.
    """
    default = Incident(
        id="inc-1",
        scope=SUBSCRIPTION,
        root="inc-1",
        status=IncidentStatus.OPEN,
        severity=Severity.HIGH,
        first_seen=NOON,
        last_seen=NOON,
        earliest=NOON,
        latest=NOON,
        opened_at=NOON,
        changed_at=NOON,
        alerts=3,
        active=3,
        was_active=True,
        is_sample=False,
        problems={"fp-1": make_problem()},
        resources=(VM,),
        tactics=("Persistence",),
    )
    if "id" in changes:
        changes.setdefault("root", changes["id"])
    return msgspec.structs.replace(default, **changes)


def make_evidence(query: str = "caller-operations", **changes: Any) -> Evidence:  # noqa: ANN401
    """What a query said, with one row."""
    fields: dict[str, Any] = {
        "query": query,
        "question": "What else did they do?",
        "subject": "account mallory@contoso.com",
        "workspace": "0b1f6471-1bf0-4dda-aec3-cb9272f09590",
        "since": NOON - timedelta(days=1),
        "until": NOON + timedelta(hours=1),
        "asked_at": NOON,
        "columns": ("TimeGenerated", "Caller"),
        "rows": (("2026-11-23T11:00:00Z", "mallory@contoso.com"),),
        "row_count": 1,
        "is_truncated": False,
        "took_ms": 200,
        "cost": Cost.LOW,
        "status": EvidenceStatus.COMPLETE,
        "reading": "1 operation by mallory@contoso.com.",
    }
    return Evidence(**fields | changes)


def make_evidence_row(
    incident: str,
    query: str,
    *,
    place: int = 0,
    **changes: Any,  # noqa: ANN401
) -> EvidenceRow:
    """Such evidence as it is kept."""
    return EvidenceRow(
        incident=incident,
        about="0123",
        place=place,
        at=NOON,
        tries=1,
        lag=timedelta(minutes=15),
        evidence=make_evidence(query, **changes),
    )


def make_risk(**changes: object) -> Risk:
    """A score of 60, of the alerts and of one query."""
    default = summed(
        (
            Factor(name="severity", points=40, because="The severity is high."),
            Factor(
                name="threat intelligence",
                points=20,
                because="Threat intelligence knows 192.0.2.4: botnet.",
                evidence="threat-intelligence",
            ),
        )
    )
    return msgspec.structs.replace(default, **changes)
