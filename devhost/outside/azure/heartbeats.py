"""What a workspace knows of the machines of an inventory: each that can is heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devhost.outside.azure.resources import parent_of
from devhost.outside.log_analytics import NOW, Answers, Column, Told

if TYPE_CHECKING:
    from devhost.outside.azure.resources import Resources

QUERY = "posture-heartbeat"

_MACHINES = ("microsoft.compute/virtualmachines", "microsoft.hybridcompute/machines")


def heartbeats(resources: Resources) -> Answers:
    """A minute's heartbeat of each machine with an agent."""
    rows = sorted(
        {
            parent_of(str(each["id"])).lower()
            for kind in _MACHINES
            for each in resources.of_type(f"{kind}/extensions")
            if str(each["properties"].get("type")).startswith("AzureMonitor")
        }
    )
    return Answers(
        columns=(Column("Machine", "string"), Column("Last", "datetime")),
        told=(Told(rows=tuple((each, NOW) for each in rows)),),
    )
