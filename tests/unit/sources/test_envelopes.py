"""CloudEvents and Event Grid events: what is inside, and what is no alert."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.model.errors import AlertRejected
from shared.sources import cloud_events, event_grid
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given, sample

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
EVENT = {"specversion": "1.0", "id": "1", "source": "/x", "type": "com.contoso.alert"}
GRID = {"eventType": "Contoso.Alert", "eventTime": "2026-11-02T09:15:30Z"}


def unwrap(raw: dict[str, Any]) -> Fields | str:
    fields = Fields(raw, "$")
    if cloud_events.recognises(fields):
        return cloud_events.read(fields, received_at=NOW)
    assert event_grid.recognises(fields)
    return event_grid.read(fields, received_at=NOW)


def unwrap_all(body: bytes) -> list[Fields | str]:
    return [unwrap(unit.fields) for unit in units(body) if unit.fields is not None]


@pytest.mark.parametrize("quirk", ["base64", "text_data", "batch"])
def test_a_cloud_event_gives_what_is_inside(quirk: str) -> None:
    """Data as an object, as a text, in base64, and in a batch: it is the same alert."""
    first, *_ = unwrap_all(sample("cloud-events", f"{quirk}.json"))

    assert isinstance(first, Fields)
    assert first.text("schemaId") == "azureMonitorCommonAlertSchema"


def test_a_batch_is_as_many_events() -> None:
    """Each event of it is unwrapped alone."""
    found = unwrap_all(sample("cloud-events", "batch.json"))

    assert len(found) == 2


def test_an_event_grid_event_gives_what_is_inside() -> None:
    """A custom event may carry an alert; its subject may be empty."""
    (found,) = unwrap_all(sample("event-grid", "wrapped_alert.json"))

    assert isinstance(found, Fields)
    assert found.text("schemaId") == "azureMonitorCommonAlertSchema"


def test_the_place_of_what_is_inside_is_known() -> None:
    """Problems inside are told with the path through the envelope."""
    data = base64.b64encode(b'{"a": 1}').decode()

    paths = [
        found.path
        for found in (
            unwrap(EVENT | {"data": {"a": 1}}),
            unwrap(EVENT | {"data": [{"a": 1}]}),
            unwrap(EVENT | {"data_base64": data}),
        )
        if isinstance(found, Fields)
    ]

    assert paths == ["$.data", "$.data[0]", "$.data_base64"]


def test_azures_notifications_are_ignored_by_type() -> None:
    """Resources that were written or deleted are no alerts."""
    assert unwrap_all(sample("event-grid", "resource_write.json")) == [
        "Event Grid event (Microsoft.Resources.ResourceWriteSuccess), not an alert"
    ]
    assert unwrap_all(sample("cloud-events", "resource_deleted.json")) == [
        "CloudEvent (Microsoft.ResourceNotifications.Resources.Deleted), not an alert"
    ]


def test_a_notification_of_graph_has_no_alert_in_it() -> None:
    """It carries an id only, and the reason says so."""
    assert unwrap_all(sample("cloud-events", "graph_alert_created.json")) == [
        "CloudEvent (Microsoft.Graph.AlertCreated), which carries only an alert's id"
    ]


def test_a_handshake_is_no_unit() -> None:
    """From the hub, or among other events, nothing answers it."""
    assert unwrap_all(sample("event-grid", "validation.json")) == [
        "a handshake of Event Grid, not an alert"
    ]


@pytest.mark.parametrize(
    "event",
    [
        EVENT | {"type": "Microsoft.Security.AlertRaised", "data": {"x": 1}},
        EVENT | {"type": "Microsoft.Security.Event", "data": {"systemAlertId": "1"}},
        GRID | {"eventType": "Microsoft.X.Y", "subject": "", "data": {"SchemaId": "z"}},
    ],
)
def test_what_looks_like_an_alert_is_looked_into(event: dict[str, Any]) -> None:
    """An alert of Azure's that we do not know yet must not vanish."""
    assert isinstance(unwrap(event), Fields)


def test_a_strange_type_is_not_repeated() -> None:
    """Reasons are read by people and programs."""
    reason = unwrap(EVENT | {"type": "Microsoft.<b>\u202e", "data": {}})

    assert reason == "CloudEvent (unnamed), not an alert"


@pytest.mark.parametrize(
    ("data", "path", "problem"),
    [
        ({}, "$.data", "is missing; expected an object"),
        ({"data": None}, "$.data", "is missing; expected an object"),
        ({"data": 7}, "$.data", "is no object; expected an object"),
        ({"data": [{}, {}]}, "$.data", "is no object; expected an object"),
        ({"data": "<xml/>"}, "$.data", "is no object; expected an object"),
        ({"data_base64": "%%"}, "$.data_base64", "is not JSON in base64"),
        ({"data_base64": "eA=="}, "$.data_base64", "is not JSON in base64"),
    ],
)
def test_a_custom_event_without_an_object_is_rejected(
    data: dict[str, Any], path: str, problem: str
) -> None:
    """It is kept in a dead letter, which says where it is wrong."""
    with pytest.raises(AlertRejected) as caught:
        unwrap(EVENT | data)

    assert (caught.value.path, caught.value.problem) == (path, problem)


BINARY = {
    "content-type": "application/json; charset=utf-8",
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/x",
    "ce-type": "com.contoso.alert",
    "x-firewatch-key": "secret",
}


def test_binary_mode_becomes_structured() -> None:
    """Attributes come from the headers, data is the body; no other header is kept."""
    body = b'\xef\xbb\xbf {"n": 123456789012345678901234567890}\n'

    found = cloud_events.structured(BINARY, body)

    assert found == (
        b'{"specversion":"1.0","id":"1","source":"/x","type":"com.contoso.alert",'
        b'"data":{"n": 123456789012345678901234567890}}'
    )


def test_binary_mode_decodes_percent_encoding() -> None:
    """Header values are percent-encoded UTF-8."""
    found = cloud_events.structured(BINARY | {"ce-subject": "K%C3%B6ln%20%22x"}, b"{}")

    assert found is not None
    assert msgspec.json.decode(found)["subject"] == 'Köln "x'


@pytest.mark.parametrize(
    "body", [b"<xml/>", b'{"a": 1} {"b": 2}', b"\xff", b"[" * 5000]
)
def test_a_binary_body_that_is_no_json_is_kept_in_base64(body: bytes) -> None:
    """It cannot break out of the event that it is put into."""
    found = cloud_events.structured(BINARY, body)

    assert found is not None
    event = msgspec.json.decode(found)
    assert base64.b64decode(event["data_base64"]) == body
    with pytest.raises(AlertRejected):
        unwrap(event)


def test_the_data_cannot_come_from_a_header() -> None:
    """ce-data is no attribute."""
    found = cloud_events.structured(BINARY | {"ce-data": "x"}, b"")

    assert found is not None
    assert "data" not in msgspec.json.decode(found)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json", "ce-id": "1"},
        BINARY | {"content-type": "application/cloudevents+json"},
        BINARY | {"content-type": "Application/CloudEvents-Batch+json; charset=utf-8"},
    ],
)
def test_other_requests_are_not_binary_mode(headers: dict[str, str]) -> None:
    """A structured event may repeat its attributes in headers."""
    assert cloud_events.structured(headers, b"{}") is None


def test_given_events() -> None:
    """None of the events that were given is an alert."""
    bodies = given("eventgrid")
    events = {n: body for n, body in bodies.items() if not n.startswith("examples_")}

    found = {name: unwrap_all(body) for name, body in events.items()}

    assert all(isinstance(each, str) for (each,) in found.values())
    assert "handshake" in str(found["subscription-validation-request.json"])
    assert "only an alert's id" in str(found["graph-AlertCreated-cloudevent.json"])
