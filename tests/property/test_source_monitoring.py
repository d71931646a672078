"""Azure Monitor, the activity log and the envelopes, against arbitrary JSON.

Each starts from a payload that is right, since what is all garbage is refused at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.alert import Alert
from shared.model.errors import AlertRejected
from shared.model.text import one_line
from shared.sources import (
    activity_log,
    azure_monitor,
    azure_monitor_legacy,
    cloud_events,
    diagnostics,
    event_grid,
)
from shared.sources.building import LONGEST_TYPE
from shared.sources.fields import Fields
from shared.sources.framing import units
from shared.triggers import handshake
from tests.property.feeds import QUICK
from tests.property.hostile import VALUES, deep, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parents[1] / "samples"
FORMATS: dict[str, Any] = {
    module.KIND: module
    for module in (
        azure_monitor,
        azure_monitor_legacy,
        cloud_events,
        event_grid,
        diagnostics,
        activity_log,
    )
}
PAYLOADS = {
    kind: [
        unit.fields
        for path in sorted((SAMPLES / kind).glob("*.json"))
        for unit in units(path.read_bytes())
        if unit.fields is not None
    ]
    for kind in FORMATS
}

# Besides what is hostile anywhere: times and ids at the edges, and text that is JSON.
EDGES = st.sampled_from(
    [
        *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59"),
        *("2/30/2026 25:61:61 PM", "0000000000000000000_a", "/" * 500),
        *("[" * 600 + "]" * 600, '{"value": [1]}', {"value": None}),
        [{"name": "x", "value": {"value": 1}}],
    ]
)
GARBAGE = VALUES | EDGES | st.builds(deep)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something could stand that does not belong there."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield (*path, number)
            yield from places(inner, (*path, number))


def replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:  # noqa: ANN401  JSON
    """A copy with another value at one place; without it for ``...``."""
    name, *rest = path
    inner = replaced(value[name], tuple(rest), new) if rest else new
    if isinstance(value, list):
        return [*value[:name], *([] if inner is ... else [inner]), *value[name + 1 :]]
    kept = {key: each for key, each in value.items() if key != name or inner is not ...}
    return kept if inner is ... else kept | {name: inner}


@st.composite
def spoilt(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """A payload of the kind with a few places spoilt or left out."""
    payload = draw(st.sampled_from(PAYLOADS[kind]))
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from(list(places(payload)) or [()]))
        if where:
            payload = replaced(payload, where, draw(GARBAGE | st.just(...)))
    found: dict[str, Any] = payload
    return found


@pytest.mark.parametrize("kind", FORMATS)
@QUICK
@given(data=st.data())
def test_a_spoilt_payload_is_read_or_rejected(kind: str, data: st.DataObject) -> None:
    """Nothing but the typed rejection is raised, and what is read can be stored."""
    fields = Fields(data.draw(spoilt(kind)), "$")
    reader = FORMATS[kind]

    if reader.recognises(fields):
        found: object = outcome(reader.read, fields)
        if isinstance(found, AlertRejected):
            assert found.path.startswith("$")
        elif isinstance(found, Alert):
            assert found.kind == kind
            assert 0 < len(found.alert_type) <= LONGEST_TYPE
            assert one_line(found.alert_type) == found.alert_type
        elif isinstance(found, str):
            assert len(found) < 200
            assert found.isprintable()
        else:
            assert isinstance(found, Fields)


@QUICK
@given(raw=st.dictionaries(st.text(max_size=12), GARBAGE, max_size=6))
def test_arbitrary_objects_are_told_apart_without_raising(raw: dict[str, Any]) -> None:
    """Recognising only looks names up."""
    fields = Fields(raw, "$")

    assert {module.recognises(fields) for module in FORMATS.values()} <= {True, False}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_payload_is_of_its_own_kind_alone(kind: str) -> None:
    """No other row of the table takes it first or last."""
    for payload in PAYLOADS[kind]:
        fields = Fields(payload, "$")

        assert [k for k, each in FORMATS.items() if each.recognises(fields)] == [kind]


headers = st.dictionaries(
    st.sampled_from(
        [
            "ce-specversion",
            "ce-id",
            "ce-data",
            "ce-x\u00e4",
            "content-type",
            "aeg-event-type",
            "webhook-request-origin",
            "webhook-request-rate",
        ]
    ),
    ANY_TEXT | st.sampled_from(["SubscriptionValidation", "a.example", "%80%", "1"]),
)
bodies = st.binary(max_size=40) | st.sampled_from(
    [b"[{}]", b'{"a": "\\ud800"}', b"[" * 5000, b'[{"data": {"validationCode": []}}]']
)


@QUICK
@given(headers=headers, body=bodies)
def test_a_binary_request_becomes_one_event_with_its_body(
    headers: dict[str, str], body: bytes
) -> None:
    """Whatever it holds, it stays one unit, and no byte of the body is lost."""
    found = cloud_events.structured({"ce-specversion": "1.0"} | headers, body)

    if found is not None:
        (unit,) = units(found)
        assert unit.fields is None or cloud_events.recognises(Fields(unit.fields, "$"))
        event = msgspec.json.decode(found, type=dict[str, msgspec.Raw])
        assert "data_base64" in event or bytes(event.get("data", b"")) in body


@QUICK
@given(method=st.sampled_from(["GET", "POST", "OPTIONS"]), headers=headers, body=bodies)
def test_no_handshake_raises_or_grants_more_than_was_asked(
    method: str, headers: dict[str, str], body: bytes
) -> None:
    """What comes back in a header is the plain name that was sent."""
    formats = (handshake.EVENT_GRID, handshake.CLOUD_EVENTS)

    found = handshake.answer(method=method, headers=headers, body=body, formats=formats)

    for name, value in found.headers.items() if found else ():
        assert value.isascii()
        assert value.isprintable()
        if name == "webhook-allowed-origin":
            assert value == headers["webhook-request-origin"].strip()
            assert "*" not in value
