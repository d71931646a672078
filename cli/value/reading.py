"""The incidents of a time with their evidence, wherever they lie."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cli.value.figures import Told
from cli.value.kinds import counts
from shared.store import history, reading

if TYPE_CHECKING:
    from datetime import datetime

    from shared.clouds.storage import Storage
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

# Each is a request; what is in history is read incident by incident.
TOGETHER = 16


async def told(storage: Storage, since: datetime) -> list[Told]:
    """What was opened since then and counts, each with its evidence.

    Raises StoreUnavailable.
    """
    found = await history.opened_since(storage.ledger, storage.history, since)
    heads = [head for head in found.heads if counts(head)]
    kept: dict[str, list[Evidence]] = {}
    for row in await reading.evidence(storage.ledger):
        kept.setdefault(row.incident, []).append(row.evidence)
    gate = asyncio.Semaphore(TOGETHER)

    async def one(head: Incident) -> Told:
        family = {head.id, *head.absorbed}
        if head.id not in found.past:
            return Told(head, [e for each in family for e in kept.get(each, ())])
        async with gate:
            rows = await reading.evidence_of(storage.history, family)
        return Told(head, [row.evidence for row, _ in rows])

    return list(await asyncio.gather(*map(one, heads)))
