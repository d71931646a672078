"""Webhook senders: what vouches for a request, and what does not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
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
from shared.senders import (
    Accepted,
    EntraSender,
    HmacSender,
    KeySender,
    Sender,
    Senders,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
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
    at = int(NOW.timestamp())
    good: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": at - 60,
        "nbf": at - 60,
        "exp": at + 3600,
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


# The policy section ----------------------------------------------------------------


def test_the_section_decodes_by_method() -> None:
    """The policy's section becomes one struct per sender, chosen by its method."""
    section = {
        "logic-app": {
            "method": "key",
            "secret": {"setting": "KEY"},
            "previous": {"setting": "KEY_OLD"},
            "formats": ["defender"],
        },
        "soar": {
            "method": "hmac",
            "secret": {"setting": "SIGN"},
            "formats": ["sentinel"],
        },
        "azure-monitor": {
            "method": "entra",
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "app_ids": [APP],
            "formats": ["monitor"],
        },
    }

    senders = msgspec.convert(section, dict[str, Sender])

    assert senders == {
        "logic-app": KeySender(
            secret=SecretRef("KEY"),
            previous=SecretRef("KEY_OLD"),
            formats=("defender",),
        ),
        "soar": HMAC_SENDER,
        "azure-monitor": ENTRA_SENDER,
    }


@pytest.mark.parametrize(
    "sender",
    [
        {"method": "key", "secret": {"setting": "KEY"}},
        {"method": "key", "secret": {"setting": "KEY"}, "formats": []},
        {"method": "key", "secret": "inline", "formats": ["defender"]},
        {"method": "key", "formats": ["defender"]},
        {"method": "basic", "secret": {"setting": "KEY"}, "formats": ["defender"]},
        {"secret": {"setting": "KEY"}, "formats": ["defender"]},
        {
            "method": "hmac",
            "secret": {"setting": "SIGN"},
            "formats": ["defender"],
            "audience": AUDIENCE,
        },
        {"method": "entra", "issuer": ISSUER, "app_ids": [APP], "formats": ["x"]},
        {"method": "entra", "issuer": ISSUER, "audience": "a", "formats": ["x"]},
        {"method": "entra", "audience": "a", "app_ids": [APP], "formats": ["x"]},
        {
            "method": "entra",
            "issuer": ISSUER,
            "audience": "a",
            "app_ids": [],
            "formats": ["x"],
        },
    ],
)
def test_a_wrong_section_does_not_decode(sender: dict[str, object]) -> None:
    """A sender with a missing, unknown or empty field never becomes a struct."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"it": sender}, dict[str, Sender])


def test_every_problem_is_listed_at_once() -> None:
    """A bad section fails with all its problems, each by path, none with a value."""
    senders: dict[str, Sender] = {
        "absent": KeySender(secret=SecretRef("NONE"), formats=("defender",)),
        "short": HmacSender(
            secret=SecretRef("FINE"), previous=SecretRef("SHORT"), formats=()
        ),
        "entra": EntraSender(
            issuer="http://plain.example/",
            audience=" ",
            app_ids=("",),
            jwks_url="ftp://plain.example/keys",
            formats=("",),
        ),
        "foreign": EntraSender(
            issuer="https://idp.example/",
            audience="a",
            app_ids=(),
            formats=("defender",),
        ),
    }

    problems = problems_of(senders, {"SHORT": "fifteen-letters", "FINE": "f" * 16})

    assert sorted(problem.partition(": ")[0] for problem in problems) == [
        "senders.absent.secret",
        "senders.entra.app_ids",
        "senders.entra.audience",
        "senders.entra.formats",
        "senders.entra.issuer",
        "senders.entra.jwks_url",
        "senders.foreign.app_ids",
        "senders.foreign.jwks_url",
        "senders.short.formats",
        "senders.short.previous",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "missing"),
        ("", "missing"),
        ("x" * 15, "shorter than 16"),
        ("@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/s)", "not resolved"),
        ("a-good-secret-with-newline\n", "white space"),
        (" a-good-secret-after-blank", "white space"),
        ("sécret-with-an-accent-in-it", "printable ASCII"),
    ],
)
@pytest.mark.parametrize("kind", [KeySender, HmacSender])
def test_an_unusable_secret_is_a_problem(
    kind: type[KeySender | HmacSender], value: str | None, said: str
) -> None:
    """A secret that cannot work, or that others could guess, stops the start."""
    settings = {} if value is None else {"MINE": value}

    (problem,) = problems_of(
        {"it": kind(secret=SecretRef("MINE"), formats=("x",))}, settings
    )

    assert problem.startswith("senders.it.secret: setting MINE ")
    assert said in problem


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.microsoftonline.com/common/v2.0",
        f"https://login.microsoftonline.com/{TENANT}/v2.0/",
        f"https://login.microsoftonline.com/{TENANT.upper()}/v2.0",
        f"https://login.microsoftonline.com/{TENANT}",
        f"https://sts.windows.net/{TENANT}",
        "https://sts.windows.net/contoso.onmicrosoft.com/",
    ],
)
def test_an_issuer_that_entra_never_writes_is_a_problem(issuer: str) -> None:
    """An issuer that no token of Entra can carry is found at start."""
    sender = EntraSender(issuer=issuer, audience="a", app_ids=(APP,), formats=("x",))

    (problem,) = problems_of({"it": sender}, {})

    assert problem.startswith("senders.it.issuer: never matches")


@pytest.mark.parametrize("address", ["https://[", "https://", "https://u:p@host/x", ""])
def test_an_address_that_is_none_is_a_problem(address: str) -> None:
    """An issuer or key address that is not plain https is found at start."""
    sender = EntraSender(
        issuer=address, audience="a", app_ids=(APP,), formats=("x",), jwks_url=address
    )

    assert len(problems_of({"it": sender}, {})) == 2


@pytest.mark.parametrize(
    ("issuer", "keys_url"),
    [
        (ISSUER, KEYS_URL),
        (
            f"https://sts.windows.net/{TENANT}/",
            f"https://login.microsoftonline.com/{TENANT}/discovery/keys",
        ),
        (
            f"https://login.microsoftonline.us/{TENANT}/v2.0",
            f"https://login.microsoftonline.us/{TENANT}/discovery/v2.0/keys",
        ),
    ],
)
def test_the_key_address_follows_from_the_issuer(issuer: str, keys_url: str) -> None:
    """For Entra's issuers the address of the keys need not be written."""
    sender = EntraSender(issuer=issuer, audience="a", app_ids=(APP,), formats=("x",))

    assert sender.keys_url == keys_url


def test_starting_asks_nobody_and_imports_no_jwt() -> None:
    """Neither importing nor building senders loads PyJWT, which a cold start pays."""
    program = """
import sys
from shared.senders import EntraSender, Senders
Senders(
    {"it": EntraSender(issuer="https://idp.example/", audience="a", app_ids=("b",),
                       jwks_url="https://idp.example/keys", formats=("x",))},
    secret=None, http=None, clock=None,
)
sys.exit("jwt" in sys.modules)
"""

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=False, timeout=60
    )

    assert done.returncode == 0


# Which method -----------------------------------------------------------------------


async def test_no_senders_refuse_everyone() -> None:
    """A policy that lists no sender takes webhooks from nobody."""
    door = Door({})

    assert "no sender" in await door.refused({"x-firewatch-key": SETTINGS["KEY"]})


async def test_nothing_shown_is_refused() -> None:
    """A request without any evidence is refused, and no issuer is asked."""
    door = Door({"a": KEY_SENDER, "b": HMAC_SENDER, "c": ENTRA_SENDER})

    said = await door.refused()

    assert all(f"{method}: " in said for method in ("key", "hmac", "entra"))
    assert door.http.asked == []


async def test_one_method_is_enough() -> None:
    """Wrong evidence for other methods does not take away what one vouches for."""
    door = Door({"entra": ENTRA_SENDER, "soar": HMAC_SENDER, "logic-app": KEY_SENDER})
    headers = {
        "x-firewatch-key": SETTINGS["OTHER"],
        **signed(signature(SETTINGS["SIGN"])),
        **bearer("not.a.token"),
    }

    assert await door.ask(headers) == Accepted(name="soar", formats=("sentinel",))


async def test_cheap_evidence_spares_the_issuer() -> None:
    """A request that a key vouches for does not look at its token."""
    door = Door({"entra": ENTRA_SENDER, "logic-app": KEY_SENDER})

    accepted = await door.ask({"x-firewatch-key": SETTINGS["KEY"], **bearer(token())})

    assert accepted == Accepted(name="logic-app", formats=("defender",))
    assert door.http.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "x-firewatch-key",
        "x-firewatch-timestamp",
        "x-firewatch-signature",
        "authorization",
    ],
)
async def test_an_absurdly_long_header_is_refused(name: str) -> None:
    """A header beyond its cap ends the request, whatever else vouches for it."""
    door = Door({"a": KEY_SENDER, "b": HMAC_SENDER, "c": ENTRA_SENDER})
    headers = {**signed(signature(SETTINGS["SIGN"])), name: "x" * 16_385}

    assert name in await door.refused(headers)


async def test_an_absurdly_long_code_is_refused() -> None:
    """The key in the address has the same cap as in the header."""
    door = Door({"a": KEY_SENDER})

    assert "code" in await door.refused(query={"code": "x" * 513})


# key --------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["header", "query"])
async def test_a_key_passes_in_the_header_and_in_the_address(place: str) -> None:
    """A sender that cannot set headers shows its key as ``code``."""
    door = Door({"logic-app": KEY_SENDER})
    headers = {"x-firewatch-key": SETTINGS["KEY"]} if place == "header" else {}
    query = {"code": SETTINGS["KEY"]} if place == "query" else {}

    accepted = await door.ask(headers, query=query)

    assert accepted == Accepted(name="logic-app", formats=("defender",))


async def test_the_sender_is_told_apart_by_its_key() -> None:
    """Each key leads to its own sender and that sender's formats."""
    other = KeySender(secret=SecretRef("OTHER"), formats=("monitor", "event-grid"))
    door = Door({"logic-app": KEY_SENDER, "other": other})

    accepted = await door.ask({"x-firewatch-key": SETTINGS["OTHER"]})

    assert accepted == Accepted(name="other", formats=("monitor", "event-grid"))


@pytest.mark.parametrize("setting", ["KEY", "KEY_OLD"])
async def test_both_keys_pass_during_a_rotation(setting: str) -> None:
    """The current key and the previous one are both active."""
    rotating = KeySender(
        secret=SecretRef("KEY"), previous=SecretRef("KEY_OLD"), formats=("defender",)
    )
    door = Door({"logic-app": rotating})

    assert (await door.ask({"x-firewatch-key": SETTINGS[setting]})).name == "logic-app"


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "wrong",
        SETTINGS["KEY_OLD"],
        SETTINGS["KEY"].upper(),
        SETTINGS["KEY"] + "x",
        SETTINGS["KEY"][:-1],
        SETTINGS["KEY"] + "\ud800",
        "ключ-ключ-ключ-ключ",
    ],
)
async def test_a_wrong_key_is_refused(shown: str) -> None:
    """Only the exact key passes; any other text is refused, whatever its characters."""
    door = Door({"logic-app": KEY_SENDER})

    assert "key: " in await door.refused({"x-firewatch-key": shown})


async def test_a_key_does_not_pass_as_a_signature_or_token() -> None:
    """A secret shown in the place of another method's evidence proves nothing."""
    door = Door({"logic-app": KEY_SENDER, "soar": HMAC_SENDER, "entra": ENTRA_SENDER})
    key = SETTINGS["KEY"]

    await door.refused(signed(signature(key)))
    await door.refused(signed(key))
    await door.refused(bearer(key))
    await door.refused({"x-functions-key": key})


async def test_a_signing_secret_does_not_pass_as_a_key() -> None:
    """An hmac sender's secret is for signing only."""
    door = Door({"logic-app": KEY_SENDER, "soar": HMAC_SENDER})

    await door.refused({"x-firewatch-key": SETTINGS["SIGN"]})


# hmac -------------------------------------------------------------------------------


async def test_a_signature_passes() -> None:
    """A fresh signature over timestamp and raw body names its sender."""
    door = Door({"soar": HMAC_SENDER})

    accepted = await door.ask(signed(signature(SETTINGS["SIGN"])))

    assert accepted == Accepted(name="soar", formats=("sentinel",))


async def test_an_empty_body_can_be_signed() -> None:
    """The signature covers whatever the body is, also nothing."""
    door = Door({"soar": HMAC_SENDER})

    await door.ask(signed(signature(SETTINGS["SIGN"], body=b"")), body=b"")


@pytest.mark.parametrize("setting", ["SIGN", "SIGN_OLD"])
async def test_both_secrets_sign_during_a_rotation(setting: str) -> None:
    """The current signing secret and the previous one are both active."""
    rotating = HmacSender(
        secret=SecretRef("SIGN"), previous=SecretRef("SIGN_OLD"), formats=("x",)
    )
    door = Door({"soar": rotating})

    assert (await door.ask(signed(signature(SETTINGS[setting])))).name == "soar"


@pytest.mark.parametrize(
    "spell",
    [
        lambda v1: v1.replace("v1=", "v1=").upper().replace("V1=", "v1="),
        lambda v1: f"v1={'0' * 64},{v1}",
        lambda v1: f"v0=abc,{v1}, v2=whatever",
        lambda v1: f" {v1} ",
        lambda v1: f"v1=junk,,{v1}",
    ],
)
async def test_other_spellings_of_a_good_signature_pass(
    spell: Callable[[str], str],
) -> None:
    """Hex is read without case; one good v1 among others and other versions passes."""
    door = Door({"soar": HMAC_SENDER})

    await door.ask(signed(spell(signature(SETTINGS["SIGN"]))))


@pytest.mark.parametrize(
    "value",
    [
        signature(SETTINGS["OTHER"]),
        signature(SETTINGS["SIGN"], body=BODY + b" "),
        signature(SETTINGS["SIGN"], at=NOW - timedelta(seconds=1)),
        signature(SETTINGS["SIGN"]).replace("v1=", "v2="),
        signature(SETTINGS["SIGN"]).replace("v1=", "V1="),
        signature(SETTINGS["SIGN"]).removeprefix("v1="),
        signature(SETTINGS["SIGN"])[:-1],
        signature(SETTINGS["SIGN"]) + "00",
        signature(SETTINGS["SIGN"]).replace("v1=", "v1= "),
        "v1=" + "é" * 64,
        "v1=",
        ",",
    ],
)
async def test_a_wrong_signature_is_refused(value: str) -> None:
    """A signature by, over or spelt as anything else is refused."""
    door = Door({"soar": HMAC_SENDER})

    assert "hmac: " in await door.refused(signed(value))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
async def test_a_timestamp_inside_the_window_passes(seconds: int) -> None:
    """Five minutes to either side are allowed between the clocks."""
    door = Door({"soar": HMAC_SENDER})
    at = NOW + timedelta(seconds=seconds)

    await door.ask(signed(signature(SETTINGS["SIGN"], at=at), at=at))


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_a_timestamp_outside_the_window_is_refused(seconds: int) -> None:
    """A good signature of another time is refused."""
    door = Door({"soar": HMAC_SENDER})
    at = NOW + timedelta(seconds=seconds)

    said = await door.refused(signed(signature(SETTINGS["SIGN"], at=at), at=at))

    assert "outside the window" in said


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "soon",
        "2025-06-01T12:00:00Z",
        f"{NOW.timestamp()}",
        f"+{int(NOW.timestamp())}",
        f"{int(NOW.timestamp())}\n",
        "١٧٤٨٧٧٩٢٠٠",
        "9" * 13,
    ],
)
async def test_a_timestamp_of_another_form_is_refused(stamp: str) -> None:
    """Only plain unix seconds are a timestamp, even when they are signed."""
    door = Door({"soar": HMAC_SENDER})

    said = await door.refused(signed(signature(SETTINGS["SIGN"], at=stamp), at=stamp))

    assert "timestamp" in said


async def test_a_signature_without_timestamp_is_refused() -> None:
    """Without its time a signature could be repeated for ever."""
    door = Door({"soar": HMAC_SENDER})

    await door.refused({"x-firewatch-signature": signature(SETTINGS["SIGN"])})


# entra ------------------------------------------------------------------------------


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


AT = int(NOW.timestamp())


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


# The issuer's keys ------------------------------------------------------------------


async def test_keys_are_kept_for_a_day() -> None:
    """One fetch serves a day of tokens; then the keys are read again."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    lasting = token(exp=AT + 10**6)
    await door.ask(bearer(lasting))

    door.clock.step(hours=23, minutes=59)
    await door.ask(bearer(lasting))
    before = len(door.http.asked)
    door.clock.step(minutes=1)
    await door.ask(bearer(lasting))

    assert before == 1
    assert len(door.http.asked) == 2


async def test_a_new_key_is_found_when_a_token_names_it() -> None:
    """After a rollover the first token with the new key makes us look again."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    await door.ask(bearer(token()))
    door.clock.step(minutes=1)
    door.http.documents[KEYS_URL] = jwks(jwk("two"), jwk("one"))

    accepted = await door.ask(bearer(token("two")))

    assert accepted.name == "azure-monitor"
    assert len(door.http.asked) == 2


async def test_a_withdrawn_key_no_longer_verifies() -> None:
    """A key that the issuer took back is forgotten at the next reading."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    await door.ask(bearer(token()))
    door.clock.step(minutes=1)
    door.http.documents[KEYS_URL] = jwks(jwk("two"))
    await door.ask(bearer(token("two")))

    assert "no such key" in await door.refused(bearer(token()))


async def test_unknown_keys_cause_one_fetch_in_five_minutes() -> None:
    """Made-up key ids cannot make us hammer the issuer, nor hinder honest senders."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    good, made_up = token(), token("forger")
    await door.ask(bearer(good))
    door.clock.step(minutes=1)

    fetches = []
    for seconds in (0, 60, 239, 1, 1):
        door.clock.step(seconds=seconds)
        await door.refused(bearer(made_up))
        await door.ask(bearer(good))
        fetches.append(len(door.http.asked))

    # The first is the one that brought the keys; the ration is over after 300 seconds.
    assert fetches == [2, 2, 2, 3, 3]


async def test_no_keys_and_no_issuer_is_nobodys_fault() -> None:
    """With nothing to verify by, the sender is asked to come again, not refused."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    door.http.down = True

    with pytest.raises(TransientFailure) as caught:
        await door.ask(bearer(token()))

    assert caught.value.reason is FailureReason.UNAVAILABLE
    assert caught.value.retry_after == timedelta(seconds=15)
    assert "login.microsoftonline.com" in str(caught.value)
    assert TENANT not in str(caught.value)


async def test_an_issuer_that_comes_back_is_asked_again_soon() -> None:
    """Without keys the pause is seconds, and inside it nobody is asked."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    door.http.down = True
    for _ in range(3):
        with pytest.raises(TransientFailure):
            await door.ask(bearer(token()))
    asked = len(door.http.asked)
    door.http.down = False
    door.clock.step(seconds=15)

    accepted = await door.ask(bearer(token()))

    assert asked == 1
    assert accepted.name == "azure-monitor"


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (500, b""),
        (302, b""),
        (200, b"<html>"),
        (200, b"\xff\xfe"),
        (200, b"[]"),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [{"kty": "RSA", "kid": "one", "n": 1}]}'),
        (200, b'{"keys": [{"kty": "RSA", "kid": "one", "alg": []}]}'),
        (200, b'{"keys": [{"kty": "oct", "kid": "one", "k": "c2VjcmV0"}]}'),
    ],
)
async def test_keys_that_cannot_be_read_count_as_down(
    status: int, document: bytes
) -> None:
    """An answer without usable keys is the issuer's fault, not the sender's."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    door.http.status = status
    door.http.documents[KEYS_URL] = document

    with pytest.raises(TransientFailure):
        await door.ask(bearer(token()))


async def test_keys_of_an_error_page_are_not_used() -> None:
    """Only an answer of 200 is the issuer's word."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    door.http.status = 500

    with pytest.raises(TransientFailure):
        await door.ask(bearer(token()))


async def test_keys_for_other_uses_are_left_out() -> None:
    """Keys for encryption or other algorithms verify nothing."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    door.http.documents[KEYS_URL] = jwks(
        jwk("one", use="enc"), jwk("forger", alg="RS512"), jwk("two")
    )
    await door.ask(bearer(token("two")))

    assert "no such key" in await door.refused(bearer(token()))
    assert "no such key" in await door.refused(bearer(token("forger")))


async def test_cached_keys_survive_the_issuer_being_down() -> None:
    """Keys older than a day stay good while they cannot be renewed."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    lasting = token(exp=AT + 10**6)
    await door.ask(bearer(lasting))
    door.http.down = True
    door.clock.step(hours=25)

    for _ in range(3):
        assert (await door.ask(bearer(lasting))).name == "azure-monitor"

    assert len(door.http.asked) == 2


async def test_an_unknown_key_while_the_issuer_is_down_is_nobodys_fault() -> None:
    """A key we cannot ask about may be a new one, so its sender is asked to wait."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    await door.ask(bearer(token()))
    door.http.down = True
    door.clock.step(minutes=1)

    for _ in range(2):
        with pytest.raises(TransientFailure):
            await door.ask(bearer(token("two")))

    assert len(door.http.asked) == 2


async def test_one_issuer_down_does_not_stop_another() -> None:
    """A token is judged by the keys of its own issuer only."""
    other = EntraSender(
        issuer="https://idp.example/",
        audience=AUDIENCE,
        app_ids=(APP,),
        jwks_url="https://idp.example/keys",
        formats=("other",),
    )
    door = Door({"azure-monitor": ENTRA_SENDER, "other": other})
    door.http.documents = {"https://idp.example/keys": jwks(jwk("one"))}

    accepted = await door.ask(bearer(token(iss="https://idp.example/")))

    assert accepted.name == "other"
    assert door.http.asked == ["https://idp.example/keys"]


async def test_waiting_requests_share_one_fetch() -> None:
    """Requests that arrive together cause one fetch and all get its keys."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    door.http.gate = asyncio.Event()

    async def release() -> None:
        await door.http.entered.wait()
        assert door.http.gate is not None
        door.http.gate.set()

    asks = [door.ask(bearer(token())) for _ in range(10)]
    *accepted, _ = await asyncio.gather(*asks, release())

    assert len(accepted) == 10
    assert door.http.asked == [KEYS_URL]


async def test_waiting_requests_share_one_failure() -> None:
    """When the fetch fails, those who waited for it do not try one by one."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    door.http.down = True
    door.http.gate = asyncio.Event()

    async def release() -> None:
        await door.http.entered.wait()
        assert door.http.gate is not None
        door.clock.step(seconds=30)
        door.http.gate.set()

    asks = [door.ask(bearer(token())) for _ in range(3)]
    *failures, _ = await asyncio.gather(*asks, release(), return_exceptions=True)

    assert [type(failure) for failure in failures] == [TransientFailure] * 3
    assert len(door.http.asked) == 1


async def test_known_keys_do_not_wait_for_a_fetch() -> None:
    """A made-up key id that makes the issuer hang does not hold up honest senders."""
    door = Door({"azure-monitor": ENTRA_SENDER})
    await door.ask(bearer(token()))
    door.clock.step(minutes=1)
    door.http.gate = asyncio.Event()
    door.http.entered.clear()
    hanging = asyncio.create_task(door.ask(bearer(token("forger"))))
    await door.http.entered.wait()

    accepted = await door.ask(bearer(token()))

    assert accepted.name == "azure-monitor"
    assert not hanging.done()
    door.http.gate.set()
    with pytest.raises(SenderRefused):
        await hanging


# The documentation ------------------------------------------------------------------


def fenced(language: str) -> str:
    """The first block of that language in the users' page."""
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


async def test_the_fixed_example_verifies() -> None:
    """The example that users compare their own code with is right."""
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| `(.*)` \|$", page, re.MULTILINE))

    expected = signature(rows["secret"], rows["timestamp"], rows["body"].encode())

    assert rows["signature"] == expected


async def run(*command: str, cwd: Path | None = None) -> str:
    def blocking() -> str:
        return subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    return await asyncio.to_thread(blocking)


async def test_the_python_example_signs_as_we_verify() -> None:
    """The lines that users copy make headers that pass."""
    door = Door({"soar": HMAC_SENDER})
    given = {"secret": SETTINGS["SIGN"].encode(), "body": BODY}
    program = f"""
{"; ".join(f"{name} = {value!r}" for name, value in given.items())}
{fenced("python")}
import json
print(json.dumps(headers))
"""

    headers = json.loads(await run(sys.executable, "-c", program))

    stamp = int(headers["x-firewatch-timestamp"])
    door.clock.now = datetime.fromtimestamp(stamp, tz=UTC)
    assert (await door.ask(headers)).name == "soar"


@pytest.mark.skipif(
    not (shutil.which("openssl") and shutil.which("bash")),
    reason="the example is written for bash and openssl, which this machine lacks",
)
async def test_the_shell_example_signs_as_we_verify(tmp_path: Path) -> None:
    """The commands that users copy send headers that pass."""
    door = Door({"soar": HMAC_SENDER})
    (tmp_path / "alert.json").write_bytes(BODY)
    program = f"""
set -euo pipefail
curl() {{ printf '%s\\n' "$@"; }}
SECRET={SETTINGS["SIGN"]}
{fenced("bash")}
"""

    sent = await run("bash", "-c", program, cwd=tmp_path)

    found = re.findall(r"^(x-firewatch-\S+): (\S+)$", sent, re.MULTILINE)
    headers = dict(found)
    stamp = int(headers["x-firewatch-timestamp"])
    door.clock.now = datetime.fromtimestamp(stamp, tz=UTC)
    assert "@alert.json" in sent
    assert (await door.ask(headers)).name == "soar"
