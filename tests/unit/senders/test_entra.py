"""Senders that show a token of Entra."""

from __future__ import annotations

import hashlib
import hmac

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization

from shared.senders import Accepted
from tests.unit.senders.kit import (
    APP,
    AT,
    AUDIENCE,
    ENTRA_SENDER,
    ISSUER,
    KEYS_URL,
    Door,
    bearer,
    claims,
    handmade,
    jwk,
    jwks,
    private_key,
    token,
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"azp": None, "appid": APP},
        {"azp": APP.upper()},
        {"appid": APP},
        {"aud": ["api://elsewhere", AUDIENCE]},
        {"iat": None},
    ],
)
async def test_a_good_token_passes(changes: dict[str, object]) -> None:
    """A token of the issuer, for us, by an allowed app, passes in v1.0 and v2.0."""
    door = Door({"azure-monitor": ENTRA_SENDER})

    accepted = await door.ask(bearer(token("one", **changes)))

    assert accepted == Accepted(name="azure-monitor", formats=("monitor",))
    assert door.http.asked == [KEYS_URL]


async def test_the_scheme_is_read_without_case() -> None:
    """``bearer`` is as good as ``Bearer``."""
    door = Door({"azure-monitor": ENTRA_SENDER})

    await door.ask({"authorization": f"bearer {token()}"})


async def test_the_token_chooses_among_senders_of_one_issuer() -> None:
    """Two senders of one issuer are told apart by audience and app, with one fetch."""
    other_app = "11111111-2222-3333-4444-555555555555"
    other = msgspec.structs.replace(ENTRA_SENDER, app_ids=(other_app,), formats=("o",))
    door = Door({"azure-monitor": ENTRA_SENDER, "other": other})

    accepted = await door.ask(bearer(token(azp=other_app)))

    assert accepted == Accepted(name="other", formats=("o",))
    assert door.http.asked == [KEYS_URL]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": ISSUER.replace("v2.0", "v1.0")}, "no sender has this issuer"),
        ({"iss": None}, "not a token"),
        ({"aud": "api://elsewhere"}, "InvalidAudienceError"),
        ({"aud": ["api://elsewhere", "b"]}, "InvalidAudienceError"),
        ({"aud": [1, AUDIENCE]}, "InvalidAudienceError"),
        ({"aud": None}, "MissingRequiredClaimError"),
        ({"azp": "11111111-2222-3333-4444-555555555555"}, "app id"),
        ({"appid": "11111111-2222-3333-4444-555555555555"}, "app id"),
        ({"azp": None}, "app id"),
        ({"azp": [APP]}, "ValidationError"),
        ({"exp": AT - 60}, "expired"),
        ({"exp": None}, "MissingRequiredClaimError"),
        ({"exp": "tomorrow"}, "ValidationError"),
        ({"exp": float("inf")}, "ValidationError"),
        ({"exp": True}, "ValidationError"),
        ({"nbf": AT + 61}, "not yet valid"),
        ({"nbf": None}, "MissingRequiredClaimError"),
        ({"iat": AT + 61}, "not yet valid"),
    ],
)
async def test_a_token_that_does_not_fit_is_refused(
    changes: dict[str, object], said: str
) -> None:
    """Every claim that counts must be there and fit, though the signature is good."""
    door = Door({"azure-monitor": ENTRA_SENDER})

    assert said in await door.refused(bearer(token("one", **changes)))


@pytest.mark.parametrize("changes", [{"exp": AT - 59}, {"nbf": AT + 60, "iat": AT + 9}])
async def test_a_minute_between_the_clocks_is_allowed(
    changes: dict[str, object],
) -> None:
    """A token just expired or just ahead of our clock passes."""
    door = Door({"azure-monitor": ENTRA_SENDER})

    await door.ask(bearer(token("one", **changes)))


async def test_the_injected_clock_decides() -> None:
    """A token is judged by the clock that was given, not by the machine's."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    good = token()
    await door.ask(bearer(good))

    door.clock.step(hours=2)

    assert "expired" in await door.refused(bearer(good))


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS512", ["RS256"], None])
async def test_another_algorithm_is_refused(alg: object) -> None:
    """The token does not choose how it is verified; nobody is asked for its key."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    public = private_key("one").public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": alg, "kid": "one", "typ": "JWT"}

    unsigned = handmade(header, claims(), lambda _: b"")
    confused = handmade(
        header, claims(), lambda text: hmac.new(pem, text, hashlib.sha256).digest()
    )

    await door.refused(bearer(unsigned))
    await door.refused(bearer(confused))
    assert door.http.asked == []


async def test_a_signature_by_another_key_is_refused() -> None:
    """A token that only names the issuer's key is refused."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    forged = jwt.encode(
        claims(), private_key("forger"), "RS256", headers={"kid": "one"}
    )

    assert "InvalidSignatureError" in await door.refused(bearer(forged))


async def test_changed_claims_are_refused() -> None:
    """Claims exchanged after signing are refused."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    header, _, crypto = token(azp="11111111-2222-3333-4444-555555555555").split(".")
    payload = token().split(".")[1]

    await door.refused(bearer(f"{header}.{payload}.{crypto}"))


async def test_a_weak_issuer_key_is_refused() -> None:
    """A key too short for RS256 verifies nothing."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    door.http.documents[KEYS_URL] = jwks(jwk("weak"))
    header = {"alg": "RS256", "kid": "weak"}

    said = await door.refused(bearer(handmade(header, claims(), lambda _: b"x" * 128)))

    assert "InvalidKeyError" in said


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNzd29yZA==",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer é.é.é",
        "Bearer \ud800.a.b",
        f"Bearer {handmade([], claims(), bytes)}",
        f"Bearer {handmade({'alg': 'RS256'}, claims(), bytes)}",
        f"Bearer {handmade({'alg': 'RS256', 'kid': 7}, claims(), bytes)}",
        f"Bearer {handmade({'alg': 'RS256', 'kid': 'one'}, [], bytes)}",
        f"Bearer {handmade({'alg': 'RS256', 'kid': 'one'}, {'iss': [ISSUER]}, bytes)}",
        f"Bearer {handmade({'alg': 'RS256', 'kid': 'one', 'b64': False}, {}, bytes)}",
        f"Bearer {handmade({'alg': 'RS256', 'kid': 'one', 'crit': [[]]}, {}, bytes)}",
    ],
)
async def test_what_is_no_token_is_refused_without_a_fetch(value: str) -> None:
    """Anything that cannot be a token of ours costs no call to the issuer."""
    door = Door({"azure-monitor": ENTRA_SENDER})

    await door.refused({"authorization": value})

    assert door.http.asked == []
