"""Alerts as Azure Resource Manager gives them: ``Microsoft.Security/Locations/alerts``.

The properties have two sets of names, those since 2020 and those of 2015 to 2019
(wire-formats.md 2); both are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Road
from shared.sources.building import Found, build
from shared.sources.membership import members_of

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

KIND = "arm"
TYPE = "microsoft.security/locations/alerts"

# What Defender for Cloud's incidents are called where they do not say their type.
INCIDENT_TYPE = "SecurityIncident"


# What the portal's button asks of ARM, as the specification's examples name it.
_SIMULATION = "alertSimulatorRequestBody"


def recognises(fields: Fields) -> bool:
    """Row 2 of wire-formats.md 0, and what claims to be one but lacks its id."""
    return fields.text("type").lower() == TYPE or _SIMULATION in fields


def read(fields: Fields, *, received_at: datetime) -> Alert | str:
    """The alert, or why it is none.

    Raises AlertRejected where it has no id or no type.
    """
    if _SIMULATION in fields:
        return "request to simulate alerts, not an alert"
    found = _found(fields, fields.child("properties"))
    return build(found, received_at=received_at, path=fields.path)


def _found(fields: Fields, inside: Fields) -> Found:
    is_incident = inside.flag("isIncident")
    incident_type = INCIDENT_TYPE if is_incident else ""
    return Found(
        kind=KIND,
        # The name is the id; documented examples disagree, so what says it is first.
        id=(inside.text("systemAlertId") or fields.text("name")).lower(),
        alert_type=inside.text("alertType", "alertName") or incident_type,
        road=Road.ARM,
        title=inside.text("alertDisplayName"),
        description=inside.text("description"),
        severity=inside.word("severity", "reportedSeverity"),
        status=inside.text("status", "state"),
        started_at=inside.time("startTimeUtc", "detectedTimeUtc"),
        ended_at=inside.time("endTimeUtc"),
        at=inside.time("processingEndTimeUtc", "timeGeneratedUtc", "reportedTimeUtc"),
        resource_ids=_resource_ids(inside),
        subscription=_subscription(fields, inside),
        compromised_entity=inside.text("compromisedEntity"),
        product=inside.text("productName", "vendorName"),
        tactics=inside.get("intent"),
        techniques=_texts(inside, "techniques") + _texts(inside, "subTechniques"),
        uri=inside.text("alertUri"),
        entities=inside.get("entities"),
        extended=inside.get("extendedProperties"),
        members=members_of(inside.get("entities")) if is_incident else (),
    )


def _resource_ids(inside: Fields) -> tuple[str, ...]:
    identifiers = inside.objects("resourceIdentifiers")
    named = [identifier.text("azureResourceId") for identifier in identifiers]
    return (*named, inside.text("associatedResource"))


def _subscription(fields: Fields, inside: Fields) -> str:
    """Of the alert's own id, which is always ARM's; a field says it up to 2019."""
    own = resource.canonical(fields.text("id"))
    return resource.subscription(own) if own else inside.text("subscriptionId")


def _texts(inside: Fields, name: str) -> list[object]:
    value = inside.get(name)
    return value if isinstance(value, list) else [value]
