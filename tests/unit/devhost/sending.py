"""Somebody who sends to the sides of a development machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from devhost.outside import Outside
from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


KEY = "k" * 32
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


class Clock:
    """Stands still until it is told to step."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def step(self, **by: float) -> None:
        self.now += timedelta(**by)


class Sender:
    """What talks to the outside world in these tests."""

    def __init__(
        self, outside: Outside, clock: Clock, client: httpx.AsyncClient
    ) -> None:
        self.outside = outside
        self.clock = clock
        self.client = client

    async def page(self, action: str = "trigger", **changes: Any) -> httpx.Response:  # noqa: ANN401 - the fields of an event
        body = make_event(action) | changes
        return await self.client.post("/pagerduty/v2/enqueue", json=body)

    async def notify(
        self,
        *,
        key: bytes = b"s" * 32,
        receiver: str = "portal",
        body: bytes = b'{"type":"incident.opened"}',
        media_type: str = "application/json",
        **changes: str,
    ) -> httpx.Response:
        headers = {
            "content-type": media_type,
            "webhook-id": "one",
            "webhook-timestamp": str(int(NOON.timestamp())),
        } | changes
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
        digest = hmac.digest(key, signed + body, hashlib.sha256)
        headers.setdefault(
            "webhook-signature",
            f"v1,{base64.b64encode(b'x' * 32).decode()} "
            f"v1,{base64.b64encode(digest).decode()}",
        )
        return await self.client.post(
            f"/webhook/{receiver}", content=body, headers=headers
        )

    async def control(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
        headers = {"x-control-key": self.outside.control_key}
        return await self.client.request(
            method, f"/control/{path}", headers=headers, **more
        )


def make_event(action: str = "trigger") -> dict[str, Any]:
    event: dict[str, Any] = {
        "routing_key": KEY,
        "event_action": action,
        "dedup_key": "fw-1",
    }
    if action == "trigger":
        event["payload"] = {"summary": "fire", "source": "vm", "severity": "critical"}
    return event


@asynccontextmanager
async def sending() -> AsyncIterator[Sender]:
    clock = Clock()
    async with (
        Outside.start(clock=clock) as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        outside.webhook.trust("portal", SECRET)
        yield Sender(outside, clock, client)
