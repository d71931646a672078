"""The part of Azure Resource Manager in which Microsoft Sentinel keeps its incidents.

(remote-apis-azure.md 16)
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from responders.base import raise_for_status
from responders.sides.arm import at
from shared.model.errors import FailureReason, PermanentFailure

if TYPE_CHECKING:
    from responders.base import Ports
    from shared.model.http import Reply

GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

_LARGE = 1024 * 1024


class SentinelApi:
    """Incidents of one workspace, by names that are GUIDs.

    Everything raises TransientFailure and PermanentFailure.
    """

    def __init__(self, url: str, workspace: str, ports: Ports) -> None:
        self._url = url.rstrip("/")
        self._space = f"{workspace}/providers/Microsoft.SecurityInsights"
        self._ports = ports

    async def find(self, guid: str) -> dict[str, Any] | None:
        """An incident as it is; None where there is none."""
        reply = await self._send("GET", self._incident(guid))
        if reply.status == 404:
            return None
        self._check(reply, 200)
        try:
            found = json.loads(reply.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise PermanentFailure(
                FailureReason.INVALID, "Microsoft Sentinel sent something else"
            )
        return found

    async def put(self, guid: str, content: object) -> bool:
        """Make or replace an incident; False where it has another etag by now.

        Without an etag it is to be new: one that is there has another [unverified].
        """
        reply = await self._send("PUT", self._incident(guid), content)
        if reply.status == 409:
            return False
        self._check(reply, 200, 201)
        return True

    async def comment(self, guid: str, name: str, text: str) -> bool:
        """Write a comment, or the one of that name anew; False without an incident."""
        path = f"{self._space}/incidents/{guid}/comments/{name}"
        reply = await self._send("PUT", at(path), {"properties": {"message": text}})
        if reply.status == 404:
            return False
        self._check(reply, 200, 201)
        return True

    def _incident(self, guid: str) -> str:
        return at(f"{self._space}/incidents/{guid}")

    async def _send(self, method: str, path: str, content: object = None) -> Reply:
        url = f"{self._url}{path}"
        token = await self._ports.token(f"{self._url}/.default")
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if method == "GET":
            return await self._ports.http.get(url, headers=headers, most=_LARGE)
        return await self._ports.http.send(
            method,
            url,
            headers={**headers, "content-type": "application/json"},
            body=json.dumps(content, allow_nan=False).encode(),
            most=_LARGE,
        )

    def _check(self, reply: Reply, *accepted: int) -> None:
        raise_for_status(
            reply,
            side="Microsoft Sentinel",
            accepted=accepted,
            now=self._ports.clock,
        )
