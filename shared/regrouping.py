"""What a person does to groups: two incidents made one, alerts taken out of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.commands import agreed, carried_out, check
from shared.model.alert import AlertRow
from shared.model.errors import CommandRefused, StoreConflict
from shared.model.incident import Incident
from shared.store import messages, rows
from shared.store.ledger import MOST_CONFLICTS
from shared.triage import incidents, splitting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.commands import Order
    from shared.model.correlation import Correlation
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue


class Regrouping:
    """Merging and splitting; raises as ``Commands`` does."""

    def __init__(self, ledger: Ledger, queue: Queue, caps: Correlation) -> None:
        self._ledger = ledger
        self._queue = queue
        self._caps = caps

    async def merge(self, winner: str, loser: str, order: Order) -> Incident | None:
        """Make one of two incidents of one partition, whatever keys say.

        The senior one survives, whichever is named first. A person overrides an earlier
        split. None where one of them does not exist; raises CommandRefused where they
        cannot be one. The order's revision is that of the loser.
        """
        check(order)
        if not (rows.is_incident_id(winner) and rows.is_incident_id(loser)):
            return None
        partition = rows.partition_of_incident(winner)
        if partition != rows.partition_of_incident(loser):
            raise CommandRefused(
                f"incidents {winner} and {loser} lie in different partitions, which no"
                " transaction spans; name one in a note on the other"
            )
        asked = f"merge|{winner}|{loser}|{order.note}"

        def decide(draft: Draft) -> Incident | None:
            one, other = draft.incident(winner), draft.incident(loser)
            if one is None or other is None or one.id == other.id:
                return one if other is not None else None
            if carried_out(draft, order, asked):
                return one
            agreed(order, other)
            return splitting.unite(draft, one, other, note=order.note, caps=self._caps)

        await self._learn(partition, winner, loser)
        await self._ledger.refresh(partition, order.rows())
        head, _ = await self._ledger.transact(partition, decide, by=order.by)
        if head is None:
            return None
        await self._queue.send(messages.encode([head.id]))
        return self._ledger.remembered(head)

    async def split(
        self, incident_id: str, alerts: Sequence[str], order: Order
    ) -> tuple[Incident, Incident] | None:
        """Take alerts out into an incident of their own; what remains, and the new one.

        Nothing but a person brings them together again. Said twice, it is done once.
        None where there is no such incident; raises CommandRefused where the alerts
        cannot be taken out of it.
        """
        check(order)
        if not rows.is_incident_id(incident_id):
            return None
        names = frozenset(name.strip().lower() for name in alerts)
        partition = rows.partition_of_incident(incident_id)
        for _ in range(MOST_CONFLICTS):
            head = await self._learn(partition, incident_id)
            if head is None:
                return None
            done = await self._split(head, names, order)
            if done is not None:
                await self._queue.send(messages.encode([each.id for each in done]))
                remains, taken = map(self._ledger.remembered, done)
                return remains, taken
        raise StoreConflict(f"incident {incident_id} never rests")

    async def _split(
        self, head: Incident, names: frozenset[str], order: Order
    ) -> tuple[Incident, Incident] | None:
        """Take the alerts out of this state of the head; None where it is past.

        Whatever puts an alert on an incident, or changes one of it, writes its head. So
        rows that were read after the head are its rows while it is the same.
        """
        partition = rows.partition_of_incident(head.id)
        identity = splitting.identity(head, names)
        new_id = incidents.new_id(partition, identity, lambda _: False)
        await self._ledger.refresh(
            partition,
            [*map(rows.alert, names), rows.incident(new_id), *order.rows()],
        )
        found = await self._ledger.scan(partition, "a")
        alerts = [rows.decode(row, AlertRow) for row in found]
        of_it = {r.incident for r in alerts if r.id.lower() in names}
        split = None
        if not (new_id in head.apart and of_it == {new_id}):
            split = splitting.split_of(head, alerts, names, self._caps)
            keys = [rows.open_key(digest) for digest in split.points]
            await self._ledger.refresh(partition, keys)
        asked = f"{identity}|{order.note}"

        def decide(draft: Draft) -> tuple[Incident, Incident] | None:
            known = draft.incident(head.id)
            if split is None:
                taken = draft.incident(new_id)
                return (known, taken) if known and taken else None
            rest = [(row, rows.alert(row.id)) for row in split.moved]
            is_past = any(draft.read(name, AlertRow) != row for row, name in rest)
            if is_past or known != head:
                return None
            agreed(order, head)
            carried_out(draft, order, asked)
            free = incidents.new_id(
                partition,
                identity,
                lambda i: draft.read(rows.incident(i), Incident) is not None,
            )
            return splitting.take_out(draft, split, free, by=order.by, note=order.note)

        done, _ = await self._ledger.transact(partition, decide, by=order.by)
        return done

    async def _learn(self, partition: str, *incident_ids: str) -> Incident | None:
        """Read the heads as they are now, and those they were merged into."""
        fresh: set[str] = set()
        wanted = {*incident_ids}
        while wanted - fresh:
            await self._ledger.refresh(partition, [rows.incident(i) for i in wanted])
            fresh |= wanted
            heads, _ = await self._ledger.transact(
                partition, lambda d: [d.incident(i) for i in incident_ids], by="reader"
            )
            wanted = {head.id for head in heads if head is not None}
        return heads[0]
