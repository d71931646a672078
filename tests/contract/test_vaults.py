"""Key vaults by the app's clients, against the stand-ins of devhost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devhost.outside.azure.inventory import Inventory
from devhost.outside.azure.upsets import Upset, Way
from responders.sides import vaults
from responders.sides.arm import at
from responders.sides.vaults import Held, versions
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.rest import Done
from tests.fakes.azure import VAULT, WEBER, Azure, azure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.rest import Rest

OFF = {"attributes": {"enabled": False}}
TENANT = "72a00000-0000-4000-8000-000000000001"


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


async def opened(side: Azure) -> Rest:
    """The vault, at the address that Resource Manager says it is at."""
    found = await side.arm.read(at(VAULT))
    return side.remotes.vault(found.content["properties"]["vaultUri"])


async def test_versions_are_listed_without_their_values(side: Azure) -> None:
    """The one that was changed last first; one may be disabled already."""
    vault = await opened(side)

    found = await versions(vault, "db-crm")

    assert [(int(v.version, 16), v.is_enabled) for v in found] == [
        (5, False),
        (2, True),
        (1, True),
    ]
    assert side.outside.vault.values_read == []


async def test_a_version_is_disabled_and_enabled_again(side: Azure) -> None:
    """What else is said of it stays, and when it was changed is told."""
    vault = await opened(side)
    before = side.outside.state()
    first = (await versions(vault, "payment-api"))[0]

    await vault.change("PATCH", vaults.at(first.name, first.version), OFF)

    changed = (await versions(vault, "payment-api"))[0]
    assert not changed.is_enabled
    assert changed.updated == int(side.now.timestamp())
    enable = {"attributes": {"enabled": True}}
    await vault.change("PATCH", vaults.at(first.name, first.version), enable)
    assert side.outside.state() == before
    assert side.outside.vault.values_read == []


async def test_a_key_has_versions_too(side: Azure) -> None:
    """At a path of its own."""
    vault = await opened(side)
    [found] = await versions(vault, "disk-encryption", Held.KEY)

    path = vaults.at(found.name, found.version, Held.KEY)
    assert isinstance(await vault.change("PATCH", path, OFF), Done)
    assert not (await versions(vault, "disk-encryption", Held.KEY))[0].is_enabled


async def test_what_backs_a_certificate_is_left_alone(side: Azure) -> None:
    """It says so itself, and refuses."""
    vault = await opened(side)
    [found] = await versions(vault, "tls-shop")

    assert found.is_managed
    with pytest.raises(PermanentFailure, match="403"):
        await vault.change("PATCH", vaults.at(found.name, found.version), OFF)


async def test_a_long_list_is_read_to_its_end() -> None:
    """A version that is not seen is one that stays enabled."""
    name = "https://kv-core.vault.azure.net/secrets/old"
    many = tuple({"id": f"{name}/{n:032x}"} for n in range(60))
    vault: dict[str, Any] = {"id": VAULT}
    async with azure(Inventory(resources=(vault,), secrets=many)) as other:
        found = await versions(await opened(other), "old")

    assert len({each.version for each in found}) == 60


async def test_a_vault_that_is_closed_is_closed_to_us_too(side: Azure) -> None:
    """Whoever closes it cannot disable anything in it any more."""
    vault = await opened(side)
    closed = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": []}
    ours = {**closed, "ipRules": [{"value": "127.0.0.1/32"}]}

    async def close(**properties: object) -> None:
        await side.arm.change("PATCH", at(VAULT), {"properties": properties})

    for properties in ({"networkAcls": closed}, {"publicNetworkAccess": "Disabled"}):
        await close(**properties)
        with pytest.raises(PermanentFailure, match="403") as caught:
            await versions(vault, "db-crm")
        assert caught.value.reason is FailureReason.AUTH
    await close(networkAcls=ours, publicNetworkAccess="Enabled")
    assert await versions(vault, "db-crm")


async def test_what_a_policy_allows_is_taken_away_and_given_back(side: Azure) -> None:
    """Of one account, and of no other."""
    before = side.outside.state()
    [entry] = [
        each
        for each in (await side.arm.read(at(VAULT))).content["properties"][
            "accessPolicies"
        ]
        if each["objectId"] == WEBER
    ]
    body = {"properties": {"accessPolicies": [entry]}}

    await side.arm.change("PUT", at(f"{VAULT}/accessPolicies/remove"), body)
    left = (await side.arm.read(at(VAULT))).content["properties"]["accessPolicies"]
    assert WEBER not in {each["objectId"] for each in left}
    assert len(left) == 1
    await side.arm.change("PUT", at(f"{VAULT}/accessPolicies/add"), body)

    assert side.outside.state() == before


async def test_a_part_of_what_a_policy_allows_is_taken_away(side: Azure) -> None:
    """The rest stays."""
    entry = {
        "tenantId": TENANT,
        "objectId": WEBER,
        "permissions": {"secrets": ["list"]},
    }

    await side.arm.change(
        "PUT",
        at(f"{VAULT}/accessPolicies/remove"),
        {"properties": {"accessPolicies": [entry]}},
    )

    policies = (await side.arm.read(at(VAULT))).content["properties"]["accessPolicies"]
    [left] = [each for each in policies if each["objectId"] == WEBER]
    assert left["permissions"] == {
        "secrets": ["get"],
        "keys": ["get"],
        "certificates": [],
    }


async def test_a_value_that_is_asked_for_is_noticed(side: Azure) -> None:
    """Nobody should; a test that sees it fails."""
    vault = await opened(side)
    first = (await versions(vault, "payment-api"))[0]

    await vault.read(vaults.at(first.name, first.version))

    assert side.outside.vault.values_read == [
        f"kv-core/secrets/payment-api/{first.version}"
    ]


@pytest.mark.parametrize(
    "body", [{}, {"attributes": {"enabled": "no"}}, {**OFF, "value": "x"}, {"a": 1}]
)
async def test_nothing_but_attributes_is_changed(
    side: Azure, body: dict[str, object]
) -> None:
    """What a responder has no business with is refused here."""
    vault = await opened(side)
    first = (await versions(vault, "payment-api"))[0]

    with pytest.raises(PermanentFailure):
        await vault.change("PATCH", vaults.at(first.name, first.version), body)

    assert side.outside.vault.changes == []


async def test_a_change_may_be_lost(side: Azure) -> None:
    """Only reading again tells."""
    side.outside.upsets.add(Upset(side="vault", way=Way.IS_LOST))
    vault = await opened(side)
    first = (await versions(vault, "payment-api"))[0]

    await vault.change("PATCH", vaults.at(first.name, first.version), OFF)

    assert (await versions(vault, "payment-api"))[0].is_enabled


async def test_what_is_not_there_is_not_found(side: Azure) -> None:
    """A secret, a version, a vault."""
    vault = await opened(side)

    with pytest.raises(PermanentFailure) as caught:
        await versions(vault, "nothing")
    assert caught.value.reason is FailureReason.NOT_FOUND
    with pytest.raises(PermanentFailure):
        await vault.change("PATCH", vaults.at("db-crm", "f" * 32), OFF)
    elsewhere = side.remotes.vault(f"{side.outside.url}/vault/nowhere/")
    with pytest.raises(PermanentFailure):
        await versions(elsewhere, "db-crm")
