"""Whether machines run: virtual machines, and instances of scale sets (remote-apis-azure.md 3).

Only `PowerState/running` was read in a specification, the other words are [unverified].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from responders.sides.arm import at
from shared.model import resource
from shared.model.deed import Sight, State
from shared.model.errors import ActionRefused
from shared.model.rest import inner, is_settled

if TYPE_CHECKING:
    from shared.model.permission import Permission
    from shared.model.rest import Document, Rest

RUNNING, DEALLOCATED = "running", "deallocated"
CHANGING = frozenset({"starting", "stopping", "deallocating"})

_PREFIX = "powerstate/"


class Rights(NamedTuple):
    """What is needed to see whether a machine runs, to deallocate and to start it."""

    read: Permission
    deallocate: Permission
    start: Permission


class Power(NamedTuple):
    """A machine as it is now; ``state`` is its power, such as ``running``.

    ``vm_id`` is what Azure calls the machine itself, and ``document`` all that was read.
    ``is_wiped`` says that its system disk does not outlive being deallocated.
    """

    state: str
    is_settled: bool
    vm_id: str
    is_wiped: bool
    document: dict[str, Any]

    @property
    def is_changing(self) -> bool:
        """Whether somebody is at it."""
        return self.state in CHANGING or not self.is_settled


async def read(arm: Rest, machine: str, rights: Rights) -> Power:
    """How a machine is. Raises what ``arm`` raises."""
    path = at(machine, expand="instanceView")
    return _read(await arm.read(path, permission=rights.read.action))


async def before(arm: Rest, machine: str, rights: Rights) -> Power:
    """How it is before it is deallocated. Raises ActionRefused unless it runs."""
    found = await read(arm, machine, rights)
    demand_kept(found, machine)
    if found.state != RUNNING:
        name = resource.display_name(machine)
        raise ActionRefused(f"{name} does not run: it is {found.state or 'unknown'}")
    return found


def demand_kept(found: Power, machine: str) -> None:
    """Raise ActionRefused for one that would be wiped."""
    if found.is_wiped:
        name = resource.display_name(machine)
        raise ActionRefused(f"{name} has its system on a disk that would be wiped")


async def deallocate(arm: Rest, machine: str, rights: Rights) -> None:
    """Have it stopped and let go, once. Raises what ``arm`` raises."""
    path = at(machine, act="deallocate")
    await arm.change("POST", path, permission=rights.deallocate.action)


async def start(arm: Rest, machine: str, rights: Rights) -> None:
    """Have it started. Raises what ``arm`` raises."""
    path = at(machine, act="start")
    await arm.change("POST", path, permission=rights.start.action)


async def sight(
    arm: Rest, machine: str, rights: Rights, vm_id: str
) -> tuple[Sight, Power | None]:
    """How it stands to being deallocated, and how it is; another of its name is none."""
    path = at(machine, expand="instanceView")
    document = await arm.find(path, permission=rights.read.action)
    if document is None:
        return Sight(state=State.OTHERWISE, difference="the machine is gone"), None
    found = _read(document)
    if found.vm_id != vm_id:
        said = "another machine has its name"
        return Sight(state=State.OTHERWISE, difference=said), found
    if found.is_changing:
        return Sight(state=State.UNDER_WAY), found
    if found.state == DEALLOCATED:
        return Sight(state=State.IN_FORCE), found
    if found.state == RUNNING:
        return Sight(state=State.AS_BEFORE), found
    said = f"it is {found.state or 'unknown'}"
    return Sight(state=State.OTHERWISE, difference=said), found


def _read(found: Document) -> Power:
    properties = inner(found.content, "properties")
    disk = inner(inner(properties, "storageProfile"), "osDisk")
    return Power(
        state=_state(inner(properties, "instanceView")),
        is_settled=is_settled(found.content),
        vm_id=str(properties.get("vmId") or ""),
        is_wiped=bool(disk.get("diffDiskSettings")),
        document=found.content,
    )


def _state(view: dict[str, Any]) -> str:
    statuses = view.get("statuses")
    codes = [
        str(each.get("code", "")).lower()
        for each in (statuses if isinstance(statuses, list) else ())
        if isinstance(each, dict)
    ]
    powers = (code for code in codes if code.startswith(_PREFIX))
    return next(powers, "").removeprefix(_PREFIX)
