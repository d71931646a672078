"""What a link with authority carries: one verb on one incident, for a time, once.

It is a capability and no identity: whoever holds it may use it (review F14). On the way
it is text that anybody can try to alter, so that nothing of it is read before its
signature is proved over the very bytes that came (remote-apis-sinks.md 19).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from shared.answers.keys import Keys

VERSION = 1
SCHEME = "fw1"
# What the signature is for; a form's is another (``forms``).
PURPOSE = "answer"

# Of the hash of a plan: whoever changes a row cannot have another plan with these.
PLAN = 16

# With the address in front it stays below what mail and chat take (19.8).
LONGEST = 900


class Verb(StrEnum):
    """What a link lets somebody say of an incident."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    SILENCE = "silence"
    APPROVE = "approve"
    DENY = "deny"

    @property
    def needs_person(self) -> bool:
        """Whether the link alone is not enough: somebody must be signed in."""
        return self is not Verb.ACKNOWLEDGE

    @property
    def is_of_deed(self) -> bool:
        """Whether it is about a deed, and for those alone whom the policy names."""
        return self in {Verb.APPROVE, Verb.DENY}


class Refusal(StrEnum):
    """Why a link does nothing: the closed list that pages, logs and tests use."""

    BAD = "bad"
    EXPIRED = "expired"
    USED = "used"
    OTHER = "other"
    ENDED = "ended"


class Token(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """The payload; names are short, for they travel.

    ``jti`` is its own name, ``inc`` and ``epoch`` the incident and how often it was
    opened, ``act`` the deed where it is about one and its plan, ``exp`` its end in unix seconds,
    ``aud`` the host that it is for, ``hint`` whom it was sent to and ``via`` the
    responder that sent it. ``kid`` names the key that signed it.
    """

    jti: str
    inc: str
    epoch: int
    verb: Verb
    exp: int
    aud: str
    act: str = ""
    hint: str = ""
    via: str = ""
    kid: str = ""
    v: int = VERSION

    @property
    def deed(self) -> str:
        """The key of the deed; empty where it is about none."""
        return self.act.partition(".")[0]

    @property
    def plan(self) -> str:
        """How the hash of the plan begins that was shown."""
        return self.act.partition(".")[2]


def act(key: str, plan: str) -> str:
    """What a token says of a deed: which it is, and what of it was shown."""
    return f"{key}.{plan[:PLAN]}"


def signed(token: Token, keys: Keys) -> str:
    """The token as text, with the ``kid`` of the key that signs it."""
    key = keys.current(PURPOSE)
    payload = _encoded(msgspec.json.encode(msgspec.structs.replace(token, kid=key.kid)))
    return f"{payload}.{key.mac(_message(payload))}"


def verified(text: str, keys: Keys, *, now: datetime, aud: str) -> Token | Refusal:
    """The token of a text that we signed for this host; else why it is none.

    The refusal is BAD or EXPIRED; what else keeps it from being used, its incident says.
    """
    payload, dot, signature = text.partition(".")
    if len(text) > LONGEST or not dot or not text.isascii():
        return Refusal.BAD
    # Texts are compared, not what they decode to: base64 has several for one value.
    passed = [
        key.kid
        for key in keys.active(PURPOSE)
        if hmac.compare_digest(key.mac(_message(payload)), signature)
    ]
    token = _decoded(payload) if passed else None
    if token is None or token.kid != passed[0]:
        return Refusal.BAD
    if token.v != VERSION or token.aud != aud:
        return Refusal.BAD
    return Refusal.EXPIRED if now.timestamp() >= token.exp else token


def _message(payload: str) -> str:
    return f"{SCHEME}.{PURPOSE}.{payload}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(payload: str) -> Token | None:
    """The payload of what is signed; None where another version signed it otherwise."""
    try:
        raw = base64.b64decode(
            payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True
        )
        return msgspec.json.decode(raw, type=Token)
    except (binascii.Error, ValueError):
        return None
