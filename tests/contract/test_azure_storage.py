"""Storage accounts by the app's client, against the stand-in of devhost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from devhost.outside.azure.upsets import Upset, Way
from responders.sides.arm import at
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.rest import Done
from tests.fakes.azure import EXPORTS, LAKE, Azure, azure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


async def patch(side: Azure, path: str = LAKE, **properties: object) -> dict[str, Any]:
    done = await side.arm.change("PATCH", at(path), {"properties": properties})
    assert isinstance(done, Done)
    found: dict[str, Any] = done.content["properties"]
    return found


async def test_public_access_is_switched_off_and_on(side: Azure) -> None:
    """At once; what was left out stays as it was."""
    before = side.outside.state()

    found = await patch(side, publicNetworkAccess="Disabled")

    assert found["publicNetworkAccess"] == "Disabled"
    assert found["minimumTlsVersion"] == "TLS1_2"
    assert (await side.arm.read(at(LAKE))).content["properties"] == found
    await patch(side, publicNetworkAccess="Enabled")
    assert side.outside.state() == before


async def test_what_was_never_set_is_not_shown(side: Azure) -> None:
    """That shared keys are allowed, is what no word of it means."""
    found = (await side.arm.read(at(LAKE))).content["properties"]

    assert "allowSharedKeyAccess" not in found
    assert (await patch(side, allowSharedKeyAccess=False))[
        "allowSharedKeyAccess"
    ] is False


async def test_a_container_is_closed(side: Azure) -> None:
    """And cannot be opened where the account does not let it."""
    assert (await patch(side, EXPORTS, publicAccess="None"))["publicAccess"] == "None"
    await patch(side, allowBlobPublicAccess=False)

    with pytest.raises(PermanentFailure) as caught:
        await patch(side, EXPORTS, publicAccess="Container")

    assert caught.value.reason is FailureReason.CONFLICT


async def test_containers_are_listed(side: Azure) -> None:
    """Below the account that they are in."""
    found = await side.arm.list_all(
        f"{LAKE}/blobServices/default/containers?api-version=2023-05-01"
    )

    assert [each["name"] for each in found] == ["exports", "raw"]


async def test_a_key_is_made_anew(side: Azure) -> None:
    """When is shown; what it was is gone, and each request makes another."""
    made = []
    for _ in range(2):
        await side.arm.change(
            "POST", at(LAKE, act="regenerateKey"), {"keyName": "key1"}
        )
        found = (await side.arm.read(at(LAKE))).content["properties"]["keyCreationTime"]
        made.append(found["key1"])
        assert found["key2"] == "2024-02-11T09:12:00.0000000Z"
        side.step(timedelta(minutes=1))

    assert made[0] < made[1]
    assert "value" not in str(side.outside.manager.changes)


async def test_a_container_is_held_by_our_tag_alone(side: Azure) -> None:
    """Holding twice is holding once; what others hold stays held."""
    before = side.outside.state()

    async def held(act: str, *tags: str) -> list[str]:
        done = await side.arm.change("POST", at(EXPORTS, act=act), {"tags": [*tags]})
        assert isinstance(done, Done)
        found: list[str] = done.content["tags"]
        return found

    assert await held("setLegalHold", "audit2026") == ["audit2026"]
    assert await held("setLegalHold", "fwabc123") == ["audit2026", "fwabc123"]
    assert await held("setLegalHold", "FWABC123") == ["audit2026", "fwabc123"]
    assert await held("clearLegalHold", "fwabc123") == ["audit2026"]
    assert await held("clearLegalHold", "audit2026") == []
    after = side.outside.state()
    del after["resources"][EXPORTS.lower()]["properties"]["hasLegalHold"]
    assert after == before


@pytest.mark.parametrize(
    "properties",
    [
        {"publicNetworkAccess": "Off"},
        {"allowSharedKeyAccess": "no"},
        {"networkAcls": {"ipRules": []}},
        {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "::1"}]}},
        {
            "networkAcls": {
                "defaultAction": "Allow",
                "ipRules": [{"value": "203.0.113.7", "action": "Deny"}],
            }
        },
    ],
)
async def test_what_is_no_setting_of_an_account_is_refused(
    side: Azure, properties: dict[str, object]
) -> None:
    """There is no rule that denies, and none for IPv6."""
    before = side.outside.state()

    with pytest.raises(PermanentFailure) as caught:
        await side.arm.change("PATCH", at(LAKE), {"properties": properties})

    assert caught.value.reason is FailureReason.INVALID
    assert side.outside.state() == before


async def test_a_change_that_is_over_at_once_goes_wrong_at_once(side: Azure) -> None:
    """It fails with a status, is lost without a word, or shows late."""
    for way in (Way.FAILS, Way.IS_LOST, Way.IS_STALE):
        side.outside.upsets.add(Upset(side="arm", way=way, times=1))

    async def shown() -> object:
        found = await side.arm.read(at(LAKE))
        return found.content["properties"]["publicNetworkAccess"]

    with pytest.raises(TransientFailure):
        await patch(side, publicNetworkAccess="Disabled")
    await patch(side, publicNetworkAccess="Disabled")
    assert await shown() == "Enabled"
    await patch(side, publicNetworkAccess="Disabled")
    assert [await shown() for _ in range(2)] == ["Enabled", "Disabled"]
