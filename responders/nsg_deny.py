"""Denies an address at the security groups of the machines that it attacks.

One rule for each group and address, named after the two, so that incidents share it and
making it twice makes one (remote-apis-azure.md 1). What is connected already stays
connected; behind a gateway or Front Door the address is not the attacker's.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from responders.sides import network
from responders.sides.addresses import attackers
from responders.sides.arm import at
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure, SettingsError
from shared.model.permission import Api, Permission
from shared.model.rest import is_settled
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Document, Rest

USE = "nsg-deny"

# Priorities of security rules (remote-apis-azure.md 1).
LOWEST, HIGHEST = 100, 4096

_ANY = {"*", "internet", "0.0.0.0/0", "::/0"}
_NAME = 80


def _may(action: str, on: str) -> Permission:
    return Permission(Api.ARM, f"Microsoft.Network/{action}", on)


_READ = _may("networkSecurityGroups/securityRules/read", "the same")
_WRITE = _may("networkSecurityGroups/securityRules/write", "the same")
_DELETE = _may("networkSecurityGroups/securityRules/delete", "the same")
_READ_SUBNETS = _may("virtualNetworks/subnets/read", "subnets, with `subnets: true`")


class _Spot(NamedTuple):
    """A group, or a machine without one, and an address to deny there."""

    place: str
    address: str
    obstacle: str


class _Wall(NamedTuple):
    """The groups that keep traffic from a machine, or why there are none to write to."""

    groups: tuple[str, ...]
    obstacle: str = ""

    def spots(self, machine: str, addresses: Sequence[str]) -> list[_Spot]:
        """Where to deny addresses that attack the machine."""
        places = self.groups or (machine,)
        return [_Spot(p, a, self.obstacle) for a in addresses for p in places]


class NsgDeny:
    """A ``Doer``; a target is an address at a security group."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Rules get a free priority from ``first`` to ``last``.

        Machines without a group of their own are left alone, unless ``subnets`` says that
        the group of their subnet will do: it is that of every machine there.
        """

        first: int = 100
        last: int = 199
        subnets: bool = False

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (
        network.READ_MACHINES,
        network.READ_INTERFACES,
        network.READ_GROUPS,
        _READ,
        _WRITE,
        _DELETE,
        _READ_SUBNETS,
    )

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError for priorities that there are not."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._config = config
        if config and not LOWEST <= config.first <= config.last <= HIGHEST:
            said = f"first: expected {LOWEST} to {HIGHEST}, and last no less"
            raise SettingsError([said])

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each group and address that the alerts on its machines name."""
        if self._config is None:
            return ()
        found = network.machines(alerts)
        attacked = {m: on for m, on in found.items() if any(map(attackers, on))}
        walls = await asyncio.gather(*map(self._wall_of, attacked))
        speaking: dict[_Spot, dict[str, set[str]]] = {}
        for (machine, on_it), wall in zip(attacked.items(), walls, strict=True):
            for alert in on_it:
                for spot in wall.spots(machine, attackers(alert)):
                    by_machine = speaking.setdefault(spot, {})
                    by_machine.setdefault(machine, set()).add(alert.id)
        return [self._planned(spot, by) for spot, by in speaking.items()]

    async def before(self, deed: Deed) -> Before:
        """That the rule is not there. Raises ActionRefused as ``Doer`` says."""
        if await self._rule(deed) is not None:
            raise ActionRefused(
                "the rule is there already, and nothing here knows of it"
            )
        await self._free(deed)
        by_hand = f"az network nsg rule delete {network.flags(_place(deed))}"
        return Before(state={"rule": None}, by_hand=(by_hand,))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Make the rule at the lowest priority that is free now."""
        if _is_ours(await self._rule(deed), deed):
            return Outcome(reference=deed.content["rule"])
        priority = await self._free(deed)
        await self._arm.change(
            "PUT",
            at(_place(deed)),
            {"properties": {**_said(deed), "priority": priority}},
            permission=_WRITE.action,
        )
        return Outcome(reference=deed.content["rule"])

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """Whether the rule is there, and says what it should."""
        found = await self._rule(deed)
        if found is None:
            return Sight(state=State.AS_BEFORE)
        if not is_settled(found.content):
            return Sight(state=State.UNDER_WAY, retry_after=network.OVER_SOON)
        if _is_ours(found, deed):
            return Sight(state=State.IN_FORCE)
        return Sight(state=State.OTHERWISE, difference="the rule says something else")

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Take the rule away."""
        await self._arm.change("DELETE", at(_place(deed)), permission=_DELETE.action)
        return Outcome()

    async def _wall_of(self, machine: str) -> _Wall:
        try:
            return _Wall(tuple(await self._groups_of(machine)))
        except (ActionRefused, PermanentFailure) as error:
            # Another machine's may do.
            return _Wall((), str(error))

    async def _groups_of(self, machine: str) -> list[str]:
        """The groups that keep traffic from a machine, that of an interface first."""
        found: list[str] = []
        for interface_id in await network.interfaces_of(self._arm, machine):
            interface = await network.interface(self._arm, interface_id)
            if interface is None or interface.machine != machine:
                name = resource.display_name(interface_id)
                raise ActionRefused(f"{name} is not the machine's any more")
            if interface.group:
                found.append(interface.group)
            elif self._config and self._config.subnets:
                found += [await self._group_at(each) for each in interface.subnets]
        groups = [*dict.fromkeys(filter(None, found))]
        if not groups:
            name = plain(resource.display_name(machine), _NAME)
            raise ActionRefused(f"{name} has no security group to write to")
        return groups

    async def _group_at(self, subnet: str) -> str:
        found = await self._arm.read(at(subnet), permission=_READ_SUBNETS.action)
        properties = found.content.get("properties", {})
        reference = properties.get("networkSecurityGroup")
        text = reference.get("id") if isinstance(reference, dict) else None
        return (resource.whole_id(text) if isinstance(text, str) else None) or ""

    def _planned(self, spot: _Spot, speaking: Mapping[str, set[str]]) -> Deed:
        group, address, obstacle = spot
        machines = sorted(speaking)
        name = plain(resource.display_name(group), _NAME)
        digest = hashlib.sha256(f"in|{address}".encode()).hexdigest()[:12]
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=f"{group}|in|{address}",
            says=f"Deny {address} at {name}; what is connected stays so",
            alerts=tuple(sorted({a for ids in speaking.values() for a in ids})),
            resources=tuple(dict.fromkeys((*machines, group))),
            addresses=(address,),
            obstacle=obstacle,
            content={
                "group": group,
                "address": address,
                "rule": f"fw-deny-in-{digest}",
                "first": self._config.first if self._config else LOWEST,
                "last": self._config.last if self._config else LOWEST,
            },
        )

    async def _rule(self, deed: Deed) -> Document | None:
        return await self._arm.find(at(_place(deed)), permission=_READ.action)

    async def _free(self, deed: Deed) -> int:
        """The lowest priority that is free, ahead of all that would let the address in.

        Raises ActionRefused where there is none: nobody else's rules are moved.
        """
        found = await network.group(self._arm, deed.content["group"])
        if found is None:
            raise ActionRefused("the security group is gone")
        rules = [
            said
            for name, said in network.rules_of(found)
            if said.get("direction") == "Inbound" and name != deed.content["rule"]
        ]
        taken = {said.get("priority") for said in rules}
        free = (
            number
            for number in range(deed.content["first"], deed.content["last"] + 1)
            if number not in taken
        )
        lowest = next(free, None)
        ahead = [said["priority"] for said in rules if _lets_in(said, deed)]
        if lowest is None or any(number < lowest for number in ahead):
            raise ActionRefused("no priority is free ahead of what lets the address in")
        return lowest


def _place(deed: Deed) -> str:
    return f"{deed.content['group']}/securityrules/{deed.content['rule']}"


def _said(deed: Deed) -> dict[str, Any]:
    """What the rule says, but for its priority."""
    address = ipaddress.ip_address(deed.content["address"])
    return {
        "description": "Firewatch denies this address; it takes the rule away again",
        "protocol": "*",
        "access": "Deny",
        "direction": "Inbound",
        "sourceAddressPrefix": f"{address}/{address.max_prefixlen}",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "*",
    }


def _is_ours(found: Document | None, deed: Deed) -> bool:
    properties = found.content.get("properties", {}) if found else {}
    return all(properties.get(name) == value for name, value in _said(deed).items())


def _lets_in(said: dict[str, Any], deed: Deed) -> bool:
    """Whether a rule may allow the address: in doubt, it does."""
    if said.get("access") != "Allow":
        return False
    prefixes = [
        said.get("sourceAddressPrefix"),
        *(said.get("sourceAddressPrefixes") or ()),
    ]
    address = ipaddress.ip_address(deed.content["address"])
    return any(_may_hold(str(prefix), address) for prefix in prefixes if prefix)


def _may_hold(
    prefix: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> bool:
    if prefix.lower() in _ANY:
        return True
    try:
        known = ipaddress.ip_network(prefix, strict=False)
    except ValueError:
        # A service tag: it may hold the address, but for those of networks of one's own.
        return prefix.lower() not in {"virtualnetwork", "azureloadbalancer"}
    return known.version == address.version and address in known
