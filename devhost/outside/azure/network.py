"""Network: security groups, their rules, interfaces, and subnets.

(remote-apis-azure.md 1 and 2)
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from devhost.outside.azure.answers import Refused
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
from devhost.outside.azure.resources import name_of, parent_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devhost.outside.azure.resources import Document

VERSION = "2023-11-01"
MOST_RULES = 1_000  # [unverified]
LONGEST_DESCRIPTION = 140

_RULE_NAME = re.compile(r"(?=.{1,80}$)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
_ENUMS = {
    "protocol": ("Tcp", "Udp", "Icmp", "Esp", "Ah", "*"),
    "access": ("Allow", "Deny"),
    "direction": ("Inbound", "Outbound"),
}
_PREFIXES = ("sourceAddressPrefix", "destinationAddressPrefix")
_RANGES = ("sourcePortRange", "destinationPortRange")
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
            "defaultSecurityRules": _defaults(document["id"]),
            **{name: found for name, found in refs.items() if found},
        }
        return {**document, "properties": properties}

    def patch(self, asked: Asked) -> Change:
        return retagged(asked)


class SecurityRule(Kind):
    """A rule of a group; its priority is its own in its direction."""

    type = "Microsoft.Network/networkSecurityGroups/securityRules"
    version = VERSION

    def put(self, asked: Asked) -> Change:
        group = asked.resources.find(parent_of(asked.id))
        if group is None:
            raise Refused(404, "ResourceNotFound", "the group is not there")
        given = properties_of(asked.body)
        if not _RULE_NAME.fullmatch(name_of(asked.id)):
            raise bad("not a name of a rule", "InvalidResourceName")
        for problem in _problems_of_rule(given):
            raise bad(problem)
        _find_room(asked, group["properties"].get("securityRules") or [], given)
        document = {
            "name": name_of(asked.id),
            "id": (asked.old or {}).get("id", asked.id),
            "type": self.type,
            "properties": {**given, "provisioningState": "Succeeded"},
        }
        return Change(document, How.BY_OPERATION, 201 if asked.old is None else 200)

    def delete(self, asked: Asked) -> Change:  # noqa: ARG002  all are alike
        return Change(None, How.BY_LOCATION, 202)


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
    """A subnet, to be read."""

    type = "Microsoft.Network/virtualNetworks/subnets"
    version = VERSION


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


def _problems_of_rule(given: Mapping[str, Any]) -> Iterator[str]:
    for name, words in _ENUMS.items():
        if given.get(name) not in words:
            yield f"{name} is none of {', '.join(words)}"
    priority = given.get("priority")
    if not isinstance(priority, int) or not 100 <= priority <= 4096:
        yield "priority is no number from 100 to 4096"
    description = given.get("description", "")
    if not isinstance(description, str) or len(description) > LONGEST_DESCRIPTION:
        yield f"description is no text of at most {LONGEST_DESCRIPTION} characters"
    for name in (*_PREFIXES, *_RANGES):
        plural = f"{name}es" if name.endswith("x") else f"{name}s"
        groups = name.replace("AddressPrefix", "ApplicationSecurityGroups")
        if (
            bool(given.get(name))
            + bool(given.get(plural))
            + (groups != name and bool(given.get(groups)))
            != 1
        ):
            yield f"one of {name} and {plural} is wanted"
        elif name in _PREFIXES and not all(
            map(_is_prefix, given.get(plural) or [given.get(name, "*")])
        ):
            yield f"{name} is no address"


def _is_prefix(value: object) -> bool:
    if not isinstance(value, str):
        return False
    if value == "*" or _TAG.fullmatch(value):
        return True
    try:
        ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _find_room(asked: Asked, rules: list[Document], given: Mapping[str, Any]) -> None:
    """Refuse a rule whose priority another one has, and one too many."""
    others = [each for each in rules if str(each["id"]).lower() != asked.id.lower()]
    if len(others) >= MOST_RULES:
        raise bad("too many rules", "SecurityRuleLimitExceeded")
    for other in others:
        theirs = other["properties"]
        if (theirs["direction"], theirs["priority"]) == (
            given["direction"],
            given["priority"],
        ):
            # [unverified code; others' programs catch it by this name]
            raise bad(
                f"conflicts with rule {other['name']}: same priority and direction",
                "SecurityRuleConflict",
            )


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


def _defaults(group: str) -> list[Document]:
    """The rules that every group ends with."""
    return [
        {
            "name": name,
            "id": f"{group}/defaultSecurityRules/{name}",
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": "Succeeded",
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": destination,
                "access": access,
                "priority": priority,
                "direction": direction,
            },
        }
        for name, direction, priority, access, source, destination in (
            ("AllowVnetInBound", "Inbound", 65000, "Allow", *["VirtualNetwork"] * 2),
            (
                "AllowAzureLoadBalancerInBound",
                "Inbound",
                65001,
                "Allow",
                "AzureLoadBalancer",
                "*",
            ),
            ("DenyAllInBound", "Inbound", 65500, "Deny", "*", "*"),
            ("AllowVnetOutBound", "Outbound", 65000, "Allow", *["VirtualNetwork"] * 2),
            ("AllowInternetOutBound", "Outbound", 65001, "Allow", "*", "Internet"),
            ("DenyAllOutBound", "Outbound", 65500, "Deny", "*", "*"),
        )
    ]
