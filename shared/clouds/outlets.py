"""The ways out that are no HTTP, as responders are given them; closed with the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.clouds.hub import EventHub, place_of
from shared.clouds.wire import SETTLE_S, TlsWire
from shared.model.errors import SettingsError
from shared.model.outlets import Outlets

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials_async import AsyncTokenCredential

    from shared.model.outlets import Hub, HubAddress, Peer, Wire


class Opened:
    """Whatever was asked for, to be closed in the end.

    ``own`` is the hub that brings alerts, as ``namespace/hub``: what was written to it
    would come back as one.
    """

    def __init__(
        self,
        credential: Callable[[], AsyncTokenCredential],
        *,
        own: str = "",
        settle_s: float = SETTLE_S,
    ) -> None:
        self._credential = credential
        self._own = own
        self._settle_s = settle_s
        self._opened: list[TlsWire | EventHub] = []

    @property
    def outlets(self) -> Outlets:
        """What opens them; nothing is connected before the first use."""
        return Outlets(self._wire, self._hub)

    async def close(self) -> None:
        """Close every connection; the next use opens another."""
        for each in self._opened:
            await each.close()

    def _wire(self, peer: Peer) -> Wire:
        self._opened.append(wire := TlsWire(peer, settle_s=self._settle_s))
        return wire

    def _hub(self, address: HubAddress) -> Hub:
        if place_of(address) == self._own:
            raise SettingsError(
                ["hub is the one that brings alerts: they would go round"]
            )
        self._opened.append(hub := EventHub(address, self._credential))
        return hub
