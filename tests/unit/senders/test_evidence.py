"""Which method vouches for a request, and requests that show none."""

from __future__ import annotations

import pytest

from shared.senders import Accepted
from tests.unit.senders.kit import (
    ENTRA_SENDER,
    HMAC_SENDER,
    KEY_SENDER,
    SETTINGS,
    Door,
    bearer,
    signature,
    signed,
    token,
)


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
