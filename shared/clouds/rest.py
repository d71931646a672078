"""Azure's remote APIs over HTTP: Resource Manager, Graph, Defender for Endpoint, vaults.

What takes long, and what an error means: remote-apis-azure.md 0.3, 0.4 and 0.5.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.clouds.replies import (
    check,
    code_of,
    ended,
    is_absent,
    is_safe,
    origin_of,
    parsed,
    wait_of,
)
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.rest import (
    ENDED_BADLY,
    SUCCEEDED,
    Document,
    Done,
    Pending,
    is_settled,
    provisioning_state,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.model.http import Http, Reply

LARGEST_DOCUMENT = 1024 * 1024
# The tables of a workspace come at once, each with its columns.
LARGEST_PAGE = 16 * 1024 * 1024
# What Azure says that one must be able to take.
LONGEST_POLL_URL = 4096
MOST_PAGES = 50


class RestClient:
    """``shared.model.rest.Rest`` over the app's HTTP client.

    ``side`` names the API in messages, ``url`` has no slash at its end. ``audience`` is
    whom tokens are for, where that is not the URL's own host; on this machine it is
    always the URL's, so that no stand-in is shown a token of the app.
    """

    def __init__(
        self,
        side: str,
        url: str,
        *,
        http: Http,
        token: Callable[[str], Awaitable[str]],
        audience: str = "",
    ) -> None:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        self._side = side
        self._url = url
        self._origin = origin_of(url)
        self._http = http
        self._token = token
        is_local = parts.scheme == "http"
        self._scope = f"{origin if is_local or not audience else audience}/.default"

    async def read(self, path: str, *, permission: str = "") -> Document:
        found = await self.find(path, permission=permission)
        if found is None:
            raise PermanentFailure(
                FailureReason.NOT_FOUND,
                f"{_about(path)}: {self._side} has no such thing",
            )
        return found

    async def find(self, path: str, *, permission: str = "") -> Document | None:
        reply = await self._send("GET", self._at(path))
        if is_absent(reply):
            return None
        self._demand_success(reply, f"GET {_about(path)}", permission)
        content = self._object(reply, path)
        etag = reply.headers.get("etag", "") or content.get("etag")
        return Document(content=content, etag=etag if isinstance(etag, str) else "")

    async def list_all(
        self, path: str, *, permission: str = ""
    ) -> list[dict[str, Any]]:
        url, about = self._at(path), _about(path)
        found: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            reply = await self._send("GET", url, most=LARGEST_PAGE)
            self._demand_success(reply, f"GET {about}", permission)
            content = self._object(reply, path)
            listed = content.get("value")
            if not isinstance(listed, list):
                raise self._invalid(about, "came as something else than a list")
            found += [each for each in listed if isinstance(each, dict)]
            following = content.get("nextLink") or content.get("@odata.nextLink")
            if not following:
                return found
            # The token goes wherever the link leads.
            if not isinstance(following, str) or origin_of(following) != self._origin:
                raise self._invalid(about, "goes on at another host")
            url = following
        raise self._invalid(about, f"has more than {MOST_PAGES} pages")

    async def change(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        if_match: str = "",
        permission: str = "",
    ) -> Done | Pending:
        reply = await self._send(method, self._at(path), content, if_match)
        if method == "DELETE" and is_absent(reply):
            return Done()
        self._demand_success(reply, f"{method} {_about(path)}", permission)
        return self._outcome(reply)

    async def look(self, pending: Pending, *, permission: str = "") -> Done | Pending:
        if not pending.poll:
            return Done()
        # The token goes wherever the URL leads.
        if origin_of(pending.poll) != self._origin:
            raise self._invalid("an operation", "lies on another host")
        reply = await self._send("GET", pending.poll)
        if reply.status in {404, 410}:
            return Done()
        self._demand_success(reply, "GET of an operation", permission)
        if pending.is_location:
            return self._outcome(reply) if reply.status == 202 else _done(reply)
        content = self._object(reply, "an operation")
        status = content.get("status")
        if status == SUCCEEDED:
            return Done(content=content)
        if status in ENDED_BADLY:
            raise ended(self._side, str(status), code_of(content))
        return Pending(poll=pending.poll, retry_after=wait_of(reply))

    async def _send(
        self,
        method: str,
        url: str,
        content: object = None,
        if_match: str = "",
        most: int = LARGEST_DOCUMENT,
    ) -> Reply:
        token = await self._token(self._scope)
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if method == "GET":
            return await self._http.get(url, headers=headers, most=most)
        if if_match:
            headers["if-match"] = if_match
        body = b""
        if content is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(content, allow_nan=False).encode()
        return await self._http.send(method, url, headers=headers, body=body, most=most)

    def _at(self, path: str) -> str:
        if not is_safe(path):
            raise PermanentFailure(
                FailureReason.INVALID, f"{self._side}: the path is not a safe one"
            )
        return f"{self._url}{path}"

    def _outcome(self, reply: Reply) -> Done | Pending:
        """Whether it is done, by the headers and by the state of what came back."""
        content = parsed(reply) or {}
        is_over = is_settled(content)
        operation = reply.headers.get("azure-asyncoperation", "")
        is_told = reply.status == 200 and provisioning_state(content) is not None
        if operation and not (is_told and is_over):
            return self._pending(reply, operation)
        if reply.status == 202 or not is_over:
            location = reply.headers.get("location", "")
            return self._pending(reply, location, is_location=bool(location))
        return Done(content=content)

    def _pending(self, reply: Reply, url: str, *, is_location: bool = False) -> Pending:
        # One that is too long, or on another host, is none: the resource tells as well.
        if len(url) > LONGEST_POLL_URL or origin_of(url) != self._origin:
            url, is_location = "", False
        return Pending(poll=url, is_location=is_location, retry_after=wait_of(reply))

    def _demand_success(self, reply: Reply, about: str, permission: str) -> None:
        check(reply, f"{about}: {self._side}", permission)

    def _object(self, reply: Reply, about: str) -> dict[str, Any]:
        found = parsed(reply)
        if found is None:
            raise self._invalid(_about(about), "came as something else than an object")
        return found

    def _invalid(self, about: str, what: str) -> PermanentFailure:
        return PermanentFailure(
            FailureReason.INVALID, f"{about}: {what}, from {self._side}"
        )


def _done(reply: Reply) -> Done:
    return Done(content=parsed(reply) or {})


def _about(path: str) -> str:
    """A path without its query."""
    return path.partition("?")[0]
