"""Records as documents of the Elastic Common Schema 9 (remote-apis-sinks.md 17). Pure.

What ECS has no field for is below ``firewatch``, as the record has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from responders.forwards.records import Sort

if TYPE_CHECKING:
    from responders.forwards.records import Record

VERSION = "9.1.0"

# By what events are called there.
_TYPES = {
    Sort.INCIDENT: ["info"],
    Sort.ACTION: ["change"],
    Sort.AUDIT: ["change"],
    Sort.EVIDENCE: ["info"],
}
_SEVERITIES = {"informational": 1, "low": 2, "medium": 3, "high": 4}


def document(record: Record) -> dict[str, Any]:
    """The record as one document; fields without a value are not there."""
    data = record.data
    flat = record.flat
    event = {
        "kind": "alert" if record.sort is Sort.INCIDENT else "event",
        "id": record.key,
        "category": ["intrusion_detection"],
        "type": _TYPES[record.sort],
        "provider": "firewatch",
        "dataset": f"firewatch.{record.sort}",
        "severity": _SEVERITIES.get(data.get("severity", "")),
        "risk_score": data.get("score"),
        "start": data.get("first_seen"),
        "end": data.get("last_seen"),
        "reason": data.get("title") or data.get("reading"),
        "outcome": _outcome(record),
        "url": next(iter(data.get("links", ())), None),
    }
    found = {
        "@timestamp": flat["time"],
        "ecs": {"version": VERSION},
        "event": _given(event),
        "message": data.get("title") or data.get("detail") or data.get("reading"),
        "rule": _rule(data),
        "threat": _threat(data),
        "user": _given({"name": _names(record)}),
        "host": _given({"name": data.get("hosts") or None}),
        "source": _given({"ip": data.get("addresses") or None}),
        "cloud": _given({"account": _given({"id": data.get("scope")})}),
        "firewatch": _given(flat),
    }
    return _given(found)


def _outcome(record: Record) -> str | None:
    if record.sort is not Sort.ACTION:
        return None
    return {"applied": "success", "verified": "success", "failed": "failure"}.get(
        record.data["status"], "unknown"
    )


def _names(record: Record) -> object:
    """Who the incident is about, or who did what."""
    return record.data.get("accounts") or record.data.get("by") or None


def _rule(data: dict[str, Any]) -> dict[str, Any]:
    worst = next(iter(data.get("problems", ())), None)
    if worst is None:
        return {}
    return _given({"id": worst["alert_type"], "name": worst["title"]})


def _threat(data: dict[str, Any]) -> dict[str, Any]:
    tactics, techniques = data.get("tactics"), data.get("techniques")
    return _given(
        {
            "tactic": {"name": tactics} if tactics else None,
            "technique": {"id": techniques} if techniques else None,
        }
    )


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that have a value."""
    return {
        name: value for name, value in fields.items() if value not in (None, {}, "")
    }
