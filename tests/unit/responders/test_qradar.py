"""Records in LEEF 2.0, and read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from devhost.outside import lines
from responders.forwards import leef
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

# What is there whatever else there is not.
ALWAYS = {"devTime", "cat", "sev", "key", "incident", "dedup_key", "forward", "time"}
# QRadar's own names for what is a field too.
OWN = {"devTime", "cat", "sev", "usrName", "src", "url"}


def read(record: Record) -> lines.Line:
    """A record as QRadar reads it."""
    return lines.read(f"<14>1 - firewatch {leef.line(record, LINE_SIZE)}".encode())


def same(told: str, value: Any) -> bool:  # noqa: ANN401  whatever a record holds
    """Whether a field came back as it was; of a list, and of a long text, a part may be missing."""
    if isinstance(value, str):
        return told == value or (len(told.encode()) > 890 and value.startswith(told))
    if isinstance(value, list):
        found = json.loads(told)
        return bool(found == value[: len(found)])
    return bool(json.loads(told) == value)


def test_an_incident_is_one_event_of_a_known_kind() -> None:
    """Event and category are of small sets, so that they map to a QID."""
    record = records_of(dossier_of(make_incident(accounts=("mallory@contoso.com",))))[0]

    line = leef.line(record, LINE_SIZE)

    assert line.startswith("LEEF:2.0|Firewatch|Firewatch|1|incident.open|x09|devTime=")
    fields = read(record).fields
    assert fields["devTime"] == str(int(record.at.timestamp() * 1000))
    assert (fields["cat"], fields["sev"]) == ("incident", "8")
    assert fields["usrName"] == "mallory@contoso.com"
    assert fields["title"] == "Possible web shell detected"
    assert json.loads(fields["problems"])[0]["count"] == 3


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


def test_nasty_texts_come_back_as_they_were() -> None:
    """Five hundred of them; no key is one of theirs, and what is trusted comes first."""
    assert len(NASTY) >= 500
    compared = 0
    for start in range(0, len(NASTY), 40):
        texts = NASTY[start : start + 40]
        dossier = dossier_of(hostile_incident(*texts), hostile_evidence(*texts))
        for record in records_of(dossier):
            fields = read(record).fields
            flat = record.flat
            assert fields.keys() >= ALWAYS
            assert fields.keys() <= flat.keys() | OWN
            for key in fields.keys() & flat.keys():
                assert same(fields[key], flat[key]), (key, fields[key])
                compared += 1
    assert compared > 5_000


def test_who_writes_a_delimiter_writes_a_blank() -> None:
    """It would begin a field of its own."""
    record = records_of(dossier_of(make_incident()))[0]
    record.data["title"] = "a\tsev=1\ttitle=b\nc"

    fields = read(record).fields

    assert fields["title"] == "a sev=1 title=b c"
    assert fields["sev"] == "8"
