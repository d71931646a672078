"""A receiver of syslog over TLS, as QRadar and ArcSight have one.

It listens beside the HTTP sides, on a port of its own, with a certificate that only
those trust who are given its authority.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from devhost.outside import lines
from devhost.outside.certificate import authority, server_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from aiohttp import web

    from devhost.outside.lines import Line

HOST = "127.0.0.1"


@cache
def _context(asks_for_certificate: bool) -> ssl.SSLContext:  # noqa: FBT001  a key
    """The same for each that listens in this process, as its certificate is."""
    return server_context(asks_for_certificate=asks_for_certificate)


class SyslogSide:
    """Every line that arrived, as it was parsed. Nothing is acknowledged."""

    name = "syslog"

    def __init__(self) -> None:
        self.port = 0
        self.lines: list[Line] = []
        self.refused: list[str] = []
        self.bytes = 0
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def ca(self) -> str:
        """What its certificate comes from, in PEM."""
        return authority().pem

    def routes(self) -> list[web.RouteDef]:
        """It speaks no HTTP."""
        return []

    def received(self) -> dict[str, Any]:
        """The lines as they were parsed, and what could not be."""
        return {
            "lines": self.lines,
            "refused": self.refused,
            "connections": self.connections,
            "bytes": self.bytes,
        }

    def hang_up(self) -> None:
        """Close every connection there is."""
        for writer in self._writers:
            writer.transport.abort()

    @asynccontextmanager
    async def listening(
        self, *, asks_for_certificate: bool = False
    ) -> AsyncIterator[None]:
        """Take connections on a free port until left."""
        context = _context(asks_for_certificate)
        server = await asyncio.start_server(self._serve, HOST, 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.hang_up()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self._writers.add(writer)
        buffer = b""
        try:
            while data := await reader.read(64 * 1024):
                self.bytes += len(data)
                found, buffer = lines.frames(buffer + data)
                for frame in found:
                    self._take(frame)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _take(self, frame: bytes) -> None:
        try:
            self.lines.append(lines.read(frame))
        except lines.BadLine as error:
            self.refused.append(str(error))
