"""A session: its links, and the transfers that each side still takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devhost.eventhub.amqp import (
    MAX_UINT,
    AmqpError,
    Condition,
    Described,
    Fields,
    LinkError,
    ULong,
    UShort,
    Value,
)
from devhost.eventhub.frame import FrameWriter, Performative
from devhost.eventhub.link import (
    MAX_MESSAGE,
    Inlet,
    Outlet,
    attach_reply,
    publisher,
    receiver,
)
from devhost.eventhub.service import Service, services

if TYPE_CHECKING:
    from devhost.eventhub.broker import Broker

# A transfer without its payload takes 51 octets as encoded here.
TRANSFER_ROOM = 64
# Links of a session, to bound what a client can hold: the SDK has up to 5.
MAX_HANDLE = 63
# Windows and credit granted to clients: never renewed, so no smaller than a day's use.
WINDOW = 0x7FFFFFFF
CREDIT = 0x07FFFFFF
ACCEPTED = Described(ULong(0x24), ())


class Session:
    """The frames of one channel, from its begin to its end."""

    def __init__(
        self, channel: int, begin: Fields, *, broker: Broker, writer: FrameWriter
    ) -> None:
        """Answer the client's begin."""
        self._channel = channel
        self._broker = broker
        self._writer = writer
        self._next_incoming = begin.uint(1)
        self._window = begin.uint(2)
        self._next_outgoing = 0
        self._next_delivery = 0
        self._inlets: dict[int, Inlet] = {}
        self._outlets: dict[int, Outlet] = {}
        self._services = services(broker)
        reply: list[Value] = [UShort(channel), 0, WINDOW, WINDOW, MAX_HANDLE]
        self._send(Performative.BEGIN, [*reply, None, None, None])

    def on_attach(self, fields: Fields) -> None:
        """Attach a link, or refuse to."""
        handle, is_reader = fields.uint(1), fields[2] is True
        if handle > MAX_HANDLE or handle in self._inlets | self._outlets:
            raise AmqpError(Condition.HANDLE_IN_USE, f"No new link on {handle}.")
        error = None
        try:
            if is_reader:
                self._outlets[handle] = self._outlet(handle, fields)
            else:
                self._inlets[handle] = self._inlet(fields)
        except LinkError as refusal:
            error = refusal
        # Section 2.6.3: a refusal, too, is an attach first. pyamqp wants both termini.
        self._send(Performative.ATTACH, attach_reply(fields))
        if error is not None:
            self._detach(handle, error)
        elif not is_reader:
            flow: list[Value] = [self._next_incoming, WINDOW, self._next_outgoing]
            flow += [WINDOW, handle, 0, CREDIT, None, False, False, None]
            self._send(Performative.FLOW, flow)

    def on_flow(self, fields: Fields) -> None:
        """Note what the client takes, and send it."""
        # Section 2.5.6: what the client takes, less what it has not seen yet.
        unseen = _serial_difference(self._next_outgoing, fields.uint(0, 0))
        self._window = fields.uint(1) - unseen
        outlet = None if fields[4] is None else self._outlets.get(fields.uint(4))
        if outlet is not None:
            # Section 2.6.7: the same, of the link.
            unseen = _serial_difference(outlet.delivery_count, fields.uint(5, 0))
            outlet.credit = fields.uint(6, 0) - unseen
        self.pump()

    def on_transfer(self, fields: Fields, payload: bytes) -> None:
        """Put deliveries together, and accept each that is whole."""
        self._next_incoming = (self._next_incoming + 1) & MAX_UINT
        handle = fields.uint(0)
        inlet = self._inlets.get(handle)
        if inlet is None:
            return  # sent before the client could know that the link was refused
        if fields[1] is not None:  # left out after a delivery's first transfer
            inlet.delivery_id = fields.uint(1)
            inlet.message_format = fields.uint(3, 0)
        inlet.is_settled = fields[4] is True
        inlet.partial += payload
        if len(inlet.partial) > MAX_MESSAGE:
            error = LinkError(Condition.MESSAGE_SIZE_EXCEEDED, "Over 1 MiB.")
            self._detach(handle, error)
        elif fields[5] is not True:
            self._on_delivery(inlet, is_aborted=fields[9] is True)

    def on_detach(self, fields: Fields) -> None:
        """Detach a link; pyamqp does so twice, which does not matter."""
        handle = fields.uint(0)
        if handle in self._inlets | self._outlets:
            self._detach(handle, None)

    def on_end(self) -> None:
        """Give up the readers' places, and agree."""
        self.leave()
        self._send(Performative.END, [None])

    def leave(self) -> None:
        """Give up the readers' places."""
        for outlet in self._outlets.values():
            outlet.leave()

    def pump(self) -> None:
        """Send what the links have, as far as client and socket take it."""
        for outlet in tuple(self._outlets.values()):
            self._pump(outlet)

    def _inlet(self, fields: Fields) -> Inlet:
        service = self._service(fields.terminus(6).text(0))
        if service is None:
            return publisher(self._broker, fields)

        def accept(message: bytes, _form: int) -> None:
            service.ask(message)
            self.pump()

        return Inlet(accept=accept)

    def _outlet(self, handle: int, fields: Fields) -> Outlet:
        service = self._service(fields.terminus(5).text(0))
        if service is None:
            return receiver(
                self._broker,
                fields,
                on_append=self._pump,
                on_stolen=lambda error: self._detach(handle, error),
            )
        return Outlet(handle=handle, take=service.next_reply, leave=service.leave)

    def _service(self, address: str) -> Service | None:
        """Which service node is addressed, if one: it may stand behind host and hub."""
        return self._services.get(address.rpartition("/")[2])

    def _on_delivery(self, inlet: Inlet, *, is_aborted: bool) -> None:
        message = bytes(inlet.partial)
        inlet.partial.clear()
        if is_aborted:
            return
        inlet.accept(message, inlet.message_format)
        if not inlet.is_settled:
            number = inlet.delivery_id
            disposition: list[Value] = [True, number, number, True, ACCEPTED, None]
            self._send(Performative.DISPOSITION, disposition)

    def _pump(self, outlet: Outlet) -> None:
        while outlet.credit > 0 and self._window > 0 and not self._writer.is_paused:
            message = outlet.take()
            if message is None:
                return
            self._transfer(outlet, message)

    def _transfer(self, outlet: Outlet, message: bytes) -> None:
        room = self._writer.max_frame - TRANSFER_ROOM
        tag = outlet.delivery_count.to_bytes(4)
        for start in range(0, len(message), room):
            payload = message[start : start + room]
            has_more = start + room < len(message)
            transfer: list[Value] = [outlet.handle, self._next_delivery, tag, 0]
            transfer += [False, has_more, None, None, None, None, None]
            self._send(Performative.TRANSFER, transfer, payload)
            self._next_outgoing = (self._next_outgoing + 1) & MAX_UINT
            self._window -= 1
        self._next_delivery = (self._next_delivery + 1) & MAX_UINT
        outlet.delivery_count = (outlet.delivery_count + 1) & MAX_UINT
        outlet.credit -= 1

    def _detach(self, handle: int, error: LinkError | None) -> None:
        self._inlets.pop(handle, None)
        outlet = self._outlets.pop(handle, None)
        if outlet is not None:
            outlet.leave()
        reason = error.described() if error else None
        self._send(Performative.DETACH, [handle, True, reason])

    def _send(
        self, performative: Performative, fields: list[Value], payload: bytes = b""
    ) -> None:
        self._writer.send(self._channel, performative, fields, payload)


def _serial_difference(later: int, earlier: int) -> int:
    """How far apart two ids are, across the wrap of section 2.8.10."""
    return (later - earlier + 2**31) % 2**32 - 2**31
