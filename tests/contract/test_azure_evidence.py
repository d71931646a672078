"""Snapshots and locks by the app's client, against the stand-in of devhost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from responders.sides.arm import at, attached
from shared.model.errors import ActionRefused, FailureReason, PermanentFailure
from shared.model.rest import Done, Pending
from tests.fakes.azure import DISK, NSG, RG_SHOP, SHOP, WEB01, Azure, azure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SNAPSHOT = f"{RG_SHOP}/providers/Microsoft.Compute/snapshots/fw-0d9eeb30-0123456789ab"
TAKEN: dict[str, Any] = {
    "location": "westeurope",
    "sku": {"name": "Standard_LRS"},
    "tags": {"firewatch:incident": "0d9eeb301d377b52"},
    "properties": {
        "incremental": True,
        "creationData": {"createOption": "Copy", "sourceResourceId": DISK},
        "networkAccessPolicy": "DenyAll",
        "publicNetworkAccess": "Disabled",
    },
}
LOCKS = "Microsoft.Authorization/locks"
LOCK = f"providers/{LOCKS}/fw-evidence"
KEEP = {"properties": {"level": "CanNotDelete", "notes": "firewatch"}}
READ_ONLY = {"properties": {"level": "ReadOnly"}}


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


async def take(side: Azure) -> Done:
    return await side.ended(await side.arm.change("PUT", at(SNAPSHOT), TAKEN))


async def test_a_disk_is_copied(side: Azure) -> None:
    """What it was copied from is on it, and cannot be written over."""
    begun = await side.arm.change("PUT", at(SNAPSHOT), TAKEN)
    assert isinstance(begun, Pending)
    assert (await side.arm.read(at(SNAPSHOT))).content["properties"][
        "provisioningState"
    ] == "Creating"

    await side.ended(begun)

    found = (await side.arm.read(at(SNAPSHOT))).content
    assert found["tags"] == TAKEN["tags"]
    properties = found["properties"]
    disk = (await side.arm.read(at(DISK))).content["properties"]
    assert properties["provisioningState"] == "Succeeded"
    assert properties["incremental"] is True
    assert properties["creationData"]["sourceUniqueId"] == disk["uniqueId"]
    assert properties["diskSizeBytes"] == disk["diskSizeBytes"]
    assert properties["timeCreated"].startswith("2026-")


async def test_the_same_snapshot_again_changes_nothing(side: Azure) -> None:
    """And another one by its name is refused."""
    await take(side)
    before = side.outside.state()
    await take(side)
    assert side.outside.state() == before

    other = {
        **TAKEN,
        "properties": {
            **TAKEN["properties"],
            "creationData": {
                "createOption": "Copy",
                "sourceResourceId": DISK.replace("-os", "-data"),
            },
        },
    }
    with pytest.raises(PermanentFailure) as caught:
        await side.arm.change("PUT", at(SNAPSHOT), other)
    assert caught.value.reason is FailureReason.CONFLICT


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"location": "northeurope"}, FailureReason.INVALID),
        ({"location": None}, FailureReason.INVALID),
        ({"properties": {}}, FailureReason.INVALID),
        (
            {
                "properties": {
                    "creationData": {
                        "createOption": "Copy",
                        "sourceResourceId": WEB01,
                    }
                }
            },
            FailureReason.NOT_FOUND,
        ),
    ],
)
async def test_what_cannot_be_copied_is_refused(
    side: Azure, changes: dict[str, Any], reason: FailureReason
) -> None:
    """Another region, no disk."""
    with pytest.raises(PermanentFailure) as caught:
        await side.arm.change("PUT", at(SNAPSHOT), {**TAKEN, **changes})

    assert caught.value.reason is reason
    assert await side.arm.find(at(SNAPSHOT)) is None


async def test_evidence_is_locked(side: Azure) -> None:
    """It is not deleted, by whomever, and can be changed else; a lock can be undone."""
    await take(side)
    assert isinstance(
        await side.arm.change("PUT", at(f"{SNAPSHOT}/{LOCK}"), KEEP), Done
    )

    with pytest.raises(ActionRefused, match="a lock keeps it"):
        await side.arm.change("DELETE", at(SNAPSHOT))
    tags = {"tags": {"firewatch:keep-until": "2027-02-23"}}
    await side.ended(await side.arm.change("PATCH", at(SNAPSHOT), tags))
    await side.arm.change("DELETE", at(f"{SNAPSHOT}/{LOCK}"))
    await side.ended(await side.arm.change("DELETE", at(SNAPSHOT)))

    assert await side.arm.find(at(SNAPSHOT)) is None


async def test_a_lock_holds_for_all_below_it(side: Azure) -> None:
    """One that only reads refuses what a POST asks for, too."""
    await side.arm.change("PUT", at(f"{RG_SHOP}/{LOCK}"), READ_ONLY)
    rule = f"{NSG}/securityRules/AllowHttps"

    for method, path in (
        ("POST", at(WEB01, act="start")),
        ("DELETE", at(rule)),
        ("PUT", at(SNAPSHOT)),
        ("PATCH", at(WEB01)),
    ):
        with pytest.raises(ActionRefused):
            await side.arm.change(method, path, TAKEN if method == "PUT" else None)

    listed = await side.arm.read(attached(WEB01, LOCKS))
    assert [each["properties"]["level"] for each in listed.content["value"]] == [
        "ReadOnly"
    ]


async def test_what_is_locked_for_deletion_can_be_changed(side: Azure) -> None:
    """So a rule can be made that cannot be taken away: to be seen beforehand."""
    await side.arm.change("PUT", at(f"{NSG}/{LOCK}"), KEEP)

    with pytest.raises(ActionRefused):
        await side.arm.change("DELETE", at(f"{NSG}/securityRules/AllowHttps"))
    done = await side.arm.change("PATCH", at(NSG), {"tags": {"a": "b"}})
    assert isinstance(done, Done)
    assert done.content["tags"] == {"a": "b"}


async def test_locks_are_listed_around_a_scope(side: Azure) -> None:
    """Its own, those it inherits, and those below unless one asks for none."""
    for scope in (SHOP, NSG):
        await side.arm.change("PUT", at(f"{scope}/{LOCK}"), KEEP)

    async def listed(scope: str, more: str = "") -> int:
        found = await side.arm.read(f"{attached(scope, LOCKS)}{more}")
        return len(found.content["value"])

    assert await listed(NSG) == 2
    assert await listed(WEB01) == 1
    assert await listed(RG_SHOP) == 2
    assert await listed(RG_SHOP, "&$filter=atScope()") == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"properties": {"level": "Forever"}}, {"properties": {**KEEP, "notes": 1}}],
)
async def test_a_lock_that_is_none_is_refused(
    side: Azure, body: dict[str, Any]
) -> None:
    """With nothing locked."""
    with pytest.raises(PermanentFailure):
        await side.arm.change("PUT", at(f"{NSG}/{LOCK}"), body)

    listed = await side.arm.read(attached(NSG, LOCKS))
    assert listed.content["value"] == []


async def test_our_tags_are_merged_and_taken_away(side: Azure) -> None:
    """Nobody else's are touched, in whatever case they are written."""
    path = at(f"{WEB01}/providers/Microsoft.Resources/tags/default")
    before = side.outside.state()

    async def patch(operation: str, **tags: str) -> dict[str, str]:
        body = {"operation": operation, "properties": {"tags": tags}}
        done = await side.arm.change("PATCH", path, body)
        assert isinstance(done, Done)
        found: dict[str, str] = done.content["properties"]["tags"]
        return found

    merged = await patch("Merge", **{"firewatch:state": "isolated", "ENV": "prod"})
    assert merged == {
        "env": "prod",
        "Owner": "team-shop",
        "Cost-Center": "4711",
        "firewatch:state": "isolated",
    }
    assert (await side.arm.read(at(WEB01))).content["tags"] == merged
    await patch("Delete", **{"firewatch:state": "somebody else's"})
    assert (await side.arm.read(path)).content["properties"]["tags"] == merged
    await patch("Delete", **{"firewatch:state": "isolated"})
    assert side.outside.state() == before
    with pytest.raises(PermanentFailure):
        await patch("Replace")


async def test_a_group_is_read_with_its_tags(side: Azure) -> None:
    """They are not inherited: whoever looks for a marker reads it too."""
    found = await side.arm.read(at(RG_SHOP))

    assert found.content["tags"] == {"env": "prod"}
