"""Blobs of storage accounts: which there are, copied and deleted by their etags.

(remote-apis-azure.md 6)
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from devhost.outside.azure.answers import Refused, demand_token
from devhost.outside.azure.resources import Resources
from devhost.outside.azure.upsets import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from devhost.outside.azure.inventory import Inventory
    from devhost.outside.azure.resources import Document
    from devhost.outside.azure.rights import Rights
    from devhost.outside.azure.upsets import Upsets

VERSION = "2021-12-02"
# What a copy that is made at once may hold. [unverified]
LARGEST_COPY = 256 * 1024 * 1024

_DATA = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_ROOT = "/blob/{account}/{container}/{name:.+}"


class BlobSide:
    """Blobs of all accounts, without content; ``changes`` are those that were taken."""

    name = "blob"

    def __init__(
        self,
        clock: Callable[[], datetime],
        upsets: Upsets,
        rights: Rights,
        inventory: Inventory,
    ) -> None:
        self._clock = clock
        self._upsets = upsets
        self._rights = rights
        self._etags = itertools.count(1)
        self.blobs = Resources()
        for each in inventory.blobs:
            parts = urlsplit(each["url"])
            account = (parts.hostname or "").partition(".")[0]
            self.put(f"{account}{parts.path}", each["size"], each.get("md5", ""))
        self.changes: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def put(self, known: str, size: int, md5: str = "") -> None:
        """Let there be a blob, by account, container and name."""
        self.blobs.write(self._made(known, size, md5))

    def routes(self) -> list[web.RouteDef]:
        """Where the blobs of each account are, below `/blob` and its name."""
        return [
            web.head(_ROOT, self._answering(self._head, "read")),
            web.put(_ROOT, self._answering(self._copy, "write")),
            web.delete(_ROOT, self._answering(self._delete, "delete")),
        ]

    def received(self) -> dict[str, Any]:
        """What was changed and refused."""
        return {"changes": self.changes, "refused": self.refused}

    def state(self) -> dict[str, Any]:
        """Every blob as it is, but for its etag: for a comparison."""
        return {
            key: {"size": each["size"], "md5": each["md5"]}
            for key, each in self.blobs.state().items()
        }

    def recover(self) -> None:
        """Show every reader what there is."""
        self.blobs.show_all()

    def _answering(
        self, answer: Callable[[web.Request], web.Response], action: str
    ) -> Callable[..., Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                _demand_admission(request)
                self._rights.demand_data(
                    f"{_DATA}/{action}", "AuthorizationPermissionMismatch"
                )
                return answer(request)
            except Refused as refused:
                self.refused.append(str(refused))
                headers = {"x-ms-error-code": refused.code}
                return web.Response(status=refused.status, headers=headers)

        return handle

    def _head(self, request: web.Request) -> web.Response:
        found = self.blobs.shown(_known(request))
        if found is None:
            raise Refused(404, "BlobNotFound", "there is no such blob")
        headers = {"ETag": found["tag"], "Content-Length": str(found["size"])}
        if found["md5"]:
            headers["Content-MD5"] = found["md5"]
        return web.Response(headers=headers)

    def _copy(self, request: web.Request) -> web.Response:
        source_url = urlsplit(request.headers.get("x-ms-copy-source", ""))
        known = source_url.path.removeprefix("/blob/")
        source, target = self.blobs.find(known), _known(request)
        if source is None:
            raise Refused(404, "CannotVerifyCopySource", "there is no source")
        if request.headers.get("x-ms-source-if-match") != source["tag"]:
            raise Refused(412, "SourceConditionNotMet", "it has another etag")
        if request.headers.get("If-None-Match") == "*" and self.blobs.find(target):
            raise Refused(409, "BlobAlreadyExists", "there is one")
        if source["size"] > LARGEST_COPY:
            raise Refused(400, "CopySourceTooLarge", "not at once")
        self._change(request, target, self._made(target, source["size"], source["md5"]))
        return web.Response(status=202, headers={"x-ms-copy-status": "success"})

    def _delete(self, request: web.Request) -> web.Response:
        known = _known(request)
        found = self.blobs.find(known)
        if found is None:
            raise Refused(404, "BlobNotFound", "there is no such blob")
        if request.headers.get("If-Match", found["tag"]) != found["tag"]:
            raise Refused(412, "ConditionNotMet", "it has another etag")
        self._change(request, known, None)
        return web.Response(status=202)

    def _change(self, request: web.Request, known: str, after: Document | None) -> None:
        self.changes.append(
            {"at": self._clock(), "method": request.method, "blob": known}
        )
        upset = self._upsets.next(self.name, request.method, request.path)
        write(upset, self.blobs, known, after)

    def _made(self, known: str, size: int, md5: str) -> Document:
        tag = f'"0x{next(self._etags):015X}"'
        return {"id": known, "size": size, "md5": md5, "tag": tag}


def _demand_admission(request: web.Request) -> None:
    demand_token(request)
    if request.headers.get("x-ms-version") != VERSION:
        raise Refused(400, "UnsupportedHeader", f"served here: {VERSION}")


def _known(request: web.Request) -> str:
    """The blob of a path. Names have case here; that accounts differ by it never comes."""
    return "/".join(request.match_info[n] for n in ("account", "container", "name"))
