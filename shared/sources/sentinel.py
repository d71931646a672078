"""What Microsoft Sentinel sends and answers: incidents, alerts, and what is neither.

An incident comes from the incident trigger, from ARM, or as a row of SecurityIncident;
an alert from the alert trigger, or from ARM as an entity (wire-formats.md 4). Comments,
relations, bookmarks and entities are understood and ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Road
from shared.sources.building import LONGEST_ID, LONGEST_LINK, Found, build
from shared.sources.log_analytics import security_alert
from shared.sources.membership import alert_id, distinct, members_of

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

ALERT_KIND = "sentinel-alert"
INCIDENT_KIND = "sentinel-incident"
INCIDENT_ALERT_TYPE = "SentinelIncident"

PROVIDER = "microsoft.securityinsights/"
INCIDENTS = f"{PROVIDER}incidents"
ENTITIES = f"{PROVIDER}entities"
TABLE = "securityincident"

_GUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
# The workspace and the analytics rule.
_RULE_TYPE = re.compile(f"{_GUID}_{_GUID}")
_PRODUCTS = frozenset({"azure sentinel", "microsoft sentinel"})
_INCIDENT_URL = re.compile(r"/subscriptions/[!-~]*/incidents/[^/?#]+", re.IGNORECASE)


def recognises_alert(fields: Fields) -> bool:
    """The alert trigger and the SecurityAlert entity; after row 3, before row 4.

    The trigger's body is the hub's but for ProviderAlertId, which the hub never sends,
    and an AlertType or product that is Sentinel's own.
    """
    if fields.text("type").lower() == ENTITIES:
        return fields.text("kind").lower() == "securityalert"
    if "systemalertid" not in fields or "alerttype" not in fields:
        return False
    alert_type, product = fields.text("AlertType"), fields.text("ProductName")
    return "provideralertid" in fields or is_own(alert_type, product)


def is_own(alert_type: str, product: str) -> bool:
    """Whether the alert is of an analytics rule of Sentinel's."""
    is_rule = _RULE_TYPE.fullmatch(alert_type.lower()) is not None
    return is_rule or product.lower() in _PRODUCTS


def read_alert(fields: Fields, *, received_at: datetime) -> Alert:
    """The alert. Raises AlertRejected where it has no id or no type."""
    is_entity = fields.text("type").lower() == ENTITIES
    inside = fields.child("properties") if is_entity else fields
    found = security_alert(inside, kind=ALERT_KIND, road=Road.SENTINEL)
    return build(found, received_at=received_at, path=inside.path)


def recognises_incident(fields: Fields) -> bool:
    """Row 7 of wire-formats.md 0, ARM's answers, and rows of SecurityIncident."""
    kind = fields.text("type").lower()
    return (
        fields.text("objectSchemaType").lower() == "incident"
        or kind.startswith(PROVIDER)
        or kind == TABLE
        or fields.names() == {"entities", "metadata"}
    )


def read_incident(fields: Fields, *, received_at: datetime) -> Alert | str:
    """The incident as an alert whose members are its alerts, or why it is ignored.

    Raises AlertRejected where it has no id.
    """
    if fields.text("objectSchemaType").lower() == "incident":
        unit = fields.child("object")
    elif fields.text("type").lower() in {INCIDENTS, TABLE}:
        unit = fields
    else:
        return _ignored(fields)
    return build(_incident(unit), received_at=received_at, path=unit.path)


def _incident(unit: Fields) -> Found:
    is_row = unit.text("type").lower() == TABLE
    inside = unit if is_row else unit.child("properties")
    entities = inside.get("relatedEntities")
    said = inside.child("additionalData")
    url = inside.text("incidentUrl")
    return Found(
        kind=INCIDENT_KIND,
        id=_incident_id(unit, url),
        alert_type=INCIDENT_ALERT_TYPE,
        road=Road.LOG_ANALYTICS if is_row else Road.SENTINEL,
        title=inside.text("title"),
        description=inside.text("description"),
        severity=inside.word("severity"),
        status=inside.text("status"),
        started_at=inside.time(
            *("firstActivityTimeUtc", "firstActivityTime"),
            *("createdTimeUtc", "createdTime"),
        ),
        ended_at=inside.time("lastActivityTimeUtc", "lastActivityTime"),
        at=inside.time(
            *("lastModifiedTimeUtc", "lastModifiedTime"),
            *("createdTimeUtc", "createdTime", "timeGenerated"),
        ),
        resource_ids=_only_resource(inside),
        product=inside.text("providerName"),
        uri=url,
        entities=entities,
        members=distinct((*_members(inside), *members_of(entities))),
        tactics=said.get("tactics"),
        techniques=said.get("techniques"),
    )


def _incident_id(unit: Fields, url: str) -> str:
    """The ARM id, which a row has only inside its link; the name where that is long."""
    linked = _INCIDENT_URL.search(url[:LONGEST_LINK])
    own = resource.canonical(unit.text("id") or (linked[0] if linked else ""))
    name = unit.text("name", "incidentName")
    return own if own and len(own) <= LONGEST_ID else name.lower()


def _members(inside: Fields) -> list[str]:
    """What the trigger lists under alerts; a row lists the workspace's ids only."""
    listed = inside.decoded("alertIds")
    ids = listed if isinstance(listed, list) else []
    alerts = [alert_id(alert.child("properties")) for alert in inside.objects("alerts")]
    return alerts + [id_ for id_ in ids if isinstance(id_, str)]


def _only_resource(inside: Fields) -> tuple[str, ...]:
    """The Azure resource of the incident, where it names exactly one."""
    named = distinct(
        entity.child("properties").text("resourceId")
        for entity in inside.objects("relatedEntities")
        if entity.text("kind").lower() == "azureresource"
    )
    return named if len(named) == 1 else ()


def _ignored(fields: Fields) -> str:
    kind = fields.text("type").lower().removeprefix(PROVIDER) or "list of entities"
    known = len(kind) < 80 and kind.replace("/", "").replace(" ", "").isalpha()
    return f"Sentinel record ({kind if known else 'unnamed'}), not an alert"
