"""The keys of an issuer: kept, fetched again, and out of reach."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from shared.model.errors import FailureReason, SenderRefused, TransientFailure
from shared.senders import EntraSender
from tests.unit.senders.kit import (
    APP,
    AT,
    AUDIENCE,
    ENTRA_SENDER,
    KEYS_URL,
    TENANT,
    Door,
    bearer,
    jwk,
    jwks,
    token,
)


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
