"""Messages as octets: cut into sections, and annotated without being decoded."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from devhost.eventhub.amqp import AmqpError, Condition, Map, ULong, Value
from devhost.eventhub.decoder import MAX_DEPTH, Cursor, decode
from devhost.eventhub.encoder import encode, encode_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator


class SectionCode(IntEnum):
    """Message sections by descriptor, those read here (AMQP 1.0 section 3.2)."""

    HEADER = 0x70
    DELIVERY_ANNOTATIONS = 0x71
    MESSAGE_ANNOTATIONS = 0x72
    PROPERTIES = 0x73
    APPLICATION_PROPERTIES = 0x74
    DATA = 0x75
    VALUE = 0x77


class Section(NamedTuple):
    """Where one section lies: `body` is the place of its value's constructor."""

    code: int
    start: int
    body: int
    end: int


def sections(message: bytes) -> Iterator[Section]:
    """The sections of a message in order, their bodies measured and not decoded."""
    cursor = Cursor(message, 0, len(message))
    while cursor.at < len(message):
        start = cursor.at
        descriptor = cursor.value(0) if cursor.octet() == 0x00 else None
        if not isinstance(descriptor, ULong):
            raise AmqpError(Condition.DECODE_ERROR, "A message section was expected.")
        body = cursor.at
        cursor.skip(MAX_DEPTH)
        yield Section(descriptor, start, body, cursor.at)


def decode_sections(message: bytes, *codes: SectionCode) -> dict[int, Value]:
    """The values of the sections asked for, as far as the message has them."""
    return {
        s.code: decode(message, s.body)[0] for s in sections(message) if s.code in codes
    }


def data_bodies(message: bytes) -> list[bytes]:
    """The contents of the data sections: of a batch, its messages."""
    found = []
    for section in sections(message):
        if section.code == SectionCode.DATA:
            octets, _ = decode(message, section.body)
            if not isinstance(octets, bytes):
                raise AmqpError(Condition.DECODE_ERROR, "Data that is not binary.")
            found.append(octets)
    return found


def annotate(message: bytes, annotations: Map) -> bytes:
    """
    The message with these annotations in place of its own of the same names.

    The client's other annotations are copied as octets, whatever their types.
    """
    start = end = 0
    pairs = [encode(name) + encode(value) for name, value in annotations.items()]
    for section in sections(message):
        if section.code in (SectionCode.HEADER, SectionCode.DELIVERY_ANNOTATIONS):
            start = end = section.end
        elif section.code == SectionCode.MESSAGE_ANNOTATIONS:
            start, end = section.start, section.end
            theirs = Cursor(message, section.body, section.end).pairs()
            pairs += [octets for name, octets in theirs if name not in annotations]
    written = b"\x00\x53\x72" + encode_pairs(pairs)
    return message[:start] + written + message[end:]
