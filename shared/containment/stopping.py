"""The one switch that keeps every deed from being begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.commands import check
from shared.model.deed import Stop
from shared.model.incident import Mark
from shared.store import rows

if TYPE_CHECKING:
    from shared.commands import Order
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger


class Stopping:
    """Stops, and lets go on. What is under way is finished, and undo stays possible."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def now(self) -> Mark | None:
        """Who stopped everything; None where nothing is stopped.

        Read anew each time: nobody's memory may be behind. Raises StoreError.
        """
        found = await self._ledger.table.get(rows.SHARED, [rows.STOP])
        row = found.get(rows.STOP)
        return rows.decode(row, Stop).stopped if row else None

    async def stop(self, order: Order) -> Mark | None:
        """Begin no new deed from now on; the first who says so is remembered.

        Raises CommandRefused and StoreError.
        """
        return await self._set(order, is_on=True)

    async def go_on(self, order: Order) -> Mark | None:
        """Begin deeds again. Raises CommandRefused and StoreError."""
        return await self._set(order, is_on=False)

    async def _set(self, order: Order, *, is_on: bool) -> Mark | None:
        check(order)

        def decide(draft: Draft) -> Mark | None:
            found = draft.read(rows.STOP, Stop)
            before = found.stopped if found else None
            mark = Mark(by=order.by, at=draft.now, note=order.note)
            after = (before or mark) if is_on else None
            if after != before:
                draft.put(rows.STOP, Stop(stopped=after))
            return after

        await self._ledger.refresh(rows.SHARED, [rows.STOP])
        done, _ = await self._ledger.transact(rows.SHARED, decide, by=order.by)
        return done
