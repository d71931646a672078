"""Senders that sign what they send."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.model.secret import SecretRef
from shared.senders import Accepted, HmacSender
from tests.unit.senders.kit import (
    BODY,
    HMAC_SENDER,
    NOW,
    SETTINGS,
    Door,
    signature,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Callable


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
