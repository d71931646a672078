"""Which rows of logs open incidents go by: so that those are not deleted before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.enrichment.pack import pack
from shared.model.incident import IncidentStatus
from shared.model.logs import TOGETHER, is_resource
from shared.posture.estate import Held
from shared.store import reading

if TYPE_CHECKING:
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.store.ledger import Ledger


async def held(ledger: Ledger) -> tuple[Held, ...]:
    """Of each open incident, the tables that its evidence is in. Raises StoreError."""
    heads = await reading.incidents(ledger)
    still = [head for head in heads if head.status is IncidentStatus.OPEN]
    return tuple([await _of(ledger, head) for head in still])


async def _of(ledger: Ledger, head: Incident) -> Held:
    rows = await reading.evidence_of(ledger, {head.id, *head.absorbed})
    found = [row.evidence for row, _ in rows if row.evidence.row_count]
    queries = pack()
    return Held(
        incident=head.id,
        since=head.first_seen,
        tables=frozenset(
            table
            for each in found
            if each.query in queries
            for table in queries[each.query].tables
        ),
        workspaces=frozenset(w for each in found for w in _workspaces(each)),
    )


def _workspaces(evidence: Evidence) -> list[str]:
    """Which workspaces it is in; of what was asked by resource that is not known."""
    if is_resource(evidence.workspace):
        return []
    return [each.strip().lower() for each in evidence.workspace.split(TOGETHER) if each]
