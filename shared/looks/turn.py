"""The time that one look has, and its place among those side by side."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.evidence import EvidenceRow, Lack

# So long is there for what is known already, however late it is.
BRIEF = timedelta(seconds=0.5)


class Asked(NamedTuple):
    """A round about an incident of so many alerts: its rows, and why logs gave none."""

    alerts: int
    rows: tuple[EvidenceRow, ...]
    lack: Lack | None = None


class Turn:
    """The time that one look has, and its place among those that look side by side.

    Whoever waits for evidence gives the place to another. ``asked`` is what came of it,
    for as long as nothing was claimed: an incident that changes all the time is not
    asked about, and waited for, over and over.
    """

    def __init__(self, gate: asyncio.Semaphore) -> None:
        self.asked: dict[str, Asked] = {}
        self._gate = gate
        self._began = running()

    def left(self, most: timedelta) -> float:
        """Seconds until this look has waited so long; enough for what is known."""
        ends = self._began + most.total_seconds()
        return max(ends - running(), BRIEF.total_seconds())

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """Let another look go on meanwhile."""
        self._gate.release()
        try:
            yield
        finally:
            await self._gate.acquire()


def running() -> float:
    """Seconds by the clock that deadlines are kept by."""
    return asyncio.get_running_loop().time()
