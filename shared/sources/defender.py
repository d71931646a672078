"""Defender for Cloud's own alert: continuous export and workflow automation.

The hub's body is flat PascalCase, whatever Microsoft's documentation says; Logic Apps
send the same object, sometimes in camelCase, sometimes inside ``body`` (wire-formats.md
1 and 2). All are read without regard to case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.alert import Road
from shared.sources.building import Found, build
from shared.sources.membership import members_of

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

KIND = "defender"

# Either of these beside an id or a type says that the unit claims to be an alert.
_CLAIMS = ("alertdisplayname", "vendorname")
# Beside an id, so do these; Azure Monitor's old log alerts have both and no id.
_CLAIMS_OF_AN_ID = ("alerttype", "severity")


def recognises(fields: Fields) -> bool:
    """Row 4 of wire-formats.md 0, and what claims to be one but lacks its id."""
    has_id = "systemalertid" in fields
    if not has_id and "alerttype" not in fields:
        return False
    claims = _CLAIMS + _CLAIMS_OF_AN_ID if has_id else _CLAIMS
    return any(name in fields for name in claims)


def read(fields: Fields, *, received_at: datetime) -> Alert:
    """The alert. Raises AlertRejected where it has no id or no type.

    What else is missing or malformed is replaced by the most cautious reading: an
    alert that is half understood must still page.
    """
    is_incident = fields.flag("IsIncident")
    entities = fields.get("Entities")
    found = Found(
        kind=KIND,
        id=fields.required("SystemAlertId"),
        alert_type=fields.required("AlertType"),
        road=Road.HUB,
        title=fields.text("AlertDisplayName"),
        description=fields.text("Description"),
        severity=fields.word("Severity", "AlertSeverity"),
        status=fields.text("Status"),
        started_at=fields.time("StartTimeUtc"),
        ended_at=fields.time("EndTimeUtc"),
        at=fields.time(
            "ProcessingEndTime",
            "ProcessingEndTimeUtc",
            "TimeGenerated",
            "TimeGeneratedUtc",
        ),
        resource_ids=_resource_ids(fields),
        subscription=fields.text("AzureResourceSubscriptionId"),
        compromised_entity=fields.text("CompromisedEntity"),
        product=fields.text("ProductName"),
        tactics=fields.get("Intent"),
        techniques=fields.get("Techniques"),
        uri=fields.text("AlertUri"),
        entities=entities,
        extended=fields.get("ExtendedProperties"),
        members=members_of(entities) if is_incident else (),
    )
    return build(found, received_at=received_at, path=fields.path)


def _resource_ids(fields: Fields) -> tuple[str, ...]:
    named = [i.text("AzureResourceId") for i in fields.objects("ResourceIdentifiers")]
    return (fields.text("AzureResourceId"), *named)
