"""Approving and denying from a message: who may, and what the page says."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.model.deed_status import DeedStatus
from shared.model.guards import Mode
from tests.fakes.app import POLICY, FakeApp
from tests.fakes.browser import ORIGIN, Browser
from tests.unit.containment.kit import acting, comes, only

if TYPE_CHECKING:
    from pathlib import Path

ANA = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
BOB = ANA.replace("0b", "0c")
TEAM = ANA.replace("0b", "0d")
SETTINGS = {
    "FIREWATCH_LINK_KEY": "0123456789abcdef0123456789abcdef0123456789a",
    "FIREWATCH_PUBLIC_URL": ORIGIN,
    "EASY_AUTH": "1",
}


def signed_in(oid: str, *groups: str) -> dict[str, str]:
    """The header that App Service writes."""
    claims = [
        {"typ": "oid", "val": oid},
        *({"typ": "groups", "val": group} for group in groups),
    ]
    raw = json.dumps({"auth_typ": "aad", "claims": claims}).encode()
    return {"x-ms-client-principal": base64.b64encode(raw).decode()}


class House:
    """An app with one deed that waits, and the browser of whoever was told."""

    def __init__(self, folder: Path) -> None:
        self.world = acting(Mode.APPROVE)
        policy = f"{POLICY}\nguards: {{mode: approve, approvers: [{ANA}, {TEAM}]}}\n"
        self.app = FakeApp(folder, policy=policy, changes=SETTINGS, world=self.world)
        self.browser = Browser(self.app)

    async def link(self, verb: str) -> str:
        """The address of a link that soc sends."""
        links, head = await self.app.links(), await self.world.head()
        offered = links.offered(head, responder="soc", recipient="ana")
        return next(link.href for link in offered if link.verb == verb)


@pytest.fixture
async def house(tmp_path: Path) -> House:
    """With the deed planned."""
    made = House(tmp_path)
    await comes(made.world)
    return made


async def test_the_page_says_what_would_be_done(house: House) -> None:
    """To what, why somebody is asked, and how it ends; looking changes nothing."""
    href = await house.link("approve")

    for _ in range(2):
        shown = await house.browser.follow(href, headers=signed_in(ANA))

    assert shown.status == 200
    for text in (
        "Isolate vm-a",
        "Touches /subscriptions/",
        "the policy has people asked",
        "It is taken back after 240 minutes",
    ):
        assert text in shown.seen.text
    assert (await only(house.world)).status is DeedStatus.AWAITING


@pytest.mark.parametrize(
    "who", [signed_in(ANA), signed_in(BOB, TEAM)], ids=["person", "group"]
)
async def test_an_approver_approves(house: House, who: dict[str, str]) -> None:
    """Once; and then it is done."""
    href = await house.link("approve")

    pressed = await house.browser.press(href, headers=who)
    again = await house.browser.follow(href, headers=who)
    await house.world.deliver()

    assert pressed.status == 200
    assert "Approved" in pressed.seen.text
    assert again.seen.tags.count("form") == 0
    assert (await only(house.world)).status is DeedStatus.VERIFIED


async def test_an_approver_denies(house: House) -> None:
    """Then nobody can approve it any more."""
    approve, deny = await house.link("approve"), await house.link("deny")

    denied = await house.browser.press(deny, headers=signed_in(ANA))
    late = await house.browser.follow(approve, headers=signed_in(ANA))

    assert "Denied" in denied.seen.text
    assert late.seen.tags.count("form") == 0
    assert (await only(house.world)).status is DeedStatus.DENIED


@pytest.mark.parametrize(
    ("who", "status"), [({}, 401), (signed_in(BOB), 403)], ids=["nobody", "somebody"]
)
async def test_nobody_else_decides(
    house: House, who: dict[str, str], status: int
) -> None:
    """The link is only the way there: it shows them nothing and does nothing."""
    for verb in ("approve", "deny"):
        href = await house.link(verb)
        shown = await house.browser.follow(href, headers=who)
        pressed = await house.browser.press(href, headers=who)

        assert shown.status == pressed.status == status
        assert "vm-a" not in shown.seen.text
    assert (await only(house.world)).status is DeedStatus.AWAITING


async def test_a_link_is_good_for_as_long_as_the_deed_waits(house: House) -> None:
    """And for the plan that was shown."""
    href = await house.link("approve")
    house.world.clock.step(timedelta(hours=1))

    late = await house.browser.follow(href, headers=signed_in(ANA))

    assert late.status == 410


async def test_a_link_of_another_plan_does_nothing(house: House) -> None:
    """A newer message has the newer plan."""
    href = await house.link("approve")
    house.world.doer.reversible = False
    await comes(house.world, 2)

    shown = await house.browser.follow(href, headers=signed_in(ANA))
    newer = await house.browser.follow(
        await house.link("approve"), headers=signed_in(ANA)
    )

    assert shown.status == 410
    assert "It cannot be taken back" in newer.seen.text
