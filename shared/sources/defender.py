"""Defender for Cloud's own alert: continuous export and workflow automation.

The hub's body is flat PascalCase, whatever Microsoft's documentation says; Logic Apps
send the same object, sometimes in camelCase, sometimes inside ``body`` (wire-formats.md
1 and 2). All are read without regard to case.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model import resource
from shared.model.alert import (
    ROAD_RANK,
    Alert,
    AlertStatus,
    Road,
    Severity,
    Version,
)
from shared.model.errors import AlertRejected
from shared.model.text import clean, cut, one_line
from shared.sources.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

# Longer than any id seen (20 digits, an underscore, a GUID) with room to spare.
LONGEST_ID = 256
LONGEST_TYPE = 256
LONGEST_TITLE = 300
LONGEST_DESCRIPTION = 4_000
LONGEST_NAME = 300

# Real alerts nest five levels; Python itself gives up at about a thousand.
DEEPEST = 100

# A detector's clock is believed this far from our receipt (review F7).
OLDEST_POINT = timedelta(days=7)
NEWEST_POINT = timedelta(minutes=5)

# An alert id begins with the .NET ticks that remain until the year 10000
# (wire-formats.md 1.2), so it carries the alert's start.
_LAST_TICK = 3_155_378_975_999_999_999
_FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)

_CLOSED = frozenset({"resolved", "dismissed", "closed"})

# Only what the detector itself sets makes a sample (review F15): names and addresses
# can be chosen by whoever would like to be overlooked.
SAMPLE_TYPE = "simulated_"
SAMPLE_TITLE = "[sample alert]"


def unwrap(fields: Fields) -> Fields:
    """The alert inside a Logic App's ``body``, or the fields as they are."""
    body = fields.get("body")
    if isinstance(body, dict) and "systemalertid" not in fields:
        return Fields(body, f"{fields.path}.body")
    return fields


def recognises(fields: Fields) -> bool:
    """Row 4 of wire-formats.md 0, and what claims to be one but lacks its id."""
    if "systemalertid" not in fields and "alerttype" not in fields:
        return False
    return any(
        name in fields
        for name in ("alertdisplayname", "vendorname", "systemalertid", "severity")
    )


def read(fields: Fields, *, road: Road, received_at: datetime) -> Alert:
    """The alert. Raises AlertRejected where it has no id or no type.

    What else is missing or malformed is replaced by the most cautious reading: an
    alert that is half understood must still page.
    """
    alert_id = _bounded(fields, "SystemAlertId", LONGEST_ID).lower()
    alert_type = _bounded(fields, "AlertType", LONGEST_TYPE)
    arm_id = _resource(fields)
    started_at = fields.time("StartTimeUtc") or _ticks(alert_id)
    generated_at = fields.time("TimeGenerated", "TimeGeneratedUtc")
    processed_at = fields.time("ProcessingEndTime", "ProcessingEndTimeUtc")
    started_at = started_at or generated_at or received_at
    title = one_line(fields.text("AlertDisplayName")) or one_line(alert_type)
    latest = received_at + NEWEST_POINT
    return Alert(
        id=alert_id,
        version=Version(
            at=min(processed_at or generated_at or received_at, latest),
            rank=ROAD_RANK[road],
            digest=_digest(fields),
        ),
        scope=_scope(fields, arm_id),
        alert_type=alert_type,
        title=cut(title, LONGEST_TITLE),
        description=cut(clean(fields.text("Description")), LONGEST_DESCRIPTION),
        severity=_severity(fields.text("Severity", "AlertSeverity")),
        status=_status(fields.text("Status")),
        started_at=started_at,
        ended_at=max(fields.time("EndTimeUtc") or started_at, started_at),
        point=min(max(started_at, received_at - OLDEST_POINT), latest),
        resource=arm_id,
        compromised_entity=cut(
            one_line(fields.text("CompromisedEntity")), LONGEST_NAME
        ),
        product=cut(one_line(fields.text("ProductName")), LONGEST_NAME),
        tactics=_tactics(fields.text("Intent")),
        uri=_https(fields.text("AlertUri")),
        is_sample=alert_type.lower().startswith(SAMPLE_TYPE)
        or title.lower().startswith(SAMPLE_TITLE),
    )


def _bounded(fields: Fields, name: str, longest: int) -> str:
    value = fields.required(name)
    if len(value) > longest:
        raise AlertRejected(
            f"{fields.path}.{name}", f"is longer than {longest} characters"
        )
    return value


def _resource(fields: Fields) -> str | None:
    for candidate in _resource_ids(fields):
        if (found := resource.canonical(candidate)) is not None:
            return found
    return None


def _resource_ids(fields: Fields) -> Iterator[str]:
    yield fields.text("AzureResourceId")
    for identifier in fields.objects("ResourceIdentifiers"):
        yield identifier.text("AzureResourceId")


def _scope(fields: Fields, arm_id: str | None) -> str:
    if arm_id is not None:
        return resource.subscription(arm_id)
    named = fields.text("AzureResourceSubscriptionId")
    return resource.subscription(f"/subscriptions/{named.lower()}")


def _severity(text: str) -> Severity:
    try:
        return Severity(text.lower())
    except ValueError:
        # Unreadable is not harmless; high would let noise ring every phone.
        return Severity.MEDIUM


def _status(text: str) -> AlertStatus:
    return AlertStatus.CLOSED if text.lower() in _CLOSED else AlertStatus.OPEN


def _tactics(intent: str) -> tuple[str, ...]:
    names = {one_line(part).strip() for part in intent.split(",")[:20]}
    return tuple(
        sorted(cut(n, 60) for n in names if n and n.lower() not in {"unknown", "none"})
    )


def _https(uri: str) -> str:
    return uri if uri.startswith("https://") and len(uri) <= 2_000 else ""


def _ticks(alert_id: str) -> datetime | None:
    prefix = alert_id.partition("_")[0]
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) == 19):
        return None
    try:
        return _FIRST_DAY + timedelta(microseconds=(_LAST_TICK - int(prefix)) // 10)
    except OverflowError:
        return None


def _digest(fields: Fields) -> str:
    """Equal for copies of one version: names without case, any order, any spacing."""
    canonical: Any = _lowered(fields.canonical(), DEEPEST)
    encoded = msgspec.json.encode(canonical, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:32]


def _lowered(value: object, depth: int) -> object:
    if depth == 0:
        raise AlertRejected("$", f"nested deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        return {name.lower(): _lowered(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_lowered(item, depth - 1) for item in value]
    return value
