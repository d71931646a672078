"""Tokens: what a link carries is what was signed, or it is nothing."""

from __future__ import annotations

import base64
import hmac
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.answers.keys import Keys
from shared.answers.token import LONGEST, Refusal, Token, Verb, signed, verified
from shared.model.secret import Secret
from tests.factories import NOON

HOST = "firewatch.example.com"
NEW, OLD = Secret("n" * 64), Secret("o" * 64)
KEYS = Keys(NEW)
END = int((NOON + timedelta(hours=24)).timestamp())

TOKEN = Token(
    jti="j" * 24,
    inc="0d9eeb301d377b52",
    epoch=1,
    verb=Verb.ACKNOWLEDGE,
    exp=END,
    aud=HOST,
    hint="ana",
    via="on-call",
)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TOKENS = st.builds(
    Token,
    jti=_TEXT,
    inc=_TEXT,
    epoch=st.integers(0, 2**31),
    verb=st.sampled_from(Verb),
    exp=st.integers(END, 2**40),
    aud=st.just(HOST),
    act=_TEXT,
    hint=_TEXT,
    via=_TEXT,
)


def read(text: str, keys: Keys = KEYS, aud: str = HOST, after: int = 0) -> object:
    """What a text is at noon, or so many seconds later."""
    return verified(text, keys, now=NOON + timedelta(seconds=after), aud=aud)


def forged(payload: bytes, secret: Secret = NEW, purpose: str = "answer") -> str:
    """A text that is signed as ours are, whatever it says; written out from the docs."""
    body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    key = hmac.digest(
        secret.reveal().encode(), f"firewatch {purpose}".encode(), "sha256"
    )
    code = hmac.digest(key, f"fw1.{purpose}.{body}".encode(), "sha256")
    return f"{body}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


@given(TOKENS)
def test_what_was_signed_is_read(token: Token) -> None:
    """All of it, and the name of the key besides."""
    text = signed(token, KEYS)

    if len(text) <= LONGEST:
        found = read(text)
        assert isinstance(found, Token)
        assert msgspec.structs.replace(found, kid="") == token


@given(st.data())
def test_any_altered_character_is_refused(data: st.DataObject) -> None:
    """Even where it decodes to the same bytes, as the last of base64 may."""
    text = signed(TOKEN, KEYS)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))

    assert read(text[:place] + other + text[place + 1 :]) is Refusal.BAD


@given(st.text(max_size=60))
def test_other_texts_are_refused(text: str) -> None:
    """Nothing but a refusal comes of them."""
    assert read(text) is Refusal.BAD


@pytest.mark.parametrize("part", range(2))
def test_what_is_cut_or_lengthened_is_refused(part: int) -> None:
    """Padding and blanks too."""
    payload, signature = signed(TOKEN, KEYS).split(".")
    for end in ("=", " ", "\n", "A", "\x00"):
        parts = [payload, signature]
        parts[part] += end
        assert read(".".join(parts)) is Refusal.BAD
        parts[part] = parts[part][:-2]
        assert read(".".join(parts)) is Refusal.BAD
    assert read(f"{payload}.") is Refusal.BAD
    assert read(f".{signature}") is Refusal.BAD
    assert read(payload) is Refusal.BAD


def test_it_ends_at_its_second() -> None:
    """Until then it is good."""
    text = signed(TOKEN, KEYS)
    day = 24 * 3_600

    assert isinstance(read(text, after=day - 1), Token)
    assert read(text, after=day) is Refusal.EXPIRED
    assert read(text, after=day + 1) is Refusal.EXPIRED


def test_of_another_host_it_is_refused() -> None:
    """A test deployment that has the same key answers for nothing here."""
    text = signed(TOKEN, KEYS)

    assert read(text, aud="test.example.com") is Refusal.BAD
    assert read(text, aud="") is Refusal.BAD


def test_a_key_is_changed_without_breaking_links() -> None:
    """What the former key signed passes while it is the previous one, and then no more."""
    text = signed(TOKEN, Keys(OLD))

    assert isinstance(read(text, Keys(NEW, OLD)), Token)
    assert read(text, Keys(NEW)) is Refusal.BAD
    found = read(signed(TOKEN, Keys(NEW, OLD)), Keys(NEW))
    assert isinstance(found, Token)


def test_a_key_id_that_is_not_the_signers_is_refused() -> None:
    """The payload says which key; it cannot say another than the one that signed."""
    (kid,) = (key.kid for key in Keys(OLD).active("answer"))
    lie = msgspec.structs.replace(TOKEN, kid=kid)

    assert read(forged(msgspec.json.encode(lie)), Keys(NEW, OLD)) is Refusal.BAD


def test_the_signature_is_the_documented_one() -> None:
    """HMAC-SHA256 over scheme, purpose and payload, by a key derived for the purpose."""
    (kid,) = (key.kid for key in KEYS.active("answer"))
    whole = msgspec.json.encode(msgspec.structs.replace(TOKEN, kid=kid))

    assert forged(whole) == signed(TOKEN, KEYS)
    assert read(forged(whole, purpose="form")) is Refusal.BAD


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"verb": "promote"},
        {"epoch": "1"},
        {"exp": None},
        {"more": 1},
        {"inc": 7},
    ],
)
def test_what_we_signed_and_cannot_read_is_refused(change: dict[str, object]) -> None:
    """Of a version to come, or of a defect; never an error."""
    (kid,) = (key.kid for key in KEYS.active("answer"))
    fields = msgspec.to_builtins(TOKEN) | {"kid": kid} | change

    assert read(forged(msgspec.json.encode(fields))) is Refusal.BAD


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 400])
def test_a_signed_payload_that_is_no_token_is_refused(payload: bytes) -> None:
    """Nobody else can sign one, but a defect of ours could."""
    assert read(forged(payload)) is Refusal.BAD


def test_only_acknowledging_goes_by_the_link_alone() -> None:
    """Whatever else there will be needs a person, unless somebody decides otherwise."""
    assert [verb for verb in Verb if not verb.needs_person] == [Verb.ACKNOWLEDGE]


def test_a_token_prints_no_key() -> None:
    """Nor does what signs it."""
    shown = f"{KEYS!r} {KEYS.active('answer')!r} {KEYS.current('answer')!s}"

    assert "nnnn" not in shown
    assert KEYS.current("answer").mac("") not in shown
