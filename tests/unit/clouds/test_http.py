"""The real HTTP client, against servers on loopback and errors of every kind."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import logging
import ssl
import subprocess
import sys
import traceback
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.clouds.http import BODY_CAP, HttpClient
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    ResponderError,
    TransientFailure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[3]
HEADERS = {"content-type": "application/json"}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers every request with the same bytes, and keeps what it was sent."""

    def __init__(self, answer: bytes, *, keeps_open: bool = False) -> None:
        self.answer = answer
        self.keeps_open = keeps_open
        self.requests: list[bytes] = []
        self.port = 0
        self._done = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._done.set()
            server.close()
            await server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.requests.append(head + await reader.readexactly(length))
        writer.write(self.answer)
        if self.keeps_open:
            await self._done.wait()
        writer.close()


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


async def failure_of(client: HttpClient, url: str) -> ResponderError:
    with pytest.raises(ResponderError) as caught:
        await client.post(url, headers=HEADERS, body=b"{}")
    return caught.value


async def test_the_bytes_are_sent_once_and_the_reply_comes_back(
    http: HttpClient,
) -> None:
    """Body and headers go out as given, with our name; header names come lower-case."""
    answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno"
    async with Server(answer).serving() as server:
        reply = await http.post(f"{server.url}/a?b=c", headers=HEADERS, body=b'{"x":1}')

    assert (reply.status, reply.headers["retry-after"], reply.body) == (429, "7", b"no")
    [request] = server.requests
    assert request.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert request.endswith(b'\r\n\r\n{"x":1}')
    assert b"user-agent: firewatch/" in request.lower()


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_other_methods_are_sent_as_well(http: HttpClient, method: str) -> None:
    """A change of what is there goes out with its bytes, and its answer comes back."""
    async with Server(OK).serving() as server:
        reply = await http.send(method, server.url, headers=HEADERS, body=b'{"x":1}')

    assert (reply.status, reply.body) == (200, b"ok")
    [request] = server.requests
    assert request.startswith(f"{method} / HTTP/1.1\r\n".encode())
    assert request.endswith(b'\r\n\r\n{"x":1}')


@pytest.mark.parametrize("most", [1_000, 3 * BODY_CAP])
async def test_an_answer_is_kept_as_far_as_was_said(
    http: HttpClient, most: int
) -> None:
    """A search by POST may answer more than a notice, or much less."""
    size = 4 * BODY_CAP
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size
    async with Server(answer).serving() as server:
        reply = await http.send(
            "POST", server.url, headers=HEADERS, body=b"{}", most=most
        )

    assert reply.body == b"x" * most


async def test_a_document_is_read(http: HttpClient) -> None:
    """GET sends no body."""
    async with Server(OK).serving() as server:
        reply = await http.get(f"{server.url}/keys")

    assert reply.body == b"ok"
    assert server.requests[0].startswith(b"GET /keys HTTP/1.1\r\n")


async def test_a_document_is_asked_for_with_the_headers_given(
    http: HttpClient,
) -> None:
    """A bearer token goes out with the request it was given for."""
    async with Server(OK).serving() as server:
        await http.get(server.url, headers={"authorization": "Bearer t"})

    assert b"\r\nauthorization: bearer t\r\n" in server.requests[0].lower()


async def test_a_document_may_be_as_long_as_was_said(http: HttpClient) -> None:
    """A list is megabytes; whoever reads it says how many are too many."""
    size = 3 * BODY_CAP
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size
    async with Server(answer).serving() as server:
        reply = await http.get(server.url, most=size)

    assert reply.body == b"x" * size


@pytest.mark.parametrize("size", [1_001, 500_000])
async def test_a_document_that_is_too_long_is_no_document(
    http: HttpClient, size: int
) -> None:
    """What was cut off is not handed over as if it were the whole."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * size
    async with Server(answer, keeps_open=True).serving() as server:
        with pytest.raises(PermanentFailure) as caught:
            await http.get(f"{server.url}/s3cret", most=1_000)

    assert caught.value.reason is FailureReason.INVALID
    assert str(caught.value) == "127.0.0.1 sent more than 1000 bytes"


async def test_redirects_are_not_followed(http: HttpClient) -> None:
    """A redirect is an answer like any other, so no secret travels on."""
    async with Server(b"").serving() as server:
        server.answer = (
            f"HTTP/1.1 307 Away\r\nLocation: {server.url}/x\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()
        reply = await http.post(server.url, headers=HEADERS, body=b"{}")

    assert reply.status == 307
    assert len(server.requests) == 1


async def test_a_body_is_read_up_to_the_cap(http: HttpClient) -> None:
    """A side cannot fill our memory, nor hold us with a body that never ends."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 100_000
    async with Server(answer, keeps_open=True).serving() as server:
        reply = await http.post(server.url, headers=HEADERS, body=b"{}")

    assert reply.body == b"x" * BODY_CAP


async def test_a_compressed_body_is_not_unpacked(http: HttpClient) -> None:
    """None is asked for, and one that comes all the same cannot explode."""
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbomb"
    )
    async with Server(answer).serving() as server:
        reply = await http.post(server.url, headers=HEADERS, body=b"{}")

    assert reply.body == b"bomb"
    assert b"accept-encoding: identity" in server.requests[0].lower()


async def test_cookies_are_not_kept(http: HttpClient) -> None:
    """One exchange leaves nothing behind for the next."""
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with Server(answer).serving() as server:
        for _ in range(2):
            await http.post(server.url, headers=HEADERS, body=b"{}")

    assert len(server.requests) == 2
    assert not [sent for sent in server.requests if b"cookie" in sent.lower()]


async def test_proxies_of_the_environment_are_not_used(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is read in settings.py alone."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async with Server(OK).serving() as server:
        reply = await http.get(server.url)

    assert reply.status == 200


async def test_a_silent_side_is_a_timeout() -> None:
    """It may have acted: the reason says that the outcome is unknown."""
    http = HttpClient(read_timeout_s=0.05)
    async with Server(b"", keeps_open=True).serving() as server:
        failure = await failure_of(http, server.url)
        await http.close()

    assert isinstance(failure, TransientFailure)
    assert failure.reason is FailureReason.TIMEOUT


async def test_the_whole_exchange_is_bounded() -> None:
    """A side that keeps the connection busy cannot hold a worker past its lease."""
    http = HttpClient(whole_timeout_s=0.05)
    async with Server(b"HTTP/1.1 200", keeps_open=True).serving() as server:
        failure = await failure_of(http, server.url)
        await http.close()

    assert failure.reason is FailureReason.TIMEOUT


async def test_a_closed_port_is_unavailable(http: HttpClient) -> None:
    """Nothing was sent, so it is sent again later."""
    async with Server(OK).serving() as server:
        pass

    failure = await failure_of(http, server.url)

    assert isinstance(failure, TransientFailure)
    assert failure.reason is FailureReason.UNAVAILABLE


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n\r\n"])
async def test_a_broken_answer_is_unavailable(http: HttpClient, answer: bytes) -> None:
    """A side that hangs up, or speaks something else, may be well again later."""
    async with Server(answer).serving() as server:
        failure = await failure_of(http, server.url)

    assert isinstance(failure, TransientFailure)
    assert failure.reason is FailureReason.UNAVAILABLE


async def test_an_unknown_certificate_is_refused(
    http: HttpClient, tmp_path: Path
) -> None:
    """TLS is verified, on loopback too; the request never leaves."""
    async with Server(OK).serving(_own_certificate(tmp_path)) as server:
        failure = await failure_of(http, f"https://127.0.0.1:{server.port}/")

    assert failure.reason is FailureReason.UNAVAILABLE
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://pagerduty.example/v2",
        "http://10.0.0.1/",
        "http://127.0.0.1.example/",
        "http://localhost.example/",
        "http://0.0.0.0/",
        "ftp://files.example/",
        "file:///etc/passwd",
        "pagerduty.example",
        "/v2/enqueue",
        "https://",
        "https://host:port/",
        "https://host\n.example/",
        "https://\ud800.example/",
        "",
    ],
)
async def test_anything_but_https_is_refused(http: HttpClient, url: str) -> None:
    """Plain http is for this machine only, and what is no URL is never sent."""
    failure = await failure_of(http, url)

    assert isinstance(failure, PermanentFailure)
    assert failure.reason is FailureReason.INVALID


@pytest.mark.parametrize("value", ["a\r\nb: c", "\ud800", "a\x00"])
async def test_a_header_that_is_not_one_is_refused(
    http: HttpClient, value: str
) -> None:
    """A header cannot smuggle another, and the failure does not repeat it."""
    async with Server(OK).serving() as server:
        with pytest.raises(PermanentFailure) as caught:
            await http.post(server.url, headers={"authorization": value}, body=b"")

    assert caught.value.reason is FailureReason.INVALID
    assert repr(value) not in "".join(traceback.format_exception(caught.value))


def _all_of(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(found for sub in kind.__subclasses__() for found in _all_of(sub))]


@pytest.mark.parametrize("kind", _all_of(httpx.RequestError))
async def test_every_error_of_httpx_is_ours(kind: type[Exception]) -> None:
    """No exception of the library crosses the adapter."""

    def fail(_request: httpx.Request) -> httpx.Response:
        raise kind("the library's own words")

    http = HttpClient()
    http._client = httpx.AsyncClient(transport=httpx.MockTransport(fail))

    failure = await failure_of(http, "https://side.example/s3cret?k=s3cret")
    await http.close()

    assert isinstance(failure, TransientFailure | PermanentFailure)
    assert "side.example" in str(failure)
    assert "s3cret" not in "".join(traceback.format_exception(failure))


async def test_nothing_that_is_sent_is_logged(
    http: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Paths, queries and headers may be secrets, and the libraries log them all."""
    caplog.set_level(logging.DEBUG)
    async with Server(OK).serving() as server:
        await http.post(
            f"{server.url}/s3cret?k=s3cret", headers={"x": "s3cret"}, body=b"s3cret"
        )

    assert "s3cret" not in caplog.text


async def test_one_client_serves_until_it_is_closed(http: HttpClient) -> None:
    """Connections are kept for the next exchange, and closing is not for ever."""
    async with Server(OK).serving() as server:
        await http.get(server.url)
        first = http._client
        await http.get(server.url)
        assert http._client is first

        await http.close()
        await http.close()
        assert (await http.get(server.url)).status == 200


def test_importing_the_adapter_does_not_import_httpx() -> None:
    """A cold start pays for the library only when something is sent."""
    code = (
        "import sys, shared.clouds.http, responders;"
        "assert not {'httpx', 'aiohttp', 'http.cookiejar'} & set(sys.modules)"
    )

    ended = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT)

    assert ended.returncode == 0


def _own_certificate(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS by a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context
