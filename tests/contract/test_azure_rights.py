"""What the app's identity may do, and how often, at the stand-ins of devhost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from devhost.outside.azure.rights import Identity
from responders.sides.arm import PINS, at, attached
from responders.sides.graph import user, user_fields
from responders.sides.machines import Sought, machine, one_machine
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from tests.fakes.azure import MDE_WEB01, NIC, NSG, QUARANTINE, SHOP, WEB01, WEBER, azure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.azure import Azure


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


def allow(side: Azure, *actions: str, roles: tuple[str, ...] = ()) -> None:
    side.outside.rights.identity = Identity(
        actions=actions, not_actions=("Microsoft.Compute/*/delete",), roles=roles
    )


async def test_what_no_role_allows_is_refused(side: Azure) -> None:
    """By the action that a role would have to name."""
    allow(side, "Microsoft.Network/*/read", "microsoft.compute/virtualMachines/*")

    await side.arm.read(at(NSG))
    await side.arm.change("POST", at(WEB01, act="deallocate"))

    with pytest.raises(PermanentFailure, match="AuthorizationFailed") as caught:
        await side.arm.change("DELETE", at(f"{NSG}/securityRules/AllowHttps"))
    assert caught.value.reason is FailureReason.AUTH
    assert side.outside.manager.refused[-1].startswith(
        "AuthorizationFailed: The client does not have authorization to perform action"
        " 'Microsoft.Network/networkSecurityGroups/securityRules/delete'"
    )


async def test_what_a_change_reaches_for_must_be_allowed_too(side: Azure) -> None:
    """The group, and all that hangs on the interface."""
    allow(
        side,
        "Microsoft.Network/networkInterfaces/*",
        "Microsoft.Network/networkSecurityGroups/join/action",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
    )
    found = (await side.arm.read(at(NIC))).content
    found["properties"]["networkSecurityGroup"] = {"id": QUARANTINE}

    with pytest.raises(PermanentFailure, match="LinkedAuthorizationFailed"):
        await side.arm.change("PUT", at(NIC), found)

    refused = side.outside.manager.refused[-1]
    assert "publicIPAddresses/join/action" in refused


async def test_what_the_identity_may_is_listed(side: Azure) -> None:
    """For a self-check that tells beforehand."""
    allow(side, "*/read", "Microsoft.Authorization/permissions/read")

    found = await side.arm.read(attached(NSG, "Microsoft.Authorization/permissions"))

    assert found.content["value"] == [
        {
            "actions": ["*/read", "Microsoft.Authorization/permissions/read"],
            "notActions": ["Microsoft.Compute/*/delete"],
            "dataActions": [],
            "notDataActions": [],
        }
    ]


async def test_application_permissions_are_looked_at(side: Azure) -> None:
    """Of Graph and of Defender for Endpoint, each for what it is."""
    allow(side, roles=("User.Read.All", "Machine.Read.All"))

    await side.graph.read(user_fields(WEBER))
    await one_machine(side.endpoint, Sought(machine_id=MDE_WEB01))

    with pytest.raises(PermanentFailure, match="Authorization_RequestDenied"):
        await side.graph.change("PATCH", user(WEBER), {"accountEnabled": False})
    with pytest.raises(PermanentFailure, match="Forbidden"):
        await side.endpoint.change(
            "POST",
            machine(MDE_WEB01, act="isolate"),
            {"Comment": "x", "IsolationType": "Full"},
        )


async def test_an_operation_may_be_begun_and_not_looked_at(side: Azure) -> None:
    """A right of its own, that is easily forgotten."""
    allow(side, "Microsoft.Compute/virtualMachines/*")
    begun = await side.arm.change("POST", at(WEB01, act="deallocate"))

    with pytest.raises(PermanentFailure, match="AuthorizationFailed"):
        await side.ended(begun)


async def test_whoever_writes_too_often_is_told_to_wait(side: Azure) -> None:
    """200 at once and ten a second; reads have a bucket of their own."""
    path = f"{NSG}/securityRules/none"
    for _ in range(200):
        await side.arm.change("DELETE", at(path))

    with pytest.raises(TransientFailure) as caught:
        await side.arm.change("DELETE", at(path))

    assert caught.value.reason is FailureReason.RATE_LIMITED
    assert caught.value.retry_after == timedelta(seconds=1)
    assert await side.arm.find(at(NSG)) is not None
    side.step(timedelta(seconds=1))
    await side.arm.change("DELETE", at(path))


async def test_versions_that_are_pinned_are_those_that_are_served(side: Azure) -> None:
    """Read as a check at start would, from each provider that is here."""
    served: dict[str, list[str]] = {}
    for provider in {kind.partition("/")[0] for kind in PINS}:
        found = await side.arm.read(
            f"{SHOP}/providers/{provider}?api-version=2021-04-01"
        )
        served |= {
            f"{provider}/{each['resourceType']}".lower(): each["apiVersions"]
            for each in found.content["resourceTypes"]
        }

    assert served
    assert [
        kind for kind in served if kind in PINS and PINS[kind] not in served[kind]
    ] == []
