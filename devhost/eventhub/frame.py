"""Frames: their performatives, and the way out of a connection."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING

from devhost.eventhub.amqp import (
    AmqpError,
    Condition,
    Described,
    Fields,
    ULong,
    Value,
)
from devhost.eventhub.decoder import decode
from devhost.eventhub.encoder import encode_described

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

# AMQP 1.0 section 2.4.1: no peer may ask for smaller frames.
MIN_MAX_FRAME = 512
_HEADER = Struct(">IBBH")


class Performative(IntEnum):
    """Frame bodies by descriptor (AMQP 1.0 sections 2.7 and 5.3.3)."""

    OPEN = 0x10
    BEGIN = 0x11
    ATTACH = 0x12
    FLOW = 0x13
    TRANSFER = 0x14
    DISPOSITION = 0x15
    DETACH = 0x16
    END = 0x17
    CLOSE = 0x18
    SASL_MECHANISMS = 0x40
    SASL_INIT = 0x41
    SASL_OUTCOME = 0x44


class FrameWriter:
    """Writes a connection's frames, and knows how much the peer and the socket take."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.max_frame = MIN_MAX_FRAME
        self.is_paused = False

    def send(
        self,
        channel: int,
        performative: Performative,
        fields: Sequence[Value],
        payload: bytes = b"",
    ) -> None:
        """Write a frame, unless the connection is being closed."""
        if not self._transport.is_closing():
            self._transport.write(
                encode_frame(performative, fields, channel=channel, payload=payload)
            )


def encode_frame(
    performative: Performative,
    fields: Sequence[Value],
    *,
    channel: int = 0,
    payload: bytes = b"",
) -> bytes:
    """
    A frame; `fields` has to be every field the performative defines.

    AMQP lets trailing nulls be dropped, but azure-eventhub pyamqp indexes fields blindly.
    """
    body = encode_described(performative, fields)
    frame_type = 1 if performative >= Performative.SASL_MECHANISMS else 0
    size = _HEADER.size + len(body) + len(payload)
    return _HEADER.pack(size, 2, frame_type, channel) + body + payload


def decode_performative(frame: bytes, at: int) -> tuple[int, Fields, bytes]:
    """The performative's descriptor and fields, and the payload behind them."""
    performative, end = decode(frame, at)
    if not isinstance(performative, Described) or not isinstance(
        performative.descriptor, ULong
    ):
        raise AmqpError(Condition.DECODE_ERROR, "A performative was expected.")
    return performative.descriptor, Fields(performative.value), frame[end:]
