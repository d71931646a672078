"""How many deeds may be begun in a stretch of time: reservations by key. Pure.

A slot that was taken is never given back: whether a call was made, nobody can be sure
of (review F17).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from shared.model import resource
from shared.model.action import Kind
from shared.model.storm import Slot, Slots

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.model.deed import Deed
    from shared.model.guards import Budget, Guards

# A row of the table holds them all; past that the earliest are forgotten.
MOST_SLOTS = 2_000


class Purse(NamedTuple):
    """A budget that a deed draws on; ``name`` is that of its row."""

    name: str
    budget: Budget


def purses(deed: Deed, guards: Guards) -> Iterator[Purse]:
    """Every budget that the deed draws on."""
    for budget in guards.budgets:
        is_counted = (
            deed.responder in budget.responders
            if budget.responders
            # What is kept of one machine would use up what contains three.
            else deed.kind is Kind.CONTAIN
        )
        if not is_counted:
            continue
        scope = resource.subscription(deed.resources[0]) if deed.resources else ""
        where = scope or resource.TENANT_SCOPE if budget.each else ""
        what = (where, str(budget.within), *sorted(budget.responders))
        text = "".join(f"{len(part)}:{part}" for part in what)
        yield Purse(hashlib.sha256(text.encode()).hexdigest()[:32], budget)


def reserve(
    slots: Slots, key: str, now: datetime, budget: Budget, *, is_approved: bool
) -> Slots | None:
    """The slots with one of that key, from now; None where there is no room for it.

    A key that has a slot is given it anew: it counts from when the deed is begun.
    What a person approved takes a slot even where there is none, unless that is strict.
    Times ahead count: a clock that was set back makes no room.
    """
    since = now - budget.within
    others = [slot for slot in slots.slots if slot.at > since and slot.key != key]
    is_full = len(others) >= budget.most
    if is_full and (budget.strict or not is_approved):
        return None
    return Slots(slots=(*others, Slot(key, now))[-MOST_SLOTS:])
