"""Records as findings of OCSF 1.5.0 (remote-apis-sinks.md 17). Pure.

An incident is an Incident Finding, and each of its problems a Detection Finding; what
was done, the audit trail and the evidence are updates of the Incident Finding, with the
record in ``unmapped``.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from responders.forwards.records import Sort

if TYPE_CHECKING:
    from responders.forwards.records import Record

VERSION = "1.5.0"

_CATEGORY = 2  # Findings
_DETECTION = 2004
_INCIDENT = 2005
_CREATE, _UPDATE, _CLOSE = 1, 2, 3
_ACTIVITIES = {_CREATE: "Create", _UPDATE: "Update", _CLOSE: "Close"}

_SEVERITIES = {
    "informational": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
}
_NEW, _IN_PROGRESS, _OTHER = (1, "New"), (2, "In Progress"), (99, "Merged")
# The two classes number the ends differently.
_ENDS = {
    _INCIDENT: {"resolved": (4, "Resolved"), "closed": (5, "Closed")},
    _DETECTION: {"resolved": (4, "Resolved"), "closed": (4, "Resolved")},
}
_VERDICTS = {
    "false_positive": (1, "False Positive"),
    "true_positive": (2, "True Positive"),
    "benign_positive": (5, "Benign"),
    "undetermined": (7, "Insufficient Data"),
}
# What an observable is.
_HOSTNAME, _ADDRESS, _USER = 1, 2, 4


def documents(record: Record) -> list[dict[str, Any]]:
    """The findings of a record, each an event."""
    if record.sort is not Sort.INCIDENT:
        return [_about(record)]
    return [_incident(record), *_detections(record)]


def _incident(record: Record) -> dict[str, Any]:
    data = record.data
    found = _finding(record, _INCIDENT, _activity(record), key=record.key)
    status, status_name = _status(data, _INCIDENT)
    uids = [_uid(record, problem) for problem in data["problems"]]
    found |= {
        "time": _ms(record.at.isoformat()),
        "status_id": status,
        "status": status_name,
        "message": data["title"],
        "desc": data["title"],
        "finding_info_list": [
            {"uid": uid, "title": problem["title"], "types": [problem["alert_type"]]}
            for uid, problem in zip(uids, data["problems"], strict=True)
        ]
        or [{"uid": record.incident, "title": data["title"]}],
        "start_time": _ms(data["first_seen"]),
        "end_time": _ms(data["last_seen"]),
        "count": data["alerts"],
        "unmapped": record.flat,
    }
    if data["classification"] in _VERDICTS:
        found["verdict_id"], found["verdict"] = _VERDICTS[data["classification"]]
    if data["links"]:
        found["src_url"] = data["links"][0]
    return found


def _detections(record: Record) -> list[dict[str, Any]]:
    data = record.data
    found = []
    for problem in data["problems"]:
        uid = _uid(record, problem)
        finding = _finding(
            record,
            _DETECTION,
            _activity(record),
            key=f"{record.key}-{problem['problem']}",
        )
        status, status_name = _status(data, _DETECTION)
        severity, severity_name = _SEVERITIES[problem["severity"]]
        finding |= {
            "time": _ms(problem["first_seen"]),
            "severity_id": severity,
            "severity": severity_name,
            "status_id": status,
            "status": status_name,
            "message": problem["title"],
            "is_alert": True,
            "count": problem["count"],
            "start_time": _ms(problem["first_seen"]),
            "end_time": _ms(problem["last_seen"]),
            "finding_info": {
                "uid": uid,
                "title": problem["title"],
                "types": [problem["alert_type"]],
                "created_time": _ms(problem["first_seen"]),
                "modified_time": _ms(problem["last_seen"]),
                "attacks": _attacks(data),
            },
            "resources": [{"uid": each} for each in data["resources"]],
            "observables": _observables(data),
        }
        found.append({name: value for name, value in finding.items() if value != []})
    return found


def _about(record: Record) -> dict[str, Any]:
    """What is on record of an incident, as an update of its finding."""
    found = _finding(record, _INCIDENT, _UPDATE, key=record.key)
    title = f"Incident {record.incident}"
    return found | {
        "time": _ms(record.at.isoformat()),
        # It says nothing of it; another status has to have a name.
        "status_id": 99,
        "status": "As before",
        "message": f"{title}: {record.sort}",
        "finding_info_list": [{"uid": record.incident, "title": title}],
        "unmapped": record.flat,
    }


def _finding(record: Record, kind: int, activity: int, *, key: str) -> dict[str, Any]:
    """What both classes must have."""
    by = record.data.get("acknowledged_by")
    severity, severity_name = _SEVERITIES[record.data.get("severity", "informational")]
    found: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "class_uid": kind,
        "class_name": "Incident Finding" if kind == _INCIDENT else "Detection Finding",
        "type_uid": kind * 100 + activity,
        "severity_id": severity,
        "severity": severity_name,
        "metadata": {
            "version": VERSION,
            "product": {"name": "Firewatch", "vendor_name": "Firewatch"},
            "uid": key,
            "correlation_uid": record.dedup_key,
            "log_name": record.sort.value,
        },
    }
    if kind == _INCIDENT:
        found["metadata"]["profiles"] = ["incident"]
        # One of the two has to be there.
        found |= (
            {"assignee": {"name": by}}
            if by
            else {"assignee_group": {"name": "whoever is on call"}}
        )
    return found


def _activity(record: Record) -> int:
    if record.data["status"] != "open":
        return _CLOSE
    return _CREATE if record.is_first else _UPDATE


def _status(data: dict[str, Any], kind: int) -> tuple[int, str]:
    if data["status"] == "open":
        return _IN_PROGRESS if data["acknowledged_by"] else _NEW
    return _ENDS[kind].get(data["status"], _OTHER)


def _uid(record: Record, problem: dict[str, Any]) -> str:
    """The name of a problem of an incident: it stays while the incident does."""
    return f"{record.incident}-{problem['problem']}"


def _attacks(data: dict[str, Any]) -> list[dict[str, Any]]:
    tactics = [{"tactic": {"name": each}} for each in data["tactics"]]
    return tactics + [{"technique": {"uid": each}} for each in data["techniques"]]


def _observables(data: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = (
        ("hosts", "device.hostname", _HOSTNAME),
        ("addresses", "src_endpoint.ip", _ADDRESS),
        ("accounts", "actor.user.name", _USER),
    )
    return [
        {"name": name, "type_id": kind, "value": value}
        for field, name, kind in kinds
        for value in data[field]
    ]


def _ms(text: str) -> int:
    """A moment as OCSF has it: milliseconds since 1970."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)
