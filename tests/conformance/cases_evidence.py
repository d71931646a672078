"""What doers that keep evidence are measured with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.doer_case import DoerCase, alert
from tests.fakes.azure import QUARANTINE, SHOP, WEB01

if TYPE_CHECKING:
    from collections.abc import Mapping

# A resource group that is there, and an instance of a scale set: nobody's own machine.
KEPT = QUARANTINE.partition("/providers/")[0]
INSTANCE = (
    f"{WEB01.rpartition('/virtualMachines')[0]}"
    "/virtualMachineScaleSets/shop-workers/virtualMachines/0"
)

EVIDENCE: Mapping[str, DoerCase] = {
    "disk-snapshot": DoerCase(
        settings={"group": KEPT},
        alerts=lambda: [alert()],
        unclear=lambda: [
            alert(None, {"HostName": "web01", "Type": "host"}),
            alert(INSTANCE),
        ],
        resource="snapshots",
        reversible=False,
    ),
    "resource-config": DoerCase(
        settings={},
        alerts=lambda: [alert()],
        unclear=lambda: [
            alert(None, {"HostName": "web01", "Type": "host"}),
            alert(SHOP),
            alert(f"{SHOP}/resourceGroups/rg-shop"),
        ],
        resource="",
        reversible=False,
        keeps=True,
    ),
}
