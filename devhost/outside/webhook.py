"""A receiver of Standard Webhooks 1.0.0 that trusts nobody (remote-apis-sinks.md 5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERANCE = timedelta(minutes=5)
_PREFIX = "whsec_"

# Of every event, in structured mode (remote-apis-sinks.md 5, "CloudEvents").
EVENT_MEDIA_TYPE = "application/cloudevents+json"
ATTRIBUTES = ("specversion", "id", "source", "type")


class Delivery(msgspec.Struct, kw_only=True):
    """One notice; ``repeats`` counts how often the same id came again."""

    name: str
    id: str
    received_at: datetime
    body: Any
    repeats: int = 0


class WebhookSide:
    """Every receiver by its name, and what each was sent."""

    name = "webhook"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._keys: dict[str, bytes] = {}
        self._by_id: dict[tuple[str, str], Delivery] = {}
        self.refused: list[str] = []

    @property
    def deliveries(self) -> list[Delivery]:
        """What was taken, each id once, in order of arrival."""
        return list(self._by_id.values())

    def trust(self, name: str, secret: str) -> None:
        """Verify what is sent to the receiver with this secret from now on."""
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not name or not secret.startswith(_PREFIX) or not 24 <= len(key) <= 64:
            raise ValueError("a webhook secret is NAME and whsec_<24..64 bytes base64>")
        self._keys[name] = key

    def routes(self) -> list[web.RouteDef]:
        """Where the receivers are."""
        return [web.post("/webhook/{name}", self._receive)]

    def received(self) -> dict[str, Any]:
        """What was taken and refused."""
        return {"deliveries": self.deliveries, "refused": self.refused}

    async def _receive(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await request.read()
        problem = self._problem(name, request, body)
        if problem:
            self.refused.append(problem)
            return web.json_response({"error": problem}, status=401)
        message_id = request.headers["webhook-id"]
        known = self._by_id.get((name, message_id))
        if known is not None:
            known.repeats += 1
            return web.json_response({"repeat": True})
        content, problem = _read(request.content_type, body)
        if problem:
            self.refused.append(problem)
            return web.json_response({"error": problem}, status=400)
        self._by_id[name, message_id] = Delivery(
            name=name, id=message_id, received_at=self._clock(), body=content
        )
        return web.json_response({"repeat": False})

    def _problem(self, name: str, request: web.Request, body: bytes) -> str:
        """Why nobody should believe the request; empty if one may."""
        key = self._keys.get(name)
        if key is None:
            return "no secret is known for this receiver"
        headers = request.headers
        message_id = headers.get("webhook-id", "")
        sent_at = headers.get("webhook-timestamp", "")
        if not message_id or "." in message_id:
            return "webhook-id is missing or contains a dot"
        if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 12):
            return "webhook-timestamp is not a number of seconds"
        if abs(self._clock() - datetime.fromtimestamp(int(sent_at), UTC)) > TOLERANCE:
            return "webhook-timestamp is more than five minutes off"
        signed = b".".join((message_id.encode(), sent_at.encode(), body))
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        offered = headers.get("webhook-signature", "").split(" ")
        if not any(
            hmac.compare_digest(b"v1," + expected, one.encode()) for one in offered
        ):
            return "webhook-signature does not match"
        return ""


def _read(media_type: str, body: bytes) -> tuple[Any, str]:
    """What the body says, and what is wrong with it."""
    try:
        content = json.loads(body)
    except ValueError:
        return None, "the body is not JSON"
    if media_type != EVENT_MEDIA_TYPE:
        return content, ""
    if not isinstance(content, dict):
        return None, "the event is no object"
    for name in ATTRIBUTES:
        value = content.get(name)
        if not isinstance(value, str) or not value:
            return None, f"the event has no {name}"
    if content["specversion"] != "1.0":
        return None, "the event is not of CloudEvents 1.0"
    return content, ""
