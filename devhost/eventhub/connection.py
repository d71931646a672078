"""
One client's connection: AMQP frames in, the broker asked, AMQP frames out.

Left out, as azure-eventhub does without: drain and echo of flows, resuming of links,
transactions, and redelivery, so dispositions of the client are read and dropped.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from devhost.eventhub.amqp import (
    AmqpError,
    Array,
    Condition,
    Fields,
    Symbol,
    UByte,
    UShort,
    Value,
)
from devhost.eventhub.frame import (
    MIN_MAX_FRAME,
    FrameWriter,
    Performative,
    decode_performative,
)
from devhost.eventhub.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devhost.eventhub.broker import Broker

# What the service announces (Event Hubs quotas).
MAX_FRAME = 2**20
# Sessions of a connection, to bound what a client can hold: the SDK opens one for each
# producer and partition consumer.
MAX_CHANNEL = 255
_SASL_HEADER = b"AMQP\x03\x01\x00\x00"
_AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
_FRAME_TYPES = {_AMQP_HEADER: 0, _SASL_HEADER: 1}
_EMPTY_FRAME = b"\x00\x00\x00\x08\x02\x00\x00\x00"

_IN_SESSION: dict[int, Callable[[Session, Fields, bytes], None]] = {
    Performative.ATTACH: lambda session, fields, _: session.on_attach(fields),
    Performative.FLOW: lambda session, fields, _: session.on_flow(fields),
    Performative.TRANSFER: Session.on_transfer,
    Performative.DISPOSITION: lambda *_: None,
    Performative.DETACH: lambda session, fields, _: session.on_detach(fields),
}

_log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """
    The protocol's server side.

    Frames are answered in the order they come, as pyamqp pipelines open, begin and the
    first attaches before it has seen an answer. Whatever is wrong raises AmqpError, which
    ends this connection alone.
    """

    _transport: asyncio.Transport
    _writer: FrameWriter

    def __init__(self, broker: Broker, connections: set[Connection]) -> None:
        self._broker = broker
        self._connections = connections
        self._received = bytearray()
        self._frame_type: int | None = None
        self._is_open = False
        self._heartbeat: asyncio.TimerHandle | None = None
        self._sessions: dict[int, Session] = {}
        self._on_performative: dict[int, Callable[[int, Fields], None]] = {
            Performative.SASL_INIT: self._on_sasl_init,
            Performative.OPEN: self._on_open,
            Performative.BEGIN: self._on_begin,
            Performative.END: self._on_end,
            Performative.CLOSE: self._on_close,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and be known to the server."""
        self._transport = cast("asyncio.Transport", transport)
        self._writer = FrameWriter(self._transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up the readers' places."""
        self._connections.discard(self)
        if self._heartbeat:
            self._heartbeat.cancel()
        self._leave_all()
        _log.debug("eventhub.connection_lost", extra={"reason": str(exc)})

    def data_received(self, data: bytes) -> None:
        """Act on each whole frame, and keep the rest for later."""
        self._received += data
        try:
            for frame in self._frames():
                self._on_frame(frame)
        except AmqpError as error:
            self._fail(error)

    def pause_writing(self) -> None:
        """Hold deliveries back: the socket is full."""
        self._writer.is_paused = True

    def resume_writing(self) -> None:
        """Go on with deliveries."""
        self._writer.is_paused = False
        for session in self._sessions.values():
            session.pump()

    def abort(self) -> None:
        """Drop the connection without a word, as a server that dies does."""
        self._transport.abort()

    def _frames(self) -> Iterator[bytes]:
        """Cut what was received into headers and whole frames (section 2.3)."""
        start = 0
        received = self._received
        try:
            while len(received) - start >= len(_EMPTY_FRAME):
                if received[start : start + 4] == b"AMQP":
                    size = len(_AMQP_HEADER)
                else:
                    size = int.from_bytes(received[start : start + 4])
                if not len(_EMPTY_FRAME) <= size <= MAX_FRAME:
                    raise AmqpError(Condition.FRAMING_ERROR, "No such frame size.")
                if len(received) - start < size or self._transport.is_closing():
                    break
                start += size
                yield bytes(received[start - size : start])
        finally:
            del received[:start]

    def _on_frame(self, frame: bytes) -> None:
        if frame.startswith(b"AMQP"):
            self._on_header(frame)
            return
        body, frame_type = frame[4] * 4, frame[5]
        if not 8 <= body <= len(frame) or frame_type != self._frame_type:
            raise AmqpError(Condition.FRAMING_ERROR, "A frame of no use here.")
        if body == len(frame):
            return  # a heartbeat
        code, fields, payload = decode_performative(frame, body)
        known = code in self._on_performative or code in _IN_SESSION
        if not known or (code == Performative.SASL_INIT) != frame_type:
            raise AmqpError(Condition.NOT_ALLOWED, f"No performative {code:#x} here.")
        if not self._is_open and code not in (
            Performative.SASL_INIT,
            Performative.OPEN,
        ):
            raise AmqpError(Condition.ILLEGAL_STATE, "The connection is not open.")
        channel = int.from_bytes(frame[6:8])
        session = self._sessions.get(channel)
        if code in self._on_performative:
            self._on_performative[code](channel, fields)
        elif session is not None:
            _IN_SESSION[code](session, fields, payload)
        elif code == Performative.ATTACH:
            raise AmqpError(Condition.ILLEGAL_STATE, f"No session on {channel}.")
        # Others may come late: pyamqp detaches links after the end of their session.

    def _on_header(self, header: bytes) -> None:
        self._frame_type = _FRAME_TYPES.get(header)
        if self._frame_type is None:
            # Section 2.2: name a protocol that is spoken, and hang up.
            self._transport.write(_SASL_HEADER)
            self._transport.close()
            return
        self._transport.write(header)
        if header == _SASL_HEADER:
            mechanisms = Array(map(Symbol, ("ANONYMOUS", "PLAIN", "MSSBCBS")))
            self._writer.send(0, Performative.SASL_MECHANISMS, [mechanisms])

    def _on_sasl_init(self, channel: int, _fields: Fields) -> None:
        self._writer.send(channel, Performative.SASL_OUTCOME, [UByte(0), None])

    def _on_open(self, _channel: int, fields: Fields) -> None:
        if self._is_open:
            raise AmqpError(Condition.ILLEGAL_STATE, "The connection is open.")
        max_frame = min(fields.uint(2, MAX_FRAME), MAX_FRAME)
        if max_frame < MIN_MAX_FRAME:
            raise AmqpError(Condition.INVALID_FIELD, "No frame may be that small.")
        self._writer.max_frame = max_frame
        idle_ms = fields.uint(4, 0)
        reply: list[Value] = ["devhost-eventhub", fields[1], MAX_FRAME]
        reply += [UShort(MAX_CHANNEL), None, None, None, None, None, {}]
        self._writer.send(0, Performative.OPEN, reply)
        self._is_open = True
        if idle_ms:
            self._beat(max(idle_ms / 2000, 0.1))

    def _on_begin(self, channel: int, fields: Fields) -> None:
        if channel in self._sessions or channel > MAX_CHANNEL:
            raise AmqpError(Condition.NOT_ALLOWED, f"No new session on {channel}.")
        self._sessions[channel] = Session(
            channel, fields, broker=self._broker, writer=self._writer
        )

    def _on_end(self, channel: int, _fields: Fields) -> None:
        session = self._sessions.pop(channel, None)
        if session is not None:
            session.on_end()

    def _on_close(self, _channel: int, _fields: Fields) -> None:
        self._hang_up(None)

    def _beat(self, interval_s: float) -> None:
        """Keep the client from giving the connection up (section 2.4.5)."""
        self._transport.write(_EMPTY_FRAME)
        loop = asyncio.get_running_loop()
        self._heartbeat = loop.call_later(interval_s, self._beat, interval_s)

    def _fail(self, error: AmqpError) -> None:
        fields = {"condition": error.condition, "reason": error.description}
        _log.debug("eventhub.connection_failed", extra=fields)
        self._hang_up(error)

    def _hang_up(self, error: AmqpError | None) -> None:
        self._leave_all()
        if self._is_open:
            reason = error.described() if error else None
            self._writer.send(0, Performative.CLOSE, [reason])
        self._transport.close()

    def _leave_all(self) -> None:
        for session in self._sessions.values():
            session.leave()
        self._sessions.clear()
