"""One obvious default of each model, for tests to change what they are about."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from shared.model.alert import Severity
from shared.model.incident import Incident, IncidentStatus, Problem

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
