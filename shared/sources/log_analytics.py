"""Rows of Log Analytics' SecurityAlert table, today's columns and those of 2019.

SystemAlertId is the workspace's own; the product's id is in VendorOriginalId. TenantId
is the workspace, and the subscription is the workspace's: neither says where the alert
happened (wire-formats.md 4). Sentinel's alert trigger says the same in fewer words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.alert import Road
from shared.sources.building import Found, build
from shared.sources.membership import alert_id, members_of

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

KIND = "log-analytics"
TABLE = "securityalert"


def recognises(fields: Fields) -> bool:
    """Row 3 of wire-formats.md 0: columns that neither hub nor trigger sends."""
    if "systemalertid" not in fields or "alerttype" not in fields:
        return False
    return fields.text("type").lower() == TABLE or any(
        name in fields for name in ("alertseverity", "alertname", "vendororiginalid")
    )


def read(fields: Fields, *, received_at: datetime) -> Alert:
    """The alert. Raises AlertRejected where it has no id or no type."""
    found = security_alert(fields, kind=KIND, road=Road.LOG_ANALYTICS)
    return build(found, received_at=received_at, path=fields.path)


def security_alert(fields: Fields, *, kind: str, road: Road) -> Found:
    """What a SecurityAlert says, by whichever of its names.

    Entities and other columns may be JSON in a text, cut short at 32 KB.
    """
    entities = fields.decoded("Entities")
    return Found(
        kind=kind,
        id=alert_id(fields),
        alert_type=fields.text("AlertType"),
        road=road,
        title=fields.text("DisplayName", "AlertDisplayName", "AlertName"),
        description=fields.text("Description"),
        severity=fields.word("AlertSeverity", "Severity"),
        status=fields.text("Status"),
        started_at=fields.time("StartTime", "StartTimeUtc"),
        ended_at=fields.time("EndTime", "EndTimeUtc"),
        at=fields.time("ProcessingEndTime", "TimeGenerated"),
        resource_ids=_resource_ids(fields),
        compromised_entity=fields.text("CompromisedEntity"),
        product=fields.text("ProductName", "ProviderName", "VendorName"),
        tactics=fields.decoded("Tactics") or fields.get("Intent"),
        techniques=_techniques(fields),
        uri=fields.text("AlertLink", "AlertUri"),
        entities=entities,
        extended=fields.decoded("ExtendedProperties"),
        members=members_of(entities) if fields.flag("IsIncident") else (),
    )


def _resource_ids(fields: Fields) -> tuple[str, ...]:
    identifiers = fields.objects("ResourceIdentifiers")
    named = [identifier.text("AzureResourceId") for identifier in identifiers]
    return (fields.text("ResourceId", "AzureResourceId"), *named)


def _techniques(fields: Fields) -> list[object]:
    found: list[object] = []
    for name in ("Techniques", "SubTechniques"):
        value = fields.decoded(name)
        found += value if isinstance(value, list) else [value]
    return found
