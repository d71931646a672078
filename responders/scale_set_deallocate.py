"""Deallocates instances of scale sets, and starts them again (remote-apis-azure.md 5).

An instance is protected first: a scale set that repairs itself or is scaled in would
replace or delete it, and what it holds. Instances of flexible scale sets are virtual
machines like any other, and `vm-deallocate`'s.

[unverified]: every word for power but `running`. Where the set keeps its number it makes
another instance, of the image that this one was made of.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from responders.sides import network, power
from responders.sides.arm import at
from responders.sides.power import Rights
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from responders.sides.power import Power
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "scale-set-deallocate"

INSTANCE = "microsoft.compute/virtualmachinescalesets/virtualmachines"

_NAME = 80
_TYPE = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
_ON = "instances that may be contained"
_RIGHTS = Rights(
    read=Permission(Api.ARM, f"{_TYPE}/read", _ON),
    deallocate=Permission(Api.ARM, f"{_TYPE}/deallocate/action", _ON),
    start=Permission(Api.ARM, f"{_TYPE}/start/action", _ON),
)
_WRITE = Permission(Api.ARM, f"{_TYPE}/write", _ON)
_VIEW = Permission(Api.ARM, f"{_TYPE}/instanceView/read", _ON)

_PROTECTED = {"protectFromScaleIn": True, "protectFromScaleSetActions": True}


class ScaleSetDeallocate:
    """A ``Doer``; a target is an instance of a uniform scale set."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """There is nothing to set."""

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (*_RIGHTS, _WRITE, _VIEW)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Opens nothing."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._config = config

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each instance that an alert is about; a set alone names none."""
        if self._config is None:
            return ()
        found: dict[str, list[str]] = {}
        for alert in alerts:
            known = resource.whole_id(alert.resource) if alert.resource else None
            if known is not None and resource.type_of(known) == INSTANCE:
                found.setdefault(known, []).append(alert.id)
        return await asyncio.gather(
            *(self._planned(instance, ids) for instance, ids in found.items())
        )

    async def before(self, deed: Deed) -> Before:
        """That it runs, which it is, and what protects it."""
        found = await power.before(self._arm, deed.target, _RIGHTS)
        protection = _protection(found)
        state = {"vm_id": found.vm_id, "protection": protection}
        return Before(state=state, by_hand=_by_hand(deed.target, protection))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Protect it, and deallocate it, where it is not so already."""
        found = await power.read(self._arm, deed.target, _RIGHTS)
        power.demand_kept(found, deed.target)
        if _protection(found) != _PROTECTED:
            await self._protect(found, deed.target, _PROTECTED)
        if found.state == power.RUNNING:
            # While it is being protected the other side is busy: that passes.
            await power.deallocate(self._arm, deed.target, _RIGHTS)
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Whether it is deallocated and protected."""
        vm_id, protection = before.state["vm_id"], before.state["protection"]
        sight, found = await power.sight(self._arm, deed.target, _RIGHTS, vm_id)
        if found is None or sight.state not in {State.IN_FORCE, State.AS_BEFORE}:
            return sight
        now = _protection(found)
        if now not in (_PROTECTED, protection):
            said = "somebody protects it in another way"
            return Sight(state=State.OTHERWISE, difference=said)
        wanted = _PROTECTED if sight.state is State.IN_FORCE else protection
        return sight if now == wanted else Sight(state=State.PARTLY)

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        """Start it, and protect it as it was."""
        found = await power.read(self._arm, deed.target, _RIGHTS)
        protection = before.state["protection"]
        if _protection(found) != protection:
            await self._protect(found, deed.target, protection)
        if found.state != power.RUNNING:
            await power.start(self._arm, deed.target, _RIGHTS)
        return Outcome()

    async def _planned(self, instance: str, alerts: Sequence[str]) -> Deed:
        obstacle = ""
        try:
            found = await power.read(self._arm, instance, _RIGHTS)
            power.demand_kept(found, instance)
        except (ActionRefused, PermanentFailure) as error:
            # Another instance's may do.
            obstacle = str(error)
        whole = resource.whole(instance) or ""
        of_set = plain(resource.display_name(whole), _NAME)
        number = plain(resource.display_name(instance), _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=instance,
            says=f"Deallocate {number} of {of_set}; what is in its memory is lost",
            alerts=tuple(sorted(alerts)),
            resources=(instance, whole),
            wipes=True,
            obstacle=obstacle,
        )

    async def _protect(
        self, found: Power, instance: str, protection: Mapping[str, bool] | None
    ) -> None:
        """Send back what was read with that protection: a PUT replaces everything."""
        properties = dict(found.document["properties"])
        for name in ("protectionPolicy", "instanceView"):
            properties.pop(name, None)
        if protection is not None:
            properties["protectionPolicy"] = dict(protection)
        await self._arm.change(
            "PUT",
            at(instance),
            {**found.document, "properties": properties},
            if_match=str(found.document.get("etag") or ""),
            permission=_WRITE.action,
        )


def _protection(found: Power) -> dict[str, Any] | None:
    policy = found.document["properties"].get("protectionPolicy")
    return policy if isinstance(policy, dict) else None


def _by_hand(instance: str, protection: dict[str, Any] | None) -> tuple[str, ...]:
    flags = protection or {}
    scale_in, actions = (str(bool(flags.get(name))).lower() for name in _PROTECTED)
    ids = network.flags(resource.whole(instance) or "")
    number = resource.display_name(instance)
    protect = f"--protect-from-scale-in {scale_in}"
    also = f"--protect-from-scale-set-actions {actions}"
    return (
        f"az vmss start {ids} --instance-ids {number}",
        f"az vmss update {ids} --instance-id {number} {protect} {also}",
    )
