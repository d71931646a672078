"""The part of Azure Resource Manager in which Microsoft Sentinel keeps its incidents.

(remote-apis-azure.md 16)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from responders.sides.arm import at
from responders.sides.manager import Manager

if TYPE_CHECKING:
    from responders.base import Ports

GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class SentinelApi:
    """Incidents of one workspace, by names that are GUIDs.

    Everything raises TransientFailure and PermanentFailure.
    """

    def __init__(self, url: str, workspace: str, ports: Ports) -> None:
        self._manager = Manager(url, "Microsoft Sentinel", ports)
        self._space = f"{workspace}/providers/Microsoft.SecurityInsights"

    async def find(self, guid: str) -> dict[str, Any] | None:
        """An incident as it is; None where there is none."""
        return await self._manager.find(self._incident(guid))

    async def put(self, guid: str, content: object) -> bool:
        """Make or replace an incident; False where it has another etag by now.

        Without an etag it is to be new: one that is there has another [unverified].
        """
        reply = await self._manager.send("PUT", self._incident(guid), content)
        if reply.status == 409:
            return False
        self._manager.check(reply, 200, 201)
        return True

    async def comment(self, guid: str, name: str, text: str) -> bool:
        """Write a comment, or the one of that name anew; False without an incident."""
        path = at(f"{self._space}/incidents/{guid}/comments/{name}")
        content = {"properties": {"message": text}}
        reply = await self._manager.send("PUT", path, content)
        if reply.status == 404:
            return False
        self._manager.check(reply, 200, 201)
        return True

    def _incident(self, guid: str) -> str:
        return at(f"{self._space}/incidents/{guid}")
