"""What was sent to sides that are paid by volume."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent to a side that is paid by volume.

    ``bytes`` are those on the wire, compressed as they went. Of forwards that went
    together the first has all the calls and bytes, so that sums are true.
    """

    records: int = 0
    bytes: int = 0
    calls: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            records=self.records + other.records,
            bytes=self.bytes + other.bytes,
            calls=self.calls + other.calls,
        )


@runtime_checkable
class Sink(Protocol):
    """What counts what it sends."""

    @property
    def traffic(self) -> Traffic:
        """What was sent by this process, or tried to be."""
        ...
