"""The books of law 1: nothing that came in is unaccounted for."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Booking(StrEnum):
    """What became of a unit; each is booked under exactly one."""

    STORED = "stored"
    UPDATED = "updated"
    DUPLICATE = "duplicate"
    STALE = "stale"
    IGNORED = "ignored"
    DEAD_LETTERED = "dead_lettered"


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of units over completed attempts.

    Suppressed ones are stored ones too, and known only once somebody looked: reports
    fill them in.
    """

    received: int = 0
    stored: int = 0
    updated: int = 0
    duplicate: int = 0
    stale: int = 0
    suppressed: int = 0
    ignored: int = 0
    dead_lettered: int = 0

    def __add__(self, other: Books) -> Books:
        return Books(
            **{
                name: getattr(self, name) + getattr(other, name)
                for name in self.__struct_fields__
            }
        )

    @property
    def is_balanced(self) -> bool:
        """Whether received is the sum of what became of it (law 1)."""
        parts = (int(getattr(self, booking)) for booking in Booking)
        return self.received == sum(parts)


def booked(bookings: list[Booking]) -> Books:
    """The books of one attempt."""
    counts = {booking.value: bookings.count(booking) for booking in Booking}
    return Books(received=len(bookings), **counts)
