"""The last report, as it is kept: one blob, written by one timer."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.posture.audited import Report

BLOB = "posture/report.json"


class Blobs(Protocol):
    """What is asked of the store's blobs."""

    async def put(self, name: str, data: bytes) -> None:
        """Write or overwrite."""
        ...

    async def get(self, name: str) -> bytes | None:
        """The bytes, or None where there is no such blob."""
        ...


async def load(blobs: Blobs) -> Report | None:
    """The last report; None before the first. Raises StoreUnavailable.

    One of another form than today's is as if there were none: what is found again is
    new then.
    """
    data = await blobs.get(BLOB)
    try:
        return None if data is None else msgspec.json.decode(data, type=Report)
    except msgspec.MsgspecError:
        return None


async def keep(blobs: Blobs, found: Report) -> None:
    """Keep it in the place of the last one. Raises StoreUnavailable."""
    await blobs.put(BLOB, msgspec.json.encode(found))
