"""A door with senders, and what they show at it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from shared.model.errors import (
    FailureReason,
    SenderRefused,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.secret import Secret, SecretRef
from shared.senders import Accepted, EntraSender, HmacSender, KeySender, Sender, Senders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[3]
NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
TENANT = "0e9f2c3a-5b7d-4f11-9c62-7a1d2b3c4d5e"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
KEYS_URL = f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"
AUDIENCE = "api://firewatch"
APP = "461e8683-5575-4561-ac7f-899cc907d62a"
BODY = b'{"alert": "\xc3\xa9"}'

SETTINGS = {
    "KEY": "key-secret-of-the-logic-app",
    "KEY_OLD": "key-secret-before-rotation",
    "SIGN": "sign-secret-of-the-soar-box",
    "SIGN_OLD": "sign-secret-before-rotation",
    "OTHER": "other-secret-of-another-one",
}

KEY_SENDER = KeySender(secret=SecretRef("KEY"), formats=("defender",))
HMAC_SENDER = HmacSender(secret=SecretRef("SIGN"), formats=("sentinel",))
ENTRA_SENDER = EntraSender(
    issuer=ISSUER, audience=AUDIENCE, app_ids=(APP,), formats=("monitor",)
)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def step(self, **by: float) -> None:
        self.now += timedelta(**by)


class FakeHttp:
    """Serves JWKS documents; ``down`` makes it fail, ``gate`` makes it hang."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.status = 200
        self.down = False
        self.asked: list[str] = []
        self.entered = asyncio.Event()
        self.gate: asyncio.Event | None = None

    async def get(self, url: str, **_: object) -> Reply:
        self.asked.append(url)
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise TransientFailure(FailureReason.TIMEOUT, "no answer in time")
        return Reply(status=self.status, headers={}, body=self.documents[url])

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
        raise AssertionError(f"posted to {url}: {headers}, {body!r}")

    async def send(self, method: str, url: str, **_: object) -> Reply:
        raise AssertionError(f"{method} {url}")


@cache
def private_key(kid: str) -> rsa.RSAPrivateKey:
    bits = 1024 if kid == "weak" else 2048
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def jwk(kid: str, **more: object) -> dict[str, object]:
    # Entra's keys have no `alg`.
    public = RSAAlgorithm.to_jwk(private_key(kid).public_key(), as_dict=True)
    return {**public, "kid": kid, "use": "sig", **more}


def jwks(*keys: dict[str, object]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def claims(**changes: object) -> dict[str, Any]:
    """The claims of a good v2.0 token; None takes one away."""
    good: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": AT - 60,
        "nbf": AT - 60,
        "exp": AT + 3600,
        "azp": APP,
        "sub": "service-principal",
    }
    merged = {**good, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def token(kid: str = "one", **changes: object) -> str:
    return jwt.encode(
        claims(**changes), private_key(kid), "RS256", headers={"kid": kid}
    )


def handmade(header: object, payload: object, sign: Callable[[bytes], bytes]) -> str:
    """A token that no well-meaning library makes."""
    signed = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, payload)
    )
    signature = base64.urlsafe_b64encode(sign(signed)).rstrip(b"=")
    return (signed + b"." + signature).decode()


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def signature(secret: str, at: datetime | str = NOW, body: bytes = BODY) -> str:
    stamp = at if isinstance(at, str) else str(int(at.timestamp()))
    message = f"{stamp}.".encode() + body
    return f"v1={hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()}"


def signed(value: str, at: datetime | str = NOW) -> dict[str, str]:
    stamp = at if isinstance(at, str) else str(int(at.timestamp()))
    return {"x-firewatch-timestamp": stamp, "x-firewatch-signature": value}


class Door:
    """Senders with their surroundings; ``refused`` also looks for leaks."""

    def __init__(self, senders: Mapping[str, Sender]) -> None:
        self.http = FakeHttp()
        self.http.documents[KEYS_URL] = jwks(jwk("one"))
        self.clock = Clock()
        self.senders = Senders(
            senders, secret=read_setting, http=self.http, clock=self.clock
        )

    async def ask(
        self,
        headers: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = BODY,
    ) -> Accepted:
        return await self.senders.authenticate(
            headers=headers or {}, query=query or {}, body=body
        )

    async def refused(
        self,
        headers: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = BODY,
    ) -> str:
        with pytest.raises(SenderRefused) as caught:
            await self.ask(headers, query=query, body=body)
        text = str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        shown = [*(headers or {}).values(), *(query or {}).values()]
        pieces = [piece for value in shown for piece in re.split(r"[ .,=]", value)]
        for piece in [*SETTINGS.values(), *pieces]:
            assert len(piece) < 8 or piece not in text
        return text


def read_setting(reference: SecretRef) -> Secret | None:
    value = SETTINGS.get(reference.setting)
    return None if value is None else Secret(value)


def problems_of(
    senders: Mapping[str, Sender], settings: Mapping[str, str]
) -> tuple[str, ...]:
    def read(reference: SecretRef) -> Secret | None:
        value = settings.get(reference.setting)
        return None if value is None else Secret(value)

    with pytest.raises(SettingsError) as caught:
        Senders(senders, secret=read, http=FakeHttp(), clock=Clock())
    for value in settings.values():
        assert not value or value not in str(caught.value)
    return caught.value.problems
