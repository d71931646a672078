"""Records in CEF, and read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devhost.outside import lines
from responders.forwards import cef
from responders.forwards.cef import _COMMON, _KEYS, _ONE
from responders.forwards.syslog import LINE_SIZE
from tests.conformance.kit import (
    NASTY,
    dossier_of,
    hostile_evidence,
    hostile_incident,
)
from tests.factories import make_evidence, make_incident
from tests.unit.responders.test_forwards_syslog import records_of

if TYPE_CHECKING:
    from responders.forwards.records import Record

# The dictionary of CEF: key, and how many characters it may have (remote-apis-sinks.md 13).
SIZES = {
    "externalId": 40,
    "deviceExternalId": 255,
    "act": 63,
    "outcome": 63,
    "reason": 1023,
    "msg": 1023,
    "suser": 1023,
    "duser": 1023,
    "shost": 1023,
    "request": 1023,
    "destinationServiceName": 1023,
    "flexString1": 1023,
    **{f"cs{number}": 4000 for number in range(1, 7)},
}


def read(record: Record) -> lines.Line:
    """A record as ArcSight reads it."""
    return lines.read(f"<14>1 - firewatch {cef.line(record, LINE_SIZE)}".encode())


@pytest.mark.parametrize(
    ("text", "header", "value"),
    [
        ("a|b\\c\r\nd", r"a\|b\\c  d", r"a|b\\c  d"),
        ("x cs1=evil", "x cs1=evil", r"x cs1\=evil"),
        ("trailing \\", "trailing \\\\", "trailing \\\\"),
        (" \x00a\u2028 ", "a", "a"),
    ],
)
def test_texts_are_escaped_where_they_stand(text: str, header: str, value: str) -> None:
    """Two rules: between bars, and behind a key."""
    assert cef.header(text) == header
    assert cef.value(text) == value


def test_an_incident_has_a_constant_name_and_its_parts_are_labelled() -> None:
    """Seven parts, then keys of the dictionary."""
    incident = make_incident(
        accounts=("mallory@contoso.com",), addresses=("192.0.2.4",), hosts=("web01",)
    )
    record = records_of(dossier_of(incident))[0]

    line = cef.line(record, LINE_SIZE)

    assert line.startswith("CEF:0|Firewatch|Firewatch|1|incident.open|Incident|8|rt=")
    fields = read(record).fields
    assert fields["src"] == "192.0.2.4"
    assert (fields["suser"], fields["shost"]) == ("mallory@contoso.com", "web01")
    assert fields["msg"] == "Possible web shell detected"
    assert (fields["cs4Label"], json.loads(fields["cs4"])[0]["count"]) == (
        "Problems",
        3,
    )
    assert fields["externalId"] == "inc-1"


def test_an_address_of_version_6_has_a_key_of_its_own() -> None:
    """`src` is of version 4 alone."""
    record = records_of(dossier_of(make_incident(addresses=("2001:db8::1",))))[0]

    fields = read(record).fields

    assert "src" not in fields
    assert (fields["c6a2"], fields["c6a2Label"]) == (
        "2001:db8::1",
        "Source IPv6 Address",
    )


def test_every_kind_of_record_has_its_event() -> None:
    """And nothing of an alert is in the name of it."""
    found = [
        read(each).event
        for each in records_of(dossier_of(make_incident(), [make_evidence()]))
    ]

    assert found == [
        "incident.open",
        "action.applied",
        "audit.alert.joined",
        "audit.incident.changed",
        "evidence.complete",
    ]


def test_no_key_stands_for_two_things() -> None:
    """Of one kind of record, and every one that has a label is one that takes one."""
    for keys in _KEYS.values():
        names = [key.name for key in (*_COMMON, *keys)]
        assert len(names) == len({*names})
        for key in keys:
            assert bool(key.label) == (
                key.name[:2] in {"cs", "fl"} or key.name in {"cn1", "cn2"}
            )


def test_nasty_texts_come_back_as_they_were() -> None:
    """Five hundred of them; no key is one of theirs, and none is longer than it may be."""
    assert len(NASTY) >= 500
    compared = 0
    for start in range(0, len(NASTY), 40):
        texts = NASTY[start : start + 40]
        dossier = dossier_of(hostile_incident(*texts), hostile_evidence(*texts))
        for record in records_of(dossier):
            fields = read(record).fields
            flat = record.flat
            known = {key.name: key for key in (*_COMMON, *_KEYS[record.sort])}
            labels = {f"{name}Label" for name in known}
            extra = {"rt", "cat", "src", "c6a2", "c6a2Label"}
            assert fields.keys() <= known.keys() | labels | extra
            for name in fields.keys() & known.keys():
                assert same(fields[name], flat, known[name]), (name, fields[name])
                assert len(fields[name]) <= SIZES.get(name, 4000)
                compared += 1
    assert compared > 5_000


def same(told: str, flat: dict[str, Any], key: cef.Key) -> bool:
    """Whether a value came back as it was; of a list, and of a long text, a part may be missing."""
    value = flat[key.field]
    if isinstance(value, list) and key.name in _ONE:
        value = value[0]
    if isinstance(value, str):
        is_cut = len(told.encode()) > key.size - 4
        return told == value or (is_cut and value.startswith(told))
    if isinstance(value, list):
        found = json.loads(told)
        return bool(found == value[: len(found)])
    return bool(json.loads(told) == value)
