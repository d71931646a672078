"""Ways out that are no HTTP: lines over TLS, and an Event Hub; without a library's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from shared.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Who is spoken to over TLS, and how both sides prove who they are.

    ``ca`` is the certificate in PEM that the peer's must come from; one of the system's
    where it is empty. ``certificate`` is what we show: certificate and key in PEM.
    """

    host: str
    port: int
    ca: str = ""
    certificate: Secret | None = None


class Wire(Protocol):
    """One connection to a peer, opened when it is needed."""

    async def send(self, data: bytes) -> None:
        """Write the bytes in order.

        The peer acknowledges nothing: that they were written says only that the system
        took them. What was written last is written once more on the next connection,
        since a peer that went away may have lost it. Raises TransientFailure, and with
        reason AUTH where one side does not trust the other.
        """
        ...


class HubEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event for a hub: those of one ``order`` stay in order."""

    body: bytes
    order: str
    properties: Mapping[str, str]


class Hub(Protocol):
    """An Event Hub that is written to, as the app's identity or by a connection string."""

    async def send(self, events: Sequence[HubEvent]) -> None:
        """Send them all.

        Raises TransientFailure and PermanentFailure; some may have arrived then.
        """
        ...


class HubAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Which hub: by the ``namespace`` and our identity, or by a connection string."""

    hub: str
    namespace: str = ""
    connection: Secret | None = None


class Outlets(NamedTuple):
    """What opens them; nothing is connected before the first use.

    Both raise SettingsError for what must not be written to.
    """

    wire: Callable[[Peer], Wire]
    hub: Callable[[HubAddress], Hub]
