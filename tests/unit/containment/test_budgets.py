"""Budgets, and the switch that stops everything."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model.alert import Severity
from shared.model.deed import Guard, Says
from shared.model.deed_status import DeedStatus
from shared.model.guards import Budget, Contain, Mode
from shared.model.incident import OWN
from shared.store import reading
from tests.unit.containment.kit import (
    A_VM,
    ADA,
    B_VM,
    HOUR,
    RULE,
    Snapshot,
    acting,
    approve,
    comes,
    guards,
    only,
    passes,
    undo,
)

if TYPE_CHECKING:
    from shared.model.deed import Deed


async def test_past_the_budget_people_are_asked() -> None:
    """What they approve is done, and counts; what is strict refuses."""
    world = acting(budgets=(Budget(most=2),))
    for number, name in enumerate(("vm-a", "vm-b", "vm-c", "vm-d"), start=1):
        await comes(world, number, name)
    waiting = [row for row in await world.deeds() if row.status is DeedStatus.AWAITING]
    assert len(world.estate.isolated) == 2
    assert [guards(row) for row in waiting] == [[(Guard.BUDGET, Says.ASK)]] * 2

    await approve(world, waiting[0])

    assert len(world.estate.isolated) == 3
    strict = acting(budgets=(Budget(most=0, strict=True),))
    await comes(strict)
    assert guards(await only(strict)) == [(Guard.BUDGET, Says.REFUSE)]


async def test_a_budget_that_is_used_up_is_told_once() -> None:
    """In an incident of its own, however many deeds find no room."""
    world = acting(budgets=(Budget(most=1),))
    for number, name in enumerate(("vm-a", "vm-b", "vm-c"), start=1):
        await comes(world, number, name)
        await passes(world)

    (own,) = [head for head in await world.heads() if OWN in head.sources]
    assert own.severity is Severity.HIGH
    assert own.title.startswith(
        "Containment has used up a budget: 1 were begun within 60 minutes"
    )
    told = [a for a in world.pager.actions if a.incident == own.id]
    assert [action.occasion for action in told] == ["opened"]


async def test_evidence_counts_where_it_is_named() -> None:
    """It leaves the room there is to what contains."""
    rule = Contain(do=("snapshot", "isolate"), match=RULE.match)
    for named in ((), ("snapshot",)):
        world = acting(Mode.ACT, rule, budgets=(Budget(most=1, responders=named),))
        world.doers["snapshot"] = Snapshot(world)
        world.restart()
        await comes(world)
        await comes(world, 2, "vm-b")
        await passes(world)

        rows = await world.deeds()
        asked = [r.deed.responder for r in rows if r.status is DeedStatus.AWAITING]
        assert asked == (["snapshot"] if named else ["isolate"])


async def test_a_budget_has_room_again_in_time() -> None:
    """The stretch slides: an hour after the first, one more may be begun."""
    world = acting(budgets=(Budget(most=1),))
    await comes(world)
    await comes(world, 2, "vm-b")
    assert world.estate.isolated == {A_VM}

    world.clock.step(HOUR + timedelta(minutes=1))
    await comes(world, 3, "vm-c")

    assert len(world.estate.isolated) == 2


async def test_while_stopped_nothing_is_begun_and_all_can_be_taken_back() -> None:
    """It waits, and goes on when somebody says so."""
    world = acting()
    await comes(world)
    await world.worker.stopping.stop(ADA)

    await comes(world, 2, "vm-b")
    await passes(world)
    waiting = next(r for r in await world.deeds() if r.deed.target == B_VM)
    assert guards(waiting) == [(Guard.STOP, Says.WAIT)]
    done = next(r for r in await world.deeds() if r.deed.target == A_VM)
    await undo(world, done)
    assert world.estate.isolated == set()

    await world.worker.stopping.go_on(ADA)
    await passes(world)
    assert world.estate.isolated == {B_VM}


async def test_a_stop_between_plan_and_change_is_heeded() -> None:
    """It is read at the last moment, whatever was read before."""
    world = acting()
    doer = world.doer
    before = doer.before

    async def stopped(deed: Deed) -> object:
        found = await before(deed)
        await world.new_worker().stopping.stop(ADA)
        return found

    doer.before = stopped  # type: ignore[method-assign, assignment]
    await comes(world)

    row = await only(world)
    assert row.status is DeedStatus.GUARDED
    assert world.doer.sent == []
    assert await reading.targets(world.ledger) == []
