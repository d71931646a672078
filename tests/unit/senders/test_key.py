"""Senders that are known by a key."""

from __future__ import annotations

import pytest

from shared.model.secret import SecretRef
from shared.senders import Accepted, KeySender
from tests.unit.senders.kit import (
    ENTRA_SENDER,
    HMAC_SENDER,
    KEY_SENDER,
    SETTINGS,
    Door,
    bearer,
    signature,
    signed,
)


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
