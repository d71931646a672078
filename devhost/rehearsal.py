"""A policy for one machine: the user's own, with every remote side a stand-in."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from devhost.outside.certificate import issued
from devhost.outside.logs_ingestion import RULE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Rehearsal(NamedTuple):
    """What the app is started with: the policy, and a value for each secret it names.

    ``webhook_secrets`` are those that the stand-in receivers must know, by responder.
    ``approver`` is who is signed in, where the policy has anybody asked.
    """

    policy: bytes
    environment: dict[str, str]
    webhook_secrets: dict[str, str]
    approver: str = ""


# The hub of the stand-in that is forwarded to, beside the one that brings alerts.
FORWARD_HUB = "forwarded"


class Receiver(NamedTuple):
    """Where the stand-in of receivers of syslog is, and what it is trusted by."""

    port: int
    ca: str


# Nothing listens there.
NOWHERE = Receiver(9, "")
NO_HUB = (
    "Endpoint=sb://localhost:9;SharedAccessKeyName=Root;SharedAccessKey=none;"
    "UseDevelopmentEmulator=true;"
)


class RehearsalError(Exception):
    """The policy cannot be rehearsed; the message says what is wrong with it."""


def rehearse(
    policy: bytes,
    *,
    outside: str,
    live: Collection[str],
    environment: Mapping[str, str],
    syslog: Receiver = NOWHERE,
    hub: str = NO_HUB,
) -> Rehearsal:
    """Point every responder that is not ``live`` at the outside world's stand-ins.

    Secrets of live responders come from ``environment``; all others are made up, so
    nothing on this machine holds one that opens anything. Raises RehearsalError.
    """
    raw, responders = _read(policy)
    if unknown := sorted(set(live) - set(responders)):
        raise RehearsalError(f"--live {unknown[0]}: the policy has no such responder")
    changed = {
        name: given if name in live else _stand_in(name, given, outside, syslog)
        for name, given in responders.items()
    }
    made: dict[str, str] = {}
    known: dict[str, str] = {}
    for name, given in changed.items():
        if name in live:
            made |= {s: environment.get(s, "") for s in _settings(given)}
        elif isinstance(given, dict):
            for field, setting in _secrets(given):
                use = str(given.get("use"))
                secret = _made_up(use, name, field, outside)
                made.setdefault(setting, hub if use == "event-hub" else secret)
                if given.get("use") == "webhook":
                    known[name] = made[setting]
    for setting in _settings(raw.get("senders")):
        made.setdefault(setting, secrets.token_hex(16))
    sections = {**raw, "responders": changed}
    if isinstance(heartbeat := raw.get("heartbeat"), dict):
        sections["heartbeat"] = {**heartbeat, "every": "1m"}
        made = _of_heartbeat(heartbeat, outside, made)
    return Rehearsal(
        msgspec.json.encode(sections), made, known, _approver(raw.get("guards"))
    )


def _read(policy: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The policy as it is written, and its responders."""
    try:
        raw = msgspec.yaml.decode(policy)
    except msgspec.DecodeError as error:
        raise RehearsalError(f"not YAML: {error}") from None
    responders = raw.get("responders") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(responders, dict):
        raise RehearsalError("expected a mapping with a section responders")
    return raw, responders


def _approver(guards: object) -> str:
    """The first whom the policy lets approve, if it has anything done."""
    if not isinstance(guards, dict) or guards.get("mode", "shadow") == "shadow":
        return ""
    approvers = guards.get("approvers")
    return str(approvers[0]) if isinstance(approvers, list) and approvers else ""


def _of_heartbeat(
    given: Mapping[str, Any], outside: str, made: Mapping[str, str]
) -> dict[str, str]:
    """The values with those of its settings; it is a stand-in, whatever is live.

    A run here says nothing of the app that is deployed.
    """
    unknown = {setting: secrets.token_hex(16) for setting in _settings(given)}
    there = dict.fromkeys(_settings(given.get("url")), f"{outside}/heartbeat")
    return {**unknown, **made, **there}


def _stand_in(name: str, given: object, outside: str, syslog: Receiver) -> object:
    """The responder's settings with the URL of its stand-in."""
    if not isinstance(given, dict):
        return given
    lines: dict[str, object] = {
        "host": "127.0.0.1",
        "port": syslog.port,
        "ca": syslog.ca,
    }
    changes: dict[str, dict[str, object]] = {
        "pagerduty": {"url": f"{outside}/pagerduty"},
        "webhook": {"url": f"{outside}/webhook/{name}"},
        "slack": {"api": f"{outside}/slack/api"},
        # This machine has no identity to sign in with.
        "teams": {"sign_in": False},
        "jsm": {"url": f"{outside}/jsm"},
        "email": {"endpoint": f"{outside}/email"},
        "boards": {
            "url": f"{outside}/boards",
            # Likewise; a token that the policy has no name for is made up.
            "token": given.get("token") or {"setting": "REHEARSED_BOARDS_TOKEN"},
        },
        "jira": {"url": f"{outside}/jira"},
        "servicenow": {"url": f"{outside}/servicenow"},
        "alert-status": {"url": f"{outside}/arm"},
        "sentinel": {"url": f"{outside}/arm"},
        "logs-ingestion": {"endpoint": f"{outside}/logs-ingestion", "rule": RULE},
        "event-hub": {
            "hub": FORWARD_HUB,
            # This machine has no identity to sign in with.
            "namespace": "",
            "connection": given.get("connection")
            or {"setting": "REHEARSED_HUB_CONNECTION"},
        },
        "qradar": lines,
        "arcsight": lines,
        # Whoever forwards to an index of their own has one there.
        "splunk": {"url": f"{outside}/splunk", "index": ""},
    }
    return {**given, **changes.get(str(given.get("use")), {})}


def _secrets(given: dict[str, Any]) -> list[tuple[str, str]]:
    """Each secret of a responder's settings: its field, and the app setting."""
    return [(name, s) for name, value in given.items() for s in _settings(value)]


def _made_up(use: str, name: str, field: str, outside: str) -> str:
    """A secret of the form that this kind of responder takes; it opens nothing.

    Where the URL is the secret, it is that of the stand-in.
    """
    match use, field:
        case "webhook", _:
            return _webhook_secret()
        case _, "certificate":
            return issued(name).both
        case "slack", "url":
            return f"{outside}/slack/services/{name}"
        case "slack", "token":
            return f"xoxb-{secrets.token_hex(16)}"
        case "teams", "url":
            return f"{outside}/teams/{name}?sig={secrets.token_hex(16)}"
        case _:
            return secrets.token_hex(16)


def _settings(value: object) -> list[str]:
    """Every app setting that a part of the policy refers to."""
    if isinstance(value, dict):
        named: Any = value.get("setting")
        if isinstance(named, str) and len(value) == 1:
            return [named]
        return [s for inner in value.values() for s in _settings(inner)]
    if isinstance(value, list):
        return [s for inner in value for s in _settings(inner)]
    return []


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
