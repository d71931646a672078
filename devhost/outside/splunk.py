"""Splunk's HTTP Event Collector, as far as a sender can tell (remote-apis-sinks.md 12)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

# What Splunk advises for its cloud; the real limit is the customer's own.
BODY_LIMIT = 1024 * 1024

_SAID = {
    0: (200, "Success"),
    2: (401, "Token is required"),
    3: (401, "Invalid authorization"),
    5: (400, "No data"),
    6: (400, "Invalid data format"),
    7: (400, "Incorrect index"),
    12: (400, "Event field is required"),
    13: (400, "Event field cannot be blank"),
    15: (400, "Error in handling indexed fields"),
}
_KNOWN = {"time", "host", "source", "sourcetype", "index", "fields", "event"}


class SplunkSide:
    """What was indexed; nothing tells repeats here."""

    name = "splunk"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.indexes = {"main", "sec"}
        self.events: list[dict[str, Any]] = []
        self.refused: list[int] = []
        self.calls = 0
        self.bytes = 0

    def routes(self) -> list[web.RouteDef]:
        """Where the collector is, below `/splunk`."""
        return [web.post("/splunk/services/collector/event", self._collect)]

    def received(self) -> dict[str, Any]:
        """What was indexed and refused, and what is paid for."""
        return {
            "events": self.events,
            "refused": self.refused,
            "calls": self.calls,
            "bytes": self.bytes,
        }

    async def _collect(self, request: web.Request) -> web.Response:
        # aiohttp has taken the compression off by now.
        body = await request.read()
        method, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            return self._answer(2)
        if method != "Splunk":
            return self._answer(3)
        if len(body) > BODY_LIMIT:
            return web.Response(status=413)
        events, code, place = _read(body)
        for number, event in enumerate(events):
            if event.get("index", "main") not in self.indexes:
                events, code, place = events[:number], 7, None
                break
        if code != 7:
            # What is before a bad event is taken.
            self.events += events
        self.calls += 1
        self.bytes += int(request.headers.get("Content-Length", len(body)))
        return self._answer(code, place)

    def _answer(self, code: int, place: int | None = None) -> web.Response:
        status, text = _SAID[code]
        if code:
            self.refused.append(code)
        said: dict[str, Any] = {"text": text, "code": code}
        if place is not None:
            said["invalid-event-number"] = place
        return web.json_response(said, status=status)


def _read(body: bytes) -> tuple[list[dict[str, Any]], int, int | None]:
    """The events of a body, and the code of what is wrong with the first bad one."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return [], 6, 0
    decoder = json.JSONDecoder()
    events: list[dict[str, Any]] = []
    at = 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        try:
            event, at = decoder.raw_decode(text, at)
        except ValueError:
            return events, 6, len(events)
        if code := _problem(event):
            return events, code, len(events)
        events.append(event)
    return events, 0 if events else 5, None


def _problem(event: Any) -> int:  # noqa: ANN401  whatever JSON there is
    """The code of what keeps an event from being indexed; 0 if nothing does."""
    if not isinstance(event, dict) or event.keys() - _KNOWN:
        return 6
    if "event" not in event:
        return 12
    if event["event"] in ("", None, {}):
        return 13
    fields = event.get("fields", {})
    if not isinstance(fields, dict) or any(
        isinstance(value, dict) for value in fields.values()
    ):
        return 15
    is_time = isinstance(event.get("time", 0), int | float)
    # Seconds: what looks like milliseconds would lie in the year 50000.
    return 0 if is_time and event.get("time", 0) < 10**11 else 6
