"""Buttons of Slack's messages: interactivity, signed as v0 (remote-apis-sinks.md 4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs

import msgspec

from shared.answers.said import Does, Nothing, Said, somebody
from shared.model.errors import SenderRefused
from shared.model.link import pressed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.answers.said import Call

TIMESTAMP = "x-slack-request-timestamp"
SIGNATURE = "x-slack-signature"
WINDOW = timedelta(minutes=5)

MOST_FIELDS = 8

_SECONDS = re.compile(r"[0-9]{1,11}")
_V0 = re.compile(r"v0=([0-9a-f]{64})")
_USER = re.compile(r"[A-Z0-9]{1,20}")


class _User(msgspec.Struct, frozen=True):
    id: str
    username: str = ""
    name: str = ""


class _Action(msgspec.Struct, frozen=True):
    action_ts: str
    value: str = ""


class _Payload(msgspec.Struct, frozen=True):
    type: Literal["block_actions"]
    user: _User
    actions: list[_Action]


def read(call: Call) -> Sequence[Said] | Nothing:
    """What the button says; raises SenderRefused where Slack did not sign it just now."""
    stamp = call.headers.get(TIMESTAMP, "")
    found = _V0.fullmatch(call.headers.get(SIGNATURE, ""))
    if not _SECONDS.fullmatch(stamp) or found is None:
        raise SenderRefused("slack: no signature")
    if not call.is_signed(f"v0:{stamp}:".encode() + call.body, [found[1]]):
        raise SenderRefused("slack: the signature is not ours")
    if abs(call.now - datetime.fromtimestamp(int(stamp), UTC)) > WINDOW:
        raise SenderRefused("slack: the timestamp is outside the window")
    payload = _payload(call.body)
    if payload is None:
        return Nothing("not a button of a message")
    # Slack knows a person by the id; the name is what they call themselves.
    user = payload.user.id if _USER.fullmatch(payload.user.id) else "unknown"
    name = somebody(payload.user.username or payload.user.name)
    who = f"{user} {name}".strip()
    said = []
    for action in payload.actions:
        verb, key = pressed(action.value) or ("", "")
        if verb in {Does.ACKNOWLEDGE, Does.RESOLVE}:
            name = f"{user}|{action.action_ts[:40]}|{action.value}"
            said.append(Said(name, key, Does(verb), who, "by a button in Slack"))
    return said or Nothing("a button that is not ours")


def _payload(body: bytes) -> _Payload | None:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=MOST_FIELDS)
        given = fields.get("payload", [""])
        return msgspec.json.decode(given[-1], type=_Payload)
    except (ValueError, RecursionError):
        return None
