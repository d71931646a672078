"""Webhook senders against arbitrary requests."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from shared.model.errors import SenderRefused
from shared.model.http import Reply
from shared.model.secret import Secret, SecretRef
from shared.senders import EntraSender, HmacSender, KeySender, Senders
from shared.senders.shared_secrets import SIGNATURE_WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
ISSUER = "https://idp.example/"
SECRETS = {"KEY": "key-secret-of-the-logic-app", "SIGN": "sign-secret-of-the-soar"}


class FakeHttp:
    async def get(self, url: str, **_: object) -> Reply:
        assert url == "https://idp.example/keys"
        return Reply(status=200, headers={}, body=key_document())

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
        raise AssertionError(f"posted to {url}: {headers}, {body!r}")

    async def send(self, method: str, url: str, **_: object) -> Reply:
        raise AssertionError(f"{method} {url}")


@cache
def key_document() -> bytes:
    public = rsa.generate_private_key(65537, 2048).public_key()
    return json.dumps(
        {"keys": [{**RSAAlgorithm.to_jwk(public, as_dict=True), "kid": "one"}]}
    ).encode()


def all_methods(now: datetime = NOW) -> Senders:
    return Senders(
        {
            "key": KeySender(secret=SecretRef("KEY"), formats=("a",)),
            "hmac": HmacSender(secret=SecretRef("SIGN"), formats=("b",)),
            "entra": EntraSender(
                issuer=ISSUER,
                audience="us",
                app_ids=("them",),
                jwks_url="https://idp.example/keys",
                formats=("c",),
            ),
        },
        secret=lambda reference: Secret(SECRETS[reference.setting]),
        http=FakeHttp(),
        clock=lambda: now,
    )


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


# Any character, lone surrogates too: a header's bytes are not ours to choose.
anything = st.text(st.characters(exclude_categories=()), max_size=80)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
jose = st.fixed_dictionaries(
    {"alg": st.just("RS256") | values, "kid": st.just("one") | values},
    optional=dict.fromkeys(("crit", "b64", "typ", "jku", "jwk", "x5c"), values),
)
issued = st.fixed_dictionaries(
    {"iss": st.just(ISSUER) | values},
    optional=dict.fromkeys(
        ("aud", "exp", "nbf", "iat", "azp", "appid", "sub", "jti"), values
    ),
)
tokens = st.builds(
    "{}.{}.{}".format,
    st.builds(segment, jose | values),
    st.builds(segment, issued | values),
    st.builds(segment, values) | anything,
)
stamps = st.integers(-400, 400).map(lambda by: str(int(NOW.timestamp()) + by))
signatures = st.lists(
    st.builds("v{}={}".format, st.integers(0, 2), st.binary(max_size=33).map(bytes.hex))
    | anything,
    max_size=4,
).map(",".join)
requests = st.fixed_dictionaries(
    {},
    optional={
        "x-firewatch-key": anything,
        "x-firewatch-timestamp": stamps | anything,
        "x-firewatch-signature": signatures | anything,
        "authorization": anything | tokens.map("Bearer {}".format),
    },
)


@given(
    headers=requests,
    query=st.dictionaries(st.just("code"), anything),
    body=st.binary(max_size=99),
)
async def test_arbitrary_requests_are_refused_and_nothing_else(
    headers: dict[str, str], query: dict[str, str], body: bytes
) -> None:
    """Whatever a stranger sends, the answer is a refusal that repeats none of it."""
    with pytest.raises(SenderRefused) as caught:
        await all_methods().authenticate(headers=headers, query=query, body=body)

    text = str(caught.value)
    assert not any(secret in text for secret in SECRETS.values())
    shown = [*headers.values(), *query.values()]
    assert not any(len(value) > 20 and value in text for value in shown)


@given(
    body=st.binary(max_size=99),
    offset=st.integers(-600, 600),
    other=st.binary(max_size=9),
)
async def test_a_signature_passes_for_its_body_inside_the_window_only(
    body: bytes, offset: int, other: bytes
) -> None:
    """A signature is good exactly for the bytes it covers and near its time."""
    now = NOW + timedelta(seconds=offset)
    stamp = str(int(NOW.timestamp()))
    message = stamp.encode() + b"." + body
    digest = hmac.digest(SECRETS["SIGN"].encode(), message, "sha256").hex()
    headers = {"x-firewatch-timestamp": stamp, "x-firewatch-signature": f"v1={digest}"}

    async def passes(sent: bytes) -> bool:
        try:
            await all_methods(now).authenticate(headers=headers, query={}, body=sent)
        except SenderRefused:
            return False
        return True

    is_fresh = abs(timedelta(seconds=offset)) <= SIGNATURE_WINDOW
    assert await passes(body) is is_fresh
    assert await passes(body + other) is (is_fresh and not other)


@given(at=st.integers(0, len(SECRETS["KEY"]) - 1), other=st.characters())
async def test_a_key_with_one_character_changed_is_refused(at: int, other: str) -> None:
    """Only the key itself passes, in the header and in the address."""
    key = SECRETS["KEY"]
    shown = key[:at] + other + key[at + 1 :]

    async def passes(headers: dict[str, str], query: dict[str, str]) -> bool:
        try:
            await all_methods().authenticate(headers=headers, query=query, body=b"")
        except SenderRefused:
            return False
        return True

    assert await passes({"x-firewatch-key": shown}, {}) is (shown == key)
    assert await passes({}, {"code": shown}) is (shown == key)
