"""Calls of other sides, signed as each of them signs."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from shared.answers.said import Call
from shared.model.secret import Secret

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECRET = "callback-secret-of-32-characters"
KEY = f"fw-0d9eeb301d377b52-{'a' * 32}"


def digest(message: bytes, secret: str = SECRET) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def encoded(value: object) -> bytes:
    """JSON."""
    return json.dumps(value).encode()


def call(headers: dict[str, str], body: bytes, *secrets: str, **changes: Any) -> Call:  # noqa: ANN401
    """The call as the readers take it."""
    known = tuple(map(Secret, secrets or (SECRET,)))
    return Call(headers, body, known, changes.pop("now", NOW), **changes)


def pagerduty(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """PagerDuty's header."""
    return {"x-pagerduty-signature": f"v1={digest(body, secret)}"}


def slack(body: bytes, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    """Slack's headers."""
    stamp = str(int(at.timestamp()))
    signed = digest(f"v0:{stamp}:".encode() + body, secret)
    return {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={signed}",
    }


def jira(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Jira's header."""
    return {"x-hub-signature": f"sha256={digest(body, secret)}"}


def jsm(_body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The header that an integration is told to send."""
    return {"x-firewatch-key": secret}


def incident(
    kind: str = "incident.acknowledged",
    *,
    key: str | None = KEY,
    name: str = "01ABC",
    who: str | None = "Ana Example",
    at: datetime = NOW,
) -> dict[str, Any]:
    """An event of PagerDuty (remote-apis-sinks.md 1.2)."""
    return {
        "event": {
            "id": name,
            "event_type": kind,
            "resource_type": "incident",
            "occurred_at": at.isoformat().replace("+00:00", "Z"),
            "agent": None
            if who is None
            else {
                "id": "P1",
                "type": "user_reference",
                "summary": who,
                "html_url": "https://acme.pagerduty.com/users/P1",
            },
            "client": None,
            "data": {
                "id": "Q1",
                "type": "incident",
                "status": kind.partition(".")[2],
                "incident_key": key,
                "title": "High: x",
            },
        }
    }


def button(*values: str, user: str = "U123", name: str = "ana") -> bytes:
    """A button that somebody pressed, as Slack posts it."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": name, "team_id": "T1"},
        "trigger_id": "1.2.3",
        "actions": [
            {
                "action_id": "firewatch",
                "type": "button",
                "value": value,
                "action_ts": f"1764{n}.1",
            }
            for n, value in enumerate(values)
        ],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def issue(
    *,
    status: str = "Done",
    category: str = "done",
    items: tuple[dict[str, Any], ...] = ({"field": "status", "toString": "Done"},),
    labels: tuple[str, ...] = (KEY,),
    after: timedelta = timedelta(0),
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """An event about an issue, as Jira posts it."""
    at = NOW + after
    return {
        "timestamp": int(at.timestamp() * 1_000),
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": "issue_generic",
        "user": {"accountId": "5b1", "displayName": "Ana Example"},
        "issue": {
            "id": "10002",
            "key": "SEC-12",
            "fields": {
                "labels": [*labels],
                "creator": {"accountId": "557", "displayName": "Firewatch"},
                "status": {"name": status, "statusCategory": {"key": category}},
            },
        },
        "changelog": {"id": "1", "items": [*items]},
        **more,
    }


def alert(action: str = "Acknowledge", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """An action on an alert, as Opsgenie and its successor post it."""
    return {
        "action": action,
        "alert": {
            "alertId": "a1",
            "alias": KEY,
            "username": "ana@example.com",
            "updatedAt": int(NOW.timestamp() * 1_000),
            **more,
        },
        "source": {"name": "", "type": "web"},
        "integrationName": "Firewatch",
    }
