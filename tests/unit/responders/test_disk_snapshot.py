"""Snapshots that are evidence: whose they are, how they are called, and how long they stay."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from responders.disk_snapshot import DiskSnapshot
from responders.sides.disks import lock
from shared.model.deed import State
from shared.model.errors import ActionRefused, SettingsError, TransientFailure
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import DISK, SHOP, WEB01, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.deed import Before, Deed

KEPT = f"{SHOP}/resourceGroups/rg-firewatch"


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as found:
        yield found


def doer(side: Azure, **settings: Any) -> DiskSnapshot:  # noqa: ANN401
    ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
    config = DiskSnapshot.Config(**settings)
    return DiskSnapshot("snap", config, ports._replace(azure=side.remotes))


async def planned(side: Azure, **settings: Any) -> Deed:  # noqa: ANN401
    (deed,) = await doer(side, **settings).plan(make_incident(), [alert()])
    return deed


async def made(side: Azure) -> tuple[DiskSnapshot, Deed, Before]:
    """A deed that was done."""
    one, deed = doer(side), await planned(side)
    before = await one.before(deed)
    await one.apply(deed, before)
    side.step()
    assert (await one.verify(deed, before)).state is State.IN_FORCE
    return one, deed, before


def change(side: Azure, resource_id: str, **properties: Any) -> None:  # noqa: ANN401
    """Somebody changes a resource."""
    found = side.outside.manager.resources.find(resource_id)
    assert found is not None
    changed = {**found["properties"], **properties}
    side.outside.manager.resources.write({**found, "properties": changed})


async def test_each_disk_has_one_for_each_time_that_the_incident_is_open(
    side: Azure,
) -> None:
    """And no other incident has the same."""
    one = doer(side)
    names: set[str] = set()
    for incident in (
        make_incident(),
        make_incident(epoch=2),
        make_incident(id="0b" * 8),
    ):
        (deed,) = await one.plan(incident, [alert()])
        names |= {*deed.content["snapshots"].values()}

    assert len(names) == 6
    assert all(len(name.rpartition("/")[2]) <= 80 for name in names)


async def test_they_lie_where_the_policy_says_or_beside_their_disk(side: Azure) -> None:
    """A group for evidence is the better place."""
    beside, apart = await planned(side), await planned(side, group=KEPT)

    for deed, group in ((beside, WEB01.partition("/providers/")[0]), (apart, KEPT)):
        for name in deed.content["snapshots"].values():
            assert name.startswith(f"{group.lower()}/providers/")


async def test_what_is_kept_says_for_whom_and_until_when(side: Azure) -> None:
    """Nobody can export it, and nobody can delete it."""
    _, deed, _ = await made(side)

    for snapshot in deed.content["snapshots"].values():
        found = side.outside.manager.resources.find(snapshot)
        assert found is not None
        assert found["tags"] == {
            "firewatch:incident": make_incident().id,
            "firewatch:keep-until": f"{side.now + timedelta(days=90):%Y-%m-%d}",
        }
        assert found["properties"]["networkAccessPolicy"] == "DenyAll"
        with pytest.raises(ActionRefused):
            await side.arm.change("DELETE", f"{snapshot}?api-version=2023-10-02")


async def test_a_machine_with_too_many_disks_is_left_alone(side: Azure) -> None:
    """Copies cost money."""
    assert "2 disks" in (await planned(side, most=1)).obstacle


async def test_disks_that_cannot_be_copied_are_left_out(side: Azure) -> None:
    """One that lies on the host is none to copy; without any other, that is said."""
    found = side.outside.manager.resources.find(WEB01)
    assert found is not None
    profile = found["properties"]["storageProfile"]
    ephemeral = {**profile["osDisk"], "diffDiskSettings": {"option": "Local"}}
    change(side, WEB01, storageProfile={**profile, "osDisk": ephemeral})
    assert [*(await planned(side)).content["snapshots"]] == [
        DISK.lower().replace("web01-os", "web01-data")
    ]

    change(side, WEB01, storageProfile={"osDisk": ephemeral, "dataDisks": None})
    assert "no disk" in (await planned(side)).obstacle


async def test_a_disk_that_was_swapped_is_not_what_was_planned(side: Azure) -> None:
    """Neither before it is copied, nor after."""
    deed = await planned(side)
    found = side.outside.manager.resources.find(WEB01)
    assert found is not None
    profile = found["properties"]["storageProfile"]
    change(side, WEB01, storageProfile={**profile, "dataDisks": []})

    with pytest.raises(ActionRefused):
        await doer(side).before(deed)


async def test_a_name_that_is_taken_is_not_ours(side: Azure) -> None:
    """Somebody who knows how they are called could make one of another disk."""
    one, deed, before = await made(side)
    first = deed.content["snapshots"][DISK.lower()]
    change(side, first, creationData={"sourceResourceId": f"{DISK}-other"})

    with pytest.raises(ActionRefused, match="something else"):
        await one.before(deed)
    sight = await one.verify(deed, before)
    assert sight.state is State.OTHERWISE
    assert sight.difference


async def test_what_failed_is_made_again(side: Azure) -> None:
    """A snapshot that holds nothing is none."""
    one, deed, before = await made(side)
    first = deed.content["snapshots"][DISK.lower()]
    change(side, first, provisioningState="Failed")
    assert (await one.verify(deed, before)).state is State.PARTLY

    await one.apply(deed, before)
    side.step()

    assert (await one.verify(deed, before)).state is State.IN_FORCE


async def test_a_lock_that_comes_too_soon_is_set_later(side: Azure) -> None:
    """What was asked for may not show yet; that passes."""
    snapshot = (await planned(side)).content["snapshots"][DISK.lower()]

    with pytest.raises(TransientFailure):
        await lock(side.arm, snapshot, "evidence")


@pytest.mark.parametrize(
    "settings",
    [
        {"group": SHOP},
        {"group": WEB01},
        {"group": "rg-firewatch"},
        {"keep": timedelta(hours=1)},
        {"most": 0},
    ],
)
async def test_settings_that_are_none_are_told(
    side: Azure, settings: dict[str, Any]
) -> None:
    """When it is built, and not at night."""
    with pytest.raises(SettingsError):
        doer(side, **settings)
