"""The one message there is: look at these incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Far under a message's 48 KiB, and few enough for one invocation (review F2).
IDS_PER_MESSAGE = 500


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """The queue ``respond`` carries nothing else: who it names is in the store."""

    incidents: tuple[str, ...]


def encode(incidents: Sequence[str]) -> bytes:
    """The message for at most 500 incidents."""
    return msgspec.json.encode(Look(incidents=tuple(incidents)))


def decode(message: bytes) -> tuple[str, ...]:
    """The incidents a message names. Raises ValueError where it is not one of ours."""
    return msgspec.json.decode(message, type=Look).incidents


def split(incidents: Sequence[str]) -> Iterator[Sequence[str]]:
    """The incidents in message-sized parts."""
    for start in range(0, len(incidents), IDS_PER_MESSAGE):
        yield incidents[start : start + IDS_PER_MESSAGE]
