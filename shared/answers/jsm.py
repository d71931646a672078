"""Outgoing webhooks of Opsgenie and of Jira Service Management's operations.

They carry no signature: what they bring is a secret of ours in a header of their own,
which an integration of theirs can be told to send (remote-apis-sinks.md 2).
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import msgspec

from shared.answers.said import Does, Nothing, Said, somebody, words
from shared.model.errors import SenderRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.answers.said import Call

KEY = "x-firewatch-key"

_DOES = {
    "Acknowledge": (Does.ACKNOWLEDGE, ""),
    "Close": (Does.RESOLVE, ""),
    "UnAcknowledge": (Does.COMMENT, "not acknowledged any more on their side"),
    "AddNote": (Does.COMMENT, ""),
}


class _Alert(msgspec.Struct, frozen=True):
    alias: str = ""
    username: str = ""
    note: str | None = None


class _Body(msgspec.Struct, frozen=True):
    action: str
    alert: _Alert


def read(call: Call) -> Sequence[Said] | Nothing:
    """What the webhook says; raises SenderRefused where it does not bring the secret."""
    given = call.headers.get(KEY, "").encode("utf-8", "replace")
    passed = [
        hmac.compare_digest(secret.reveal().encode(), given) for secret in call.secrets
    ]
    if not any(passed):
        raise SenderRefused("jsm: the key is not ours")
    try:
        body = msgspec.json.decode(call.body, type=_Body)
    except (ValueError, RecursionError):
        return Nothing("not an action on an alert")
    does, note = _DOES.get(body.action, (None, ""))
    note = words(body.alert.note or note)
    if does is None or (does is Does.COMMENT and not note):
        return Nothing("an action of another kind")
    who = somebody(body.alert.username)
    return [Said(call.digest, body.alert.alias, does, who, note)]
