"""What a hub is sent: OCSF, ECS, or records as they are."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from devhost.outside import ocsf as reader
from responders.event_hub import EventHub
from responders.forwards import ecs, ocsf
from responders.forwards.records import Record, Sort
from shared.model.errors import SettingsError
from shared.model.incident import Classification, IncidentStatus, Mark, Verdict
from tests.conformance.kit import NASTY, dossier_of, hostile_evidence, hostile_incident
from tests.factories import NOON, make_evidence, make_incident, make_problem, make_risk
from tests.fakes.http import FakeHttp
from tests.fakes.outlets import FakeOutlets
from tests.fakes.ports import make_ports
from tests.unit.responders.test_forwards_syslog import records_of

CONNECTION = (
    "Endpoint=sb://siem.servicebus.windows.net/;SharedAccessKeyName=s;SharedAccessKey=k"
)
ADA = Mark(by="ada@contoso.com", at=NOON, note="looking")
INCIDENT = make_incident(
    problems={
        "fp-1": make_problem(),
        "fp-2": make_problem(title="Brute force", alert_type="VM_BruteForce"),
    },
    accounts=("mallory@contoso.com",),
    addresses=("192.0.2.4",),
    hosts=("web01",),
    techniques=("T1110",),
    risk=make_risk(),
)


def make_hub(outlets: FakeOutlets, **changes: object) -> EventHub:
    """A hub that is written to by a connection string."""
    given = {"hub": "siem", "connection": {"setting": "HUB"}} | changes
    config = msgspec.convert(
        {k: v for k, v in given.items() if v is not None}, EventHub.Config
    )
    ports = make_ports(FakeHttp(), {"HUB": CONNECTION}, outlets=outlets.outlets)
    return EventHub("siem", config, ports)


async def sent(kind: str) -> list[dict[str, Any]]:
    """The events of a forward."""
    outlets = FakeOutlets()
    responder = make_hub(outlets, format=kind)
    [action] = await responder.plan(INCIDENT)
    dossier = dossier_of(INCIDENT, [make_evidence()])
    await responder.apply(replace(action, dossier=dossier))
    return [
        json.loads(line) for each in outlets.sent for line in each.body.splitlines()
    ]


def incident_record(**changes: object) -> Record:
    """The first record of a forward of the incident."""
    return records_of(dossier_of(replace(INCIDENT, **changes)))[0]


async def test_each_event_bears_its_key_and_its_incidents_order() -> None:
    """Readers tell repeats by the property; what is of one incident stays in order."""
    outlets = FakeOutlets()
    responder = make_hub(outlets)
    [action] = await responder.plan(INCIDENT)

    await responder.apply(replace(action, dossier=dossier_of(INCIDENT)))

    [call] = outlets.sent
    keys = [json.loads(line)["metadata"]["uid"] for line in call.body.splitlines()]
    assert [*call.headers] == keys
    assert {*call.headers.values()} == {"inc-1"}
    assert len(keys) == len({*keys}) == 3 + 1 + 2


async def test_ocsf_is_one_incident_finding_and_a_detection_for_each_problem() -> None:
    """And what is on record of it are updates."""
    found = await sent("ocsf")

    assert [each["class_uid"] for each in found] == [
        2005,
        2004,
        2004,
        2005,
        2005,
        2005,
        2005,
    ]
    assert [each["type_uid"] for each in found[:3]] == [200501, 200401, 200401]
    assert [each["type_uid"] for each in found[3:]] == [200502] * 4
    assert [problem for each in found for problem in reader.problems(each)] == []
    incident, first = found[:2]
    assert incident["severity_id"] == 4
    assert incident["status"] == "New"
    assert [info["title"] for info in incident["finding_info_list"]] == [
        "Possible web shell detected",
        "Brute force",
    ]
    assert first["finding_info"]["uid"] == incident["finding_info_list"][0]["uid"]
    assert first["count"] == 3
    assert first["time"] == int(NOON.timestamp() * 1000)
    assert {each["value"] for each in first["observables"]} == {
        "mallory@contoso.com",
        "192.0.2.4",
        "web01",
    }
    assert incident["metadata"]["correlation_uid"].startswith("fw-inc-1-")


@pytest.mark.parametrize(
    ("changes", "activity", "incident", "detection"),
    [
        ({}, 1, (1, "New"), (1, "New")),
        ({"acknowledged": ADA}, 1, (2, "In Progress"), (2, "In Progress")),
        (
            {"status": IncidentStatus.RESOLVED, "resolved": ADA},
            3,
            (4, "Resolved"),
            (4, "Resolved"),
        ),
        (
            {"status": IncidentStatus.CLOSED, "resolved": ADA},
            3,
            (5, "Closed"),
            (4, "Resolved"),
        ),
        (
            {"status": IncidentStatus.MERGED, "merged_into": "inc-2"},
            3,
            (99, "Merged"),
            (99, "Merged"),
        ),
    ],
)
def test_the_two_classes_number_their_states_each_its_own_way(
    changes: dict[str, Any],
    activity: int,
    incident: tuple[int, str],
    detection: tuple[int, str],
) -> None:
    """Closed is 5 of an incident, and Resolved of a detection."""
    first, second, *_ = ocsf.documents(incident_record(**changes))

    assert first["activity_id"] == second["activity_id"] == activity
    assert (first["status_id"], first["status"]) == incident
    assert (second["status_id"], second["status"]) == detection
    assert reader.problems(first) == reader.problems(second) == []


def test_what_goes_on_is_an_update() -> None:
    """Once anything of it was forwarded."""
    record = replace(incident_record(), is_first=False)

    assert {each["activity_id"] for each in ocsf.documents(record)} == {2}


@pytest.mark.parametrize(
    ("classification", "verdict"),
    [
        (Classification.TRUE_POSITIVE, (2, "True Positive")),
        (Classification.FALSE_POSITIVE, (1, "False Positive")),
        (Classification.BENIGN_POSITIVE, (5, "Benign")),
        (Classification.UNDETERMINED, (7, "Insufficient Data")),
    ],
)
def test_a_verdict_is_told(
    classification: Classification, verdict: tuple[int, str]
) -> None:
    """In OCSF's words."""
    closed = {"status": IncidentStatus.CLOSED, "resolved": ADA}
    record = incident_record(verdict=Verdict(classification=classification), **closed)

    first = ocsf.documents(record)[0]

    assert (first["verdict_id"], first["verdict"]) == verdict
    assert reader.problems(first) == []


def test_who_has_it_is_the_assignee() -> None:
    """One of two fields has to be there."""
    [taken, *_] = ocsf.documents(incident_record(acknowledged=ADA))
    [open_, *_] = ocsf.documents(incident_record())

    assert taken["assignee"] == {"name": "ada@contoso.com"}
    assert "assignee" not in open_
    assert open_["assignee_group"]


def test_the_reader_finds_what_is_wrong() -> None:
    """Or the tests above would hold whatever was sent."""
    good = ocsf.documents(incident_record())[0]
    wrong: list[dict[str, Any]] = [
        {"type_uid": 200402},
        {"time": 1_700_000_000},
        {"severity_id": 7},
        {"status_id": 4},
        {"finding_info_list": []},
        {"metadata": {"version": "1.5.0", "product": {"name": "x"}}},
        {"category_uid": 1},
        {"class_uid": 2001},
        {"assignee_group": None},
    ]

    for each in wrong:
        changed = {k: v for k, v in (good | each).items() if v is not None}
        assert reader.problems(changed), each


async def test_ecs_has_its_fields_and_the_record_below_ours() -> None:
    """By the names of the schema; lists where it has lists."""
    found = await sent("ecs")
    first = found[0]

    assert len(found) == 5
    assert first["@timestamp"] == "2026-11-23T12:00:00.000Z"
    assert first["ecs"] == {"version": "9.1.0"}
    assert first["event"]["kind"] == "alert"
    assert {each["event"]["kind"] for each in found[1:]} == {"event"}
    assert first["event"]["severity"] == 4
    assert first["event"]["risk_score"] == 60
    assert first["rule"]["name"] == "Possible web shell detected"
    assert first["threat"]["technique"] == {"id": ["T1110"]}
    assert first["user"] == {"name": ["mallory@contoso.com"]}
    assert first["source"] == {"ip": ["192.0.2.4"]}
    assert first["cloud"]["account"]["id"] == INCIDENT.scope
    assert found[1]["event"]["outcome"] == "success"
    assert len({each["event"]["id"] for each in found}) == 5


async def test_raw_is_the_record() -> None:
    """As Splunk gets it."""
    found = await sent("raw")

    records = records_of(dossier_of(INCIDENT, [make_evidence()]))
    expected = [record.flat | {"forward": found[0]["forward"]} for record in records]
    assert [each | {"dedup_key": ""} for each in found] == [
        each | {"dedup_key": ""} for each in expected
    ]


def test_nasty_texts_come_back_as_they_were() -> None:
    """Five hundred of them, in both schemas; every document is one that a reader takes."""
    compared = 0
    for start in range(0, len(NASTY), 40):
        texts = NASTY[start : start + 40]
        dossier = dossier_of(hostile_incident(*texts), hostile_evidence(*texts))
        for record in records_of(dossier):
            given = {k: v for k, v in record.flat.items() if v not in (None, "", {})}
            found = json.loads(msgspec.json.encode(ecs.document(record)))
            assert found["firewatch"] == given
            documents = json.loads(msgspec.json.encode(ocsf.documents(record)))
            assert documents[0]["unmapped"] == record.flat
            assert [p for each in documents for p in reader.problems(each)] == []
            if record.sort is Sort.INCIDENT:
                titles = [each["title"] for each in record.data["problems"]]
                assert [each["message"] for each in documents[1:]] == titles
            compared += 1
    assert compared > 500


@pytest.mark.parametrize(
    "changes",
    [
        {"hub": "a/b"},
        {"namespace": "https://siem.servicebus.windows.net", "connection": None},
        {"connection": None},
        {"namespace": "siem.servicebus.windows.net"},
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object]) -> None:
    """At start: one way to sign in, and not two."""
    with pytest.raises(SettingsError, match=r"responders\.siem\."):
        make_hub(FakeOutlets(), **changes)


def test_the_address_is_what_the_policy_says() -> None:
    """By our identity, or by a connection string."""
    outlets = FakeOutlets()
    make_hub(outlets, namespace="siem.servicebus.windows.net", connection=None)
    make_hub(outlets)

    assert outlets.addresses[0].namespace == "siem.servicebus.windows.net"
    assert outlets.addresses[0].connection is None
    assert outlets.addresses[1].connection is not None
