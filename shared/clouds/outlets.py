"""The ways out that are no HTTP, as responders are given them; closed with the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.clouds.wire import SETTLE_S, TlsWire
from shared.model.outlets import Outlets

if TYPE_CHECKING:
    from shared.model.outlets import Peer, Wire


class Opened:
    """Whatever was asked for, to be closed in the end."""

    def __init__(self, *, settle_s: float = SETTLE_S) -> None:
        self._settle_s = settle_s
        self._opened: list[TlsWire] = []

    @property
    def outlets(self) -> Outlets:
        """What opens them; nothing is connected before the first use."""
        return Outlets(self._wire)

    async def close(self) -> None:
        """Close every connection; the next use opens another."""
        for each in self._opened:
            await each.close()

    def _wire(self, peer: Peer) -> Wire:
        self._opened.append(wire := TlsWire(peer, settle_s=self._settle_s))
        return wire
