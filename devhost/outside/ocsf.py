"""What a reader of OCSF 1.5.0 expects of findings, written from its schema.

There is no validator that works offline (remote-apis-sinks.md 17): required fields,
numbers that are known, and what hangs together. Nothing of what writes them is used.
"""

from __future__ import annotations

from typing import Any

ACTIVITIES = {0, 1, 2, 3, 99}
SEVERITIES = {0, 1, 2, 3, 4, 5, 6, 99}
STATUSES = {
    2004: {0: "", 1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved"}
    | {5: "Archived", 6: "Deleted", 99: ""},
    2005: {0: "", 1: "New", 2: "In Progress", 3: "On Hold", 4: "Resolved"}
    | {5: "Closed", 99: ""},
}
VERDICTS = {
    0: "Unknown",
    1: "False Positive",
    2: "True Positive",
    3: "Disregard",
    4: "Suspicious",
    5: "Benign",
    6: "Test",
    7: "Insufficient Data",
    8: "Security Risk",
    9: "Managed Externally",
    10: "Duplicate",
    99: "Other",
}
REQUIRED = {
    2004: ("finding_info",),
    2005: ("finding_info_list", "status_id"),
}
ALWAYS = (
    *("activity_id", "category_uid", "class_uid", "type_uid", "time"),
    *("severity_id", "metadata"),
)
# The years 2001 and 2100, in milliseconds.
TIMES = range(978_307_200_000, 4_102_444_800_000)


def problems(document: dict[str, Any]) -> list[str]:
    """What is wrong with an event; nothing where a reader takes it."""
    kind = document.get("class_uid")
    if kind not in REQUIRED:
        return [f"class_uid is {kind}"]
    found = [
        f"{name} is missing"
        for name in (*ALWAYS, *REQUIRED[kind])
        if document.get(name) in (None, {}, [])
    ]
    return found or [*_numbers(document, kind), *_objects(document, kind)]


def _numbers(document: dict[str, Any], kind: int) -> list[str]:
    activity, status = document["activity_id"], document.get("status_id", 0)
    found = []
    if document["category_uid"] != 2:
        found.append("category_uid is not 2")
    if activity not in ACTIVITIES:
        found.append(f"activity_id is {activity}")
    if document["type_uid"] != kind * 100 + activity:
        found.append(f"type_uid is {document['type_uid']}")
    if document["severity_id"] not in SEVERITIES:
        found.append(f"severity_id is {document['severity_id']}")
    if status not in STATUSES[kind]:
        found.append(f"status_id is {status}")
    elif STATUSES[kind][status] not in ("", document.get("status")):
        found.append(f"status_id {status} is not {document.get('status')}")
    if status == 99 and not document.get("status"):
        found.append("another status has no name")
    return found + _rest(document)


def _rest(document: dict[str, Any]) -> list[str]:
    found = [
        f"{name} is {document[name]}"
        for name in ("time", "start_time", "end_time")
        if name in document
        and (type(document[name]) is not int or document[name] not in TIMES)
    ]
    verdict = document.get("verdict_id")
    if verdict is not None and VERDICTS.get(verdict) != document.get("verdict"):
        found.append(f"verdict_id {verdict} is not {document.get('verdict')}")
    return found


def _objects(document: dict[str, Any], kind: int) -> list[str]:
    metadata = document["metadata"]
    found = []
    if metadata.get("version") != "1.5.0" or not metadata.get("product"):
        found.append("metadata has no version, or no product")
    infos = (
        [document["finding_info"]] if kind == 2004 else document["finding_info_list"]
    )
    if not all(info.get("uid") and info.get("title") for info in infos):
        found.append("a finding_info has no uid, or no title")
    found += [
        "an attack is none"
        for info in infos
        for attack in info.get("attacks", ())
        if not attack.keys() & {"tactic", "technique", "sub_technique"}
    ]
    if kind == 2005:
        if "incident" not in metadata.get("profiles", ()):
            found.append("metadata.profiles has no incident")
        if not document.keys() & {"assignee", "assignee_group"}:
            found.append("neither assignee nor assignee_group")
    found += [
        "an observable has no type_id, or no name"
        for each in document.get("observables", ())
        if not (isinstance(each.get("type_id"), int) and each.get("name"))
    ]
    return found
