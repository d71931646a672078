"""What forwards are made of, read just before they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.actions import forwards
from shared.model.action import ActionStatus, Occasion, Verb
from shared.model.deed import DeedRow
from shared.model.dossier import Dossier
from shared.model.incident import Entry
from shared.store import reading, rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.actions.reconcile import Todo
    from shared.model.action import Action, ActionRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.store.ledger import Ledger

# Entries of a timeline that one forward copies; the rest goes with the next.
MOST_ENTRIES = 500

# Evidence is asked for at one time and there at another, and clocks differ.
SLACK = timedelta(minutes=10)


class Forwarding:
    """Reads dossiers; it decides nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def filled(
        self,
        head: Incident,
        todo: Todo,
        stored: Sequence[ActionRow],
        evidence: Sequence[Evidence],
    ) -> Todo:
        """The forwards among what is to do with their dossiers. Raises StoreError."""
        actions = [
            replace(each, dossier=await self._dossier(head, each, stored, evidence))
            if each.verb is Verb.FORWARD
            else each
            for each in todo.actions
        ]
        return todo._replace(actions=tuple(actions))

    async def _dossier(
        self,
        head: Incident,
        action: Action,
        stored: Sequence[ActionRow],
        evidence: Sequence[Evidence],
    ) -> Dossier:
        mine = forwards.theirs(stored, action.responder, action.incident)
        before = [row for row in mine if row.key != action.key]
        if action.occasion is Occasion.MERGED:
            # What another worker could not send is dropped: it goes with this.
            taken = [r for r in before if r.status is not ActionStatus.DROPPED]
            after = forwards.through(taken)
        else:
            row = next((row for row in mine if row.key == action.key), None)
            after = forwards.begins_after(row, mine) if row else forwards.through(mine)
        since = max((row.planned_at for row in before), default=None)
        incident, entries = head, await self._entries(action.incident, after)
        if action.incident != head.id:
            found = await reading.head(self._ledger, action.incident)
            incident, evidence = found or head, ()
        done = await self._deeds(incident) if incident.deeds else []
        return Dossier(
            incident=incident,
            entries=tuple(entries),
            actions=tuple(
                row
                for row in stored
                if row.incident == action.incident
                and row.verb is not Verb.FORWARD
                and (since is None or row.changed_at >= since)
            ),
            deeds=tuple(
                row for row in done if since is None or row.changed_at >= since
            ),
            evidence=_new(incident, evidence, since),
            through=entries[-1].sequence if entries else max(after, incident.sequence),
        )

    async def _entries(self, incident: str, after: int) -> list[Entry]:
        partition = rows.partition_of_incident(incident)
        first, last = rows.entry(incident, after + 1), rows.span(f"t|{incident}")[1]
        found = await self._ledger.table.scan(
            partition, first, last, limit=MOST_ENTRIES
        )
        return [rows.decode(row, Entry) for row in found]

    async def _deeds(self, incident: Incident) -> list[DeedRow]:
        partition = rows.partition_of_incident(incident.id)
        found = await self._ledger.scan(partition, f"c|{incident.id}")
        return [rows.decode(row, DeedRow) for row in found]


def _new(
    incident: Incident, evidence: Sequence[Evidence], since: datetime | None
) -> tuple[Evidence, ...]:
    """What logs said since a forward was planned, if they were asked since."""
    if since is None:
        return tuple(evidence)
    if incident.evidence is None or incident.evidence.at < since:
        return ()
    return tuple(each for each in evidence if each.asked_at >= since - SLACK)
