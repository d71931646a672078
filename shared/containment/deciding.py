"""What people say about deeds: let one pass or hold longer, deny it, take it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.actions import deed_words, deeds
from shared.actions.containment_tag import resource_of
from shared.commands import agreed, carried_out, check
from shared.containment.containing import tell, with_rows
from shared.model.deed import DeedRow, Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import CommandRefused, CommandStale
from shared.model.incident import Fact, Mark
from shared.model.text import minute
from shared.store import messages, rows
from shared.store.draft import news

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.commands import Order
    from shared.containment.approving import Approving
    from shared.model.incident import Incident
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# A deed that holds for longer than this is somebody's own change by now.
LONGEST = timedelta(days=30)

_IN_FORCE = frozenset({DeedStatus.APPLIED, DeedStatus.VERIFIED})
_UNBEGUN = frozenset({DeedStatus.AWAITING, DeedStatus.GUARDED, DeedStatus.PLANNED})


class Deciding:
    """Commands on deeds; each is one transaction and a message.

    Each gives the deed as it then is, or None where there is none of that key. All raise
    CommandRefused, CommandStale and StoreError. ``lasts`` is how long an approval counts.
    """

    def __init__(
        self, ledger: Ledger, queue: Queue, approving: Approving, *, lasts: timedelta
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._approving = approving
        self._lasts = lasts

    async def approve(
        self, incident_id: str, key: str, order: Order, *, plan: str
    ) -> DeedRow | None:
        """Let the deed pass what only asks; ``plan`` is the hash of what was looked at.

        What refuses, refuses all the same.
        """

        def change(row: DeedRow, mark: Mark) -> DeedRow:
            if row.approval is not None and self._approving.holds(row, mark.at):
                return row
            if row.status is not DeedStatus.AWAITING:
                raise CommandRefused(f"it does not wait for approval: {row.status}")
            if not plan or not row.deed.digest.startswith(plan):
                raise CommandStale("it is not planned any more as it was shown")
            if row.not_before is not None and row.not_before <= mark.at:
                raise CommandRefused("the time to approve it is over")
            until = mark.at + self._lasts
            given = self._approving.signed(row, mark.by, mark.at, until)
            if given is None:
                raise CommandRefused(
                    "approvals cannot be signed: set FIREWATCH_LINK_KEY"
                )
            return replace(row, approval=given)

        return await self._say(incident_id, key, order, "deed.approved", change)

    async def deny(self, incident_id: str, key: str, order: Order) -> DeedRow | None:
        """Keep a deed that was not begun from being done, for as long as it is open."""

        def change(row: DeedRow, mark: Mark) -> DeedRow:
            if row.status is DeedStatus.DENIED:
                return row
            if row.status not in _UNBEGUN:
                raise CommandRefused(f"there is nothing to deny: {row.status}")
            return deeds.denied(row, mark)

        return await self._say(incident_id, key, order, "", change)

    async def undo(
        self, incident_id: str, key: str, order: Order, *, how: Undo = Undo.CAREFUL
    ) -> DeedRow | None:
        """Take a deed back now; one that was not begun never will be."""

        def change(row: DeedRow, mark: Mark) -> DeedRow:
            if row.status in _UNBEGUN:
                return deeds.denied(row, mark)
            is_held = row.status.may_hold and row.deed.reversible
            if not is_held:
                raise CommandRefused(f"there is nothing to take back: {row.status}")
            if row.ending is not None and row.how is how:
                return row
            return replace(row, ending=mark, how=how)

        kind = f"deed.to_be_undone ({how})" if how is not Undo.CAREFUL else ""
        return await self._say(
            incident_id, key, order, kind or "deed.to_be_undone", change
        )

    async def extend(
        self, incident_id: str, key: str, order: Order, *, until: datetime
    ) -> DeedRow | None:
        """Let a deed hold longer than it would; what has no end has none."""

        def change(row: DeedRow, mark: Mark) -> DeedRow:
            if row.until == until:
                return row
            if row.until is None or row.status not in _IN_FORCE:
                raise CommandRefused(f"it has no end to be put off: {row.status}")
            if until <= max(row.until, mark.at):
                raise CommandRefused(f"it holds until {minute(row.until)} already")
            if until - mark.at > LONGEST:
                raise CommandRefused(f"not for more than {LONGEST.days} days from now")
            is_to_tag = row.status is DeedStatus.VERIFIED and resource_of(row.deed)
            # A look is due for it, by whoever may tag.
            again = mark.at if is_to_tag else row.not_before
            return replace(row, until=until, not_before=again)

        kind = f"deed.extended until {minute(until)}"
        return await self._say(incident_id, key, order, kind, change)

    async def _say(
        self,
        incident_id: str,
        key: str,
        order: Order,
        kind: str,
        change: Callable[[DeedRow, Mark], DeedRow],
    ) -> DeedRow | None:
        check(order)
        head = await self._head(incident_id)
        if head is None or key not in head.deeds:
            return None
        place = rows.deed(head.deeds[key].incident, key)
        asked = f"{kind}|{incident_id}|{key}|{order.note}"

        def decide(draft: Draft) -> tuple[DeedRow | None, str]:
            known, row = draft.incident(head.id), draft.read(place, DeedRow)
            if known is None or row is None or carried_out(draft, order, asked):
                return row, ""
            agreed(order, known)
            mark = Mark(by=order.by, at=draft.now, note=order.note)
            changed = change(row, mark)
            if changed == row:
                return row, ""
            draft.put(place, changed)
            said = Fact(kind=kind, detail=changed.deed.says) if kind else None
            after = news(with_rows(known, [changed]), draft.now)
            draft.change(after, said or deed_words.fact(changed))
            return changed, known.id

        partition = rows.partition_of_incident(head.id)
        await self._ledger.refresh(
            partition, [rows.incident(head.id), place, *order.rows()]
        )
        (row, changed), _ = await self._ledger.transact(partition, decide, by=order.by)
        if changed:
            if row is not None and row.approval is None:
                tell(row)
            await self._queue.send(messages.encode([changed]))
        return row

    async def _head(self, incident_id: str) -> Incident | None:
        """The incident, or the one that it was merged into, as the store has it now."""
        if not rows.is_incident_id(incident_id):
            return None
        partition = rows.partition_of_incident(incident_id)
        await self._ledger.refresh(partition, [rows.incident(incident_id)])
        head, _ = await self._ledger.transact(
            partition, lambda draft: draft.incident(incident_id), by="reader"
        )
        return (
            head
            if head is None or head.id == incident_id
            else await self._head(head.id)
        )
