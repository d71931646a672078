"""The events of a batch as a function gets them: the host's shape, the worker's types."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from azure.functions import meta
from azure.functions.eventhub import EventHubTriggerConverter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from azure.eventhub import EventData
    from azure.eventhub.aio import PartitionContext


def event_batch(
    events: Iterable[EventData], *, partition: PartitionContext, is_binary: bool
) -> list[Any]:
    """
    The `func.EventHubEvent`s of a batch, by azure.functions' own converter.

    The metadata has the host's shape (azure-sdk-for-net
    EventHubTriggerBindingStrategy.cs). Raises ValueError where the worker would: an
    offset that is no number fails the batch before the function sees it.
    """
    batch = list(events)
    bodies = [b"".join(_chunks(event)) for event in batch]
    if is_binary:
        data = meta.Datum(SimpleNamespace(bytes=bodies), "collection_bytes")
    else:
        texts = [body.decode("utf-8", "replace") for body in bodies]
        data = meta.Datum(SimpleNamespace(string=texts), "collection_string")
    decoded: Any = EventHubTriggerConverter.decode(
        data, trigger_metadata=trigger_metadata(batch, partition=partition)
    )
    return list(decoded)


def trigger_metadata(
    events: list[EventData], *, partition: PartitionContext
) -> dict[str, meta.Datum]:
    """What the host sends beside the bodies of a batch, each a JSON value."""
    system = [_system_properties(event) for event in events]
    values: dict[str, object] = {
        "PartitionContext": {
            "FullyQualifiedNamespace": partition.fully_qualified_namespace,
            "EventHubName": partition.eventhub_name,
            "ConsumerGroup": partition.consumer_group,
            "PartitionId": partition.partition_id,
            "IsCheckpointingAfterInvocation": True,
        },
        "PartitionKeyArray": [each["PartitionKey"] for each in system],
        "OffsetArray": [each["Offset"] for each in system],
        "SequenceNumberArray": [each["SequenceNumber"] for each in system],
        "EnqueuedTimeUtcArray": [each["EnqueuedTimeUtc"] for each in system],
        "PropertiesArray": [_plain(event.properties or {}) for event in events],
        "SystemPropertiesArray": system,
    }
    return {
        name: meta.Datum(json.dumps(value), "json") for name, value in values.items()
    }


def _chunks(event: EventData) -> Iterable[bytes]:
    # One data section or several; hubs carry no other kind of body.
    body: Any = event.body
    return [body] if isinstance(body, bytes) else body


def _system_properties(event: EventData) -> dict[str, Any]:
    key = event.partition_key
    return {
        **_plain(event.system_properties),
        "SequenceNumber": event.sequence_number,
        "Offset": event.offset,
        "PartitionKey": _text(key) if key is not None else None,
        "EnqueuedTimeUtc": _host_time(event.enqueued_time),
    }


def _host_time(at: datetime | None) -> str | None:
    """
    A time as the host's JSON has it: UTC, but without saying so.

    The binding sends EnqueuedTime.DateTime, whose kind is unspecified, so no "Z" is
    written (EventHubTriggerBindingStrategy.cs; seen in azure-functions-python-worker
    issue 1549). `event.enqueued_time` therefore has no time zone.
    """
    if at is None:
        return None
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _plain(values: Mapping[Any, Any]) -> dict[str, Any]:
    """AMQP values as JSON has them: the SDK gives keys and texts as bytes."""
    return {_text(key): _json_value(value) for key, value in values.items()}


def _json_value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return _host_time(value)
    return _text(value)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
