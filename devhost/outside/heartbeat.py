"""A dead man's switch that takes signs of life as such services do: by GET or POST."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One sign of life; ``is_signed`` says whether it had an Authorization header."""

    method: str
    received_at: datetime
    is_signed: bool


class HeartbeatSide:
    """Keeps every sign of life that came; it calls nobody."""

    name = "heartbeat"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.beats: list[Beat] = []

    def routes(self) -> list[web.RouteDef]:
        """Where they are taken."""
        return [
            web.get("/heartbeat", self._take, allow_head=False),
            web.post("/heartbeat", self._take),
        ]

    def received(self) -> dict[str, Any]:
        """What came."""
        return {"beats": self.beats}

    async def _take(self, request: web.Request) -> web.Response:
        beat = Beat(
            method=request.method,
            received_at=self._clock(),
            is_signed="authorization" in request.headers,
        )
        self.beats.append(beat)
        return web.Response(text="OK")
