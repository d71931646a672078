"""Scale sets of machines that are all alike, and their instances.

(remote-apis-azure.md 5)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devhost.outside.azure.compute import VERSION, power, view, with_view
from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    changed,
    existing,
    properties_of,
)

if TYPE_CHECKING:
    from devhost.outside.azure.resources import Document

_FLAGS = {"protectFromScaleIn", "protectFromScaleSetActions"}


class ScaleSet(Kind):
    """A scale set, to be read."""

    type = "Microsoft.Compute/virtualMachineScaleSets"
    version = VERSION


class Instance(Kind):
    """An instance; it can be kept from being scaled in, and stopped."""

    type = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
    version = VERSION
    heeds_if_match = True

    def shown(self, asked: Asked, document: Document) -> Document:
        return with_view(asked, document)

    def put(self, asked: Asked) -> Change:
        """The whole body is sent; what of it can be changed here is its protection."""
        old, given = existing(asked), properties_of(asked.body)
        protection = given.get("protectionPolicy")
        if protection is not None and (
            not isinstance(protection, dict)
            or set(protection) - _FLAGS
            or not all(isinstance(value, bool) for value in protection.values())
        ):
            raise bad("protectionPolicy holds two flags")
        if asked.body.get("location") != old["location"]:
            raise bad("location is missing, or another", "LocationRequired")
        after = changed(old, protectionPolicy=protection)
        if protection is None:
            del after["properties"]["protectionPolicy"]
        return Change(after, How.BY_OPERATION, 200)


Instance.acts = {
    "deallocate": lambda asked: power("deallocate", asked),
    "start": lambda asked: power("start", asked),
    "powerOff": lambda asked: power("powerOff", asked),
}
Instance.views = {"instanceView": lambda asked: view(existing(asked))}
