"""Records in LEEF 2.0, the syntax of IBM QRadar. Pure.

LEEF has no escaping at all: whatever would end a field is made a space, and what others
can write stands last, since of two equal keys the first counts (remote-apis-sinks.md 14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.forwards.records import Sort
from responders.forwards.syslog import (
    ENDS,
    OF_TEN,
    VENDOR,
    VERSION,
    as_text,
    class_of,
    fitting,
    severity_of,
)

if TYPE_CHECKING:
    from responders.forwards.records import Record

VALUE_SIZE = 900


# What QRadar has a name for: its key, the field of the record, and how long it may be.
_KNOWN = {
    Sort.INCIDENT: (("usrName", "accounts"), ("src", "addresses"), ("url", "links")),
    Sort.ACTION: (),
    Sort.AUDIT: (("usrName", "by"),),
    Sort.EVIDENCE: (),
}
_SIZES = {"usrName": 255, "src": 255, "url": 2048}
# Fields that hold nothing of alerts and logs: they come first, and are always there.
_TRUSTED = (
    *("key", "incident", "dedup_key", "forward", "time", "status", "severity"),
    *("sequence", "what", "count", "alerts", "action", "responder", "verb", "attempts"),
)


def line(record: Record, room: int) -> str:
    """The record as one line of at most ``room`` bytes: fields that do not fit are left out."""
    head = f"LEEF:2.0|{VENDOR}|{VENDOR}|{VERSION}|{class_of(record)}|x09|"
    trusted = [
        ("devTime", str(int(record.at.timestamp() * 1000))),
        ("cat", record.sort.value),
        ("sev", str(OF_TEN[severity_of(record)])),
    ]
    flat = {name: value for name, value in record.flat.items() if value is not None}
    del flat["kind"]
    flat.pop("links", None)
    first = [name for name in _TRUSTED if name in flat]
    trusted += [(name, _value(flat.pop(name))) for name in first]
    others = [
        (key, _first(record.flat.get(field), _SIZES[key]))
        for key, field in _KNOWN[record.sort]
    ]
    others += [(name, _value(value)) for name, value in flat.items()]
    pairs = fitting(
        [*trusted, *(pair for pair in others if pair[1])],
        room - len(head.encode()),
        needed=len(trusted),
    )
    return head + "\t".join(f"{key}={value}" for key, value in pairs)


def _value(value: object) -> str:
    return ENDS.sub(" ", as_text(value, VALUE_SIZE))


def _first(value: object, size: int) -> str:
    """The first of a list, or the text itself."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return ENDS.sub(" ", as_text(value or "", size))
