"""Network: security groups, their rules, interfaces, and subnets.

(remote-apis-azure.md 1 and 2)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    existing,
    properties_of,
    retagged,
    tags_of,
)
from devhost.outside.azure.rules import VERSION, defaults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devhost.outside.azure.resources import Document

# What a part of an interface reaches for, and what one must be allowed for it.
_JOINS = {
    "subnet": "virtualNetworks/subnets/join",
    "publicIPAddress": "publicIPAddresses/join",
    "loadBalancerBackendAddressPools": "loadBalancers/backendAddressPools/join",
    "loadBalancerInboundNatRules": "loadBalancers/inboundNatRules/join",
    "applicationGatewayBackendAddressPools": (
        "applicationGateways/backendAddressPools/join"
    ),
    "applicationSecurityGroups": "applicationSecurityGroups/joinIpConfiguration",
}
INSTANCES = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
# What Azure says of an interface, whoever writes it.
_OWN_OF_INTERFACE = (
    "virtualMachine",
    "macAddress",
    "primary",
    "resourceGuid",
    "privateEndpoint",
    "hostedWorkloads",
)


class SecurityGroup(Kind):
    """A network security group; it says which interfaces and subnets it is on."""

    type = "Microsoft.Network/networkSecurityGroups"
    version = VERSION

    def shown(self, asked: Asked, document: Document) -> Document:
        key = str(document["id"]).lower()
        on = {
            "networkInterfaces": asked.resources.of_type(Interface.type),
            "subnets": asked.resources.of_type(Subnet.type),
        }
        refs = {
            name: [{"id": e["id"]} for e in found if _group_of(e) == key]
            for name, found in on.items()
        }
        properties = {
            **document["properties"],
            "defaultSecurityRules": defaults(document["id"]),
            **{name: found for name, found in refs.items() if found},
        }
        return {**document, "properties": properties}

    def patch(self, asked: Asked) -> Change:
        return retagged(asked)


class Interface(Kind):
    """A network interface. A PUT replaces it: what is left out is lost."""

    type = "Microsoft.Network/networkInterfaces"
    version = VERSION

    def links(self, asked: Asked) -> Iterator[str]:
        given = properties_of(asked.body)
        if given.get("networkSecurityGroup"):
            yield "Microsoft.Network/networkSecurityGroups/join/action"
        for each in given.get("ipConfigurations") or []:
            for name, action in _JOINS.items():
                if each.get("properties", {}).get(name):
                    yield f"Microsoft.Network/{action}/action"

    def put(self, asked: Asked) -> Change:
        old = existing(asked)
        given = properties_of(asked.body)
        if asked.body.get("location") != old["location"]:
            raise bad("a resource stays where it is", "InvalidResourceLocation")
        if not given.get("ipConfigurations"):
            raise bad(
                "an interface has an ipConfiguration",
                "NetworkInterfaceMustHaveAtLeastOneIpConfiguration",
            )
        _demand_group(asked, given, old["location"])
        own = {k: v for k, v in old["properties"].items() if k in _OWN_OF_INTERFACE}
        kept = {k: v for k, v in given.items() if k not in _OWN_OF_INTERFACE}
        document = {
            **{k: v for k, v in old.items() if k in {"id", "name", "type", "location"}},
            **{k: v for k, v in asked.body.items() if k == "extendedLocation"},
            "tags": tags_of(asked.body),
            "properties": {**kept, **own, "provisioningState": "Succeeded"},
        }
        return Change(document, How.BY_OPERATION, 200)

    def patch(self, asked: Asked) -> Change:
        return retagged(asked)


class VirtualNetwork(Kind):
    """A virtual network and its subnets, to be read."""

    type = "Microsoft.Network/virtualNetworks"
    version = VERSION


class Subnet(Kind):
    """A subnet, to be read. It says what has an address in it."""

    type = "Microsoft.Network/virtualNetworks/subnets"
    version = VERSION

    def shown(self, asked: Asked, document: Document) -> Document:
        key = str(document["id"]).lower()
        found = {
            each["id"].lower(): {"id": each["id"]}
            for each in (
                # Those of what the inventory does not hold, as it says.
                *(document["properties"].get("ipConfigurations") or []),
                *_addresses(asked),
            )
            if str(each.get("subnet", key)).lower() == key
        }
        properties = {**document["properties"], "ipConfigurations": [*found.values()]}
        return {**document, "properties": properties}


def effective_rules(asked: Asked) -> Change:
    """What holds for an interface: the rules of its own group and of its subnet's."""
    interface = existing(asked)
    machine = interface["properties"].get("virtualMachine")
    found = asked.resources.find(machine["id"]) if machine else None
    power = (found or {}).get("properties", {}).get("powerState")
    if power != "PowerState/running":
        # [unverified code]
        raise bad("the machine does not run", "NicMustBeAttachedToARunningVm")
    held = [
        {
            "networkSecurityGroup": {"id": group["id"]},
            "association": association,
            "effectiveSecurityRules": [
                {"name": f"securityRules/{rule['name']}", **rule["properties"]}
                for rule in group["properties"].get("securityRules") or []
            ],
        }
        for association, group in _groups_over(asked, interface)
    ]
    return Change(interface, How.BY_LOCATION, 202, answer={"value": held})


Interface.acts = {"effectiveNetworkSecurityGroups": effective_rules}


def _demand_group(asked: Asked, given: Mapping[str, Any], location: str) -> None:
    """Refuse a group that is not there, or in another region, which is [unverified]."""
    group = given.get("networkSecurityGroup")
    if group is None:
        return
    named = group.get("id") if isinstance(group, dict) else None
    found = asked.resources.find(named) if isinstance(named, str) else None
    if found is None:
        raise bad("the group is not there", "InvalidResourceReference")
    if found["location"] != location:
        raise bad("the group is elsewhere", "InvalidResourceReference")


def _group_of(document: Mapping[str, Any]) -> str:
    """The group that is on an interface or a subnet, in lower case."""
    group = document["properties"].get("networkSecurityGroup") or {}
    return str(group.get("id", "")).lower()


def _addresses(asked: Asked) -> Iterator[dict[str, str]]:
    """What has an address: parts of interfaces, and those of instances of scale sets."""
    for interface in asked.resources.of_type(Interface.type):
        yield from _parts(interface["id"], interface["properties"])
    for instance in asked.resources.of_type(INSTANCES):
        profile = instance["properties"].get("networkProfileConfiguration") or {}
        for each in profile.get("networkInterfaceConfigurations") or []:
            place = f"{instance['id']}/networkInterfaces/{each['name']}"
            yield from _parts(place, each["properties"])


def _parts(place: str, properties: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for part in properties.get("ipConfigurations") or []:
        subnet = part.get("properties", {}).get("subnet") or {}
        yield {
            "id": f"{place}/ipConfigurations/{part.get('name', 'ipconfig1')}",
            "subnet": str(subnet.get("id", "")),
        }


def _groups_over(
    asked: Asked, interface: Document
) -> Iterator[tuple[Document, Document]]:
    subnets = (
        each["properties"].get("subnet") or {}
        for each in interface["properties"]["ipConfigurations"]
    )
    places = {"networkInterface": interface["id"]}
    for subnet in subnets:
        places["subnet"] = subnet.get("id", "")
    for name, place in places.items():
        document = asked.resources.find(place) if place else None
        group = asked.resources.find(_group_of(document)) if document else None
        if group is not None:
            yield {name: {"id": place}}, group
