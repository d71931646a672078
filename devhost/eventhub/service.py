"""The nodes of the service itself: $cbs, which takes any token, and $management."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from devhost.eventhub.amqp import (
    Array,
    Fields,
    Int,
    LinkError,
    Long,
    Map,
    Timestamp,
    Value,
)
from devhost.eventhub.encoder import encode_described
from devhost.eventhub.message import SectionCode, decode_sections

if TYPE_CHECKING:
    from collections.abc import Callable

    from devhost.eventhub.broker import Broker, Hub
    from devhost.eventhub.log import PartitionLog

CBS, MANAGEMENT = "$cbs", "$management"
# Unread replies of $cbs or $management kept for a session.
MAX_REPLIES = 64


class Answer(NamedTuple):
    """The reply to a request of $cbs or $management."""

    status: int
    description: str
    body: Map | None = None


class Service:
    """One of the nodes within a session: replies wait for the link that takes them."""

    def __init__(self, answer: Callable[[Map], Answer]) -> None:
        self._answer = answer
        self._replies: deque[bytes] = deque(maxlen=MAX_REPLIES)

    def ask(self, message: bytes) -> None:
        """Answer a request."""
        found = decode_sections(
            message, SectionCode.PROPERTIES, SectionCode.APPLICATION_PROPERTIES
        )
        request = found.get(SectionCode.APPLICATION_PROPERTIES)
        answer = self._answer(request if isinstance(request, dict) else {})
        message_id = Fields(found.get(SectionCode.PROPERTIES, ()))[0]
        status: Map = {
            "status-code": Int(answer.status),
            "status-description": answer.description,
        }
        self._replies.append(
            encode_described(SectionCode.PROPERTIES, [None] * 5 + [message_id])
            + encode_described(SectionCode.APPLICATION_PROPERTIES, status)
            + encode_described(SectionCode.VALUE, answer.body or "")
        )

    def next_reply(self) -> bytes | None:
        """The oldest reply, which then counts as read."""
        return self._replies.popleft() if self._replies else None

    def leave(self) -> None:
        """Forget the replies: nobody waits for them."""
        self._replies.clear()


def services(broker: Broker) -> dict[str, Service]:
    """The nodes of a session, by address."""
    return {
        CBS: Service(lambda _: Answer(202, "Accepted")),
        MANAGEMENT: Service(lambda request: _read(broker, request)),
    }


def _read(broker: Broker, request: Map) -> Answer:
    """Answer a READ of $management, given its application properties."""
    name, kind = _text(request.get("name")), _text(request.get("type"))
    try:
        hub = broker.hub(name)
        if kind == "com.microsoft:eventhub":
            return Answer(200, "OK", _describe_hub(hub))
        if kind == "com.microsoft:partition":
            partition_id = _text(request.get("partition"))
            log = hub.partition(partition_id).log
            return Answer(200, "OK", _describe_partition(name, partition_id, log))
    except LinkError as error:
        return Answer(404, error.description)
    return Answer(400, f"Nothing is known of type '{kind}'.")


def _describe_hub(hub: Hub) -> Map:
    return {
        "name": hub.name,
        "type": "com.microsoft:eventhub",
        "created_at": Timestamp(hub.created_at_ms),
        "partition_count": len(hub.partitions),
        "partition_ids": Array(hub.partitions),
    }


def _describe_partition(name: str, partition_id: str, log: PartitionLog) -> Map:
    begin = log.begin
    return {
        "name": name,
        "type": "com.microsoft:partition",
        "partition": partition_id,
        "begin_sequence_number": Long(begin),
        "last_enqueued_sequence_number": Long(log.end - 1),
        "last_enqueued_offset": str(log.newest.offset),
        "last_enqueued_time_utc": Timestamp(log.newest.enqueued_ms),
        "is_partition_empty": begin == log.end,
    }


def _text(value: Value) -> str:
    """A name of a request: pyamqp sends some as binary."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else ""
