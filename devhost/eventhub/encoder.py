"""Values as octets, always in their widest form: valid, and needs no choosing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from struct import Struct
from uuid import UUID

from devhost.eventhub.amqp import (
    Array,
    Described,
    Int,
    Long,
    Map,
    Symbol,
    Timestamp,
    UByte,
    ULong,
    UShort,
    Value,
)

# The constructor of each type, with the layout of the value behind it.
_NUMBERS: dict[type, tuple[int, Struct]] = {
    UByte: (0x50, Struct(">BB")),
    UShort: (0x60, Struct(">BH")),
    int: (0x70, Struct(">BI")),
    Int: (0x71, Struct(">Bi")),
    ULong: (0x80, Struct(">BQ")),
    Long: (0x81, Struct(">Bq")),
    float: (0x82, Struct(">Bd")),
    Timestamp: (0x83, Struct(">Bq")),
}
_UINT = Struct(">I")
_LIST32, _MAP32, _ARRAY32 = b"\xd0", b"\xd1", b"\xf0"
_BINARY32, _STRING32, _SYMBOL32 = b"\xb0", b"\xb1", b"\xb3"


def encode(value: Value) -> bytes:
    """The octets of a value."""
    if value is None:
        return b"\x40"
    if isinstance(value, bool):
        return b"\x41" if value else b"\x42"
    if isinstance(value, int | float):
        code, layout = _NUMBERS[type(value)]
        return layout.pack(code, value)
    if isinstance(value, str | bytes):
        return _variable_code(value) + _variable(value)
    return _encode_composite(value)


def encode_described(code: int, value: Value) -> bytes:
    """A value with a small numeric descriptor: a performative, a message section."""
    return bytes((0x00, 0x53, code)) + encode(value)


def encode_pairs(pairs: Sequence[bytes]) -> bytes:
    """A map; each of the pairs is the octets of a key and its value."""
    return _compound(_MAP32, 2 * len(pairs), pairs)


def _encode_composite(value: UUID | Described | Sequence[Value] | Map) -> bytes:
    if isinstance(value, UUID):
        return b"\x98" + value.bytes
    if isinstance(value, Described):
        return b"\x00" + encode(value.descriptor) + encode(value.value)
    if isinstance(value, Mapping):
        return encode_pairs([encode(k) + encode(v) for k, v in value.items()])
    if isinstance(value, Array):
        code = _variable_code(value[0]) if value else _STRING32
        return _compound(_ARRAY32, len(value), [code, *map(_variable, value)])
    return _compound(_LIST32, len(value), map(encode, value))


def _compound(code: bytes, count: int, parts: Iterable[bytes]) -> bytes:
    octets = b"".join(parts)
    return code + _UINT.pack(len(octets) + _UINT.size) + _UINT.pack(count) + octets


def _variable(value: str | bytes) -> bytes:
    octets = value.encode() if isinstance(value, str) else value
    return _UINT.pack(len(octets)) + octets


def _variable_code(value: str | bytes) -> bytes:
    if isinstance(value, Symbol):
        return _SYMBOL32
    return _STRING32 if isinstance(value, str) else _BINARY32
