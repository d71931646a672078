"""PagerDuty's Events API v2, as far as a sender can tell (remote-apis-sinks.md 1.1)."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

BODY_LIMIT = 512 * 1024
_ACTIONS = ("trigger", "acknowledge", "resolve")
_SEVERITIES = ("critical", "error", "warning", "info")
_OPTIONAL_TEXTS = ("timestamp", "component", "group", "class")


class Page(msgspec.Struct, kw_only=True):
    """What people saw of one dedup_key.

    ``opens`` counts the alerts that were opened, each of which reached a person;
    ``triggers`` the events that asked for it.
    """

    side: str
    dedup_key: str
    summary: str
    severity: str
    opened_at: datetime
    triggers: int = 0
    opens: int = 0
    acknowledged: bool = False
    resolved: bool = True


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was answered 202, and when."""

    received_at: datetime
    body: dict[str, Any]


class PagerDutySide:
    """Everything PagerDuty took, and what became of it."""

    name = "pagerduty"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.events: list[Event] = []
        self.refused: list[list[str]] = []
        self.alerts: dict[tuple[str, str], Page] = {}

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/pagerduty`."""
        return [web.post("/pagerduty/v2/enqueue", self._enqueue)]

    def pages(self) -> list[Page]:
        """What people saw, in the order in which it first reached them."""
        return list(self.alerts.values())

    def received(self) -> dict[str, Any]:
        """What was taken and refused, without the keys."""
        return {
            "events": [
                {
                    "received_at": event.received_at,
                    "body": event.body | {"routing_key": "****"},
                }
                for event in self.events
            ],
            "refused": self.refused,
        }

    async def _enqueue(self, request: web.Request) -> web.Response:
        raw = await request.read()
        event, errors = _read(raw)
        if errors:
            self.refused.append(errors)
            invalid = {
                "status": "invalid event",
                "message": "Event object is invalid",
                "errors": errors,
            }
            return web.json_response(invalid, status=400)
        dedup_key = event.setdefault("dedup_key", secrets.token_hex(16))
        self._take(event, dedup_key)
        taken = {
            "status": "success",
            "message": "Event processed",
            "dedup_key": dedup_key,
        }
        return web.json_response(taken, status=202)

    def _take(self, event: dict[str, Any], dedup_key: str) -> None:
        now = self._clock()
        self.events.append(Event(received_at=now, body=event))
        key = (event["routing_key"], dedup_key)
        alert = self.alerts.get(key)
        if event["event_action"] != "trigger":
            # Without an open alert the real one drops these, and answers 202 as well.
            if alert is not None and not alert.resolved:
                alert.acknowledged |= event["event_action"] == "acknowledge"
                alert.resolved = event["event_action"] == "resolve"
            return
        payload = event["payload"]
        if alert is None:
            alert = self.alerts[key] = Page(
                side=self.name,
                dedup_key=dedup_key,
                summary=payload["summary"],
                severity=payload["severity"],
                opened_at=now,
            )
        alert.triggers += 1
        if alert.resolved:
            alert.opens += 1
            alert.acknowledged = alert.resolved = False
            alert.summary, alert.severity = payload["summary"], payload["severity"]
            alert.opened_at = now


def _read(raw: bytes) -> tuple[dict[str, Any], list[str]]:
    """The event and what is wrong with it."""
    if len(raw) > BODY_LIMIT:
        return {}, [f"event is larger than {BODY_LIMIT} bytes"]
    try:
        event = json.loads(raw)
    except ValueError:
        return {}, ["body is not JSON"]
    if not isinstance(event, dict):
        return {}, ["body is not an object"]
    errors = [*_head_errors(event), *_links_errors(event)]
    if event.get("event_action") == "trigger":
        errors += _payload_errors(event.get("payload"))
    return event, errors


def _head_errors(event: dict[str, Any]) -> list[str]:
    errors = []
    key = event.get("routing_key")
    if not isinstance(key, str) or len(key) != 32:
        errors.append("'routing_key' is missing or not 32 characters")
    action = event.get("event_action")
    if action not in _ACTIONS:
        errors.append(f"'event_action' is missing or not one of {', '.join(_ACTIONS)}")
    dedup_key = event.get("dedup_key")
    if dedup_key is None and action != "trigger":
        errors.append("'dedup_key' is missing")
    elif dedup_key is not None and not _is_text(dedup_key, most=255):
        errors.append("'dedup_key' is empty or longer than 255 characters")
    return errors


def _links_errors(event: dict[str, Any]) -> list[str]:
    """`links` stand at the root; inside `payload` nobody would ever see them."""
    errors = []
    payload = event.get("payload")
    if isinstance(payload, dict) and {"links", "images"} & payload.keys():
        errors.append("'links' and 'images' do not belong in 'payload'")
    for name, required in (("links", "href"), ("images", "src")):
        entries = event.get(name, [])
        if not isinstance(entries, list) or not all(
            isinstance(entry, dict) and _is_text(entry.get(required))
            for entry in entries
        ):
            errors.append(f"'{name}' is not a list of objects with '{required}'")
    return errors


def _payload_errors(payload: object) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing"]
    errors = [
        f"'payload.{name}' is not a string"
        for name in _OPTIONAL_TEXTS
        if not isinstance(payload.get(name, ""), str)
    ]
    if not _is_text(payload.get("summary"), most=1024):
        errors.append("'payload.summary' is missing or longer than 1024 characters")
    if not _is_text(payload.get("source")):
        errors.append("'payload.source' is missing")
    if payload.get("severity") not in _SEVERITIES:
        errors.append("'payload.severity' is missing or unknown")
    if not isinstance(payload.get("custom_details", {}), dict):
        errors.append("'payload.custom_details' is not an object")
    try:
        datetime.fromisoformat(payload.get("timestamp") or "2026-01-01")
    except (TypeError, ValueError):
        errors.append("'payload.timestamp' is not ISO 8601")
    return errors


def _is_text(value: object, *, most: int | None = None) -> bool:
    return isinstance(value, str) and 0 < len(value) <= (most or len(value))
