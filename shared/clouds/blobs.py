"""Blobs of a storage account over HTTP, as the app (remote-apis-azure.md 6).

Whom tokens are for, how large a blob may be that is copied at once, and that a request
needs no date of its own beside a token: [unverified].
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.clouds.replies import check, code_in, is_safe
from shared.model.blobs import Blob
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.model.http import Http, Reply

VERSION = "2021-12-02"
AUDIENCE = "https://storage.azure.com"

# A copy that is made before it is answered.
_WHOLE = "success"
_ABSENT = frozenset({"", "BlobNotFound", "ContainerNotFound", "ResourceNotFound"})


class BlobClient:
    """``shared.model.blobs.Blobs`` at an account's address, without a slash at its end."""

    def __init__(
        self, url: str, *, http: Http, token: Callable[[str], Awaitable[str]]
    ) -> None:
        parts = urlsplit(url)
        self._url = url
        self._http = http
        self._token = token
        # No stand-in is shown a token of the app.
        is_local = parts.scheme == "http"
        origin = f"{parts.scheme}://{parts.netloc}"
        self._scope = f"{origin if is_local else AUDIENCE}/.default"

    async def find(self, path: str, *, permission: str = "") -> Blob | None:
        reply = await self._send("HEAD", path, {})
        if reply.status == 404 and code_in(reply) in _ABSENT:
            return None
        check(reply, f"HEAD {path}: Azure Storage", permission)
        size = reply.headers.get("content-length", "")
        etag = reply.headers.get("etag", "")
        if not (size.isascii() and size.isdigit() and etag):
            raise PermanentFailure(
                FailureReason.INVALID, f"{path}: came as something else than a blob"
            )
        return Blob(
            etag=etag,
            size=int(size),
            md5=reply.headers.get("content-md5", ""),
            is_whole=reply.headers.get("x-ms-copy-status", _WHOLE) == _WHOLE,
        )

    async def copy(
        self, source: str, target: str, *, etag: str, permission: str = ""
    ) -> None:
        reply = await self._send(
            "PUT",
            target,
            {
                "x-ms-copy-source": self._at(source),
                "x-ms-copy-source-authorization": await self._bearer(),
                "x-ms-requires-sync": "true",
                "x-ms-source-if-match": etag,
                "if-none-match": "*",
            },
        )
        check(reply, f"PUT {target}: Azure Storage", permission)
        if reply.headers.get("x-ms-copy-status", _WHOLE) != _WHOLE:
            raise TransientFailure(
                FailureReason.UNAVAILABLE, f"{target}: is still being copied"
            )

    async def remove(self, path: str, *, etag: str, permission: str = "") -> None:
        reply = await self._send("DELETE", path, {"if-match": etag})
        if reply.status == 404 and code_in(reply) in _ABSENT:
            return
        check(reply, f"DELETE {path}: Azure Storage", permission)

    async def _send(self, method: str, path: str, more: Mapping[str, str]) -> Reply:
        headers = {
            "authorization": await self._bearer(),
            "x-ms-version": VERSION,
            **more,
        }
        return await self._http.send(method, self._at(path), headers=headers, body=b"")

    async def _bearer(self) -> str:
        return f"Bearer {await self._token(self._scope)}"

    def _at(self, path: str) -> str:
        if not is_safe(path) or "?" in path:
            raise PermanentFailure(
                FailureReason.INVALID, "Azure Storage: the path is not a safe one"
            )
        return f"{self._url}{path}"
