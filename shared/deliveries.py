"""Notices that were given up: which there are, and sending them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.commands import agreed, check
from shared.model.action import ActionRow, ActionStatus
from shared.model.errors import CommandRefused
from shared.model.incident import Fact
from shared.store import messages, reading, rows
from shared.store.draft import news

if TYPE_CHECKING:
    from shared.commands import Order
    from shared.model.incident import Incident
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# What a transaction has room for, beside the head and its timeline.
MOST_AT_ONCE = 90


class Deliveries:
    """What did not arrive, and what a person does about it. All raise StoreError."""

    def __init__(self, ledger: Ledger, queue: Queue) -> None:
        self._ledger = ledger
        self._queue = queue

    async def undelivered(self) -> list[ActionRow]:
        """Every action that was given up or is to be tried again, the oldest first.

        Reads the actions of all incidents that are not in history.
        """
        found = await reading.actions(self._ledger)
        return [
            row
            for row in found
            if row.status in {ActionStatus.FAILED, ActionStatus.RETRY}
        ]

    async def resend(self, incident_id: str, order: Order) -> int | None:
        """Try again what was given up of an incident, under the keys that it has.

        How many actions that are; None where there is no such incident. What nobody
        needs any more by now is dropped by the look that follows. Raises CommandRefused
        where there is nothing to send, and CommandStale.
        """
        check(order)
        if not rows.is_incident_id(incident_id):
            return None
        partition = rows.partition_of_incident(incident_id)
        stored = await self._ledger.scan(partition, f"x|{incident_id}")
        given_up = [
            (found, row.etag)
            for row in stored
            if (found := rows.decode(row, ActionRow)).status is ActionStatus.FAILED
        ][:MOST_AT_ONCE]

        def decide(draft: Draft) -> Incident | None:
            head = draft.incident(incident_id)
            if head is None:
                return None
            agreed(order, head)
            if not given_up:
                raise CommandRefused("nothing of it was given up")
            for row, etag in given_up:
                again = replace(
                    row,
                    status=ActionStatus.RETRY,
                    not_before=None,
                    # The day that it is tried for begins anew.
                    planned_at=draft.now,
                    changed_at=draft.now,
                )
                draft.put_action(again, etag)
            said = f"{len(given_up)} tried again"
            detail = f"{said}: {order.note}" if order.note else said
            changed = news(head, draft.now)
            draft.change(changed, Fact(kind="delivery.resent", detail=detail))
            return changed

        await self._ledger.refresh(partition, [rows.incident(incident_id)])
        head, _ = await self._ledger.transact(partition, decide, by=order.by)
        if head is None:
            return None
        await self._queue.send(messages.encode([head.id]))
        return len(given_up)
