"""Where the bytes of an event are, inside the blob that its batch was archived in."""

from __future__ import annotations

import msgspec


class Spot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event of an archived batch: its gzip member, its line there, its hash.

    ``length`` counts the bytes of the member from ``offset`` on; 0 where it is the whole
    blob. ``line`` counts from 0. ``sha256`` is of the event's bytes as they came, in 64
    hex digits.
    """

    offset: int
    length: int
    line: int
    sha256: str
