"""What there is to act on: from the attack's own file, or from people's commands."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

from cli import main
from cli.account import RunError
from cli.story.attack import attack
from devhost.outside import Outside
from devhost.outside.azure.inventory import STORY, InventoryError, fill, read
from devhost.outside.azure.resources import Resources

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-1"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm1"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg1"

# As Resource Graph writes a row: what a resource has, much that it has not, and nulls.
ROW: dict[str, Any] = {
    "id": VM,
    "name": "vm1",
    "type": "microsoft.compute/virtualmachines",
    "tenantId": "72a00000-0000-4000-8000-000000000001",
    "kind": "",
    "location": "northeurope",
    "resourceGroup": "rg-1",
    "subscriptionId": "0b1f6471-1bf0-4dda-aec3-cb9272f09590",
    "managedBy": "",
    "sku": None,
    "plan": None,
    "tags": None,
    "zones": ["1"],
    "properties": {
        "vmId": "7c1f0e52-0000-4000-8000-000000000001",
        "licenseType": None,
        "extended": {
            "instanceView": {"powerState": {"code": "PowerState/deallocated"}}
        },
    },
}


def filled(content: object) -> Resources:
    resources = Resources()
    fill(resources, read(json.dumps(content).encode()))
    return resources


@pytest.mark.parametrize(
    "content", [{"resources": [ROW]}, [ROW], {"count": 1, "data": [ROW], "x": None}]
)
def test_resources_come_as_commands_write_them(content: object) -> None:
    """Each is whole then, in its group and subscription."""
    resources = filled(content)

    assert resources.find(VM.upper()) == {
        "id": VM,
        "name": "vm1",
        "type": "microsoft.compute/virtualmachines",
        "location": "northeurope",
        "tags": {},
        "zones": ["1"],
        "properties": {
            "provisioningState": "Succeeded",
            "vmId": "7c1f0e52-0000-4000-8000-000000000001",
            "powerState": "PowerState/deallocated",
        },
        "etag": 'W/"00000001-0000-4000-8000-000000000000"',
    }
    for scope in (GROUP, GROUP.rpartition("/resourceGroups/")[0]):
        assert (resources.find(scope) or {})["tags"] == {}


def test_what_a_group_is_tagged_with_is_kept() -> None:
    """A group that is listed is not made up."""
    resources = filled([ROW, {"id": GROUP, "tags": {"firewatch:protected": "true"}}])

    assert (resources.find(GROUP) or {})["tags"] == {"firewatch:protected": "true"}


def test_rules_have_all_that_a_rule_shows() -> None:
    """By their name alone, or by their id."""
    rules = [{"name": "a", "properties": {"priority": 100}}, {"name": "b"}]
    resources = filled([{"id": NSG, "properties": {"securityRules": rules}}])

    assert (resources.find(f"{NSG}/securityRules/a") or {})["properties"] == {
        "provisioningState": "Succeeded",
        "priority": 100,
    }
    assert (resources.find(f"{NSG}/securityRules/b") or {})["id"].endswith("/b")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "not JSON"),
        ('"text"', "object"),
        ('{"resource": []}', "unknown field"),
        ('[{"id": "vm1"}]', r"$.resources[0]: id is not that of a resource"),
        ('[{"name": "vm1"}]', "$.resources[0]"),
        (f'[{{"id": "{VM}", "tags": {{"a": 1}}}}]', "tags are no texts"),
        (f'[{{"id": "{VM}", "properties": []}}]', "properties is no object"),
        ('{"users": [{"id": "x", "userPrincipalName": "x"}]}', "$.users[0]: id"),
        ('{"users": [{"id": "x"}]}', "userPrincipalName is missing"),
        ('{"groups": [{"id": "x"}]}', "$.groups[0]: members"),
        ('{"machines": [{"id": "x"}]}', "$.machines[0]: id is not"),
        ('{"secrets": [{"id": "db-crm"}]}', "$.secrets[0]: id is not"),
        ('{"keys": [{"id": "db-crm"}]}', "$.keys[0]: kid is not"),
        ('{"blobs": [{"url": "https://a/b", "size": 1}]}', "$.blobs[0]: url is not"),
        ('{"blobs": [{"url": "https://a/b/c"}]}', "$.blobs[0]: size is no"),
        ('{"identity": {"actions": "*"}}', "identity"),
    ],
)
def test_what_is_no_inventory_is_said_so(content: str, problem: str) -> None:
    """With where in it."""
    with pytest.raises(InventoryError, match=re.escape(problem)):
        read(content.encode())


def test_the_attack_is_about_what_there_is() -> None:
    """Every resource that an alert of it names but for that of a sample."""
    resources = Resources()
    fill(resources, read(STORY.read_bytes()))
    named = {
        found.decode()
        for happening in attack(datetime.now(UTC))
        for found in re.findall(
            rb"/subscriptions/[0-9a-f-]+/resourceGroups/[^\"]+", happening.body
        )
    }

    missing = [each for each in named if resources.find(each) is None]

    assert [each for each in missing if "Sample-RG" not in each] == []
    assert len(named) > 4


async def test_the_outside_world_is_told_from_afar() -> None:
    """What goes wrong, what is allowed, and how all is: by its control."""
    async with (
        Outside.start() as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        key = {"x-control-key": outside.control_key}

        async def post(what: str, content: object) -> int:
            reply = await client.post(f"/control/{what}", json=content, headers=key)
            return reply.status_code

        assert await post("upsets", {"side": "arm", "way": "never ends"}) == 204
        assert await post("upsets", {"side": "slack", "way": "fails"}) == 400
        assert await post("upsets", {"side": "arm", "way": "odd"}) == 400
        assert await post("identity", {"actions": ["*/read"], "roles": []}) == 204
        assert outside.rights.identity.actions == ("*/read",)
        state = (await client.get("/control/state", headers=key)).json()
        assert {*state} >= {"resources", "users", "machines", "versions"}
        received = (await client.get("/control/received", headers=key)).json()
        assert received["resources"] == {"changes": [], "refused": []}
        assert outside.upsets.next("arm", "PUT", "/x") is not None
        await client.delete("/control/faults", headers=key)
        assert outside.upsets.next("arm", "PUT", "/x") is None


def test_a_run_says_what_is_wrong_with_its_inventory(tmp_path: Path) -> None:
    """Before it starts anything."""
    file = tmp_path / "inventory.json"
    file.write_text('{"users": [{}]}')

    result = CliRunner().invoke(main.app, ["run", "--inventory", str(file)])

    assert isinstance(result.exception, RunError)
    assert "$.users[0]: userPrincipalName is missing" in str(result.exception)
