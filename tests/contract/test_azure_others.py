"""Servers, sites, registries, roles, scale sets, Sentinel: by the app's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from responders.sides.arm import at, attached
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.rest import Done
from tests.fakes.azure import (
    LAKE,
    REGISTRY,
    SITE,
    SOC,
    SQL,
    VAULT,
    WEBER,
    WORKERS,
    Azure,
    azure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROLES = "Microsoft.Authorization/roleAssignments"
ROLE = f"{VAULT}/providers/{ROLES}/a0b1c2d3-0000-4000-8000-000000000001"
GUID = "5c7f1c11-0000-5000-8000-000000000001"
INCIDENT = f"{SOC}/providers/Microsoft.SecurityInsights/incidents/{GUID}"
NEW = {"title": "Mining", "severity": "High", "status": "New"}


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


async def change(
    side: Azure, method: str, path: str, content: object = None
) -> dict[str, Any]:
    return (await side.ended(await side.arm.change(method, path, content))).content


async def test_a_server_is_closed_and_opened(side: Azure) -> None:
    """It takes a while, and its rules stay."""
    before = side.outside.state()

    for access in ("Disabled", "Enabled"):
        body = {"properties": {"publicNetworkAccess": access}}
        await change(side, "PATCH", at(SQL), body)
        found = (await side.arm.read(at(SQL))).content["properties"]
        assert found["publicNetworkAccess"] == access

    assert side.outside.state() == before


async def test_a_rule_of_a_server_is_taken_away_and_put_back(side: Azure) -> None:
    """By its name alone; all of them at once is nobody's to replace."""
    before = side.outside.state()
    path = at(f"{SQL}/firewallRules/office")
    rule = (await side.arm.read(path)).content

    await change(side, "DELETE", path)
    assert await side.arm.find(path) is None
    await change(side, "PUT", path, {"properties": rule["properties"]})

    assert side.outside.state() == before
    everything = path.replace("/office?", "?")
    assert len(await side.arm.list_all(everything)) == 2
    with pytest.raises(PermanentFailure, match="405"):
        await side.arm.change("PUT", everything, {"values": []})


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"startIpAddress": "10.0.0.2", "endIpAddress": "10.0.0.1"},
        {"startIpAddress": "::1", "endIpAddress": "::1"},
    ],
)
async def test_a_range_that_is_none_is_refused(
    side: Azure, properties: dict[str, str]
) -> None:
    """IPv6 has rules of its own."""
    with pytest.raises(PermanentFailure):
        await side.arm.change(
            "PUT", at(f"{SQL}/firewallRules/x"), {"properties": properties}
        )


async def test_a_site_is_stopped_and_started(side: Azure) -> None:
    """At once; stopped twice is stopped."""
    for act, state in (("stop", "Stopped"), ("stop", "Stopped"), ("start", "Running")):
        assert await side.arm.change("POST", at(SITE, act=act)) == Done()
        found = (await side.arm.read(at(SITE))).content
        assert found["properties"]["state"] == state


async def test_restrictions_of_a_site_are_replaced_whole(side: Azure) -> None:
    """What is not sent along is gone; where there was none, anybody was let in."""
    path = at(f"{SITE}/config/web")
    known = (await side.arm.read(path)).content["properties"]["ipSecurityRestrictions"]
    assert [each["name"] for each in known] == ["Allow all"]
    deny = {"ipAddress": "203.0.113.7/32", "action": "Deny", "priority": 100}

    await change(
        side, "PATCH", path, {"properties": {"ipSecurityRestrictions": [deny]}}
    )

    found = (await side.arm.read(path)).content["properties"]
    assert found["ipSecurityRestrictions"] == [deny]
    assert found["scmIpSecurityRestrictions"] == known
    for wrong in ("all", [{"ipAddress": "Any"}], [deny | {"subnetMask": "x"}]):
        with pytest.raises(PermanentFailure):
            await side.arm.change(
                "PATCH", path, {"properties": {"ipSecurityRestrictions": wrong}}
            )


async def test_publishing_by_password_is_switched_off(side: Azure) -> None:
    """Nothing was said of it before, so it was on."""
    path = at(f"{SITE}/basicPublishingCredentialsPolicies/scm")
    assert (await side.arm.read(path)).content["properties"]["allow"] is True

    await change(side, "PUT", path, {"properties": {"allow": False}})

    assert (await side.arm.read(path)).content["properties"]["allow"] is False


async def test_a_token_of_a_registry_is_disabled(side: Azure) -> None:
    """It takes a while; the administrator is switched off at once."""
    path = at(f"{REGISTRY}/tokens/ci-push")

    await change(side, "PATCH", path, {"properties": {"status": "disabled"}})
    await change(
        side, "PATCH", at(REGISTRY), {"properties": {"adminUserEnabled": False}}
    )

    found = (await side.arm.read(path)).content["properties"]
    assert found["status"] == "disabled"
    assert found["provisioningState"] == "Succeeded"
    registry = (await side.arm.read(at(REGISTRY))).content["properties"]
    assert registry["adminUserEnabled"] is False


async def test_a_role_is_taken_away_and_given_back(side: Azure) -> None:
    """Under the name that it had; what it was is said once more."""
    before = side.outside.state()

    gone = await change(side, "DELETE", at(ROLE))
    assert gone["properties"]["principalId"] == WEBER
    assert await side.arm.find(at(ROLE)) is None
    assert await side.arm.change("DELETE", at(ROLE)) == Done()
    properties = {k: v for k, v in gone["properties"].items() if k != "scope"}
    await change(side, "PUT", at(ROLE), {"properties": properties})
    assert side.outside.state() == before

    other = at(ROLE[:-1] + "2")
    with pytest.raises(PermanentFailure, match="RoleAssignmentExists") as caught:
        await side.arm.change("PUT", other, {"properties": properties})
    assert caught.value.reason is FailureReason.CONFLICT


async def test_roles_are_listed_around_a_scope(side: Azure) -> None:
    """Of one principal, if one asks for it."""
    group = VAULT.rpartition("/providers/")[0]

    async def count(scope: str, wanted: str = "") -> int:
        more = f"&$filter={wanted}" if wanted else ""
        return len(await side.arm.list_all(f"{attached(scope, ROLES)}{more}"))

    assert await count(VAULT, f"principalId%20eq%20'{WEBER}'") == 1
    assert await count(VAULT, f"principalId%20eq%20'{GUID}'") == 0
    assert await count(group) == 1
    assert await count(group, "atScope()") == 0
    assert await count(LAKE) == 0
    with pytest.raises(PermanentFailure):
        await count(VAULT, "startswith(principalId,'7')")


async def test_an_instance_is_protected_and_stopped(side: Azure) -> None:
    """By a body that is whole, and an etag that is not stale."""
    before = side.outside.state()
    path = at(f"{WORKERS}/virtualMachines/2")
    instance = await side.arm.read(path)
    flags = {"protectFromScaleIn": True, "protectFromScaleSetActions": True}
    body = {**instance.content, "properties": {**instance.content["properties"]}}
    body["properties"]["protectionPolicy"] = flags

    async def put(content: object) -> None:
        await side.ended(
            await side.arm.change("PUT", path, content, if_match=instance.etag)
        )

    await put(body)
    assert (await side.arm.read(path)).content["properties"][
        "protectionPolicy"
    ] == flags
    with pytest.raises(TransientFailure, match="412"):
        await put(body)
    for act in ("deallocate", "start"):
        await change(side, "POST", at(f"{WORKERS}/virtualMachines/2", act=act))
    await change(side, "PUT", path, instance.content)
    assert side.outside.state() == before
    listed = path.replace("/2?", "?")
    assert len(await side.arm.list_all(listed)) == 4


async def test_an_incident_is_written_once_and_changed_by_its_etag(side: Azure) -> None:
    """Without one it is only made; a stale one is a reason to read again."""
    made = await change(side, "PUT", at(INCIDENT), {"properties": NEW})
    assert made["properties"]["incidentNumber"] == 1

    with pytest.raises(TransientFailure, match="Conflict"):
        await side.arm.change("PUT", at(INCIDENT), {"properties": NEW})

    known = await side.arm.read(at(INCIDENT))
    closed = {"etag": known.etag, "properties": NEW | {"status": "Closed"}}
    after = await change(side, "PUT", at(INCIDENT), closed)
    assert after["properties"]["status"] == "Closed"
    with pytest.raises(TransientFailure):
        await side.arm.change("PUT", at(INCIDENT), closed)


async def test_what_a_put_of_an_incident_leaves_out_is_lost(side: Azure) -> None:
    """An owner, labels."""
    owned = NEW | {"owner": {"objectId": WEBER}}
    await change(side, "PUT", at(INCIDENT), {"properties": owned})
    known = await side.arm.read(at(INCIDENT))

    await change(side, "PUT", at(INCIDENT), {"etag": known.etag, "properties": NEW})

    assert "owner" not in (await side.arm.read(at(INCIDENT))).content["properties"]


async def test_a_comment_is_written_once(side: Azure) -> None:
    """The same name again is the same comment; without its incident there is none."""
    path = at(f"{INCIDENT}/comments/{GUID}")
    body = {"properties": {"message": "isolated web01"}}
    with pytest.raises(PermanentFailure) as caught:
        await side.arm.change("PUT", path, body)
    assert caught.value.reason is FailureReason.NOT_FOUND
    await change(side, "PUT", at(INCIDENT), {"properties": NEW})

    for _ in range(2):
        await change(side, "PUT", path, body)
    task = {"properties": {"title": "call", "status": "New"}}
    await change(side, "PUT", at(f"{INCIDENT}/tasks/{GUID}"), task)

    listed = path.replace(f"/{GUID}?", "?")
    assert len(await side.arm.list_all(listed)) == 1
    with pytest.raises(PermanentFailure):
        await side.arm.change("PUT", path, {"properties": {"message": ""}})


@pytest.mark.parametrize(
    "changes", [{"title": ""}, {"severity": "Critical"}, {"status": "Open"}]
)
async def test_an_incident_that_is_none_is_refused(
    side: Azure, changes: dict[str, str]
) -> None:
    """With nothing written."""
    with pytest.raises(PermanentFailure):
        await side.arm.change("PUT", at(INCIDENT), {"properties": NEW | changes})

    assert await side.arm.find(at(INCIDENT)) is None


async def test_whatever_else_there_is_can_be_read(side: Azure) -> None:
    """For evidence of how it was set up."""
    cluster = (
        VAULT.replace("rg-core", "rg-aks").rpartition("/providers/")[0]
        + "/providers/Microsoft.ContainerService/managedClusters/aks-prod"
    )

    assert (await side.arm.read(at(cluster))).content["name"] == "aks-prod"
