"""Heads of incidents, written into the store as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.store import rows
from shared.store.ports import Put

if TYPE_CHECKING:
    from shared.model.incident import Incident
    from tests.fakes.api import Api

# The id of one that was merged into another.
MERGED_AWAY = "00000000000000aa"


async def put(api: Api, *heads: Incident) -> None:
    """Write heads into the store as they are."""
    for head in heads:
        write = Put(rows.incident(head.id), rows.encode(head))
        partition = rows.partition_of_incident(head.id)
        await api.world.table.commit(partition, [write])
