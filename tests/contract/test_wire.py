"""Lines over TLS, between real sockets: who is trusted, and what a peer that goes away costs."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from devhost.outside import certificate, syslog
from devhost.outside.certificate import authority, issued, server_context
from devhost.outside.syslog import SyslogSide
from shared.clouds.wire import TlsWire
from shared.model.errors import TransientFailure
from shared.model.outlets import Peer
from shared.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LINE = "<14>1 - firewatch CEF:0|F|F|1|incident.open|Incident|8|externalId="
SHORT_S = 0.1

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Opens = Callable[..., TlsWire]


def line(number: int) -> bytes:
    """A line that its receiver can read."""
    return f"{LINE}{number}\n".encode()


@pytest.fixture
async def wire() -> AsyncIterator[Opens]:
    """Wires to a port, which trust the stand-ins' authority; closed in the end."""
    opened = []

    def opens(
        port: int,
        *,
        wait_s: float = 2,
        settle_s: float = 0.01,
        **changes: Any,  # noqa: ANN401  the fields of Peer
    ) -> TlsWire:
        given: dict[str, Any] = {
            "host": "localhost",
            "port": port,
            "ca": authority().pem,
        } | changes
        opened.append(
            TlsWire(
                Peer(**given),
                connect_timeout_s=wait_s,
                write_timeout_s=wait_s,
                settle_s=settle_s,
            )
        )
        return opened[-1]

    yield opens
    for each in opened:
        await each.close()


@asynccontextmanager
async def serving(
    handler: Handler, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server of the test's own; its port."""
    writers = []

    async def handled(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writers.append(writer)
        await handler(reader, writer)

    server = await asyncio.start_server(handled, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
async def side() -> AsyncIterator[SyslogSide]:
    """A receiver that takes whatever is written."""
    side = SyslogSide()
    async with side.listening():
        yield side


async def until(said: Callable[[], bool]) -> None:
    """Wait for the other side of a socket of this process."""
    async with asyncio.timeout(5):
        while not said():  # noqa: ASYNC110  what is waited for is on another socket
            await asyncio.sleep(0.001)


def numbers(side: SyslogSide) -> list[str]:
    """The lines that arrived."""
    return [each.fields["externalId"] for each in side.lines]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_lines_arrive_in_order_by_one_connection(
    side: SyslogSide, wire: Opens, host: str
) -> None:
    """By name or by address, as the certificate says."""
    sender = wire(side.port, host=host)

    await asyncio.gather(*(sender.send(line(number)) for number in range(20)))

    await until(lambda: len(side.lines) == 20)
    assert numbers(side) == [str(number) for number in range(20)]
    assert side.connections == 1


async def test_a_peer_of_another_authority_is_not_trusted(
    side: SyslogSide, wire: Opens
) -> None:
    """Nothing is written to it."""
    sender = wire(side.port, ca=authority("somebody else").pem)

    with pytest.raises(TransientFailure) as failure:
        await sender.send(line(1))

    assert failure.value.reason == "auth"
    assert side.lines == []


async def test_without_an_authority_the_systems_are_asked(
    side: SyslogSide, wire: Opens
) -> None:
    """Which do not know a stand-in."""
    with pytest.raises(TransientFailure) as failure:
        await wire(side.port, ca="").send(line(1))

    assert failure.value.reason == "auth"


async def test_a_certificate_for_another_host_is_not_trusted(
    wire: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is looked at, whoever signed it."""
    monkeypatch.setattr(certificate, "HOSTS", ("another.example",))
    monkeypatch.setattr(syslog, "_context", lambda _: server_context())
    side = SyslogSide()
    async with side.listening():
        with pytest.raises(TransientFailure) as failure:
            await wire(side.port).send(line(1))

    assert failure.value.reason == "auth"
    assert side.lines == []


async def test_a_certificate_of_ours_is_shown_where_one_is_wanted(
    wire: Opens,
) -> None:
    """And without it there is no connection."""
    side = SyslogSide()
    async with side.listening(asks_for_certificate=True):
        known = wire(side.port, certificate=Secret(issued("client").both))
        await known.send(line(1))
        await until(lambda: numbers(side) == ["1"])

        with pytest.raises(TransientFailure) as failure:
            await wire(side.port, settle_s=2).send(line(2))

    assert failure.value.reason == "auth"
    assert numbers(side) == ["1"]


async def test_what_a_peer_may_have_lost_is_written_again(
    side: SyslogSide, wire: Opens
) -> None:
    """The last of what was written before it went away; whoever reads tells by the key."""
    sender = wire(side.port)
    await sender.send(line(1))
    await sender.send(line(2))
    await until(lambda: len(side.lines) == 2)
    side.hang_up()
    await until(sender._is_gone)

    await sender.send(line(3))

    await until(lambda: len(side.lines) == 4)
    assert numbers(side) == ["1", "2", "2", "3"]
    assert side.connections == 2


async def test_nobody_there_is_transient(wire: Opens) -> None:
    """It may be there later."""
    with pytest.raises(TransientFailure) as failure:
        await wire(closed_port()).send(line(1))

    assert failure.value.reason == "unavailable"


async def test_whoever_does_not_shake_hands_is_not_waited_for(wire: Opens) -> None:
    """Five seconds at most; here less."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as port:
        with pytest.raises(TransientFailure) as failure:
            await wire(port, wait_s=SHORT_S).send(line(1))

    assert failure.value.reason == "timeout"


async def test_whoever_reads_nothing_is_not_waited_for(wire: Opens) -> None:
    """What a peer does not take fills buffers, and then it is over."""

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport: Any = writer.transport
        transport.pause_reading()

    async def keep_sending(sender: TlsWire) -> None:
        for _ in range(20):
            await sender.send(b"x" * 1024 * 1024)

    async with serving(deaf, server_context()) as port:
        with pytest.raises(TransientFailure) as failure:
            await keep_sending(wire(port, wait_s=SHORT_S))

    assert failure.value.reason == "timeout"


async def test_old_versions_of_tls_are_not_spoken(wire: Opens) -> None:
    """1.2 is the least; whoever offers less is not written to."""
    context = server_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    async def takes(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(takes, context) as port:
        with pytest.raises(TransientFailure):
            await wire(port).send(line(1))
