"""What a person says about an incident: written into it, then looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.incident import SOURCE, Fact, Incident, IncidentStatus, Mark
from shared.store import messages, rows
from shared.store.draft import news

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue


class Commands:
    """Commands on incidents; each is one transaction and a message."""

    def __init__(self, ledger: Ledger, queue: Queue) -> None:
        self._ledger = ledger
        self._queue = queue

    async def acknowledge(
        self, incident_id: str, *, by: str, note: str = ""
    ) -> Incident | None:
        """Mark that somebody works on it; None where there is no such incident."""

        def change(head: Incident, mark: Mark) -> Incident:
            return replace(head, acknowledged=head.acknowledged or mark)

        return await self._say(incident_id, "incident.acknowledged", by, note, change)

    async def resolve(
        self, incident_id: str, *, by: str, note: str = ""
    ) -> Incident | None:
        """End it; a recurrence opens a new incident that names this one."""

        def change(head: Incident, mark: Mark) -> Incident:
            if head.resolved is not None and head.resolved.by == mark.by:
                return head
            return replace(head, status=IncidentStatus.RESOLVED, resolved=mark)

        return await self._say(incident_id, "incident.resolved", by, note, change)

    async def _say(
        self,
        incident_id: str,
        kind: str,
        by: str,
        note: str,
        change: Callable[[Incident, Mark], Incident],
    ) -> Incident | None:
        if by == SOURCE:
            raise ValueError(f"{SOURCE!r} is the detector's own name")
        if not rows.is_incident_id(incident_id):
            return None

        def decide(draft: Draft) -> Incident | None:
            head = draft.incident(incident_id)
            if head is None:
                return None
            changed = change(head, Mark(by=by, at=draft.now, note=note))
            if changed == head:
                return head
            changed = news(replace(changed, changed_at=draft.now), draft.now)
            draft.change(changed, Fact(kind=kind, detail=note))
            return changed

        partition = rows.partition_of_incident(incident_id)
        await self._ledger.refresh(partition, [rows.incident(incident_id)])
        head, _ = await self._ledger.transact(partition, decide, by=by)
        if head is not None:
            await self._queue.send(messages.encode([head.id]))
        return head
