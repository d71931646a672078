"""Azure Monitor's common alert schema: essentials of every alert, a context by kind.

One ``alertId`` is one alert from fired to resolved. What comes by an alert rule on the
activity log's Security category is a copy of Defender's alert and has its id
(wire-formats.md 3).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model.alert import AlertStatus, Road
from shared.model.errors import AlertRejected
from shared.model.text import one_line
from shared.sources import activity_log, terms
from shared.sources.building import LONGEST_LINK, LONGEST_TYPE, Found, build

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

KIND = "azure-monitor"
SCHEMA = "azuremonitorcommonalertschema"
PRODUCT = "Azure Monitor"

# More than any real alert has: a rule takes 5 criteria and an alert names one target.
MOST_TARGETS = 50
MOST_CRITERIA = 20
MOST_DIMENSIONS = 100

# AlertsManagement answers the same alert below its target, the webhook below the
# subscription: the GUID is what they share.
_INSTANCE = re.compile(
    r"/providers/microsoft\.alertsmanagement/alerts/"
    r"([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$"
)
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)
_OBJECT_CLAIM = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_LINKS = (
    "investigationLink",
    "linkToFilteredSearchResultsUI",
    "linkToSearchResultsUI",
    "LinkToSearchResults",
    "recommendationResourceLink",
)


def recognises(fields: Fields) -> bool:
    """Row 5 of wire-formats.md 0."""
    return fields.text("schemaId").lower() == SCHEMA


def read(fields: Fields, *, received_at: datetime) -> Alert:
    """The alert. Raises AlertRejected where it has no id, or nothing says its type."""
    data = fields.child("data")
    essentials, context = data.child("essentials"), data.child("alertContext")
    if not essentials.names():
        raise AlertRejected(essentials.path, "is missing or empty; expected an object")
    if _is_defenders(essentials, context):
        found = _defenders(essentials, context)
    else:
        found = _found(essentials, context)
    return build(found, received_at=received_at, path=fields.path)


def instance_id(arm_id: str) -> str:
    """What identifies an alert instance: the GUID of AlertsManagement, else all of it.

    Budgets and the test of an action group name other things here.
    """
    lowered = arm_id.lower()
    found = _INSTANCE.search(lowered)
    return found[1] if found else lowered


def alert_type(*parts: str) -> str:
    """The service and the rule, since no detector says its type."""
    said = "/".join(part[:LONGEST_TYPE] for part in parts if part)
    return one_line(said)[:LONGEST_TYPE].strip()


def dimensions(condition: Fields) -> dict[str, str]:
    """The dimensions that a condition fired for, by name; all criteria together."""
    found: dict[str, str] = {}
    for one in (condition, *criteria(condition)):
        for dimension in one.objects("dimensions", MOST_DIMENSIONS):
            if name := dimension.text("name"):
                found.setdefault(name, dimension.word("value"))
    return found


def criteria(condition: Fields) -> list[Fields]:
    """What was measured, each against its own threshold."""
    return condition.objects("allOf", MOST_CRITERIA)


def link(*places: Fields) -> str:
    """The first link for people that is not too long to keep."""
    named = (place.text(name) for place in places for name in _LINKS)
    links = (text for text in named if text.startswith("https://"))
    return next((text for text in links if len(text) <= LONGEST_LINK), "")


def actor(event: Fields) -> dict[str, str]:
    """Who did what an event of the activity log is about, and from where.

    The keys are those of extended properties. A caller that is no UPN may be a name, an
    app or an object: what it is, only the claims say.
    """
    caller = event.text("caller")
    named = {
        "userPrincipalName": caller if "@" in caller else "",
        "callerObjectId": event.child("claims").text(_OBJECT_CLAIM),
        "callerIpAddress": event.child("httpRequest").text("clientIpAddress"),
    }
    return {name: text for name, text in named.items() if text}


def texts(fields: Fields, name: str) -> tuple[str, ...]:
    """The texts of a list, as many as any real one has."""
    value = fields.get(name)
    listed = value[:MOST_TARGETS] if isinstance(value, list) else []
    return tuple(item for item in listed if isinstance(item, str))


def subscription(*arm_ids: str) -> str:
    """The subscription of the first id that names one, as it stands there."""
    found = (_SUBSCRIPTION.match(arm_id) for arm_id in arm_ids)
    return next((match[1] for match in found if match), "")


def _found(essentials: Fields, context: Fields) -> Found:
    about, condition = context.child("properties"), context.child("condition")
    budget = context.child("AlertData")
    service = essentials.text("monitoringService", "signalType")
    rule = essentials.text("alertRule") or budget.text("BudgetName")
    fired_at = essentials.time("firedDateTime") or context.time(
        "SearchIntervalEndtimeUtc", "eventTimestamp"
    )
    resolved_at = essentials.time("resolvedDateTime")
    is_resolved = _is_end(essentials.text("monitorCondition"))
    targets = texts(essentials, "alertTargetIDs")
    items = texts(essentials, "configurationItems")
    given_id = essentials.required("alertId")
    return Found(
        kind=KIND,
        id=instance_id(given_id),
        alert_type=alert_type(service, rule),
        road=Road.HUB,
        title=about.text("title", "recommendationName") or rule,
        description=_description(essentials, context),
        severity=essentials.word("severity"),
        status=_status(essentials, context),
        started_at=fired_at,
        ended_at=resolved_at,
        # A resolution without its time is still later than the firing.
        at=resolved_at or (None if is_resolved else fired_at),
        # With a rule on a workspace the items are what sends the data, and the target
        # is the workspace ("Common alert schema", configurationItems).
        resource_ids=(
            *(item for item in items if item.startswith("/")),
            *targets,
            budget.text("Scope"),
        ),
        subscription=subscription(given_id),
        compromised_entity=_affected(items, targets),
        product=PRODUCT,
        uri=link(essentials, context, *criteria(condition), about),
        extended={
            **dimensions(context),
            **dimensions(condition),
            **context.child("labels").canonical(),
            **actor(context),
            **about.canonical(),
        },
    )


def _is_defenders(essentials: Fields, context: Fields) -> bool:
    service = essentials.text("monitoringService").lower()
    source = context.text("eventSource").lower()
    return source == activity_log.SECURITY or service == "activity log - security"


def _defenders(essentials: Fields, context: Fields) -> Found:
    rule = essentials.text("alertRule")
    found = activity_log.security_alert(
        (context,),
        context.child("properties"),
        kind=KIND,
        places=texts(essentials, "alertTargetIDs"),
        otherwise=alert_type(essentials.text("monitoringService"), rule),
    )
    given_id = essentials.text("alertId")
    found.id = found.id or instance_id(given_id)
    found.title = found.title or rule
    found.description = found.description or essentials.text("description")
    found.severity = found.severity or essentials.word("severity")
    found.at = found.at or essentials.time("firedDateTime")
    found.subscription = found.subscription or subscription(given_id)
    return found


def _status(essentials: Fields, context: Fields) -> str:
    """The monitor's word, or the event's own: a health event resolves by another one."""
    condition, event = essentials.text("monitorCondition"), context.text("status")
    return event if "eventSource" in context and _is_end(event) else condition


def _is_end(word: str) -> bool:
    return terms.status(word) is AlertStatus.CLOSED


def _description(essentials: Fields, context: Fields) -> str:
    notes, about = context.child("annotations"), context.child("properties")
    return (
        essentials.text("description")
        or context.text("Activity Log Event Description")
        or notes.text("description", "summary")
        or about.text("details", "description")
    )


def _affected(items: tuple[str, ...], targets: tuple[str, ...]) -> str:
    """What the alert is about, by its name."""
    return next((text.rstrip("/").rsplit("/", 1)[-1] for text in items + targets), "")
