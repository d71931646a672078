"""
AMQP 1.0 in Python: the types of values, the fields of lists, and the errors.

Covers what Event Hubs clients put on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

# AMQP 1.0 section 2.7.1: a uint; ids wrap there (section 2.8.10).
MAX_UINT = 0xFFFFFFFF


class Symbol(str):
    """An ASCII name: AMQP tells symbols from strings."""

    __slots__ = ()


class UByte(int):
    """A ubyte; a plain int is a uint, as most numbers of performatives are."""


class UShort(int):
    """A ushort."""


class ULong(int):
    """A ulong."""


class Int(int):
    """An int, or one of the narrower signed types."""


class Long(int):
    """A long."""


class Timestamp(int):
    """Milliseconds since 1970 UTC."""


class Array(tuple[str, ...]):
    """An array of strings, or of symbols if the first is one; read back as a tuple."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Described:
    """A value with the descriptor that says what it stands for."""

    descriptor: Value
    value: Value


Scalar: TypeAlias = int | float | str | bytes | UUID | None
Value: TypeAlias = "Scalar | Described | Sequence[Value] | Map"
Map: TypeAlias = Mapping[Scalar, Value]


class Condition(StrEnum):
    """The error conditions in use (AMQP 1.0 sections 2.8.15 to 2.8.18)."""

    DECODE_ERROR = "amqp:decode-error"
    FRAMING_ERROR = "amqp:connection:framing-error"
    HANDLE_IN_USE = "amqp:session:handle-in-use"
    ILLEGAL_STATE = "amqp:illegal-state"
    INVALID_FIELD = "amqp:invalid-field"
    MESSAGE_SIZE_EXCEEDED = "amqp:link:message-size-exceeded"
    NOT_ALLOWED = "amqp:not-allowed"
    NOT_FOUND = "amqp:not-found"
    STOLEN = "amqp:link:stolen"


class AmqpError(Exception):
    """The peer broke the protocol: its connection is closed with this condition."""

    def __init__(self, condition: Condition, description: str) -> None:
        super().__init__(description)
        self.condition = condition
        self.description = description

    def described(self) -> Described:
        """The error as close and detach carry it (section 2.8.14)."""
        return Described(ULong(0x1D), [Symbol(self.condition), self.description, None])


class LinkError(AmqpError):
    """An error that costs the peer the link only."""


class Fields:
    """The fields of a list; absent ones are null (AMQP 1.0 section 1.4)."""

    def __init__(self, value: Value) -> None:
        if not isinstance(value, tuple):
            raise AmqpError(Condition.DECODE_ERROR, "A list was expected.")
        self._values: tuple[Value, ...] = value

    def __getitem__(self, index: int) -> Value:
        return self._values[index] if index < len(self._values) else None

    def uint(self, index: int, default: int | None = None) -> int:
        """A number; without a default it is mandatory."""
        value = self[index]
        if value is None:
            value = default
        if isinstance(value, bool) or not isinstance(value, int):
            raise AmqpError(Condition.INVALID_FIELD, f"Field {index} is not a number.")
        if not 0 <= value <= MAX_UINT:
            raise AmqpError(Condition.INVALID_FIELD, f"Field {index} is not a uint.")
        return value

    def text(self, index: int) -> str:
        """A mandatory string."""
        value = self[index]
        if not isinstance(value, str):
            raise AmqpError(Condition.INVALID_FIELD, f"Field {index} is not a string.")
        return value

    def mapping(self, index: int) -> Map:
        """A map, empty if it is something else."""
        value = self[index]
        return value if isinstance(value, dict) else {}

    def terminus(self, index: int) -> Fields:
        """The fields of a source or target (sections 3.5.3 and 3.5.4)."""
        value = self[index]
        return Fields(value.value if isinstance(value, Described) else ())
