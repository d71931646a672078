"""Compute: virtual machines and their power.

(remote-apis-azure.md 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    changed,
    existing,
    retagged,
    with_state,
)

if TYPE_CHECKING:
    from devhost.outside.azure.resources import Document

VERSION = "2024-03-01"

# What a POST makes of a machine, at first and in the end. Only running is read in the
# specification, the other words are [unverified].
_POWER = {
    "deallocate": ("PowerState/deallocating", "PowerState/deallocated"),
    "start": ("PowerState/starting", "PowerState/running"),
    "powerOff": ("PowerState/stopping", "PowerState/stopped"),
    "restart": ("PowerState/running", "PowerState/running"),
}


class VirtualMachine(Kind):
    """A machine. Its power state is shown only to who asks for it."""

    type = "Microsoft.Compute/virtualMachines"
    version = VERSION
    heeds_if_match = True

    def shown(self, asked: Asked, document: Document) -> Document:
        return with_view(asked, document)

    def patch(self, asked: Asked) -> Change:
        return retagged(asked, How.BY_OPERATION)


def power(act: str, asked: Asked) -> Change:
    """One that already is so stays so, which is [unverified]."""
    machine = existing(asked)
    meanwhile, after = _POWER[act]
    if machine["properties"]["powerState"] == after and act != "restart":
        meanwhile = after
    during = changed(with_state(machine, "Updating"), powerState=meanwhile)
    return Change(changed(machine, powerState=after), How.BY_OPERATION, 202, during)


def with_view(asked: Asked, machine: Document) -> Document:
    """A machine with its power state for who asks for it, and without it else."""
    properties = {**machine["properties"]}
    del properties["powerState"]
    if asked.query.get("$expand", "").lower() == "instanceview":
        properties["instanceView"] = view(machine)
    return {**machine, "properties": properties}


def view(machine: Document) -> Document:
    """What a machine does, by its own words."""
    state = machine["properties"].get("provisioningState", "Succeeded")
    codes = (f"ProvisioningState/{state.lower()}", machine["properties"]["powerState"])
    return {"statuses": [{"code": code, "level": "Info"} for code in codes]}


VirtualMachine.acts = {
    "deallocate": lambda asked: power("deallocate", asked),
    "start": lambda asked: power("start", asked),
    "powerOff": lambda asked: power("powerOff", asked),
    "restart": lambda asked: power("restart", asked),
}
VirtualMachine.views = {"instanceView": lambda asked: view(existing(asked))}
