"""How many machines of a group may be contained at a time. Pure.

A machine counts for each deed from when that is let begin: while the deed may hold
anything, and for the time of its budget at least. So what was counted is given back by
nobody who could die over it: whoever needs room looks at the deeds behind it.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.deed_status import DeedStatus
from shared.model.tally import Counted, Tally
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from shared.model.deed import DeedRow
    from shared.model.guards import Budget
    from shared.model.tally import Group

# Whoever was given room has written the claim by then, or never will: a claim that is
# over is not written, and that is a matter of two minutes.
WRITTEN_WITHIN = timedelta(minutes=15)

SUBNET = "microsoft.network/virtualnetworks/subnets"
SCALE_SET = "microsoft.compute/virtualmachinescalesets"

_NAME = 80


def doubtful(tally: Tally, now: datetime, budget: Budget) -> list[Counted]:
    """What counts only where its deed still holds; times ahead are in no doubt."""
    since = now - _surely(budget)
    return [each for each in tally.counted if each.at <= since]


def holds(row: DeedRow) -> bool:
    """Whether the deed has its machines contained, for all that is known."""
    if row.status is DeedStatus.VERIFIED:
        return row.deed.reversible
    return row.status.may_hold


def left(tally: Tally, over: Collection[Counted]) -> tuple[Counted, ...]:
    """What counts, without what is over. What was counted anew since is not."""
    return tuple(each for each in tally.counted if each not in over)


def admitted(
    counted: Sequence[Counted],
    row: DeedRow,
    group: Group,
    now: datetime,
    budget: Budget,
    *,
    is_approved: bool,
) -> Tally | None:
    """What counts with the deed's machines, from now; None where there is no room.

    What a person approved counts even where there is none, unless that is strict.
    """
    others = tuple(each for each in counted if each.key != row.key)
    mine = sorted(map(_hash, group.machines))
    would_be = {each.machine for each in others} | set(mine)
    is_full = len(would_be) > most(group, budget)
    if is_full and (budget.strict or not is_approved):
        return None
    new = (Counted(row.key, row.incident, machine, now) for machine in mine)
    return Tally(counted=(*others, *new))


def most(group: Group, budget: Budget) -> int:
    """How many machines of the group may be contained at a time."""
    return (group.size or 0) * (budget.share or 0) // 100


def why(counted: Sequence[Counted], row: DeedRow, group: Group, budget: Budget) -> str:
    """Why there is no room, in one sentence."""
    name, share = _named(group.id), f"{budget.share} %"
    if group.size is None:
        about = (
            f"how many machines {name} has"
            if resource.type_of(group.id) in {SUBNET, SCALE_SET}
            else f"which scale set and subnets {name} belongs to"
        )
        return f"{about} cannot be read, and the policy allows {share} of them"
    of = f"{group.size} machine{'s' * (group.size != 1)} of {name}"
    if most(group, budget) == 0:
        return f"the policy allows {share} of the {of}, which is less than one"
    found = len({each.machine for each in counted if each.key != row.key})
    minutes = _surely(budget) // timedelta(minutes=1)
    now, lately = ("is", "was") if found == 1 else ("are", "were")
    return (
        f"{found} of the {of} {now} contained already or {lately} within {minutes}"
        f" minutes, and the policy allows {share}"
    )


def _surely(budget: Budget) -> timedelta:
    """For how long a machine counts, whatever becomes of the deed."""
    return max(budget.within, WRITTEN_WITHIN)


def _hash(machine: str) -> str:
    return hashlib.sha256(machine.encode()).hexdigest()[:32]


def _named(group_id: str) -> str:
    """A group for people; a subnet with its network, for every other one is `default`."""
    name = resource.display_name(group_id)
    match resource.type_of(group_id):
        case kind if kind == SUBNET:
            network = group_id.split("/")[-3]
            return f"subnet {plain(f'{network}/{name}', _NAME)}"
        case kind if kind == SCALE_SET:
            return f"scale set {plain(name, _NAME)}"
        case _:
            return plain(name, _NAME)
