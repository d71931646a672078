"""The transport's envelope around alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


class Event(NamedTuple):
    """Bytes, and where and when they came.

    ``source`` is ``hub/<hub>/<partition>`` or ``http``; ``place`` is unique in it: the
    sequence number, or the hash of the body. ``formats`` names what the sender may
    send; None is anything.
    """

    body: bytes
    source: str
    place: str
    received_at: datetime
    formats: Collection[str] | None = None
