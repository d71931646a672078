"""Azure Resource Manager for those that tell: requests as the app, and what they answer.

What an error means is as for every side that is told (``responders.base``); whoever
changes something is given ``Rest`` instead.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from responders.base import raise_for_status
from shared.model.errors import FailureReason, PermanentFailure

if TYPE_CHECKING:
    from responders.base import Ports
    from shared.model.http import Reply

# Where it is in the public cloud; other clouds have another.
URL = "https://management.azure.com"

_LARGE = 1024 * 1024


class Manager:
    """Resource Manager at a URL; ``side`` names in messages who is asked there.

    Everything raises TransientFailure and PermanentFailure.
    """

    def __init__(self, url: str, side: str, ports: Ports) -> None:
        self._url = url.rstrip("/")
        self._side = side
        self._ports = ports

    async def find(self, path: str) -> dict[str, Any] | None:
        """A document; None where there is none."""
        reply = await self._ports.http.get(
            f"{self._url}{path}", headers=await self._headers(), most=_LARGE
        )
        if reply.status == 404:
            return None
        self.check(reply, 200)
        try:
            found = json.loads(reply.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise PermanentFailure(
                FailureReason.INVALID, f"{self._side} sent something else"
            )
        return found

    async def send(self, method: str, path: str, content: object = None) -> Reply:
        """The answer to a change, whatever it says: ``check`` it."""
        headers, body = await self._headers(), b""
        if content is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(content, allow_nan=False).encode()
        return await self._ports.http.send(
            method, f"{self._url}{path}", headers=headers, body=body, most=_LARGE
        )

    def check(self, reply: Reply, *accepted: int) -> None:
        """Return for an accepted status, and raise what any other means."""
        raise_for_status(
            reply, side=self._side, accepted=accepted, now=self._ports.clock
        )

    async def _headers(self) -> dict[str, str]:
        token = await self._ports.token(f"{self._url}/.default")
        return {"authorization": f"Bearer {token}", "accept": "application/json"}
