"""The one HTTP client of the app, as the port that responders are given."""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec.structs import replace

from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.http import Reply, is_this_machine

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import httpx

USER_AGENT = "Firewatch/0.1"
BODY_CAP = 64 * 1024
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
# A side that drips one byte per read would otherwise hold a worker past its lease.
WHOLE_TIMEOUT_S = 25.0


class HttpClient:
    """``shared.model.http.Http`` by httpx: one pool of connections, made at first use.

    Proxies and certificates of the environment are not looked at: settings.py alone
    reads it. Cookies are not kept.
    """

    def __init__(
        self,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
        whole_timeout_s: float = WHOLE_TIMEOUT_S,
    ) -> None:
        self._read_timeout_s = read_timeout_s
        self._whole_timeout_s = whole_timeout_s
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send the bytes once; see ``shared.model.http.Http``."""
        return await self.send("POST", url, headers=headers, body=body)

    async def get(
        self, url: str, *, headers: Mapping[str, str] = {}, most: int = BODY_CAP
    ) -> Reply:
        """Read a document; see ``shared.model.http.Http``."""
        reply = await self._exchange("GET", url, headers=headers, body=None, most=most)
        if len(reply.body) > most:
            raise _invalid(f"{urlsplit(url).hostname} sent more than {most} bytes")
        return reply

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        most: int = BODY_CAP,
    ) -> Reply:
        """Send the bytes by any method; see ``shared.model.http.Http``."""
        reply = await self._exchange(method, url, headers=headers, body=body, most=most)
        return replace(reply, body=reply.body[:most])

    async def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        most: int,
    ) -> Reply:
        client = self._opened()
        request = _request(client, method, url, headers=headers, body=body)
        return await self._send(client, request, most)

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = _new_client(self._read_timeout_s)
        return self._client

    async def _send(
        self, client: httpx.AsyncClient, request: httpx.Request, most: int
    ) -> Reply:
        import httpx  # noqa: PLC0415 - 60 ms of start-up that only senders pay

        host = request.url.host
        try:
            async with asyncio.timeout(self._whole_timeout_s):
                return await _capped(client, request, most)
        except httpx.ConnectTimeout as exc:
            raise _unavailable(host, "no connection in time") from exc
        except httpx.PoolTimeout as exc:
            raise _unavailable(host, "every connection is busy") from exc
        except (TimeoutError, httpx.TimeoutException) as exc:
            raise TransientFailure(
                FailureReason.TIMEOUT, f"{host} did not answer in time"
            ) from exc
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError):
            # Without the cause: its text repeats what was to be sent.
            raise _invalid(f"the request to {host} is not valid HTTP") from None
        except httpx.ConnectError as exc:
            raise _unavailable(host, "no connection") from exc
        except httpx.RequestError as exc:
            raise _unavailable(host, "the connection broke") from exc


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are believed: 25 ms to read, so it is done once."""
    import httpx  # noqa: PLC0415 - see HttpClient._send

    return httpx.create_ssl_context(trust_env=False)


def _new_client(read_timeout_s: float) -> httpx.AsyncClient:
    # As in HttpClient._send.
    from http.cookiejar import CookieJar, DefaultCookiePolicy  # noqa: PLC0415

    import httpx  # noqa: PLC0415

    # They log URLs and headers, where some sides keep their secret.
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        timeout=httpx.Timeout(read_timeout_s, connect=CONNECT_TIMEOUT_S),
        follow_redirects=False,
        trust_env=False,
        verify=_trusted(),
        # Raw bytes are read up to a cap, so nothing may be compressed.
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
    )


def _request(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None,
) -> httpx.Request:
    import httpx  # noqa: PLC0415 - see HttpClient._send

    try:
        request = client.build_request(method, url, headers=headers, content=body)
    except (httpx.InvalidURL, ValueError):
        raise _invalid("the URL or a header is not valid") from None
    host = request.url.host
    if not host:
        raise _invalid("the URL names no host")
    if request.url.scheme == "https" or (
        request.url.scheme == "http" and is_this_machine(host)
    ):
        return request
    raise _invalid(f"{host} must be reached by https")


async def _capped(
    client: httpx.AsyncClient, request: httpx.Request, most: int
) -> Reply:
    """The reply; a body of more than ``most`` bytes is a little longer than that."""
    response = await client.send(request, stream=True)
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > most:
                break
    finally:
        await response.aclose()
    return Reply(
        status=response.status_code,
        headers=dict(response.headers),
        body=bytes(body),
    )


def _unavailable(host: str, what: str) -> TransientFailure:
    return TransientFailure(FailureReason.UNAVAILABLE, f"{host}: {what}")


def _invalid(what: str) -> PermanentFailure:
    return PermanentFailure(FailureReason.INVALID, what)
