"""Finding an alert wherever its incident lies."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model.alert import AlertRow
from shared.store import history, reading, rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.store.history import History
    from shared.store.ledger import Ledger
    from shared.store.reading import Shelf

# History has no index by alert: an alert would cost a transaction more when its incident
# leaves, for what is asked a few times a year. So far back it is looked for.
FURTHEST = timedelta(days=3_650)


async def alert(
    ledger: Ledger, past: History, alert_id: str, incident_id: str = ""
) -> AlertRow | None:
    """The row of an alert by its id in any case; None where there is none.

    ``work`` is asked first. In ``history`` it takes a request for each incident there is,
    the latest months first; one where ``incident_id`` says which. The place that is held
    for an alert which has not come is none.
    """
    key = rows.alert(alert_id)
    if incident_id:
        shelf, lineage = await history.find(ledger, past, incident_id)
        ids = [i for head in lineage for i in (head.id, *head.absorbed)]
        return await _of(shelf, ids, key)
    found = await reading.alert(ledger, alert_id)
    if found is not None and not found.is_expected:
        return found
    months = history.months(past.now() - FURTHEST, past.now())
    for month in reversed([*months]):
        heads = await past.month(month)
        ids = [i for head in heads for i in (head.id, *head.absorbed)]
        if (row := await _of(past, ids, key)) is not None:
            return row
    return None


async def _of(shelf: Shelf, incidents: Iterable[str], key: str) -> AlertRow | None:
    """The row under that key in the partitions of these incidents."""
    partitions = {shelf.partition_of(incident) for incident in incidents}
    found = await asyncio.gather(
        *(shelf.table.get(partition, [key]) for partition in sorted(partitions))
    )
    read = (rows.decode(part[key], AlertRow) for part in found if key in part)
    return next((row for row in read if not row.is_expected), None)
