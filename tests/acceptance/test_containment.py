"""Containment from the alert to its end: real storage, stand-ins of Azure, a stepped clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient
from typer.testing import CliRunner

from cli import main, undo
from devhost.outside import Outside
from devhost.storage import Azurite
from shared.model.deed_status import DeedStatus
from shared.store import reading
from tests.acceptance.test_on_call import World, heads
from tests.alerts import defender_alert, event
from tests.arm_alerts import arm_alert
from tests.fakes.azure import NIC, NSG, QUARANTINE, RG_SHOP, WEB01
from tests.fakes.browser import ORIGIN, Browser
from tests.fakes.clock import Clock
from tests.unit.containment.test_answers import ANA, signed_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from shared.bootstrap import App
    from shared.model.deed import DeedRow
    from shared.model.event import Event

POLICY = """
responders:
  room: {{use: pagerduty, routing_key: {{setting: KEY}}, url: {url}/pagerduty}}
  quarantine: {{use: vm-quarantine, groups: [{group}]}}
routes:
  - to: [room]
contain:
  - name: miners
    match: [alert_type=VM_DigitalCurrencyMining]
    do: [quarantine]
guards:
  mode: act
  approvers: [{approver}]
"""
MINED = {
    "AlertType": "VM_DigitalCurrencyMining",
    "AzureResourceId": WEB01,
    "ResourceIdentifiers": [],
    "Entities": [],
    "AlertUri": "https://portal.azure.com/#blade/x/subscriptionId/y/location/westeurope",
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Monday noon; web01 is as it should be."""
    with Azurite.start() as running:
        clock = Clock()
        async with Outside.start(clock=clock) as outside:
            policy = tmp_path / "policy.yaml"
            text = POLICY.format(url=outside.url, group=QUARANTINE, approver=ANA)
            policy.write_text(text)
            settings = {
                "AzureWebJobsStorage": running.connection_string,
                "FIREWATCH_POLICY": str(policy),
                "FIREWATCH_ARM_URL": f"{outside.url}/arm",
                "FIREWATCH_LINK_KEY": "k" * 64,
                "FIREWATCH_PUBLIC_URL": ORIGIN,
                "EASY_AUTH": "1",
                "KEY": "0123456789abcdef0123456789abcdef",
            }
            queue = QueueClient.from_connection_string(
                running.connection_string,
                "respond",
                message_decode_policy=TextBase64DecodePolicy(),
            )
            async with queue:
                yield World(outside, clock, settings, queue)


def mined() -> Event:
    """The machine mines."""
    return event(defender_alert(**MINED))


def vouch(world: World) -> None:
    """Have Defender know of it, where it keeps alerts of that group."""
    known = arm_alert(
        alertType="VM_DigitalCurrencyMining",
        resourceIdentifiers=[{"azureResourceId": WEB01, "type": "AzureResource"}],
    )
    place = f"{RG_SHOP}/providers/Microsoft.Security/locations/westeurope/alerts"
    world.outside.arm.put(
        WEB01.split("/")[2], [{**known, "id": f"{place}/{known['name']}"}]
    )


def group(world: World) -> str:
    """The security group that web01 has now."""
    found: Any = world.outside.manager.resources.find(NIC)
    return str(found["properties"]["networkSecurityGroup"]["id"]).lower()


async def only(app: App) -> DeedRow:
    """The only deed that there is."""
    (row,) = await reading.deeds((await app.storage()).ledger)
    return row


async def test_a_mined_machine_is_cut_off_and_let_go_at_its_end(world: World) -> None:
    """Within the minute, though a worker dies in between; all of Azure is as it was."""
    vouch(world)
    before = world.outside.manager.state()
    async with world.worker() as app:
        await world.tell(app, mined())
        await world.minutes(app, 1)
        assert (await only(app)).status is DeedStatus.VERIFIED
        assert group(world) == QUARANTINE.lower()
        [page] = world.outside.pagerduty.pages()
        assert page.opens == 1
    async with world.worker() as app:
        world.clock.step(timedelta(hours=3, minutes=57))
        await world.minutes(app, 1)
        assert group(world) == QUARANTINE.lower()
        await world.minutes(app, 3)

        assert (await only(app)).status is DeedStatus.EXPIRED
    assert group(world) == NSG.lower()
    assert world.outside.manager.state() == before
    written = [c for c in world.outside.manager.changes if c["method"] == "PUT"]
    assert len(written) == 2


async def test_a_forged_alert_waits_for_somebody_who_may(world: World) -> None:
    """Nobody vouches for it: the page asks, and a person decides where they sign in."""
    async with world.worker() as app:
        await world.tell(app, mined())
        await world.minutes(app, 5)
        assert (await only(app)).status is DeedStatus.AWAITING
        assert group(world) == NSG.lower()

        (head,) = await heads(app)
        offered = (await app.links()).offered(head, responder="room", recipient="ana")
        href = next(link.href for link in offered if link.verb == "approve")
        browser = Browser(app)
        assert (await browser.press(href)).status == 401
        await world.minutes(app, 1)
        assert group(world) == NSG.lower()
        assert (await browser.press(href, headers=signed_in(ANA))).status == 200
        await world.settle(app)
        await world.minutes(app, 1)

        assert (await only(app)).status is DeedStatus.VERIFIED
    assert group(world) == QUARANTINE.lower()


async def test_it_is_taken_back_by_the_tables_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While no app runs, as the person who asks for it."""
    vouch(world)
    before = world.outside.manager.state()
    async with world.worker() as app:
        await world.tell(app, mined())
        await world.minutes(app, 1)
        assert group(world) == QUARANTINE.lower()

    async def pause() -> None:
        world.clock.step(timedelta(seconds=3))

    monkeypatch.setattr(undo, "pause", pause)
    monkeypatch.setenv("FIREWATCH_ARM_URL", world.settings["FIREWATCH_ARM_URL"])
    storage = world.settings["AzureWebJobsStorage"]
    arguments = ["undo", "--all", "--account", storage, "--by", "ada"]
    done = await asyncio.to_thread(CliRunner().invoke, main.app, arguments)

    assert done.exit_code == 0, done.output
    assert group(world) == NSG.lower()
    assert world.outside.manager.state() == before
    async with world.worker() as app:
        row = await only(app)
        await world.minutes(app, 2)
    assert row.status is DeedStatus.UNDONE
    assert row.ending is not None
    assert row.ending.by == "cli:ada"
    methods = [change["method"] for change in world.outside.manager.changes]
    assert methods == ["PUT", "PATCH", "PUT", "PATCH"]
