"""What Log Analytics' ingestion is sent."""

from __future__ import annotations

import gzip
import json

import pytest
from msgspec.structs import replace

from devhost.outside.logs_ingestion import RULE, STREAMS
from responders import logs_ingestion
from responders.base import forwards
from responders.forwards.records import records
from responders.logs_ingestion import LogsIngestion, column, row_of
from shared.model.errors import SettingsError
from shared.model.http import Reply
from tests.conformance.kit import (
    NASTY,
    OutsideWorld,
    dossier_of,
    hostile_evidence,
    hostile_incident,
    outside_world,
    planned,
)
from tests.factories import make_evidence, make_incident
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

ENDPOINT = "https://dce.westeurope-1.ingest.monitor.azure.com"
TAKEN = Reply(status=204, headers={}, body=b"")
# Of every table; `Type` is the table's own, and so on.
RESERVED = {"_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId"}
RESERVED |= {"Title"}


def make_ingestion(http: FakeHttp, **changes: str) -> LogsIngestion:
    """A rule at an endpoint."""
    given = {"endpoint": ENDPOINT, "rule": RULE} | changes
    return LogsIngestion(
        "sentinel", LogsIngestion.Config(**given), make_ports(http, {})
    )


async def forward(responder: LogsIngestion) -> None:
    """Forward an incident with evidence."""
    incident, evidence = make_incident(), [make_evidence()]
    [action] = await responder.plan(incident)
    dossier = dossier_of(incident, evidence)
    await responder.apply(replace(action, dossier=dossier))


async def test_each_kind_goes_to_its_stream() -> None:
    """A call for each table, compressed, by the app's own identity."""
    http = FakeHttp(default=TAKEN)

    await forward(make_ingestion(http))

    assert [sent.url for sent in http.sent] == [
        f"{ENDPOINT}/dataCollectionRules/{RULE}/streams/Custom-Firewatch{table}"
        "?api-version=2023-01-01"
        for table in ("Incidents", "Actions", "Audit", "Evidence")
    ]
    assert {sent.headers["authorization"] for sent in http.sent} == {
        "Bearer t0ken-of-the-app"
    }
    [row] = json.loads(gzip.decompress(http.sent[0].body))
    assert row["IncidentTitle"] == "Possible web shell detected"
    assert row["TimeGenerated"] == "2026-11-23T12:00:00.000Z"


async def test_the_audience_is_that_of_the_cloud() -> None:
    """With one slash before `.default`."""
    asked: list[str] = []

    async def token(scope: str) -> str:
        asked.append(scope)
        return "t"

    http = FakeHttp(default=TAKEN)
    ports = make_ports(http, {})._replace(token=token)
    for audience in ("https://monitor.azure.com", "https://monitor.azure.us/"):
        config = LogsIngestion.Config(endpoint=ENDPOINT, rule=RULE, audience=audience)
        await forward(LogsIngestion("sentinel", config, ports))

    assert {*asked} == {
        "https://monitor.azure.com/.default",
        "https://monitor.azure.us/.default",
    }


async def test_no_call_is_over_a_megabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is more goes with another."""
    monkeypatch.setattr(logs_ingestion, "CALL_SIZE", 2_000)
    http = FakeHttp(default=TAKEN)
    incident = make_incident(tactics=tuple(f"tactic {n}" for n in range(30)))
    responder = make_ingestion(http)
    [action] = await responder.plan(incident)

    outcome = await responder.apply(replace(action, dossier=dossier_of(incident)))

    bodies = [gzip.decompress(sent.body) for sent in http.sent]
    assert all(len(body) <= 2_100 for body in bodies)
    assert sum(len(json.loads(body)) for body in bodies) == 1 + 30 + 60
    assert outcome.traffic is not None
    assert outcome.traffic.calls == len(bodies)


def test_the_streams_declare_every_field_and_no_other() -> None:
    """Or it would be dropped without a word."""
    declared = {
        stream: {each["name"] for each in given["columns"]}
        for stream, given in json.loads(STREAMS.read_text("utf-8")).items()
    }
    incident = make_incident()
    [action] = forwards(incident, "sentinel")

    found: dict[str, set[str]] = {}
    for record in records(action, dossier_of(incident, [make_evidence()])):
        stream = logs_ingestion.STREAMS[record.sort]
        found.setdefault(stream, set()).update(row_of(record))

    assert declared == found
    assert not RESERVED & {name for names in declared.values() for name in names}
    assert all(name.isalnum() and len(name) <= 45 for n in found.values() for name in n)


def test_columns_are_called_as_fields_are() -> None:
    """But for those whose names are taken."""
    names = ("dedup_key", "alerts", "key", "time", "title")

    assert [*map(column, names)] == [
        "DedupKey",
        "Alerts",
        "RowKey",
        "TimeGenerated",
        "IncidentTitle",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "http://dce.example"},
        {"rule": "/subscriptions/x/dataCollectionRules/firewatch"},
        {"audience": "monitor.azure.com"},
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, str]) -> None:
    """At start, by their names."""
    with pytest.raises(
        SettingsError, match=rf"responders\.sentinel\.{next(iter(changes))}"
    ):
        make_ingestion(FakeHttp(), **changes)


async def test_nasty_texts_are_in_the_tables_as_they_were_sent() -> None:
    """Over a real socket: nothing is dropped, and every row is what its record is."""
    async with outside_world("logs-ingestion") as world:
        assert isinstance(world, OutsideWorld)
        side = world._outside.logs_ingestion
        texts = [text for text in NASTY if len(text) < 200]
        for start in range(0, len(texts), 90):
            some = texts[start : start + 90]
            incident, evidence = hostile_incident(*some), hostile_evidence(*some)
            [action] = await planned(world, incident, evidence)
            await world.responder.apply(action)
            expected = [
                {
                    name: value
                    for name, value in row_of(record).items()
                    if value is not None
                }
                for record in records(action, dossier_of(incident, evidence))
            ]

            arrived = [row for rows in side.rows.values() for row in rows]
            assert arrived == expected
            side.rows.clear()
    assert side.dropped == set()
    assert side.refused == []
