"""Room in budgets: taken before a deed is claimed, by compare-and-swap."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.actions import shares
from shared.actions.budgets import reserve
from shared.model.deed import DeedRow
from shared.model.storm import Slots
from shared.model.tally import Tally
from shared.store import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from shared.actions.budgets import Purse
    from shared.model.tally import Counted
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger


class Full(NamedTuple):
    """A budget that has no room, and why.

    ``since`` is when the first of what uses it up was counted; None where nothing does.
    """

    purse: Purse
    why: str
    since: datetime | None


class Reserving:
    """Takes room in budgets. Everything raises StoreError.

    What this process remembers of their rows may be of before others took theirs, so
    they are read again each time.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def __call__(
        self,
        row: DeedRow,
        purses: Sequence[Purse],
        *,
        is_approved: bool,
        takes: bool = True,
    ) -> Full | None:
        """Have the deed take room in each; the first that has none, and None else.

        What was taken is never given back, so all are looked at before any is drawn on.
        Unless it ``takes``, they are looked at alone.
        """
        rounds = [False] * (len(purses) > 1 or not takes) + [True] * takes
        for is_for_good in rounds:
            for purse in purses:
                full = await (self._slot if purse.group is None else self._share)(
                    row, purse, is_approved=is_approved, takes=is_for_good
                )
                if full is not None:
                    return full
        return None

    async def _slot(
        self, row: DeedRow, purse: Purse, *, is_approved: bool, takes: bool
    ) -> Full | None:
        name, budget = f"{rows.BUDGET}{purse.name}", purse.budget

        def decide(draft: Draft) -> Full | None:
            before = draft.read(name, Slots) or Slots()
            after = reserve(before, row.key, draft.now, budget, is_approved=is_approved)
            if after is not None:
                if takes:
                    draft.put(name, after)
                return None
            known = [s.at for s in before.slots if s.at > draft.now - budget.within]
            minutes = budget.within // timedelta(minutes=1)
            why = f"{budget.most} were begun within {minutes} minutes"
            return Full(purse, why, min(known, default=draft.now))

        await self._ledger.refresh(rows.SHARED, [name])
        done, _ = await self._ledger.transact(rows.SHARED, decide, by="respond")
        return done

    async def _share(
        self, row: DeedRow, purse: Purse, *, is_approved: bool, takes: bool
    ) -> Full | None:
        name, budget, group = f"{rows.SHARE}{purse.name}", purse.budget, purse.group
        assert group is not None  # noqa: S101  whoever calls it looked
        await self._ledger.refresh(rows.SHARED, [name])
        known = self._ledger.recall(rows.SHARED, name, Tally) or Tally()
        # Whoever begins one of these again counts it anew first, and this loses to that.
        over = await self._over(shares.doubtful(known, self._ledger.now(), budget))

        def decide(draft: Draft) -> Full | None:
            counted = shares.left(draft.read(name, Tally) or Tally(), over)
            after = shares.admitted(
                counted, row, group, draft.now, budget, is_approved=is_approved
            )
            if after is not None:
                if takes:
                    draft.put(name, after)
                return None
            is_used = bool(counted) and shares.most(group, budget) > 0
            since = min(each.at for each in counted) if is_used else None
            return Full(purse, shares.why(counted, row, group, budget), since)

        done, _ = await self._ledger.transact(rows.SHARED, decide, by="respond")
        return done

    async def _over(self, doubtful: Iterable[Counted]) -> frozenset[Counted]:
        """Those whose deeds hold nothing: read anew, whatever is remembered of them."""
        places: dict[str, dict[str, list[Counted]]] = defaultdict(dict)
        for each in doubtful:
            partition = rows.partition_of_incident(each.incident)
            place = rows.deed(each.incident, each.key)
            places[partition].setdefault(place, []).append(each)
        found = await asyncio.gather(
            *(self._ledger.table.get(where, keys) for where, keys in places.items())
        )
        return frozenset(
            each
            for keys, there in zip(places.values(), found, strict=True)
            for place, counted in keys.items()
            if (row := there.get(place)) is None
            or not shares.holds(rows.decode(row, DeedRow))
            for each in counted
        )
