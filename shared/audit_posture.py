"""The verb that looks at what there is of logs and detection, and keeps what it found.

It reads, and changes nothing of what it looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.enrichment.pack import pack
from shared.model.posture import Posture
from shared.model.resource import canonical
from shared.model.retention import Retention
from shared.model.workspaces import Topology
from shared.posture.estate import path_of
from shared.posture.wanted import RETENTION, Wanted

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.workspaces import Workspaces
    from shared.triage.policy import Policy


def wanted_of(policy: Policy, *, hub: str, now: datetime) -> Wanted:
    """What a policy wants. ``hub`` is what the app reads, where the policy names none."""
    posture = policy.posture or Posture()
    named = canonical(posture.hub) or ""
    _, _, rest = named.partition("/microsoft.eventhub/namespaces/")
    return Wanted(
        now=now,
        posture=posture,
        retention=RETENTION if policy.retention == Retention() else policy.retention,
        tables=frozenset(t for query in pack().values() for t in query.tables),
        hub=rest.replace("/eventhubs/", "/") or hub,
        home=path_of(named),
        asked=_asked(policy.workspaces),
    )


def _asked(workspaces: Workspaces) -> frozenset[str]:
    """The workspaces that are asked; none where each resource's own is."""
    if workspaces.topology is not Topology.CENTRAL:
        return frozenset()
    return frozenset(each.lower() for each in workspaces.central)
