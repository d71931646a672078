"""Which machines of Defender for Endpoint alerts are about: exactly, or why nobody can say.

A virtual machine by its ARM id, any other machine by an id of Defender for Endpoint or of
Entra that the alert gives it. A name alone is no machine (remote-apis-azure.md 14a).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from responders.sides import network
from responders.sides.arm import at
from responders.sides.machines import Machine, Sought, one_machine
from shared.model import resource
from shared.model.entity import Host
from shared.model.errors import ActionRefused, PermanentFailure
from shared.model.guards import MARKER
from shared.model.permission import Api, Permission
from shared.model.rest import inner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.model.alert import AlertRow
    from shared.model.rest import Remotes, Rest

READ = Permission(
    Api.ENDPOINT, "Machine.Read.All", "finding machines, and how they are"
)

_PROTECTED = MARKER.partition("=")[0]


class Meant(NamedTuple):
    """A machine that alerts are about; without one ``obstacle`` says why.

    ``resource`` is the ARM id of the virtual machine that it is, if it is one.
    """

    target: str
    machine: Machine | None
    resource: str
    alerts: tuple[str, ...]
    obstacle: str = ""

    @property
    def name(self) -> str:
        """What people call it; never an identity."""
        if self.machine is not None:
            return self.machine.name
        return resource.display_name(self.target)


async def meant(azure: Remotes, alerts: Sequence[AlertRow]) -> list[Meant]:
    """Each machine once, in order. Raises TransientFailure alone."""
    wanted: dict[Sought, list[str]] = {}
    for alert in alerts:
        for sought in _sought(alert):
            wanted.setdefault(sought, []).append(alert.id)
    found = await asyncio.gather(
        *(_found(azure, each, ids) for each, ids in wanted.items())
    )
    once: dict[str, Meant] = {}
    for each in found:
        before = once.get(each.target)
        ids = {*each.alerts, *(before.alerts if before else ())}
        whole = before if before is not None and before.resource else each
        once[each.target] = whole._replace(alerts=tuple(sorted(ids)))
    return [once[target] for target in sorted(once)]


async def demand_unprotected(endpoint: Rest, machine_id: str) -> None:
    """Raise ActionRefused for a machine that may not be touched any more, or is gone."""
    found = await one_machine(endpoint, Sought(machine_id=machine_id))
    if is_protected(found):
        raise ActionRefused(protection())


def is_protected(machine: Machine) -> bool:
    """Whether its tags in Defender for Endpoint say so."""
    return any(tag.strip().lower() in {_PROTECTED, MARKER} for tag in machine.tags)


def protection() -> str:
    """What is said of one that is."""
    return f"the machine is tagged {_PROTECTED} in Defender for Endpoint"


def _sought(alert: AlertRow) -> Iterator[Sought]:
    """What is known of the machines that an alert is about.

    Of several machines that are no resources only those count that the detector calls
    attacked: the others may be where it came from.
    """
    hosts = [each for each in alert.entities if isinstance(each, Host)]
    about = next(iter(network.machines([alert])), "")
    if about:
        own = next((each for each in hosts if each.resource == about), None)
        yield Sought(
            machine_id=own.device_id.lower() if own else "",
            entra_id=own.entra_device_id.lower() if own else "",
            resource=about,
        )
    elif not alert.resource:
        strong = [each for each in hosts if each.device_id or each.entra_device_id]
        attacked = [each for each in strong if each.is_asset]
        for each in strong if len(strong) == 1 else attacked:
            yield Sought(
                machine_id=each.device_id.lower(),
                entra_id=each.entra_device_id.lower(),
            )


async def _found(azure: Remotes, sought: Sought, alerts: Sequence[str]) -> Meant:
    target = sought.resource or sought.machine_id or sought.entra_id
    unknown = Meant(target, None, sought.resource, tuple(sorted(set(alerts))))
    try:
        if sought.resource:
            sought = await _known(azure.arm, sought)
        machine = await one_machine(azure.endpoint, sought)
    except (ActionRefused, PermanentFailure) as error:
        # Another machine's may do.
        return unknown._replace(obstacle=str(error))
    obstacle = protection() if is_protected(machine) else ""
    return unknown._replace(target=machine.id, machine=machine, obstacle=obstacle)


async def _known(arm: Rest, sought: Sought) -> Sought:
    """With what Azure knows of a virtual machine: its name inside, and its own id."""
    found = await arm.read(at(sought.resource), permission=network.READ_MACHINES.action)
    properties = inner(found.content, "properties")
    name = inner(properties, "osProfile").get("computerName")
    return Sought(
        machine_id=sought.machine_id,
        entra_id=sought.entra_id,
        name=str(name or resource.display_name(sought.resource)).lower(),
        resource=sought.resource,
        vm_id=str(properties.get("vmId") or ""),
    )
