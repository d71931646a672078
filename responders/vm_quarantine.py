"""Puts virtual machines into network quarantine (remote-apis-azure.md 2a).

Their network interfaces get a security group that lets nothing through, and later have
their own again. The quarantine groups are made beforehand, one for each region and subscription. What is
connected already stays connected: rules are for new connections.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from responders.sides import network
from responders.sides.arm import at
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure, SettingsError
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from responders.sides.network import Interface
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "vm-quarantine"

_NAME = 80

_WRITE = Permission(
    Api.ARM, "Microsoft.Network/networkInterfaces/write", "the interfaces"
)
# Whoever writes an interface needs all that it is tied to.
_JOINS = tuple(
    Permission(Api.ARM, f"Microsoft.Network/{action}", on)
    for action, on in (
        ("networkSecurityGroups/join/action", "their groups, and quarantine's"),
        ("virtualNetworks/subnets/join/action", "their subnets"),
        ("publicIPAddresses/join/action", "their public addresses, if any"),
        (
            "applicationSecurityGroups/joinIpConfiguration/action",
            "their application security groups, if any",
        ),
        ("loadBalancers/backendAddressPools/join/action", "balancers before them"),
        ("loadBalancers/inboundNatRules/join/action", "balancers before them"),
        ("applicationGateways/backendAddressPools/join/action", "gateways before them"),
    )
)


class VmQuarantine:
    """A ``Doer``; a target is a machine, with all of its network interfaces."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``groups`` are the ids of the quarantine groups.

        A machine gets the one of its own region and subscription.
        """

        groups: tuple[str, ...]

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (
        network.READ_MACHINES,
        network.READ_INTERFACES,
        network.READ_GROUPS,
        _WRITE,
        *_JOINS,
    )

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError for a group that is none."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._groups = _checked(config.groups) if config else ()

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each machine that an alert is about."""
        if not self._groups:
            return ()
        found = network.machines(alerts)
        return await asyncio.gather(
            *(
                self._planned(machine, [alert.id for alert in about])
                for machine, about in found.items()
            )
        )

    async def before(self, deed: Deed) -> Before:
        """The security group of each interface. Raises ActionRefused as ``Doer`` says."""
        mine, quarantine = deed.content["interfaces"], deed.content["group"]
        if await network.interfaces_of(self._arm, deed.target) != mine:
            raise ActionRefused("the machine has other network interfaces than planned")
        await self._check(quarantine)
        found = [await self._interface(each, deed.target) for each in mine]
        if all(each.group == quarantine for each in found):
            raise ActionRefused("it is in quarantine already, and not by Firewatch")
        groups = {each.id: each.written for each in found}
        by_hand = tuple(_by_hand(each, group) for each, group in groups.items())
        return Before(state={"groups": groups}, by_hand=by_hand)

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Give each interface the quarantine group."""
        for interface_id in deed.content["interfaces"]:
            found = await self._interface(interface_id, deed.target)
            if found.group != deed.content["group"]:
                await self._write(found, deed.content["group"])
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Which groups the interfaces have now."""
        quarantine, groups = deed.content["group"], before.state["groups"]
        found = {
            each: await network.interface(self._arm, each)
            for each in deed.content["interfaces"]
        }
        for each, now in found.items():
            if difference := _difference(each, now, deed, groups):
                return Sight(state=State.OTHERWISE, difference=difference)
        known = [each for each in found.values() if each is not None]
        if not all(each.is_settled for each in known):
            return Sight(state=State.UNDER_WAY, retry_after=network.OVER_SOON)
        if all(each.group == quarantine for each in known):
            return Sight(state=State.IN_FORCE)
        is_before = all(each.group == groups[each.id].lower() for each in known)
        return Sight(state=State.AS_BEFORE if is_before else State.PARTLY)

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        """Give each interface the group that it had."""
        for interface_id, group in before.state["groups"].items():
            found = await self._interface(interface_id, deed.target)
            if found.group != group.lower():
                await self._write(found, group)
        return Outcome()

    async def _planned(self, machine: str, alerts: Sequence[str]) -> Deed:
        ids: list[str] = []
        group, obstacle = "", ""
        try:
            ids = await network.interfaces_of(self._arm, machine)
            first = await self._interface(ids[0], machine)
            group = await self._group_for(machine, first.location)
        except (ActionRefused, PermanentFailure) as error:
            # Another machine's may do.
            obstacle = str(error)
        name = plain(resource.display_name(machine), _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=machine,
            says=f"Put {name} into network quarantine; what is connected stays so",
            alerts=tuple(sorted(alerts)),
            resources=(machine, *ids),
            obstacle=obstacle,
            content={"interfaces": ids, "group": group},
        )

    async def _group_for(self, machine: str, location: str) -> str:
        """The quarantine group of a region; raises ActionRefused where there is none."""
        scope = resource.subscription(machine)
        for group in self._groups:
            if resource.subscription(group) == scope:
                found = await network.group(self._arm, group)
                if found and str(found.get("location", "")).lower() == location:
                    return group
        raise ActionRefused(f"no quarantine group in {location} of its subscription")

    async def _check(self, group: str) -> None:
        """Raise ActionRefused for a group that would let something through.

        An empty one would: Azure's default rules allow the virtual network, and all that
        goes out.
        """
        found = await network.group(self._arm, group)
        rules = [said for _, said in network.rules_of(found or {})]
        for direction in ("Inbound", "Outbound"):
            if not any(_denies_all(rule, direction) for rule in rules):
                raise ActionRefused(f"the quarantine group denies not all {direction}")

    async def _interface(self, interface_id: str, machine: str) -> Interface:
        found = await network.interface(self._arm, interface_id)
        name = resource.display_name(interface_id)
        if found is None or found.machine != machine:
            raise ActionRefused(f"{name} is not the machine's any more")
        return found

    async def _write(self, found: Interface, group: str) -> None:
        """Send back what was read with that group: a PUT replaces everything."""
        properties = dict(found.document["properties"])
        properties.pop("networkSecurityGroup", None)
        if group:
            properties["networkSecurityGroup"] = {"id": group}
        await self._arm.change(
            "PUT",
            at(found.id),
            {**found.document, "properties": properties},
            permission=_WRITE.action,
        )


def _checked(groups: Sequence[str]) -> tuple[str, ...]:
    known = [resource.whole_id(group) or "" for group in groups]
    wrong = [
        f"groups[{place}]: expected the id of a network security group"
        for place, group in enumerate(known)
        if not group or resource.type_of(group) != network.GROUP
    ]
    if wrong or not known:
        raise SettingsError(wrong or ["groups: name at least one"])
    return tuple(known)


def _difference(
    interface_id: str, now: Interface | None, deed: Deed, before: dict[str, str]
) -> str:
    """What somebody else did to an interface; empty where nobody did."""
    name = resource.display_name(interface_id)
    if now is None:
        return f"{name} is gone"
    if now.machine != deed.target:
        return f"{name} is on another machine"
    if now.group not in {deed.content["group"], before[interface_id].lower()}:
        return f"{name} has {resource.display_name(now.group) or 'no security group'}"
    return ""


def _denies_all(rule: dict[str, Any], direction: str) -> bool:
    is_deny = str(rule.get("access", "")).lower() == "deny"
    return (
        is_deny
        and str(rule.get("direction", "")).lower() == direction.lower()
        and all(
            rule.get(name) in {"*", "0.0.0.0/0"}
            for name in (
                "protocol",
                "sourceAddressPrefix",
                "sourcePortRange",
                "destinationAddressPrefix",
                "destinationPortRange",
            )
        )
    )


def _by_hand(interface_id: str, group: str) -> str:
    update = f"az network nic update {network.flags(interface_id)}"
    if group:
        return f"{update} --network-security-group {group}"
    return f"{update} --remove networkSecurityGroup"
