"""The activity log, where Defender's alerts have a copy: category Security.

REST gives names as pairs of value and localizedValue; alert rules and diagnostic
settings give them as texts. ``security_alert`` reads the copy on any of these roads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model.alert import Road
from shared.model.text import one_line
from shared.sources import terms
from shared.sources.building import LONGEST_TYPE, Found, build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

KIND = "activity-log"
SECURITY = "security"
PRODUCT = "Microsoft Defender for Cloud"

# Where an eventName is missing, the description begins with it.
LONGEST_NAME = 120

# The hub's SystemAlertId; older copies carry a GUID of their own under the same names.
_ALERT_ID = re.compile(r"[0-9]{19}_[0-9A-Za-z-]{1,64}")
_ALERT_PATH = re.compile(
    r"/providers/microsoft\.security/(?:locations/[^/]+/)?alerts/([^/]+)", re.IGNORECASE
)
_PROVIDER = re.compile(r"/providers/microsoft\.security/", re.IGNORECASE)
_ENDS = {"dismiss": "Dismissed", "resolve": "Resolved"}


def recognises(fields: Fields) -> bool:
    """Row 16 of wire-formats.md 0; a selection of columns may lack the category."""
    return _is_pair(fields, "eventName") and (
        _is_pair(fields, "category") or _is_pair(fields, "operationName")
    )


def read(fields: Fields, *, received_at: datetime) -> Alert | str:
    """The alert of a Security record, or why another is ignored.

    Raises AlertRejected where a Security record has no id.
    """
    category = named(fields, "category")
    if category.lower() != SECURITY:
        shown = terms.plain_name(category or "no category")
        return f"activity log record ({shown}), not an alert"
    found = security_alert((fields,), fields.child("properties"), kind=KIND)
    return build(found, received_at=received_at, path=fields.path)


def named(fields: Fields, *names: str) -> str:
    """The first of the names that holds a text, or a pair with one."""
    for name in names:
        value = fields.get(name)
        inside = fields.child(name) if isinstance(value, dict) else fields
        if found := inside.text("value" if isinstance(value, dict) else name):
            return found
    return ""


def security_alert(
    records: Sequence[Fields],
    details: Fields,
    *,
    kind: str,
    places: Sequence[str] = (),
    otherwise: str = "Activity Log - Security",
) -> Found:
    """What the copy of a Defender alert says; its id is the alert's own.

    ``records`` are looked through in order, ``details`` are the flat properties.
    ``places`` are ARM ids beside the record's own, ``otherwise`` is the type where it
    has no name. The id is empty where the copy has none.
    """
    places = (*_each(records, "resourceId", "id"), *places)
    name = _said(records, "eventName")
    description = _said(records, *_DESCRIPTIONS)
    operation = _said(records, "operationName").lower().split("/")
    end = _ENDS.get(operation[-2] if len(operation) > 1 else "")
    return Found(
        kind=kind,
        id=_alert_id(records, places),
        alert_type=one_line(name[:LONGEST_TYPE]) or otherwise,
        road=Road.ACTIVITY_LOG,
        title=name or _first_sentence(description),
        description=description,
        severity=details.word("severity"),
        status=end or _said(records, "status", "resultType"),
        started_at=details.time("startTimeUtc"),
        ended_at=details.time("endTimeUtc"),
        # The time of the event, not that of the copy: the better roads' versions are
        # later than the one and earlier than the other.
        at=_time(records),
        resource_ids=(
            details.text("azureResourceId", "resourceId"),
            *(_PROVIDER.split(place, maxsplit=1)[0] for place in places),
        ),
        subscription=_said(records, "subscriptionId"),
        compromised_entity=details.text("compromisedEntity"),
        product=PRODUCT,
        tactics=details.decoded("intent"),
        extended=details.canonical(),
    )


_DESCRIPTIONS = (
    "description",
    "resultDescription",
    "detailDescription",
    "Activity Log Event Description",
)


def _alert_id(records: Sequence[Fields], places: Sequence[str]) -> str:
    ids = _each(records, "correlationId", "eventDataId", "operationId")
    paths = [found[1] for place in places if (found := _ALERT_PATH.search(place))]
    known = [text for text in (*ids, *paths) if _ALERT_ID.fullmatch(text)]
    # Where the form is older, the path is the alert's and the ids may be the event's.
    return next(iter((*known, *paths, *ids)), "").lower()


def _is_pair(fields: Fields, name: str) -> bool:
    value = fields.get(name)
    return isinstance(value, dict) and "value" in fields.child(name).names()


def _each(records: Sequence[Fields], *names: str) -> list[str]:
    found = (named(record, name) for record in records for name in names)
    return [text for text in found if text]


def _said(records: Sequence[Fields], *names: str) -> str:
    return next(iter(_each(records, *names)), "")


def _time(records: Sequence[Fields]) -> datetime | None:
    names = ("eventTimestamp", "time", "submissionTimestamp")
    times = (record.time(*names) for record in records)
    return next((time for time in times if time), None)


def _first_sentence(text: str) -> str:
    sentence, stop, _ = text.partition(". ")
    return sentence if stop and len(sentence) <= LONGEST_NAME else ""
