"""
Octets as values.

Everything that is read came from a socket: no read passes the end of its frame, nesting
is bounded, and whatever does not fit raises AmqpError.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING
from uuid import UUID

from devhost.eventhub.amqp import (
    AmqpError,
    Condition,
    Described,
    Int,
    Long,
    Scalar,
    Symbol,
    Timestamp,
    UByte,
    ULong,
    UShort,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# Deepest nesting of described types, lists and maps that is followed. An attach, the
# deepest thing a client sends, needs 4; the rest guards the interpreter's stack.
MAX_DEPTH = 16
_U8, _U32 = Struct(">B"), Struct(">I")
_CONSTANTS: dict[int, Value] = {
    0x40: None,
    0x41: True,
    0x42: False,
    0x43: 0,
    0x44: ULong(0),
    0x45: (),
}
_FIXED: dict[int, tuple[type[int | float], Struct]] = {
    0x50: (UByte, Struct(">B")),
    0x51: (Int, Struct(">b")),
    0x52: (int, Struct(">B")),
    0x53: (ULong, Struct(">B")),
    0x54: (Int, Struct(">b")),
    0x55: (Long, Struct(">b")),
    0x56: (bool, Struct(">B")),
    0x60: (UShort, Struct(">H")),
    0x61: (Int, Struct(">h")),
    0x70: (int, Struct(">I")),
    0x71: (Int, Struct(">i")),
    0x72: (float, Struct(">f")),
    0x80: (ULong, Struct(">Q")),
    0x81: (Long, Struct(">q")),
    0x82: (float, Struct(">d")),
    0x83: (Timestamp, Struct(">q")),
}
# AMQP 1.0 section 1.2: the upper half of a constructor says how wide the value is, either
# flatly or by a size in front of it, so that unknown types can be stepped over.
_WIDTHS = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_SIZES = {0xA: _U8, 0xB: _U32, 0xC: _U8, 0xD: _U32, 0xE: _U8, 0xF: _U32}
_MAPS = (0xC1, 0xD1)
_ARRAYS = (0xE0, 0xF0)


def decode(octets: bytes, at: int = 0) -> tuple[Value, int]:
    """The value that starts at `at`, and where it ends."""
    cursor = Cursor(octets, at, len(octets))
    value = cursor.value(MAX_DEPTH)
    return value, cursor.at


class Cursor:
    """A place in a buffer, and the end that no read may pass."""

    __slots__ = ("at", "end", "octets")

    def __init__(self, octets: bytes, at: int, end: int) -> None:
        self.octets = octets
        self.at = at
        self.end = end

    def take(self, count: int) -> bytes:
        """The next octets."""
        start = self.at
        if start + count > self.end:
            raise AmqpError(Condition.DECODE_ERROR, "A value runs past its frame.")
        self.at = start + count
        return self.octets[start : self.at]

    def octet(self) -> int:
        """The next octet, such as a constructor."""
        return self.take(1)[0]

    def value(self, depth: int) -> Value:
        """The next value, nested no deeper than `depth`."""
        code = self.octet()
        if code != 0x00:
            return self.body(code, depth)
        _check_depth(depth)
        return Described(self.value(depth - 1), self.value(depth - 1))

    def body(self, code: int, depth: int) -> Value:
        """The value behind its constructor."""
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _FIXED:
            kind, layout = _FIXED[code]
            return kind(layout.unpack(self.take(layout.size))[0])
        if code == 0x98:
            return UUID(bytes=self.take(16))
        if code >> 4 in (0xA, 0xB):
            return self._variable(code)
        if code >> 4 in _SIZES:
            return self._items(code, depth)
        # A char, a decimal or a type yet to come: kept as octets, as nobody reads them.
        return self.take(_width(code))

    def key(self) -> Scalar:
        """The next value, which has to be a scalar."""
        value = self.value(0)
        if value is None or isinstance(value, str | bytes | int | float | UUID):
            return value
        raise AmqpError(Condition.DECODE_ERROR, "A map key that is not a scalar.")

    def skip(self, depth: int) -> None:
        """Step over the next value."""
        code = self.octet()
        if code == 0x00:
            _check_depth(depth)
            self.skip(depth - 1)
            self.skip(depth - 1)
        elif layout := _SIZES.get(code >> 4):
            self.take(self._size(layout))
        else:
            self.take(_width(code))

    def pairs(self) -> Iterator[tuple[Scalar, bytes]]:
        """The keys of the map that comes next, each with the octets of key and value."""
        code = self.octet()
        if code not in _MAPS:
            raise AmqpError(Condition.DECODE_ERROR, "A map was expected.")
        inner, count = self._compound(code, MAX_DEPTH)
        for _ in range(count // 2):
            start = inner.at
            key = inner.key()
            inner.skip(MAX_DEPTH)
            yield key, self.octets[start : inner.at]

    def _compound(self, code: int, depth: int) -> tuple[Cursor, int]:
        """A cursor on the items of a list, map or array, and how many they are."""
        _check_depth(depth)
        layout = _SIZES[code >> 4]
        size = self._size(layout)
        inner = Cursor(self.octets, self.at, self.at + size)
        self.take(size)
        count = inner._size(layout)
        # Items of no width exist, so that a few octets could ask for 4 billion of them.
        if count > size or (code in _MAPS and count % 2):
            raise AmqpError(Condition.DECODE_ERROR, "A count that cannot be.")
        return inner, count

    def _size(self, layout: Struct) -> int:
        size: int = layout.unpack(self.take(layout.size))[0]
        return size

    def _variable(self, code: int) -> str | bytes:
        octets = self.take(self._size(_SIZES[code >> 4]))
        try:
            match code & 0x0F:
                case 0x1:
                    return octets.decode()
                case 0x3:
                    return Symbol(octets.decode("ascii"))
                case _:
                    return octets
        except UnicodeDecodeError:
            raise AmqpError(Condition.DECODE_ERROR, "Text that is not.") from None

    def _items(self, code: int, depth: int) -> Value:
        inner, count = self._compound(code, depth)
        if code in _MAPS:
            return {inner.key(): inner.value(depth - 1) for _ in range(count // 2)}
        if code in _ARRAYS:
            # AMQP 1.0 section 1.6.24: one constructor for all, and none if empty.
            item = inner.octet() if count else 0x40
            return tuple(inner.body(item, depth - 1) for _ in range(count))
        return tuple(inner.value(depth - 1) for _ in range(count))


def _width(code: int) -> int:
    width = _WIDTHS.get(code >> 4)
    if width is None:
        raise AmqpError(Condition.DECODE_ERROR, f"No type has constructor {code:#x}.")
    return width


def _check_depth(depth: int) -> None:
    if depth == 0:
        raise AmqpError(Condition.DECODE_ERROR, "Values are nested too deep.")
