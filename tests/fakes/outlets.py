"""Ways out that are no HTTP, without a network, and one that listens in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.outlets import Outlets
from tests.fakes.http import Sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.outlets import Hub, HubAddress, HubEvent, Peer, Wire


class FakeOutlets:
    """Whatever is asked for is one outlet; ``sent`` is what went out, ``script`` fails it.

    With ``inner`` lines are passed on, before a failure of the script that ``is_late``;
    events never are: to open a hub takes half a second.
    """

    def __init__(self, inner: Outlets | None = None) -> None:
        self.inner = inner
        self.script: list[Exception] = []
        self.is_late = False
        self.sent: list[Sent] = []
        self.peers: list[Peer] = []
        self.addresses: list[HubAddress] = []

    @property
    def outlets(self) -> Outlets:
        return Outlets(self._wire, self._hub)

    def _hub(self, address: HubAddress) -> Hub:
        self.addresses.append(address)
        return FakeHub(self, address)

    def _wire(self, peer: Peer) -> Wire:
        self.peers.append(peer)
        return FakeWire(self, peer, self.inner.wire(peer) if self.inner else None)


class FakeWire:
    """Takes every line, unless a test scripts otherwise."""

    def __init__(self, outlets: FakeOutlets, peer: Peer, inner: Wire | None) -> None:
        self._outlets = outlets
        self._url = f"tls://{peer.host}:{peer.port}"
        self._inner = inner

    async def send(self, data: bytes) -> None:
        outlets = self._outlets
        outlets.sent.append(Sent(method="SEND", url=self._url, headers={}, body=data))
        error = outlets.script.pop(0) if outlets.script else None
        if error is not None and not outlets.is_late:
            raise error
        if self._inner is not None:
            await self._inner.send(data)
        if error is not None:
            raise error


class FakeHub:
    """Takes every event, unless a test scripts otherwise; each call is one body of lines."""

    def __init__(self, outlets: FakeOutlets, address: HubAddress) -> None:
        self._outlets = outlets
        self._url = f"hub://{address.namespace}/{address.hub}"

    async def send(self, events: Sequence[HubEvent]) -> None:
        assert all(b"\n" not in event.body for event in events)
        body = b"\n".join(event.body for event in events)
        headers = {event.properties["key"]: event.order for event in events}
        self._outlets.sent.append(
            Sent(method="SEND", url=self._url, headers=headers, body=body)
        )
        if self._outlets.script:
            raise self._outlets.script.pop(0)
