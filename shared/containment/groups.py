"""Which scale set and subnets machines are in, and how many machines each of these has.

Read with the app's own identity at each judgement (remote-apis-azure.md 1, 3 and 5); a
machine that moves, or a set that shrinks, counts as it is now.

[unverified]: that a subnet lists every interface in it, and its private endpoints; that
an instance shows its ``networkProfileConfiguration``; and that the capacity of a flexible
scale set counts machines that were put into it by hand.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from shared import telemetry
from shared.actions.shares import SCALE_SET, SUBNET
from shared.model import resource
from shared.model.errors import ResponderError
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shared.model.rest import Rest

# Of one judgement, and of one machine; whatever is beyond counts as unread.
MOST_MACHINES = 50
MOST_INTERFACES = 8

_MACHINE = "microsoft.compute/virtualmachines"
_INSTANCE = "microsoft.compute/virtualmachinescalesets/virtualmachines"
_INTERFACE = "microsoft.network/networkinterfaces"

_COMPUTE, _NETWORK = "2024-03-01", "2023-11-01"

# By type: the version of its API (remote-apis-azure.md 0.2), and the right to read it.
_READS: Mapping[str, tuple[str, str]] = {
    _MACHINE: (_COMPUTE, "Microsoft.Compute/virtualMachines/read"),
    _INSTANCE: (
        _COMPUTE,
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
    ),
    SCALE_SET: (_COMPUTE, "Microsoft.Compute/virtualMachineScaleSets/read"),
    _INTERFACE: (_NETWORK, "Microsoft.Network/networkInterfaces/read"),
    SUBNET: (_NETWORK, "Microsoft.Network/virtualNetworks/subnets/read"),
}
PERMISSIONS = tuple(
    Permission(Api.ARM, action, "how many machines scale sets and subnets have")
    for _, action in _READS.values()
)

# What of an id may stand in a path. Dots alone lead elsewhere.
_PATH = re.compile(r"(?:/(?!\.+(?:/|$))[a-z0-9._()$-]{1,260})+")


class Groups:
    """Asks Azure Resource Manager, once for each thing. Raises nothing."""

    def __init__(self, arm: Rest) -> None:
        self._arm = arm

    async def __call__(
        self, machines: Sequence[str]
    ) -> dict[str, dict[str, int | None]]:
        """The groups of each machine with their sizes, by canonical ids."""
        shown = await self._shown(machines[:MOST_MACHINES])
        within = {each: _within(each, shown.get(each)) for each in machines}
        interfaces = await self._shown(
            id_ for ids in within.values() for id_ in ids if _is(id_, _INTERFACE)
        )
        behind = {each: _subnets(each, found) for each, found in interfaces.items()}
        groups = {
            machine: dict.fromkeys(g for id_ in ids for g in behind.get(id_, [id_]))
            for machine, ids in within.items()
        }
        sized = await self._shown(
            id_
            for ids in groups.values()
            for id_ in ids
            if _is(id_, SUBNET) or _is(id_, SCALE_SET)
        )
        return {
            machine: {each: _size(each, sized.get(each)) for each in ids}
            for machine, ids in groups.items()
        }

    async def _shown(self, ids: Iterable[str]) -> dict[str, dict[str, Any] | None]:
        """What each of these is now; None for what cannot be read."""
        asked = [*dict.fromkeys(ids)]
        found = await asyncio.gather(*map(self._read, asked))
        return dict(zip(asked, found, strict=True))

    async def _read(self, resource_id: str) -> dict[str, Any] | None:
        known = _READS.get(resource.type_of(resource_id))
        if known is None or not _PATH.fullmatch(resource_id):
            return None
        version, permission = known
        try:
            found = await self._arm.read(
                f"{resource_id}?api-version={version}", permission=permission
            )
        except ResponderError as error:
            telemetry.emit(telemetry.GUARD_UNREAD, reason=str(error))
            return None
        return found.content


def _within(machine: str, shown: dict[str, Any] | None) -> list[str]:
    """The set and the interfaces of a machine, or the subnets of an instance.

    The machine itself stands for what it does not say.
    """
    properties = _properties(shown)
    if _is(machine, _INSTANCE):
        profile = _at(properties, "networkProfileConfiguration")
        listed = _each(profile, "networkInterfaceConfigurations")
        subnets = [s for each in listed for s in _subnets_of(_properties(each))]
        return [resource.whole(machine) or machine, *(subnets or [machine])]
    listed = _each(_at(properties, "networkProfile"), "networkInterfaces")
    ids = [_id(each, _INTERFACE) or machine for each in listed]
    whole = _id(properties.get("virtualMachineScaleSet"), SCALE_SET)
    if not ids or len(ids) > MOST_INTERFACES:
        ids = [machine]
    return [*([whole] if whole else []), *ids]


def _subnets(interface: str, shown: dict[str, Any] | None) -> list[str]:
    """The subnets of an interface; itself, where they cannot be read."""
    return _subnets_of(_properties(shown)) or [interface]


def _subnets_of(properties: dict[str, Any]) -> list[str]:
    parts = map(_properties, _each(properties, "ipConfigurations"))
    return [*filter(None, (_id(part.get("subnet"), SUBNET) for part in parts))]


def _size(group: str, shown: dict[str, Any] | None) -> int | None:
    """How many machines are in a group; None where it does not say."""
    if shown is None:
        return None
    if _is(group, SCALE_SET):
        capacity = _at(shown, "sku").get("capacity")
        return capacity if type(capacity) is int and capacity >= 0 else None
    properties = _properties(shown)
    # What is no machine, such as the front of a balancer, has no interface; a private
    # endpoint has one.
    owners = {*map(_owner, _each(properties, "ipConfigurations"))} - {""}
    return max(len(owners) - len([*_each(properties, "privateEndpoints")]), 0)


def _owner(part: dict[str, Any]) -> str:
    """The interface, or the instance of a scale set, that has an address in a subnet."""
    text = part.get("id")
    known = resource.canonical(text) if isinstance(text, str) else None
    before, found, after = (known or "").rpartition("/networkinterfaces/")
    if not found or _is(before, _INSTANCE):
        return before if found else ""
    return f"{before}{found}{after.partition('/')[0]}"


def _is(resource_id: str, kind: str) -> bool:
    return resource.type_of(resource_id) == kind


def _properties(document: object) -> dict[str, Any]:
    return _at(document, "properties")


def _at(document: object, name: str) -> dict[str, Any]:
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _each(document: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    listed = document.get(name)
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            yield each


def _id(reference: object, kind: str) -> str:
    """The canonical id that a reference holds; empty where it is none of that kind."""
    text = reference.get("id") if isinstance(reference, dict) else None
    known = resource.whole_id(text) if isinstance(text, str) else None
    return known if known is not None and _is(known, kind) else ""
