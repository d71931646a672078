"""What is remembered of an alert, and which of two copies is the later one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model.alert import (
    ROAD_RANK,
    Alert,
    AlertRow,
    AlertStatus,
    Joined,
    Road,
    Version,
)
from shared.triage.parts import MOST_ENTITIES

if TYPE_CHECKING:
    from datetime import datetime

# wire-formats.md 1.1: the call to Defender needs it, and nothing else of an alert has it.
_LOCATION = re.compile(r"/location/([a-z0-9]{2,40})(?![^/?#])")


def order(copy: Alert | AlertRow) -> tuple[bool, datetime, bool, int, str]:
    """The later version wins, but a lesser road's copy never over a full one's.

    Sentinel, Log Analytics and the activity log tell of an alert later than its own
    product and with less in it (review F18). Of two copies with one time the closed one
    is later: dismissing an alert is not known to move its processing time.
    """
    version = copy.version
    is_closed = copy.status is AlertStatus.CLOSED
    return is_full(version), version.at, is_closed, version.rank, version.digest


def is_full(version: Version) -> bool:
    """Whether a road brought it that carries all of the alert."""
    return version.rank >= ROAD_RANK[Road.ARM]


def row_of(
    alert: Alert, incident_id: str, identity: str, joined: Joined | None
) -> AlertRow:
    """The row of an alert's version, on an incident."""
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
        spot=alert.spot,
        kind=alert.kind,
        plan=alert.plan,
        product=alert.product,
        reported_severity=alert.reported_severity,
        tactics=alert.tactics,
        techniques=alert.techniques,
        entities=alert.entities[:MOST_ENTITIES],
        joined=joined,
        location=_location(alert.uri),
    )


def _location(uri: str) -> str:
    """The place that the alert's own link names; empty where it names none."""
    found = _LOCATION.search(uri)
    return found[1] if found else ""


def expected(member: str, incident_id: str, alert: Alert) -> AlertRow:
    """The place of a member that ``alert`` names and that has not come."""
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
