"""Azure Monitor's schemas from before the common one, and AlertsManagement's objects.

The old schemas have no id of an alert instance, so one is made of rule, target,
dimensions and time (wire-formats.md 3). A resolution has another time: it is an alert
of its own, closed from the start, because tying all firings of a rule together would
have the next one join an incident that a person has resolved, and page nobody.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from shared.model.alert import Road
from shared.model.errors import AlertRejected
from shared.sources import activity_log, terms
from shared.sources.azure_monitor import (
    PRODUCT,
    actor,
    alert_type,
    dimensions,
    instance_id,
    link,
    subscription,
)
from shared.sources.building import Found, build

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

KIND = "azure-monitor-legacy"
METRIC = "azuremonitormetricalert"
ACTIVITY_LOG = "microsoft.insights/activitylogs"
LOG = "microsoft.insights/logalert"
_SCHEMAS = frozenset({METRIC, ACTIVITY_LOG, LOG})
PROVIDER = "microsoft.alertsmanagement/"
INSTANCE = f"{PROVIDER}alerts"


def recognises(fields: Fields) -> bool:
    """Row 6 of wire-formats.md 0, and the objects of AlertsManagement's REST API."""
    return (
        fields.text("schemaId").lower() in _SCHEMAS
        or ("status" in fields and isinstance(fields.get("context"), dict))
        or ("AlertRuleName" in fields and "SearchResult" in fields)
        or fields.text("type").lower().startswith(PROVIDER)
    )


def read(fields: Fields, *, received_at: datetime) -> Alert | str:
    """The alert, or why an object beside the alerts is ignored.

    Raises AlertRejected where it names no rule, event or instance.
    """
    kind = fields.text("type").lower()
    if kind.startswith(PROVIDER) and kind != INSTANCE:
        return f"AlertsManagement record ({terms.plain_name(kind)}), not an alert"
    found = _instance(fields) if kind == INSTANCE else _webhook(fields)
    return build(found, received_at=received_at, path=fields.path)


def _webhook(fields: Fields) -> Found:
    schema = fields.text("schemaId").lower()
    data = fields.child("data") if schema in _SCHEMAS else fields
    if schema == ACTIVITY_LOG:
        return _event(data.child("context").child("activityLog"))
    return _log(data) if "AlertRuleName" in data else _metric(data)


def _metric(data: Fields) -> Found:
    """A metric alert, and the classic one, whose body is the data itself."""
    context = data.child("context")
    condition = context.child("condition")
    name = context.text("name")
    at = context.time("timestamp")
    fired_for = dimensions(condition)
    parts = ("metric", context.text("id") or name, context.text("resourceId"))
    return Found(
        kind=KIND,
        id=_made_id(context, *parts, _stamp(at), fired_for=fired_for),
        # The common schema's name of the service, so that both are the same problem.
        alert_type=alert_type("Platform", name),
        road=Road.HUB,
        title=name,
        description=context.text("description"),
        severity=context.word("severity"),
        status=data.text("status"),
        started_at=at,
        at=at,
        resource_ids=(context.text("resourceId"),),
        subscription=context.text("subscriptionId"),
        compromised_entity=context.text("resourceName"),
        product=PRODUCT,
        uri=context.text("portalLink"),
        extended=fired_for,
    )


def _log(data: Fields) -> Found:
    """A log search alert of the first API; it never resolves."""
    rule = data.text("AlertRuleName")
    at = data.time("SearchIntervalEndtimeUtc")
    fired_for = dimensions(data)
    service = "Application Insights" if "ApplicationId" in data else "Log Analytics"
    source = data.text("ResourceId", "WorkspaceId", "ApplicationId")
    parts = ("log", data.text("SubscriptionId") if rule else "", rule, source)
    items = data.get("AffectedConfigurationItems")
    affected = items[0] if isinstance(items, list) and items else ""
    return Found(
        kind=KIND,
        id=_made_id(data, *parts, _stamp(at), fired_for=fired_for),
        alert_type=alert_type(service, rule),
        road=Road.HUB,
        title=rule,
        description=data.text("Description"),
        severity=data.word("Severity"),
        started_at=at,
        at=at,
        resource_ids=(
            data.text("ResourceId"),
            *(each.text("resourceId") for each in _data_sources(data)),
        ),
        subscription=data.text("SubscriptionId"),
        compromised_entity=affected if isinstance(affected, str) else "",
        product=PRODUCT,
        uri=link(data),
        extended=fired_for,
    )


def _event(event: Fields) -> Found:
    """An event of the activity log; Security is a copy of Defender's alert."""
    about = event.child("properties")
    source = event.text("eventSource")
    if source.lower() == activity_log.SECURITY:
        return activity_log.security_alert((event,), about, kind=KIND)
    at = event.time("eventTimestamp", "submissionTimestamp")
    operation = event.text("operationName")
    name = about.text("title", "recommendationName") or operation
    return Found(
        kind=KIND,
        id=event.required("eventDataId").lower(),
        alert_type=alert_type(f"Activity Log - {source}" if source else "", operation),
        road=Road.HUB,
        title=name,
        description=event.text("description") or about.text("details"),
        severity=event.word("level"),
        status=event.text("status"),
        started_at=at,
        at=at,
        resource_ids=(event.text("resourceId"),),
        subscription=event.text("subscriptionId"),
        product=PRODUCT,
        uri=link(about),
        extended={**actor(event), **about.canonical()},
    )


def _instance(fields: Fields) -> Found:
    """An alert as AlertsManagement answers it: the webhook's essentials, renamed."""
    properties = fields.child("properties")
    essentials, context = properties.child("essentials"), properties.child("context")
    own = fields.required("id")
    rule = context.text("AlertRuleName") or _rule(essentials, fields)
    condition, state = (
        essentials.text("monitorCondition"),
        essentials.text("alertState"),
    )
    return Found(
        kind=KIND,
        id=instance_id(own),
        alert_type=alert_type(essentials.text("monitorService", "signalType"), rule),
        road=Road.ARM,
        title=fields.text("name") or rule,
        description=essentials.text("description"),
        severity=essentials.word("severity"),
        # A person closes the state, the monitor resolves the condition.
        status=state if state.lower() == "closed" else condition,
        started_at=essentials.time("startDateTime"),
        ended_at=essentials.time("monitorConditionResolvedDateTime"),
        at=essentials.time("lastModifiedDateTime", "startDateTime"),
        resource_ids=(essentials.text("targetResource"),),
        subscription=subscription(own),
        compromised_entity=essentials.text("targetResourceName"),
        product=PRODUCT,
        uri=link(context),
        extended=dimensions(context),
    )


def _rule(essentials: Fields, fields: Fields) -> str:
    """The rule's name: of an ARM id the last part, of an address nothing."""
    rule = essentials.text("alertRule")
    if "://" in rule or not rule:
        return fields.text("name")
    return rule.rstrip("/").rsplit("/", 1)[-1]


def _data_sources(data: Fields) -> list[Fields]:
    return data.child("SearchResult").objects("dataSources", 1)


def _made_id(
    place: Fields, kind: str, *parts: str, fired_for: Mapping[str, str]
) -> str:
    """The same for every copy of one firing. Raises AlertRejected without a rule."""
    if not any(parts[:-1]):
        raise AlertRejected(place.path, "names no rule and no resource")
    named = sorted(f"{name}={value}" for name, value in fired_for.items())
    hasher = hashlib.sha256()
    for part in (kind, *parts, *named):
        encoded = part.lower().encode(errors="replace")
        hasher.update(b"%d:%b" % (len(encoded), encoded))
    return f"{KIND}-{hasher.hexdigest()[:32]}"


def _stamp(at: datetime | None) -> str:
    return at.isoformat() if at else ""
