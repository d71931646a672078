"""Lines over TLS: one connection for each peer, kept open (RFC 5425)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from shared.model.errors import FailureReason, TransientFailure

if TYPE_CHECKING:
    from shared.model.outlets import Peer
    from shared.model.secret import Secret

# remote-apis-sinks.md 15.
CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 5.0
# Under TLS 1.3 a peer looks at our certificate after we think that all is well: what was
# written by then is lost without a word.
SETTLE_S = 0.2


class TlsWire:
    """``shared.model.outlets.Wire`` by the streams of the standard library.

    Chain and host name are verified always. Whoever sends while another does waits.
    """

    def __init__(
        self,
        peer: Peer,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        write_timeout_s: float = WRITE_TIMEOUT_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._peer = peer
        self._connect_timeout_s = connect_timeout_s
        self._write_timeout_s = write_timeout_s
        self._settle_s = settle_s
        self._context: ssl.SSLContext | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._last = b""
        self._lock = asyncio.Lock()

    async def send(self, data: bytes) -> None:
        """Write the bytes; see ``shared.model.outlets.Wire``."""
        async with self._lock:
            again = b""
            if self._is_gone():
                again = self._last
                self._drop()
                self._streams = await self._opened()
                await self._settled(self._streams[0])
            with contextlib.ExitStack() as unless_written:
                # Half a line may be out: nothing can follow it.
                unless_written.callback(self._drop)
                await self._written(again + data)
                unless_written.pop_all()
            self._last = data

    async def close(self) -> None:
        """Close the connection; the next use opens another."""
        streams, self._streams = self._streams, None
        self._last = b""
        if streams is not None:
            streams[1].close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(self._write_timeout_s):
                    await streams[1].wait_closed()

    def _is_gone(self) -> bool:
        if self._streams is None:
            return True
        reader, writer = self._streams
        return reader.at_eof() or writer.is_closing()

    def _drop(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].transport.abort()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = self._peer.host
        try:
            if self._context is None:
                # Certificates of the system take a tenth of a second to read.
                self._context = await asyncio.to_thread(_context, self._peer)
            async with asyncio.timeout(self._connect_timeout_s):
                return await asyncio.open_connection(
                    host, self._peer.port, ssl=self._context, server_hostname=host
                )
        except TimeoutError:
            raise TransientFailure(
                FailureReason.TIMEOUT, f"{host}: no connection in time"
            ) from None
        # Without the cause: its text repeats what the peer's certificate says.
        except ssl.SSLError:
            raise TransientFailure(
                FailureReason.AUTH,
                f"{host}: TLS failed; one side does not trust the other",
            ) from None
        except OSError as error:
            raise TransientFailure(
                FailureReason.UNAVAILABLE, f"{host}: no connection"
            ) from error

    async def _settled(self, reader: asyncio.StreamReader) -> None:
        """Give the peer the time to say that it does not trust us."""
        try:
            async with asyncio.timeout(self._settle_s):
                said = await reader.read(1)
        except TimeoutError:
            return
        except OSError:
            said = b""
        if not said:
            self._drop()
            raise TransientFailure(
                FailureReason.AUTH, f"{self._peer.host} closed what was just opened"
            )

    async def _written(self, data: bytes) -> None:
        host = self._peer.host
        assert self._streams is not None  # noqa: S101  opened just now
        try:
            async with asyncio.timeout(self._write_timeout_s):
                self._streams[1].write(data)
                await self._streams[1].drain()
        except TimeoutError:
            raise TransientFailure(
                FailureReason.TIMEOUT, f"{host} takes nothing"
            ) from None
        except OSError as error:
            raise TransientFailure(
                FailureReason.UNAVAILABLE, f"{host}: the connection broke"
            ) from error


def _context(peer: Peer) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=peer.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if peer.certificate is not None:
        _show(context, peer.certificate)
    return context


def _show(context: ssl.SSLContext, certificate: Secret) -> None:
    """Let the context show a certificate; OpenSSL reads it from a file alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.pem"
        path.touch(mode=0o600)
        path.write_text(certificate.reveal(), encoding="utf-8")
        context.load_cert_chain(path)
