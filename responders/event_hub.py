"""Forwards incidents to an Event Hub, for whatever SIEM reads from it.

Needs a hub, and the right to send to it: the app's identity as Azure Event Hubs Data
Sender, or a connection string. A hub knows no keys: each event holds its own, in its
properties too. Events are OCSF, ECS, or the records as they are.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from responders.base import Forwarder, recorded
from responders.forwards import ecs, ocsf
from responders.forwards.batch import Batch
from responders.forwards.records import Record, records
from shared.model.action import Action, Outcome
from shared.model.errors import SettingsError
from shared.model.outlets import HubAddress, HubEvent
from shared.model.secret import SecretRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.traffic import Traffic

# What the smallest tier takes in one batch is 256 KB (remote-apis-sinks.md 16).
CALL_SIZE = 200_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")


class Format(StrEnum):
    """What events look like."""

    OCSF = "ocsf"
    ECS = "ecs"
    RAW = "raw"


_SCHEMAS = {
    Format.OCSF: f"ocsf {ocsf.VERSION}",
    Format.ECS: f"ecs {ecs.VERSION}",
    Format.RAW: "firewatch 1",
}


class Event(NamedTuple):
    """An event, and what it is known by."""

    body: dict[str, Any]
    key: str


class EventHub(Forwarder):
    """One hub."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``namespace`` is its host name, written to as the app's identity; else the
        ``connection`` string is for it.
        """

        hub: str
        namespace: str = ""
        connection: SecretRef | None = None
        format: Format = Format.OCSF

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        problems = [f"responders.{name}.{text}" for text in _problems(config)]
        if problems:
            raise SettingsError(problems)
        self._format = config.format
        secret = config.connection
        address = HubAddress(
            hub=config.hub,
            namespace=config.namespace,
            connection=ports.secret(secret) if secret else None,
        )
        self._hub = ports.outlets.hub(address)
        self._batch = Batch(self._send, most=CALL_SIZE)

    @property
    def traffic(self) -> Traffic:
        """What this process sent, or tried to."""
        return self._batch.total

    async def apply(self, action: Action) -> Outcome:
        """Send an event for each record, or for each finding."""
        found = [
            _packed(record, event)
            for record in records(action, recorded(action))
            for event in self._events(record)
        ]
        return Outcome(reference=action.key, traffic=await self._batch(found))

    def _events(self, record: Record) -> list[Event]:
        match self._format:
            case Format.OCSF:
                return [
                    Event(each, each["metadata"]["uid"])
                    for each in ocsf.documents(record)
                ]
            case Format.ECS:
                return [Event(ecs.document(record), record.key)]
            case Format.RAW:
                return [Event(record.flat, record.key)]

    async def _send(self, packed: Sequence[bytes]) -> int:
        events = [self._unpacked(each) for each in packed]
        await self._hub.send(events)
        return sum(len(event.body) for event in events)

    def _unpacked(self, packed: bytes) -> HubEvent:
        order, key, body = packed.split(b"\n", 2)
        return HubEvent(
            body=body,
            order=order.decode(),
            properties={"key": key.decode(), "schema": _SCHEMAS[self._format]},
        )


def _packed(record: Record, event: Event) -> bytes:
    """An event in one piece, as batches take it: no part of it holds a line end."""
    head = f"{record.incident}\n{event.key}\n".encode()
    return head + msgspec.json.encode(event.body)


def _problems(config: EventHub.Config) -> list[str]:
    problems = []
    if not _NAME.fullmatch(config.hub):
        problems.append("hub is not the name of an Event Hub")
    if config.namespace and not _HOST.fullmatch(config.namespace):
        problems.append(
            "namespace is not a host name, such as NAME.servicebus.windows.net"
        )
    if bool(config.namespace) == (config.connection is not None):
        problems.append("namespace: give either it or a connection")
    return problems
