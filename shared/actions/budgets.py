"""How many deeds may be begun in a stretch of time: reservations by key. Pure.

A slot that was taken is never given back: whether a call was made, nobody can be sure
(review F17). Budgets that are shares of a group are counted in ``shares``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from shared.model import resource
from shared.model.action import Kind
from shared.model.storm import Slot, Slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from shared.model.deed import Deed
    from shared.model.guards import Budget, Guards
    from shared.model.tally import Group

# A row of the table holds them all; past that the earliest are forgotten.
MOST_SLOTS = 2_000

_MACHINES = frozenset(
    {
        "microsoft.compute/virtualmachines",
        "microsoft.compute/virtualmachinescalesets/virtualmachines",
    }
)


class Purse(NamedTuple):
    """A budget that a deed draws on; ``name`` is that of its row.

    ``group`` is what it is a share of, where it is one.
    """

    name: str
    budget: Budget
    group: Group | None = None


def purses(deed: Deed, guards: Guards, groups: Sequence[Group] = ()) -> Iterator[Purse]:
    """Every budget that the deed draws on; ``groups`` are those of its machines."""
    for budget in guards.budgets:
        if not _counts(budget, deed):
            continue
        if budget.share is None:
            scope = resource.subscription(deed.resources[0]) if deed.resources else ""
            where = scope or resource.TENANT_SCOPE if budget.each else ""
            what = (where, str(budget.within), *sorted(budget.responders))
            yield Purse(_name(what), budget)
            continue
        for group in groups:
            # Another share, or another time, forgets nothing that is contained.
            what = ("share", group.id, *sorted(budget.responders))
            yield Purse(_name(what), budget, group)


def machines(deed: Deed, guards: Guards) -> tuple[str, ...]:
    """The machines whose groups a share goes by: those the deed touches, if any does."""
    if not any(b.share is not None and _counts(b, deed) for b in guards.budgets):
        return ()
    found = (each for each in deed.resources if resource.type_of(each) in _MACHINES)
    return tuple(dict.fromkeys(found))


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
    is_full = len(others) >= (budget.most or 0)
    if is_full and (budget.strict or not is_approved):
        return None
    return Slots(slots=(*others, Slot(key, now))[-MOST_SLOTS:])


def _counts(budget: Budget, deed: Deed) -> bool:
    if budget.responders:
        return deed.responder in budget.responders
    # What is kept of one machine would use up what contains three.
    return deed.kind is Kind.CONTAIN


def _name(what: Sequence[str]) -> str:
    text = "".join(f"{len(part)}:{part}" for part in what)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
