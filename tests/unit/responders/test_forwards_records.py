"""The records that every sink sends."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from responders.base import forwards
from responders.forwards.records import (
    MOST_ALERTS,
    Record,
    Sort,
    incident_data,
    records,
)
from shared.model.dossier import Dossier
from shared.model.incident import (
    Classification,
    ClosingReason,
    Entry,
    Fact,
    IncidentStatus,
    Mark,
    Verdict,
)
from shared.model.text import plain
from tests.conformance.kit import NASTY, dossier_of, hostile_evidence, hostile_incident
from tests.factories import NOON, make_evidence, make_incident, make_problem, make_risk

# More would not fit a hub of the smallest tier twice.
LARGEST = 80_000


def records_of(dossier: Dossier) -> list[Record]:
    """The records of a forward."""
    [action] = forwards(dossier.incident, "siem")
    return records(replace(action, dossier=dossier), dossier)


def test_each_has_a_key_that_stays() -> None:
    """The same thing has the same key in another forward; no two share one."""
    incident = make_incident(tactics=("a", "b"))
    once = records_of(dossier_of(incident, [make_evidence(), make_evidence("other")]))
    again = records_of(dossier_of(incident, [make_evidence(), make_evidence("other")]))

    keys = [record.key for record in once]
    assert keys == [record.key for record in again]
    assert len(keys) == len({*keys}) == 1 + 2 + 4 + 2


def test_an_incident_says_who_ended_it_and_as_what() -> None:
    """All of its life is on it."""
    mark = Mark(by="ada@contoso.com", at=NOON, note="rotated")
    found = incident_data(
        make_incident(
            status=IncidentStatus.CLOSED,
            acknowledged=mark,
            resolved=mark,
            verdict=Verdict(
                classification=Classification.TRUE_POSITIVE,
                reason=ClosingReason.SUSPICIOUS_ACTIVITY,
            ),
            risk=make_risk(),
        )
    )

    assert found["status"] == "closed"
    assert found["classification"] == "true_positive"
    assert found["reason"] == "suspicious_activity"
    assert found["acknowledged_by"] == found["resolved_by"] == "ada@contoso.com"
    assert found["score"] == 60
    assert found["problems"][0]["count"] == 3


def test_a_thousand_alerts_of_an_entry_are_one_record() -> None:
    """They are counted, and a few are named; the archive has them all."""
    facts = tuple(Fact(kind="alert.joined", alert=f"id-{n}") for n in range(1000))
    entry = Entry(sequence=1, at=NOON, by="ingest", facts=facts, previous="")

    _, audit = records_of(Dossier(incident=make_incident(), entries=(entry,)))

    assert audit.sort is Sort.AUDIT
    assert audit.data["count"] == 1000
    assert len(audit.data["alerts_named"]) == MOST_ALERTS


def test_nothing_in_the_largest_incident_is_too_large() -> None:
    """Whatever alerts hold, and however many."""
    huge = "\U0001f525" * 3000
    incident = replace(
        make_incident(
            problems={f"fp-{n}": make_problem(title=huge) for n in range(150)},
            resources=(huge,) * 50,
            tactics=(huge,) * 30,
        ),
        techniques=(huge,) * 20,
        accounts=(huge,) * 20,
        addresses=(huge,) * 20,
        hosts=(huge,) * 20,
        products=(huge,) * 20,
        absorbed=(huge,) * 200,
        links=tuple(f"https://portal.example/{'x' * 1900}{n}" for n in range(30)),
    )
    evidence = make_evidence(rows=((huge,) * 20,) * 100, columns=(huge,) * 20)

    for record in records_of(dossier_of(incident, [evidence])):
        assert len(msgspec.json.encode(record.flat)) < LARGEST, record.sort


def test_texts_are_what_they_were_but_for_what_is_documented() -> None:
    """One line, NFC, no invisible characters, no live URL, cut: nothing else changes."""
    for text in NASTY:
        found = incident_data(
            make_incident(problems={"fp": make_problem(title=text)}, hosts=(text,))
        )

        assert found["title"] == (plain(text, 300) or "alert without a title")
        assert found["hosts"] in ([plain(text, 512)], [])
        assert len(plain(text, 512).encode()) > 1500 or found["hosts"]


def test_hostile_records_are_json_that_says_the_same() -> None:
    """Five hundred texts, wherever an alert or a log can put some."""
    for start in range(0, len(NASTY), 40):
        texts = NASTY[start : start + 40]
        dossier = dossier_of(hostile_incident(*texts), hostile_evidence(*texts))
        for record in records_of(dossier):
            encoded = msgspec.json.encode(record.flat)
            assert msgspec.json.decode(encoded) == record.flat
            assert b"\n" not in encoded
