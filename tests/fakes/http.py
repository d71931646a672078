"""The port `shared.model.http.Http` without a network, and one that listens in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.model.errors import FailureReason, PermanentFailure
from shared.model.http import Http, Reply

OK = Reply(status=202, headers={}, body=b"")


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it left."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        return msgspec.json.decode(self.body, type=dict[str, Any])

    @property
    def list(self) -> list[dict[str, Any]]:
        """The body as a list of JSON objects, as a patch is."""
        return msgspec.json.decode(self.body, type=list[dict[str, Any]])


class FakeHttp:
    """Answers with what the test scripted, in order, then with ``default`` for ever.

    A scripted exception is raised in place of an answer; ``default`` may depend on what
    was asked. ``sent`` is what was asked.
    """

    def __init__(
        self,
        *script: Reply | Exception,
        default: Reply | Exception | Callable[[Sent], Reply] = OK,
    ) -> None:
        self.script = list(script)
        self.default = default
        self.sent: list[Sent] = []

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
        return self._answer(Sent(method="POST", url=url, headers=headers, body=body))

    async def get(
        self, url: str, *, headers: Mapping[str, str] = {}, most: int = 64 * 1024
    ) -> Reply:
        reply = self._answer(Sent(method="GET", url=url, headers=headers, body=b""))
        if len(reply.body) > most:
            raise PermanentFailure(FailureReason.INVALID, f"more than {most} bytes")
        return reply

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        most: int = 64 * 1024,
    ) -> Reply:
        reply = self._answer(Sent(method=method, url=url, headers=headers, body=body))
        return msgspec.structs.replace(reply, body=reply.body[:most])

    def _answer(self, sent: Sent) -> Reply:
        self.sent.append(sent)
        answer = self.script.pop(0) if self.script else self.default
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else answer(sent)


class ListeningHttp:
    """Passes everything on to another Http, and keeps what was sent in ``sent``."""

    def __init__(self, inner: Http) -> None:
        self.inner = inner
        self.sent: list[Sent] = []

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
        self.sent.append(Sent(method="POST", url=url, headers=headers, body=body))
        return await self.inner.post(url, headers=headers, body=body)

    async def get(
        self, url: str, *, headers: Mapping[str, str] = {}, most: int = 64 * 1024
    ) -> Reply:
        self.sent.append(Sent(method="GET", url=url, headers=headers, body=b""))
        return await self.inner.get(url, headers=headers, most=most)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        most: int = 64 * 1024,
    ) -> Reply:
        self.sent.append(Sent(method=method, url=url, headers=headers, body=body))
        return await self.inner.send(method, url, headers=headers, body=body, most=most)
