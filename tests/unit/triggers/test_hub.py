"""Event Hub batches as events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from azure.functions import EventHubEvent
from azure.functions.meta import Datum

from shared.triggers import hub

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONTEXT = {"EventHubName": "alerts", "PartitionId": "3", "ConsumerGroup": "firewatch"}


def hub_event(
    body: bytes = b"{}",
    *,
    context: object = CONTEXT,
    number: int | None = 7,
    at: datetime | None = NOW,
) -> EventHubEvent:
    """An event as the worker hands it over."""
    text = (
        context if isinstance(context, str) else msgspec.json.encode(context).decode()
    )
    return EventHubEvent(
        body=body,
        trigger_metadata={"PartitionContext": Datum(text, "string")},
        sequence_number=number,
        enqueued_time=at,
    )


def test_a_batch_is_events_of_one_partition_in_order() -> None:
    """Named by hub, partition and sequence number."""
    found = hub.events([hub_event(b"a", number=9), hub_event(b"b", number=10)], NOW)

    assert [event.body for event in found] == [b"a", b"b"]
    assert {event.source for event in found} == {"hub/alerts/3"}
    assert [event.place for event in found] == [f"{9:020d}", f"{10:020d}"]
    assert found == sorted(found, key=lambda event: event.place)
    assert {event.formats for event in found} == {None}


@pytest.mark.parametrize(
    "context",
    [
        None,
        [],
        {},
        "no JSON",
        {"EventHubName": "../../x", "PartitionId": "a/b"},
        {"EventHubName": "", "PartitionId": "#"},
    ],
)
def test_a_strange_context_costs_no_event(context: object) -> None:
    """Hub and partition become a blob's path, so only names are taken for names."""
    (found,) = hub.events([hub_event(context=context)], NOW)

    assert found.source == "hub/unknown/unknown"


def test_without_metadata_an_event_is_an_event() -> None:
    """The host may send none."""
    (found,) = hub.events([EventHubEvent(body=b"x")], NOW)

    assert found.source == "hub/unknown/unknown"
    assert found.received_at == NOW


def test_events_without_a_number_keep_apart() -> None:
    """By what they say: two dead letters do not overwrite each other."""
    found = hub.events(
        [hub_event(b"a", number=None), hub_event(b"b", number=None)], NOW
    )

    assert len({event.place for event in found}) == 2
    again = hub.events([hub_event(b"a", number=None)], NOW)
    assert again[0].place == found[0].place
    assert hub.events([hub_event(number=0)], NOW)[0].place == f"{0:020d}"


@pytest.mark.parametrize(
    ("at", "received_at"),
    [
        (NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
        (
            (NOW - timedelta(hours=1)).replace(tzinfo=None),
            NOW - timedelta(hours=1),
        ),
        (NOW.astimezone(timezone(timedelta(hours=2))), NOW),
        (None, NOW),
    ],
)
def test_an_event_was_received_when_the_hub_took_it(
    at: datetime | None, received_at: datetime
) -> None:
    """In UTC, whether the host says so or not; else now."""
    (found,) = hub.events([hub_event(at=at)], NOW)

    assert found.received_at == received_at
    assert found.received_at.utcoffset() == timedelta(0)
