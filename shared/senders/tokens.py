"""Reading and verifying JSON Web Tokens: the one importer of PyJWT.

Import it where a token is at hand, not before: ``jwt`` brings ``cryptography`` with it,
which a cold start without Entra senders need not pay for.
Messages hold the kind of problem only, never a part of the token.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import jwt
import msgspec

from shared.model.errors import SenderRefused

if TYPE_CHECKING:
    from datetime import datetime

    from shared.senders.policy import EntraSender

# What Entra signs with. A list open to the token would let it choose `none`, or HS256
# with the public key as its secret (RFC 8725, 2.1).
ALGORITHM = "RS256"

# How far the issuer's clock may be from ours.
LEEWAY = timedelta(seconds=60)


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says before it is verified: only good for finding its key."""

    kid: str
    issuer: str


class _Header(msgspec.Struct, frozen=True):
    alg: Literal["RS256"]
    kid: str


class _Issued(msgspec.Struct, frozen=True):
    iss: str


class _Claims(msgspec.Struct, frozen=True):
    exp: int
    nbf: int
    iat: int | None = None
    appid: str | None = None
    azp: str | None = None


class _KeyList(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]


def read_outline(token: str) -> Outline:
    """The key id and issuer that a token claims; raises SenderRefused if it cannot."""
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
        header = msgspec.convert(parts["header"], _Header)
        issued = msgspec.convert(parts["payload"], _Issued)
    except (jwt.PyJWTError, msgspec.ValidationError, UnicodeEncodeError):
        raise SenderRefused(f"entra: not a token signed with {ALGORITHM}") from None
    return Outline(kid=header.kid, issuer=issued.iss)


def read_keys(document: bytes) -> dict[str, jwt.PyJWK]:
    """The signing keys of a JWKS document by key id; empty if it cannot be read."""
    try:
        listed = msgspec.json.decode(document, type=_KeyList).keys
        keys = jwt.PyJWKSet(listed).keys
    except (msgspec.DecodeError, jwt.PyJWTError, ValueError, TypeError):
        return {}
    return {
        key.key_id: key
        for key in keys
        if key.key_id is not None
        and key.algorithm_name == ALGORITHM
        and key.public_key_use in {None, "sig"}
    }


def verify(token: str, key: jwt.PyJWK, sender: EntraSender, *, now: datetime) -> None:
    """Return when the token is the sender's and valid now; raises SenderRefused."""
    try:
        verified = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=sender.issuer,
            audience=sender.audience,
            options={
                "require": ["exp", "nbf", "iss", "aud"],
                "enforce_minimum_key_length": True,
                # PyJWT would ask the machine's clock; see below.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        claims = msgspec.convert(verified, _Claims)
    except (jwt.PyJWTError, msgspec.ValidationError) as error:
        raise SenderRefused(f"entra: {type(error).__name__}") from None
    _check_times(claims, now=now.timestamp(), leeway=LEEWAY.total_seconds())
    _check_app(claims, sender)


def _check_times(claims: _Claims, *, now: float, leeway: float) -> None:
    if claims.exp + leeway <= now:
        raise SenderRefused("entra: the token is expired")
    if claims.nbf - leeway > now or (claims.iat or 0) - leeway > now:
        raise SenderRefused("entra: the token is not yet valid")


def _check_app(claims: _Claims, sender: EntraSender) -> None:
    # v1.0 tokens name the app in `appid`, v2.0 tokens in `azp`; with both, both count.
    named = {app.lower() for app in (claims.appid, claims.azp) if app is not None}
    allowed = {app.lower() for app in sender.app_ids}
    if not named or not named <= allowed:
        raise SenderRefused("entra: the token's app id is not among the allowed")
