"""The links of a session: what they carry, and what attaches them to a hub."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devhost.eventhub.amqp import (
    Condition,
    Described,
    Fields,
    LinkError,
    Map,
    UByte,
    ULong,
    Value,
)
from devhost.eventhub.broker import Address, Broker, Hub, Partition, Reader
from devhost.eventhub.message import SectionCode, data_bodies, decode_sections

if TYPE_CHECKING:
    from collections.abc import Callable

# What the service announces, and takes for the limit of a batch (Event Hubs quotas).
MAX_MESSAGE = 2**20
# Message format of a batch: data sections that hold messages (azure-eventhub pyamqp).
BATCH_FORMAT = 0x80013700


@dataclass(eq=False, slots=True, kw_only=True)
class Inlet:
    """A link that the client sends on, and the delivery under way."""

    accept: Callable[[bytes, int], None]
    partial: bytearray = field(default_factory=bytearray)
    delivery_id: int = 0
    message_format: int = 0
    is_settled: bool = False


@dataclass(eq=False, slots=True, kw_only=True)
class Outlet:
    """A link that the client receives on, and the deliveries it still takes."""

    handle: int
    take: Callable[[], bytes | None]
    leave: Callable[[], None]
    credit: int = 0
    delivery_count: int = 0


def publisher(broker: Broker, fields: Fields) -> Inlet:
    """A link to what an attach names: a hub, or one of its partitions."""
    address = Address.parse(fields.terminus(6).text(0))
    hub = broker.hub(address.hub)
    partition = hub.partition(address.partition) if address.partition else None
    return Inlet(accept=lambda message, form: _publish(hub, partition, message, form))


def receiver(
    broker: Broker,
    fields: Fields,
    *,
    on_append: Callable[[Outlet], None],
    on_stolen: Callable[[LinkError], None],
) -> Outlet:
    """A link from the partition that an attach names, at the position it asks for."""
    source = fields.terminus(5)
    text = source.text(0)
    address = Address.parse(text)
    if address.group is None or address.partition is None:
        raise LinkError(Condition.NOT_FOUND, f"Not to be read: {text}")
    partition = broker.hub(address.hub).partition(address.partition)
    selector = _selector(source.mapping(7))
    reader = Reader(
        group=address.group,
        epoch=_epoch(fields.mapping(13)),
        position=partition.log.position(selector),
        on_append=lambda: on_append(outlet),
        on_stolen=on_stolen,
    )
    outlet = Outlet(
        handle=fields.uint(1),
        take=lambda: partition.next_message(reader),
        leave=lambda: partition.leave(reader),
    )
    partition.admit(reader)
    return outlet


def attach_reply(fields: Fields) -> list[Value]:
    """What an attach is answered with, its own termini repeated."""
    is_reader = fields[2] is True
    source: list[Value] = [fields.terminus(5)[0], *[None] * 10]
    target: list[Value] = [fields.terminus(6)[0], *[None] * 6]
    reply: list[Value] = [fields.text(0), fields.uint(1), not is_reader]
    reply += [UByte(0), UByte(0)]
    reply += [Described(ULong(0x28), source), Described(ULong(0x29), target)]
    reply += [None, None, 0 if is_reader else None, ULong(MAX_MESSAGE)]
    return [*reply, None, None, None]


def _selector(filters: Map) -> str | None:
    for name, value in filters.items():
        text = value.value if isinstance(value, Described) else value
        if isinstance(name, str) and "selector" in name:
            return text if isinstance(text, str) else ""
    return None


def _epoch(properties: Map) -> int | None:
    epoch = properties.get("com.microsoft:epoch")
    if epoch is None or isinstance(epoch, int):
        return epoch
    raise LinkError(Condition.INVALID_FIELD, "An epoch is a number.")


def _publish(
    hub: Hub, partition: Partition | None, message: bytes, message_format: int
) -> None:
    """Store what a transfer brought: one message or, by its format, a batch."""
    messages = data_bodies(message) if message_format == BATCH_FORMAT else [message]
    if partition is not None:
        partition.append(messages)
        return
    annotations = decode_sections(message, SectionCode.MESSAGE_ANNOTATIONS).get(
        SectionCode.MESSAGE_ANNOTATIONS
    )
    key = (
        annotations.get("x-opt-partition-key")
        if isinstance(annotations, dict)
        else None
    )
    hub.publish(messages, key if isinstance(key, str) else None)
