"""Virtual machines and what they are on the network: read as Resource Manager shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from responders.sides.arm import at, by_resource
from shared.model import resource
from shared.model.errors import ActionRefused
from shared.model.permission import Api, Permission
from shared.model.rest import inner, is_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.model.alert import AlertRow
    from shared.model.rest import Rest

MACHINE = "microsoft.compute/virtualmachines"
INTERFACE = "microsoft.network/networkinterfaces"
GROUP = "microsoft.network/networksecuritygroups"
SUBNET = "microsoft.network/virtualnetworks/subnets"

# Changes of an interface or a rule take seconds.
OVER_SOON = timedelta(seconds=5)

READ_MACHINES = Permission(
    Api.ARM, "Microsoft.Compute/virtualMachines/read", "machines that may be contained"
)
READ_INTERFACES = Permission(
    Api.ARM, "Microsoft.Network/networkInterfaces/read", "their network interfaces"
)
READ_GROUPS = Permission(
    Api.ARM,
    "Microsoft.Network/networkSecurityGroups/read",
    "the security groups of those",
)


class Interface(NamedTuple):
    """A network interface; ids are canonical, ``group`` is empty where it has none.

    ``document`` is all of it, as it was read, and ``written`` the id of the group as it
    stands there.
    """

    id: str
    location: str
    group: str
    machine: str
    subnets: tuple[str, ...]
    is_settled: bool
    document: dict[str, Any]
    written: str


def machines(alerts: Iterable[AlertRow]) -> dict[str, list[AlertRow]]:
    """The virtual machines that alerts are about, by canonical id.

    An instance of a scale set is none: its network is the set's.
    """
    return by_resource(alerts, MACHINE)


async def interfaces_of(arm: Rest, machine: str) -> list[str]:
    """The ids of a machine's network interfaces, in order."""
    found = await arm.read(at(machine), permission=READ_MACHINES.action)
    profile = inner(found.content, "properties").get("networkProfile")
    listed = profile.get("networkInterfaces") if isinstance(profile, dict) else None
    ids = sorted(_ids(listed, INTERFACE))
    if not ids:
        raise ActionRefused(
            f"{resource.display_name(machine)} has no network interface"
        )
    return ids


async def interface(arm: Rest, interface_id: str) -> Interface | None:
    """A network interface as it is now; None where there is none."""
    found = await arm.find(at(interface_id), permission=READ_INTERFACES.action)
    if found is None:
        return None
    properties = inner(found.content, "properties")
    if properties.get("privateEndpoint") or properties.get("hostedWorkloads"):
        name = resource.display_name(interface_id)
        raise ActionRefused(f"{name} belongs to a service of Azure, not to a machine")
    parts = properties.get("ipConfigurations")
    subnets = [
        inner(part, "properties").get("subnet")
        for part in (parts if isinstance(parts, list) else ())
    ]
    reference = properties.get("networkSecurityGroup")
    return Interface(
        id=interface_id,
        location=str(found.content.get("location", "")).lower(),
        group=_id(reference, GROUP),
        machine=_id(properties.get("virtualMachine"), MACHINE),
        subnets=tuple(dict.fromkeys(filter(None, (_id(s, SUBNET) for s in subnets)))),
        is_settled=is_settled(found.content),
        document=found.content,
        written=str(reference["id"]) if _id(reference, GROUP) and reference else "",
    )


async def group(arm: Rest, group_id: str) -> dict[str, Any] | None:
    """A security group as it is now; None where there is none."""
    found = await arm.find(at(group_id), permission=READ_GROUPS.action)
    return found.content if found else None


def rules_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each rule of a security group that somebody made, and what it says."""
    rules = inner(document, "properties").get("securityRules")
    for rule in rules if isinstance(rules, list) else ():
        if isinstance(rule, dict):
            yield str(rule.get("name", "")), inner(rule, "properties")


def flags(resource_id: str) -> str:
    """What names a resource to Azure's own command line, without a name of its own."""
    return f"--ids {resource_id}"


def _ids(listed: object, kind: str) -> Iterator[str]:
    for each in listed if isinstance(listed, list) else ():
        if found := _id(each, kind):
            yield found


def _id(reference: object, kind: str) -> str:
    """The canonical id that a reference holds; empty where it is none of that kind."""
    text = reference.get("id") if isinstance(reference, dict) else None
    known = resource.whole_id(text) if isinstance(text, str) else None
    return known if known is not None and resource.type_of(known) == kind else ""
