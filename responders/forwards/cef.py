r"""Records in CEF, the syntax of ArcSight and many others. Pure.

In the header `\` and `|` are escaped, in values `\` and `=`; a text is cut before that,
or a lone backslash would eat what follows (remote-apis-sinks.md 13).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

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
    from collections.abc import Iterator

    from responders.forwards.records import Record

_LABELLED = re.compile(r"cs[1-6]|cn[1-3]|flexString[12]|c6a[1-4]")
_IPV4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_IPV6 = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")

_NAMES = {
    Sort.INCIDENT: "Incident",
    Sort.ACTION: "Action on an incident",
    Sort.AUDIT: "Audit trail of an incident",
    Sort.EVIDENCE: "Evidence of an incident",
}


class Key(NamedTuple):
    """A key of CEF's dictionary: the field it is for, its size, and its label."""

    name: str
    field: str
    size: int
    label: str = ""


# Of every record; what is always there comes first.
_COMMON = (
    Key("externalId", "incident", 40),
    Key("deviceExternalId", "key", 255),
    Key("cs5", "forward", 4000, "Forward"),
    Key("flexString1", "dedup_key", 1023, "Dedup Key"),
)
_KEYS = {
    Sort.INCIDENT: (
        Key("outcome", "status", 63),
        Key("cnt", "alerts", 20),
        Key("cn1", "score", 20, "Score"),
        Key("cn2", "epoch", 20, "Epoch"),
        Key("reason", "classification", 1023),
        Key("msg", "title", 1023),
        Key("suser", "accounts", 1023),
        Key("shost", "hosts", 1023),
        Key("cs1", "resources", 900, "Resources"),
        Key("cs2", "tactics", 900, "Tactics"),
        Key("cs3", "techniques", 900, "Techniques"),
        Key("cs4", "problems", 1500, "Problems"),
        Key("cs6", "scope", 1023, "Scope"),
        Key("flexString2", "addresses", 900, "Addresses"),
        Key("request", "links", 1023),
    ),
    Sort.ACTION: (
        Key("outcome", "status", 63),
        Key("act", "verb", 63),
        Key("cn1", "attempts", 20, "Attempts"),
        Key("cs1", "action", 900, "Action"),
        Key("cs2", "occasion", 900, "Occasion"),
        Key("destinationServiceName", "responder", 1023),
        Key("reason", "reason", 1023),
        Key("duser", "target", 1023),
        Key("cs3", "reference", 1500, "Reference"),
        Key("msg", "detail", 1023),
    ),
    Sort.AUDIT: (
        Key("act", "what", 63),
        Key("cnt", "count", 20),
        Key("cn1", "sequence", 20, "Sequence"),
        Key("cs3", "previous", 900, "Previous"),
        Key("suser", "by", 1023),
        Key("cs1", "alerts_named", 1500, "Alerts"),
        Key("cs2", "details", 3000, "Details"),
    ),
    Sort.EVIDENCE: (
        Key("outcome", "status", 63),
        Key("cn1", "row_count", 20, "Rows"),
        Key("cs1", "query", 900, "Query"),
        Key("reason", "reason", 1023),
        Key("cs2", "question", 1023, "Question"),
        Key("cs3", "subject", 1023, "Subject"),
        Key("cs4", "workspace", 900, "Workspace"),
        Key("msg", "reading", 1023),
        Key("flexString2", "rows", 1500, "First Rows"),
    ),
}
# Of a list the first: the key has room for one.
_ONE = frozenset({"suser", "shost", "request"})


def line(record: Record, room: int) -> str:
    """The record as one line of at most ``room`` bytes: fields that do not fit are left out."""
    head = (
        f"CEF:0|{VENDOR}|{VENDOR}|{VERSION}|{header(class_of(record))}"
        f"|{header(_NAMES[record.sort])}|{OF_TEN[severity_of(record)]}|"
    )
    trusted = [
        ("rt", str(int(record.at.timestamp() * 1000))),
        ("cat", record.sort.value),
        *_labelled(record, _COMMON),
    ]
    pairs = fitting(
        [*trusted, *_labelled(record, _KEYS[record.sort]), *_source(record)],
        room - len(head.encode()),
        needed=len(trusted),
    )
    known = {key for key, _ in pairs}
    # A label without its value, or the other way round, says nothing.
    return head + " ".join(
        f"{key}={value}" for key, value in pairs if _partner(key) in known
    )


def header(text: str) -> str:
    """A text as it stands between bars."""
    text = ENDS.sub(" ", text)
    return text.replace("\\", "\\\\").replace("|", "\\|").strip()


def value(text: str) -> str:
    """A text as it stands behind a key."""
    text = ENDS.sub(" ", text)
    return text.replace("\\", "\\\\").replace("=", "\\=").strip()


def _labelled(record: Record, keys: tuple[Key, ...]) -> Iterator[tuple[str, str]]:
    """The pairs of a record, each value that has a label before it."""
    flat = record.flat
    for key in keys:
        found = flat.get(key.field)
        if isinstance(found, list) and (key.name in _ONE or not found):
            found = found[0] if found else None
        if found is None or found == "":
            continue
        yield key.name, value(as_text(found, key.size))
        if key.label:
            yield f"{key.name}Label", key.label


def _source(record: Record) -> Iterator[tuple[str, str]]:
    """The first address of an incident: CEF has another key for version 6."""
    for address in record.data.get("addresses", ())[:1]:
        if _IPV4.fullmatch(address):
            yield "src", address
        elif _IPV6.fullmatch(address):
            yield "c6a2", address
            yield "c6a2Label", "Source IPv6 Address"


def _partner(key: str) -> str:
    """The key that has to be there too: of a value its label, of a label its value."""
    if key.endswith("Label"):
        return key.removesuffix("Label")
    return f"{key}Label" if _LABELLED.fullmatch(key) else key
