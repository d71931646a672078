"""Deallocates virtual machines, and starts them again (remote-apis-azure.md 3).

What is in memory is lost, and so is a dynamic public address; what is on its disks stays.
That it starts again nobody can promise: its region may have no room for it then, and a
Spot machine gets what is left over.

[unverified]: every word for power but `running`, and that deallocating one that is
deallocated does nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from responders.sides import network, power
from responders.sides.power import Rights
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight
from shared.model.errors import ActionRefused, PermanentFailure
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "vm-deallocate"

_NAME = 80
_RIGHTS = Rights(
    read=network.READ_MACHINES,
    deallocate=Permission(
        Api.ARM, "Microsoft.Compute/virtualMachines/deallocate/action", "the machines"
    ),
    start=Permission(
        Api.ARM, "Microsoft.Compute/virtualMachines/start/action", "the machines"
    ),
)
_VIEW = Permission(
    Api.ARM, "Microsoft.Compute/virtualMachines/instanceView/read", "whether they run"
)


class VmDeallocate:
    """A ``Doer``; a target is a virtual machine."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """There is nothing to set."""

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (*_RIGHTS, _VIEW)

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
        """One deed for each machine that an alert is about."""
        if self._config is None:
            return ()
        found = network.machines(alerts)
        return await asyncio.gather(
            *(
                self._planned(machine, [alert.id for alert in about])
                for machine, about in found.items()
            )
        )

    async def before(self, deed: Deed) -> Before:
        """That it runs, and which it is. Raises ActionRefused as ``Doer`` says."""
        found = await power.before(self._arm, deed.target, _RIGHTS)
        by_hand = f"az vm start {network.flags(deed.target)}"
        return Before(state={"vm_id": found.vm_id}, by_hand=(by_hand,))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Deallocate it, where it runs."""
        found = await power.read(self._arm, deed.target, _RIGHTS)
        power.demand_kept(found, deed.target)
        if found.state == power.RUNNING:
            await power.deallocate(self._arm, deed.target, _RIGHTS)
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Whether it is deallocated."""
        vm_id = before.state["vm_id"]
        sight, _ = await power.sight(self._arm, deed.target, _RIGHTS, vm_id)
        return sight

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Start it, where it does not run."""
        found = await power.read(self._arm, deed.target, _RIGHTS)
        if found.state != power.RUNNING:
            await power.start(self._arm, deed.target, _RIGHTS)
        return Outcome()

    async def _planned(self, machine: str, alerts: Sequence[str]) -> Deed:
        obstacle = ""
        try:
            found = await power.read(self._arm, machine, _RIGHTS)
            power.demand_kept(found, machine)
        except (ActionRefused, PermanentFailure) as error:
            # Another machine's may do.
            obstacle = str(error)
        name = plain(resource.display_name(machine), _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=machine,
            says=f"Deallocate {name}; what is in its memory is lost",
            alerts=tuple(sorted(alerts)),
            resources=(machine,),
            wipes=True,
            obstacle=obstacle,
        )
