"""The stand-in of Resource Manager's resources: as strict as the real one, and as slow."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devhost.outside.azure.upsets import Upset, Way
from tests.fakes.azure import (
    DC01,
    NIC,
    NSG,
    QUARANTINE,
    RG_SHOP,
    SHOP,
    SOC,
    WEB01,
    azure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.fakes.azure import Azure

BEARER = {"authorization": "Bearer local"}
NETWORK, COMPUTE = "2023-11-01", "2024-03-01"
RULE = f"{NSG}/securityRules/fw-deny-in-0123456789ab"
DENY: dict[str, Any] = {
    "protocol": "*",
    "access": "Deny",
    "direction": "Inbound",
    "priority": 101,
    "sourceAddressPrefix": "203.0.113.77/32",
    "sourcePortRange": "*",
    "destinationAddressPrefix": "*",
    "destinationPortRange": "*",
}


class Sender:
    """Asks the stand-in as anybody would."""

    def __init__(self, side: Azure, client: httpx.AsyncClient) -> None:
        self.side = side
        self.client = client

    async def send(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        version: str | None = NETWORK,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        return await self.client.request(
            method,
            f"/arm{path}",
            params=None if version is None else {"api-version": version},
            json=content,
            headers=BEARER if headers is None else BEARER | headers,
        )

    async def get(self, path: str, version: str = NETWORK) -> dict[str, Any]:
        found: dict[str, Any] = (await self.send("GET", path, version=version)).json()
        return found

    async def rule(
        self, changes: Mapping[str, object] | None = None, *, path: str = RULE
    ) -> httpx.Response:
        properties = {
            k: v for k, v in (DENY | {**(changes or {})}).items() if v is not None
        }
        return await self.send("PUT", path, {"properties": properties})


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with (
        azure() as side,
        httpx.AsyncClient(base_url=side.outside.url, trust_env=False) as client,
    ):
        yield Sender(side, client)


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_a_rule_is_answered_as_a_change_that_takes_long(sender: Sender) -> None:
    """With where to ask about it, and when; and 200 for one that was there."""
    made = await sender.rule()

    assert made.status_code == 201
    assert made.json()["properties"]["provisioningState"] == "Creating"
    assert made.headers["retry-after"] == "1"
    where = made.headers["azure-asyncoperation"]
    assert where.startswith(f"{sender.side.outside.url}/arm{SHOP}/providers/")
    assert "location" not in made.headers
    asked = await sender.client.get(where, headers=BEARER)
    assert asked.json() == {"status": "InProgress"}
    sender.side.step()
    asked = await sender.client.get(where, headers=BEARER)
    assert asked.json() == {"status": "Succeeded"}
    again = await sender.rule()
    assert again.status_code == 200
    assert again.json()["properties"]["provisioningState"] == "Updating"


async def test_what_is_taken_away_is_there_until_it_is_gone(sender: Sender) -> None:
    """By a location, which has nothing to say in the end."""
    path = f"{NSG}/securityRules/AllowHttps"
    gone = await sender.send("DELETE", path)

    assert (gone.status_code, gone.content) == (202, b"")
    where = gone.headers["location"]
    asked = await sender.client.get(where, headers=BEARER)
    assert (asked.status_code, asked.headers["location"]) == (202, where)
    found = await sender.get(path)
    assert found["properties"]["provisioningState"] == "Deleting"
    sender.side.step()
    assert (await sender.client.get(where, headers=BEARER)).status_code == 204
    assert code(await sender.send("GET", path)) == (404, "ResourceNotFound")
    assert (await sender.send("DELETE", path)).status_code == 204


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": "tcp"},
        {"protocol": None},
        {"access": "Block"},
        {"direction": "In"},
        {"direction": None},
        {"priority": 99},
        {"priority": 4097},
        {"priority": "101"},
        {"priority": None},
        {"description": "x" * 141},
        {"description": 7},
        {"sourceAddressPrefix": "203.0.113.777"},
        {"sourceAddressPrefix": "not an address"},
        {"sourceAddressPrefixes": ["203.0.113.7"]},
        {"sourceAddressPrefix": None},
        {"sourcePortRange": None},
        {"destinationPortRanges": ["22"]},
        {"sourceAddressPrefix": None, "sourceAddressPrefixes": ["x y"]},
    ],
)
async def test_a_rule_that_is_none_is_refused(
    sender: Sender, changes: dict[str, object]
) -> None:
    """And nothing is there."""
    assert (await sender.rule(changes)).status_code == 400
    assert code(await sender.send("GET", RULE)) == (404, "ResourceNotFound")


@pytest.mark.parametrize(
    "changes",
    [
        {"sourceAddressPrefix": "2001:db8::/32"},
        {"sourceAddressPrefix": "Internet"},
        {"sourceAddressPrefix": "*"},
        {"sourceAddressPrefix": None, "sourceAddressPrefixes": ["1.2.3.4", "5.6.7.8"]},
        {"priority": 100, "direction": "Outbound"},
        {"description": "x" * 140},
    ],
)
async def test_a_rule_that_is_one_is_taken(
    sender: Sender, changes: dict[str, object]
) -> None:
    """A priority is taken in its own direction alone."""
    assert (await sender.rule(changes)).status_code == 201


@pytest.mark.parametrize("name", ["-a", "a-", "a b", "a$", "x" * 81])
async def test_a_name_that_is_none_is_refused(sender: Sender, name: str) -> None:
    """It begins with a letter or digit, and ends with one or an underscore."""
    reply = await sender.rule(path=f"{NSG}/securityRules/{name}")

    assert code(reply) == (400, "InvalidResourceName")


async def test_a_rule_keeps_its_own_priority(sender: Sender) -> None:
    """It is no conflict with itself; with another it is one."""
    await sender.rule()
    sender.side.step()

    assert (await sender.rule()).status_code == 200
    sender.side.step()
    reply = await sender.rule(path=f"{NSG}/securityRules/other")
    assert code(reply) == (400, "SecurityRuleConflict")


async def test_a_group_of_nobody_takes_no_rule(sender: Sender) -> None:
    """It is not made by it."""
    reply = await sender.rule(path=f"{NSG}x/securityRules/a")

    assert reply.status_code == 404


async def test_what_a_put_of_an_interface_leaves_out_is_lost(sender: Sender) -> None:
    """What Azure says of it itself stays, whatever is sent."""
    found = await sender.get(NIC)
    body = copy.deepcopy(found)
    del body["properties"]["networkSecurityGroup"], body["properties"]["dnsSettings"]
    body["properties"]["virtualMachine"] = {"id": DC01}
    del body["tags"]

    assert (await sender.send("PUT", NIC, body)).status_code == 200
    sender.side.step()

    after = await sender.get(NIC)
    assert after["tags"] == {}
    assert "networkSecurityGroup" not in after["properties"]
    assert "dnsSettings" not in after["properties"]
    assert after["properties"]["virtualMachine"] == {"id": WEB01}
    assert after["etag"] != found["etag"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"networkSecurityGroup": {"id": f"{NSG}x"}}, "InvalidResourceReference"),
        ({"networkSecurityGroup": {}}, "InvalidResourceReference"),
        (
            {"ipConfigurations": []},
            "NetworkInterfaceMustHaveAtLeastOneIpConfiguration",
        ),
    ],
)
async def test_an_interface_that_is_none_is_refused(
    sender: Sender, changes: dict[str, object], expected: str
) -> None:
    """A group that is not there, no address."""
    body = await sender.get(NIC)
    body["properties"] |= changes

    assert code(await sender.send("PUT", NIC, body)) == (400, expected)


async def test_a_group_of_another_region_is_refused(sender: Sender) -> None:
    """And so is an interface that moves."""
    resources = sender.side.outside.manager.resources
    resources.write({**(resources.find(QUARANTINE) or {}), "location": "northeurope"})
    body = await sender.get(NIC)

    moved = await sender.send("PUT", NIC, body | {"location": "northeurope"})
    body["properties"]["networkSecurityGroup"] = {"id": QUARANTINE}
    swapped = await sender.send("PUT", NIC, body)

    assert code(moved) == (400, "InvalidResourceLocation")
    assert code(swapped) == (400, "InvalidResourceReference")


async def test_a_patch_of_an_interface_changes_tags_alone(sender: Sender) -> None:
    """Whoever thinks otherwise is told."""
    wrong = {"properties": {"networkSecurityGroup": {"id": QUARANTINE}}}

    assert (await sender.send("PATCH", NIC, wrong)).status_code == 400
    assert (await sender.send("PATCH", NIC, {"tags": {"a": "b"}})).status_code == 200
    assert (await sender.get(NIC))["tags"] == {"a": "b"}


async def test_a_machine_heeds_conditions_and_an_interface_does_not(
    sender: Sender,
) -> None:
    """As far as each declares them (remote-apis-azure.md 0.5)."""
    body = {"tags": {"a": "b"}}
    for headers, status in (
        ({"if-match": "x"}, 412),
        ({"if-none-match": "*"}, 412),
        ({"if-match": "*"}, 200),
    ):
        reply = await sender.send(
            "PATCH", WEB01, body, version=COMPUTE, headers=headers
        )
        assert reply.status_code == status
    reply = await sender.send("PATCH", NIC, body, headers={"if-match": "x"})
    assert reply.status_code == 200


async def test_a_machine_that_is_changing_is_busy(sender: Sender) -> None:
    """In its own words, which are not those of the network."""
    await sender.send("POST", f"{WEB01}/deallocate", version=COMPUTE)

    reply = await sender.send("POST", f"{WEB01}/start", version=COMPUTE)

    assert code(reply) == (409, "AnotherOperationInProgress")
    other = await sender.send("POST", f"{DC01}/deallocate", version=COMPUTE)
    assert other.status_code == 202


async def test_what_only_asks_keeps_nobody_from_changing(sender: Sender) -> None:
    """And does not change anything itself."""
    before = sender.side.outside.state()
    asked = await sender.send("POST", f"{NIC}/effectiveNetworkSecurityGroups")

    assert asked.status_code == 202
    assert (
        await sender.send("PATCH", NIC, {"tags": {"env": "prod"}})
    ).status_code == 200
    sender.side.step()
    assert sender.side.outside.state() == before


async def test_what_holds_is_told_of_a_machine_that_runs(sender: Sender) -> None:
    """As long as it does."""
    await sender.send("POST", f"{WEB01}/deallocate", version=COMPUTE)
    sender.side.step()

    reply = await sender.send("POST", f"{NIC}/effectiveNetworkSecurityGroups")

    assert reply.status_code == 400


async def test_the_view_of_a_machine_has_a_path_of_its_own(sender: Sender) -> None:
    """With its power state."""
    found = await sender.get(f"{WEB01}/instanceView", COMPUTE)

    codes = [each["code"] for each in found["statuses"]]
    assert codes == ["ProvisioningState/succeeded", "PowerState/running"]
    assert "powerState" not in (await sender.get(WEB01, COMPUTE))["properties"]


@pytest.mark.parametrize(
    ("path", "version", "expected"),
    [
        (NIC, None, (400, "MissingApiVersionParameter")),
        (NIC, COMPUTE, (400, "InvalidApiVersionParameter")),
        (f"{NIC}x", NETWORK, (404, "ResourceNotFound")),
        (f"{NIC}/unknown", NETWORK, (404, "NotFound")),
        (f"{NIC}/unknown/x", NETWORK, (404, "InvalidResourceType")),
        (
            f"{RG_SHOP}/providers/Microsoft.Network/dnsZones/x",
            NETWORK,
            (404, "InvalidResourceType"),
        ),
    ],
)
async def test_what_cannot_be_read_is_refused(
    sender: Sender, path: str, version: str | None, expected: tuple[int, str]
) -> None:
    """With the code that Resource Manager would give."""
    assert code(await sender.send("GET", path, version=version)) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", NSG),
        ("DELETE", NSG),
        ("DELETE", NIC),
        ("PUT", f"{NIC.rpartition('/')[0]}"),
        ("POST", NIC),
        ("PUT", f"{NIC}/effectiveNetworkSecurityGroups"),
    ],
)
async def test_what_nobody_is_to_do_is_not_served(
    sender: Sender, method: str, path: str
) -> None:
    """A responder that does it fails here before it does at Azure."""
    before = sender.side.outside.state()

    assert (await sender.send(method, path, {})).status_code in {404, 405}
    sender.side.step()
    assert sender.side.outside.state() == before


async def test_nothing_is_served_without_a_token(sender: Sender) -> None:
    """Any will do, but there must be one."""
    reply = await sender.client.get(f"/arm{NIC}?api-version={NETWORK}")

    assert code(reply) == (401, "AuthenticationFailed")


@pytest.mark.parametrize("body", [b"{", b"[]", b"7"])
async def test_a_body_that_is_no_object_is_refused(sender: Sender, body: bytes) -> None:
    """Before anything else is looked at in it."""
    reply = await sender.client.put(
        f"/arm{RULE}?api-version={NETWORK}", content=body, headers=BEARER
    )

    assert code(reply) == (400, "InvalidRequestContent")


async def test_how_many_requests_are_left_is_said(sender: Sender) -> None:
    """Of the kind that it was."""
    read = await sender.send("GET", NIC)
    written = await sender.rule()

    assert read.headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert written.headers["x-ms-ratelimit-remaining-subscription-writes"] == "199"


async def test_what_hangs_on_a_resource_is_of_another_side(sender: Sender) -> None:
    """Where its logs go is still read where it always was."""
    path = f"{WEB01}/providers/microsoft.insights/diagnosticSettings"

    reply = await sender.send("GET", path, version="2021-05-01-preview")

    assert (reply.status_code, reply.json()) == (200, {"value": []})


async def test_a_workspace_of_the_inventory_is_read_where_it_always_was(
    sender: Sender,
) -> None:
    """And so is Defender's list, which stands below a provider that is here too."""
    workspace = await sender.send("GET", SOC, version="2022-10-01")
    alerts = f"{SHOP}/providers/Microsoft.Security/alerts"

    listed = await sender.send("GET", alerts, version="2022-01-01")

    assert workspace.json()["properties"]["customerId"].startswith("0b1f6471")
    assert listed.json() == {"value": []}


async def test_an_upset_is_for_what_it_is_about(sender: Sender) -> None:
    """By a part of the path and the method, and so many times."""
    upsets = sender.side.outside.upsets
    upsets.add(Upset(side="arm", way=Way.FAILS, about="NSG-web", method="PUT", times=1))

    assert upsets.next("graph", "PUT", NSG) is None
    assert upsets.next("arm", "DELETE", NSG) is None
    assert upsets.next("arm", "PUT", NIC) is None
    assert upsets.next("arm", "PUT", RULE) is not None
    assert upsets.next("arm", "PUT", RULE) is None


async def test_a_change_that_failed_leaves_its_mark(sender: Sender) -> None:
    """All is as it was, but that the resource says that something failed."""
    sender.side.outside.upsets.add(Upset(side="arm", way=Way.FAILS, code="Oops"))
    before = sender.side.outside.state()
    body = await sender.get(NIC)
    body["properties"]["networkSecurityGroup"] = {"id": QUARANTINE}
    begun = await sender.send("PUT", NIC, body)
    sender.side.step()

    asked = await sender.client.get(
        begun.headers["azure-asyncoperation"], headers=BEARER
    )

    assert asked.json()["status"] == "Failed"
    assert asked.json()["error"]["code"] == "Oops"
    after = sender.side.outside.state()
    interface = after["resources"][NIC.lower()]["properties"]
    assert interface["provisioningState"] == "Failed"
    interface["provisioningState"] = "Succeeded"
    assert after == before


async def test_a_result_that_failed_is_refused_where_it_would_be(
    sender: Sender,
) -> None:
    """A location has no status to say it by."""
    sender.side.outside.upsets.add(Upset(side="arm", way=Way.FAILS, code="Oops"))
    begun = await sender.send("DELETE", f"{NSG}/securityRules/AllowHttps")
    sender.side.step(timedelta(seconds=2))

    asked = await sender.client.get(begun.headers["location"], headers=BEARER)

    assert code(asked) == (409, "Oops")
    assert (
        await sender.send("GET", f"{NSG}/securityRules/AllowHttps")
    ).status_code == 200
