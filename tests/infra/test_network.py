"""Who reaches what: keys, networks, and what is locked."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from tests.infra import deploying
from tests.infra.bicep import MAIN
from tests.infra.cases import LEAST, MOST, NAMES, all_of, deployed, one_of

every = pytest.mark.parametrize("name", NAMES)

ACCOUNTS = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"
HUB = "Microsoft.EventHub/namespaces"


def properties(name: str, kind: str, source: str = "") -> list[dict[str, Any]]:
    """Of each resource of a type."""
    return [made.body["properties"] for made in all_of(name, kind, source)]


@every
def test_nothing_is_opened_by_a_key(name: str) -> None:
    """Storage, hub, logs and vault take identities alone, by TLS 1.2."""
    for account in properties(name, ACCOUNTS):
        assert account["allowSharedKeyAccess"] is False
        assert account["allowBlobPublicAccess"] is False
        assert account["supportsHttpsTrafficOnly"] is True
        assert account["minimumTlsVersion"] == "TLS1_2"
    (hub,) = properties(name, HUB)
    assert hub["disableLocalAuth"] is True
    assert hub["minimumTlsVersion"] == "1.2"
    (component,) = properties(name, "Microsoft.Insights/components")
    (workspace,) = properties(name, "Microsoft.OperationalInsights/workspaces")
    assert component["DisableLocalAuth"] is True
    assert workspace["features"]["disableLocalAuth"] is True
    (vault,) = properties(name, VAULT)
    assert vault["enableRbacAuthorization"] is True
    assert vault["enableSoftDelete"] is True


@every
def test_no_container_is_public(name: str) -> None:
    """Neither data nor packages."""
    containers = properties(name, f"{ACCOUNTS}/blobServices/containers")

    assert len(containers) == 4
    assert {each["publicAccess"] for each in containers} == {"None"}


def test_inside_a_network_nothing_is_reached_from_outside() -> None:
    """Save by the addresses that are named, and the hub by Defender."""
    for kind in (ACCOUNTS, VAULT):
        for each in properties("most", kind):
            acls = each["networkAcls"]
            assert acls["defaultAction"] == "Deny"
            assert [rule["value"] for rule in acls["ipRules"]] == ["203.0.113.7"]
    (rules,) = properties("most", f"{HUB}/networkRuleSets")
    assert rules["defaultAction"] == "Deny"
    assert rules["trustedServiceAccessEnabled"] is True

    found = deploying.deploy(MAIN, MOST | {"allowedAddresses": []}).everything()
    closed = [m for m in found if m.type in {ACCOUNTS, VAULT}]
    assert len(closed) == 3
    assert {m.body["properties"]["publicNetworkAccess"] for m in closed} == {"Disabled"}


def test_everything_that_is_closed_has_an_endpoint() -> None:
    """For each part that the apps use, in the zone of its names."""
    endpoints = properties("most", "Microsoft.Network/privateEndpoints")
    found = {
        (link["properties"]["privateLinkServiceId"], *link["properties"]["groupIds"])
        for each in endpoints
        for link in each["privateLinkServiceConnections"]
    }
    data, deliveries = (made.id for made in all_of("most", ACCOUNTS))
    zones = {made.name for made in all_of("most", "Microsoft.Network/privateDnsZones")}
    groups = properties(
        "most", "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
    )
    used = {
        config["properties"]["privateDnsZoneId"].rpartition("/")[2]
        for group in groups
        for config in group["privateDnsZoneConfigs"]
    }

    assert found == {
        (data, "blob"),
        (data, "queue"),
        (data, "table"),
        (deliveries, "blob"),
        (one_of("most", HUB).id, "namespace"),
        (one_of("most", VAULT).id, "vault"),
    }
    assert (
        used
        == zones
        == {
            "privatelink.blob.core.windows.net",
            "privatelink.queue.core.windows.net",
            "privatelink.servicebus.windows.net",
            "privatelink.table.core.windows.net",
            "privatelink.vaultcore.azure.net",
        }
    )
    links = all_of("most", "Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    assert {made.name.partition("/")[0] for made in links} == zones


def test_apps_are_in_the_network() -> None:
    """In a subnet that is given over to Flex Consumption and has room."""
    network = one_of("most", "Microsoft.Network/virtualNetworks").body["properties"]
    apps, endpoints = network["subnets"]
    (whole,) = map(IPv4Network, network["addressSpace"]["addressPrefixes"])
    parts = [
        IPv4Network(each["properties"]["addressPrefix"]) for each in (apps, endpoints)
    ]

    (delegation,) = apps["properties"]["delegations"]
    assert delegation["properties"]["serviceName"] == "Microsoft.App/environments"
    assert "_" not in apps["name"]
    assert all(part.subnet_of(whole) for part in parts)
    assert not parts[0].overlaps(parts[1])
    assert parts[0].prefixlen <= 26
    for site in properties("most", "Microsoft.Web/sites"):
        assert site["virtualNetworkSubnetId"]
    for site in properties("least", "Microsoft.Web/sites"):
        assert site["virtualNetworkSubnetId"] is None


def test_without_the_parameter_there_is_no_network() -> None:
    """Nobody pays for endpoints who does not want them."""
    kinds = {made.type for made in deployed("least").everything()}

    assert not any(kind.startswith("Microsoft.Network/") for kind in kinds)


def test_a_fixed_address_is_the_subnets_own() -> None:
    """With the parameter, and not without."""
    gateway = one_of("most", "Microsoft.Network/natGateways")
    network = one_of("most", "Microsoft.Network/virtualNetworks").body["properties"]
    assert network["subnets"][0]["properties"]["natGateway"] == {"id": gateway.id}

    given = MOST | {"hasFixedAddress": False}
    found = [*deploying.deploy(MAIN, given).everything()]
    assert not any("natGateways" in made.type for made in found)
    kind = "Microsoft.Network/virtualNetworks"
    (network,) = (made.body["properties"] for made in found if made.type == kind)
    assert network["subnets"][0]["properties"]["natGateway"] is None


def test_locks_keep_what_cannot_be_made_again() -> None:
    """Data, hub and vault; and only where it is said."""
    locks = all_of("most", "Microsoft.Authorization/locks")
    data = one_of("most", ACCOUNTS, "data.bicep").id
    (vault,) = properties("most", VAULT)
    (purgeable,) = properties("least", VAULT)

    assert {lock.scope for lock in locks} == {
        data,
        one_of("most", HUB).id,
        one_of("most", VAULT).id,
    }
    assert all(lock.body["properties"]["level"] == "CanNotDelete" for lock in locks)
    assert vault["enablePurgeProtection"] is True
    assert purgeable["enablePurgeProtection"] is None
    assert all_of("least", "Microsoft.Authorization/locks") == []


def test_versions_are_kept_where_nothing_may_change() -> None:
    """Protection by versions, since the app writes some blobs anew."""
    kind = f"{ACCOUNTS}/blobServices"
    (service,) = properties("most", kind, "data.bicep")
    (container,) = properties("most", f"{kind}/containers", "data.bicep")
    (policy,) = properties("most", f"{kind}/containers/immutabilityPolicies")
    (rules,) = properties("most", f"{ACCOUNTS}/managementPolicies")

    assert service["isVersioningEnabled"] is True
    assert container["immutableStorageWithVersioning"] == {"enabled": True}
    assert policy == {"immutabilityPeriodSinceCreationInDays": 365}
    assert all(rule["enabled"] for rule in rules["policy"]["rules"])
    (service,) = properties("least", kind, "data.bicep")
    (container,) = properties("least", f"{kind}/containers", "data.bicep")
    assert service["isVersioningEnabled"] is False
    assert container == {"publicAccess": "None"}
    assert not all_of("least", f"{kind}/containers/immutabilityPolicies")


def test_defender_exports_all_severities_as_a_trusted_service() -> None:
    """To the hub, in each subscription that is named, without a key."""
    kind = "Microsoft.Security/automations"
    exports = all_of("most", kind)
    own = deploying.deploy(MAIN, LEAST | {"exporterPrincipalId": "exporter"})
    assert len([made for made in own.everything() if made.type == kind]) == 1
    assert not all_of("least", kind)
    hub = one_of("most", f"{HUB}/eventhubs").id

    assert len(exports) == len(MOST["exportSubscriptions"])
    for made in exports:
        found = made.body["properties"]
        subscription = "/".join(made.id.split("/")[:3])
        assert [scope["scopePath"] for scope in found["scopes"]] == [subscription]
        assert found["sources"] == [{"eventSource": "Alerts"}]
        (action,) = found["actions"]
        assert action == {
            "actionType": "EventHub",
            "eventHubResourceId": hub,
            "isTrustedServiceEnabled": True,
        }


def test_the_hub_is_what_the_app_expects() -> None:
    """Four partitions, no capture, and the size that is given."""
    (hub,) = properties("least", f"{HUB}/eventhubs")
    (namespace,) = properties("least", HUB)
    one = deploying.deploy(MAIN, LEAST | {"hubMostThroughputUnits": 1}).everything()
    (fixed,) = (m.body["properties"] for m in one if m.type == HUB)

    assert hub == {"messageRetentionInDays": 7, "partitionCount": 4}
    assert namespace["isAutoInflateEnabled"] is True
    assert namespace["maximumThroughputUnits"] == 4
    assert fixed["isAutoInflateEnabled"] is False
    assert fixed["maximumThroughputUnits"] == 0
