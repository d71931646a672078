"""The listening socket: serve a broker, and where it is then found."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from devhost.eventhub.connection import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.eventhub.broker import Broker

# How long the end of a server may wait for its last connections.
CLOSE_S = 1.0


class Server(NamedTuple):
    """Where a running stand-in is found."""

    host: str
    port: int

    @property
    def connection_string(self) -> str:
        """
        What the SDK's from_connection_string takes; the hub is named apart.

        The SDK honours the port, and leaves TLS out, only with the emulator flag in
        exactly this case.
        """
        return (
            f"Endpoint=sb://{self.host}:{self.port}"
            ";SharedAccessKeyName=RootManageSharedAccessKey"
            ";SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
        )


@asynccontextmanager
async def serve(
    broker: Broker, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Server]:
    """Serve a broker while the context lasts; port 0 takes a free one."""
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(broker, connections), host, port
    )
    try:
        yield Server(host, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for connection in tuple(connections):
            connection.abort()
        # From Python 3.12 on this waits for connections too, even for one that was being
        # accepted just now and so has not been aborted.
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), CLOSE_S)
