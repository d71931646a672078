"""Rules of network security groups.

(remote-apis-azure.md 1)
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.kinds import Asked, Change, How, Kind, bad, properties_of
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


def defaults(group: str) -> list[Document]:
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
