"""At most a share of a scale set or a subnet is contained at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.actions import deed_words, deeds
from shared.actions.budgets import Purse
from shared.actions.deeds import Step
from shared.commands import Order
from shared.containment.containing import Moves
from shared.containment.doing import Job
from shared.containment.reserving import Reserving
from shared.model.deed import Guard, Says
from shared.model.deed_status import DeedStatus
from shared.model.errors import StoreConflict
from shared.model.guards import Budget, Contain, Mode
from shared.model.incident import OWN
from shared.model.tally import Group, Tally
from shared.store import rows
from shared.store.draft import Draft
from shared.store.memory import Memory
from tests.alerts import NOON
from tests.fakes.estate import FakeDoer
from tests.unit.actions.test_shares import FIFTH, WEB, A, B, C, row
from tests.unit.containment.kit import RULE, acting, comes, only, passes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.containment.reserving import Full
    from shared.model.deed import DeedRow
    from shared.store.ledger import Ledger
    from shared.store.ports import Row
    from tests.fakes.firewatch import World

HOUR = timedelta(hours=1)
ADA = Order("entra:ada")
NAMES = ("vm-a", "vm-b", "vm-c", "vm-d")


def shared(*budgets: Budget, size: int | None = 10, **more: Any) -> World:  # noqa: ANN401
    """A world of machines in one subnet."""
    rules, mode = more.pop("rules", ()), more.pop("mode", Mode.ACT)
    world = acting(mode, *rules, budgets=budgets or (FIFTH,), **more)
    for name in NAMES:
        machine = A.replace("vm-a", name)
        world.estate.groups[machine] = {WEB: size}
    return world


async def come(world: World, *names: str, first: int = 1) -> None:
    """An alert about each of them."""
    for number, name in enumerate(names, start=first):
        await comes(world, number, name)


async def of(world: World, machine: str) -> DeedRow:
    """The deed about a machine."""
    (found,) = [r for r in await world.deeds() if r.deed.target == machine]
    return found


async def test_past_the_share_people_are_asked_and_told_why() -> None:
    """In the page and the timeline; what they approve is done, and counts."""
    world = shared()
    await come(world, "vm-a", "vm-b", "vm-c")

    waiting = await of(world, C)
    (finding,) = waiting.findings
    assert (finding.guard, finding.says) == (Guard.BUDGET, Says.ASK)
    assert finding.why.startswith(
        "2 of the 10 machines of subnet shop/web are contained"
    )
    head = next(h for h in await world.heads() if waiting.key in h.deeds)
    assert finding.why in head.deeds[waiting.key].line
    (own,) = [h for h in await world.heads() if OWN in h.sources]
    assert "2 of the 10 machines of subnet shop/web" in own.title

    await world.worker.deciding.approve(
        waiting.incident, waiting.key, ADA, plan=waiting.deed.digest
    )
    await world.deliver()
    await come(world, "vm-d", first=4)

    assert world.estate.isolated == {A, B, C}
    (finding,) = (await of(world, A.replace("vm-a", "vm-d"))).findings
    assert finding.why.startswith("3 of the 10 machines")


async def test_what_is_in_force_counts_for_as_long() -> None:
    """However long ago it was begun; then there is room again."""
    world = shared()
    await come(world, "vm-a", "vm-b")
    await passes(world, 3 * HOUR)
    await come(world, "vm-c", first=3)
    assert world.estate.isolated == {A, B}

    await passes(world, HOUR)
    assert world.estate.isolated == set()
    await come(world, "vm-d", first=4)

    assert world.estate.isolated == {A.replace("vm-a", "vm-d")}


async def test_what_was_taken_back_counts_for_the_time_of_the_budget() -> None:
    """A share that could be used over and over within minutes would be none."""
    world = shared()
    await come(world, "vm-a", "vm-b")
    first = await of(world, A)
    await world.worker.deciding.undo(first.incident, first.key, ADA)
    await world.deliver()
    assert world.estate.isolated == {B}

    await come(world, "vm-c", first=3)
    assert world.estate.isolated == {B}

    await passes(world, HOUR)
    await come(world, "vm-d", first=4)
    assert world.estate.isolated == {B, A.replace("vm-a", "vm-d")}


async def test_responders_of_one_machine_are_one_machine() -> None:
    """Two deeds about each of two machines fill what two machines may."""
    rule = Contain(do=("isolate", "stop"), match=RULE.match)
    world = shared(rules=(rule,))
    world.doers["stop"] = FakeDoer(world.estate, "stop")
    world.doers["stop"].use = "stop"
    world.restart()
    await come(world, "vm-a", "vm-b", "vm-c")

    asked = {
        r.deed.target for r in await world.deeds() if r.status is DeedStatus.AWAITING
    }
    assert asked == {C}


@pytest.mark.parametrize(
    ("size", "strict", "says", "why"),
    [
        (4, False, Says.ASK, "the policy allows 20 % of the 4 machines"),
        (None, False, Says.ASK, "how many machines subnet shop/web has cannot be read"),
        (None, True, Says.REFUSE, "how many machines subnet shop/web has cannot be"),
    ],
)
async def test_what_is_small_or_unread_has_no_room(
    size: int | None, says: Says, why: str, *, strict: bool
) -> None:
    """And that is no budget that is used up: nobody is told of one."""
    world = shared(Budget(share=20, strict=strict), size=size)
    await come(world, "vm-a")

    (finding,) = (await only(world)).findings
    assert (finding.guard, finding.says) == (Guard.BUDGET, says)
    assert finding.why.startswith(why)
    assert not [h for h in await world.heads() if OWN in h.sources]


@pytest.mark.parametrize(
    ("size", "strict", "status", "said"),
    [
        (10, False, DeedStatus.PLANNED, ""),
        (4, False, DeedStatus.PLANNED, "would have been asked: the policy allows 20 %"),
        (None, False, DeedStatus.PLANNED, "would have been asked: how many machines"),
        (None, True, DeedStatus.REFUSED, "refused, how many machines"),
    ],
)
async def test_shadow_says_what_has_no_room(
    size: int | None, status: DeedStatus, said: str, *, strict: bool
) -> None:
    """While it can still be mended; and nothing is taken."""
    world = shared(Budget(share=20, strict=strict), size=size, mode=Mode.SHADOW)
    await come(world, "vm-a")

    found = await only(world)
    assert found.status is status
    assert said in deed_words.gist(found).stands
    assert bool(said) == bool(found.findings)
    assert not [key for key in world.table.keys if key.startswith(rows.SHARE)]


async def test_each_group_must_have_room() -> None:
    """A machine in a set and a subnet takes room in both."""
    world = shared()
    workers = f"{A.rpartition('/virtualmachines/')[0]}/virtualmachinescalesets/w"
    world.estate.groups[A][workers] = world.estate.groups[B][workers] = 5
    await come(world, "vm-a", "vm-b", "vm-c")

    assert world.estate.isolated == {A, C}
    (finding,) = (await of(world, B)).findings
    assert finding.why.startswith("1 of the 5 machines of scale set w is contained")


@pytest.mark.parametrize(
    ("mode", "budget", "is_read"),
    [
        (Mode.ACT, FIFTH, True),
        (Mode.APPROVE, FIFTH, True),
        (Mode.SHADOW, FIFTH, True),
        (Mode.ACT, Budget(most=3), False),
    ],
)
async def test_groups_are_read_where_they_matter(
    mode: Mode, budget: Budget, *, is_read: bool
) -> None:
    """Once for a look, and only where a budget is a share."""
    world = acting(mode, budgets=(budget,))
    asked: list[Sequence[str]] = []

    async def groups_of(
        machines: Sequence[str],
    ) -> Mapping[str, Mapping[str, int | None]]:
        asked.append(machines)
        return {}

    world.estate.groups_of = groups_of  # type: ignore[method-assign]
    world.restart()
    await comes(world)

    assert asked == ([[A]] if is_read else [])


# Who takes room at the same time


def purse(size: int = 10) -> Purse:
    """A fifth of the subnet."""
    return Purse("web", FIFTH, Group(WEB, size, (C,)))


async def tally(ledger: Ledger) -> Tally:
    """What counts."""
    found = await ledger.table.get(rows.SHARED, [f"{rows.SHARE}web"])
    (known,) = found.values()
    return rows.decode(known, Tally)


async def put(ledger: Ledger, found: DeedRow) -> None:
    """Have the row of a deed be so."""
    place = rows.deed(found.incident, found.key)
    partition = rows.partition_of_incident(found.incident)
    await ledger.refresh(partition, [place])
    await ledger.transact(partition, lambda draft: draft.put(place, found), by="t")


async def takes(ledger: Ledger, key: str, machine: str, size: int = 10) -> Full | None:
    """Room for a deed of that key about a machine."""
    mine = purse(size)._replace(group=Group(WEB, size, (machine,)))
    return await Reserving(ledger)(row(key, machine), [mine], is_approved=False)


async def test_of_many_at_once_as_many_begin_as_there_is_room_for() -> None:
    """Each process remembers other things, and none of them counts by that."""
    world = shared()
    ledgers = [world.new_worker().ledger for _ in range(6)]

    found = await asyncio.gather(
        *(takes(each, str(n), f"{A}{n}") for n, each in enumerate(ledgers))
    )

    assert found.count(None) == 2
    assert len((await tally(world.ledger)).counted) == 2


@pytest.mark.parametrize(
    ("status", "has_room"),
    [
        (None, True),
        (DeedStatus.LAPSED, True),
        (DeedStatus.GUARDED, True),
        (DeedStatus.EXPIRED, True),
        (DeedStatus.CLAIMED, False),
        (DeedStatus.VERIFIED, False),
        (DeedStatus.RELEASING, False),
        (DeedStatus.STRANDED, False),
    ],
)
async def test_room_that_a_dead_worker_took_is_free_in_time(
    status: DeedStatus | None, *, has_room: bool
) -> None:
    """Unless its deed may hold the machine: that is looked up, and nothing remembered."""
    world = shared()
    await takes(world.worker.ledger, "dead", A, size=5)
    if status is not None:
        await put(world.worker.ledger, row("dead", A, status))
    at_once = await takes(world.worker.ledger, "next", B, size=5)
    assert at_once is not None

    world.clock.step(HOUR)
    found = await takes(world.worker.ledger, "next", B, size=5)

    assert (found is None) == has_room
    kept = {each.key for each in (await tally(world.ledger)).counted}
    assert kept == ({"next"} if has_room else {"dead"})


async def test_whoever_begins_again_meanwhile_keeps_the_room() -> None:
    """What was looked up is as it was before; what is written is compared."""
    world = shared()
    await takes(world.worker.ledger, "old", A, size=5)
    await put(world.worker.ledger, row("old", A, DeedStatus.LAPSED))
    world.clock.step(HOUR)
    mine, theirs = (world.new_worker().ledger for _ in range(2))
    get = world.table.get
    others = [theirs]

    async def slow(partition: str, keys: Collection[str]) -> dict[str, Row]:
        found = await get(partition, keys)
        if others and any(key.startswith("c|") for key in keys):
            assert await takes(others.pop(), "old", A, size=5) is None
        return found

    world.table.get = slow  # type: ignore[method-assign]
    full = await takes(mine, "next", B, size=5)

    assert full is not None
    assert [each.key for each in (await tally(world.ledger)).counted] == ["old"]


async def test_a_claim_that_is_over_before_it_is_written_is_judged_anew() -> None:
    """The room it was given may be another's by then."""
    until = NOON + timedelta(minutes=2)
    job = Job(Step.APPLY, deeds.claimed(row("1"), Step.APPLY, NOON, until))
    moves = Moves(rows=(job.row,), jobs=(job,))
    moves.put(Draft("00", Memory(), until - timedelta(seconds=1)))

    with pytest.raises(StoreConflict):
        moves.put(Draft("00", Memory(), until))
