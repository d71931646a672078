"""One step of a deed after the other, whatever the other side answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.deed import Sight, State
from shared.model.deed_status import DeedStatus
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.guards import Budget, Contain, Mode
from shared.model.incident import OWN
from shared.store import reading
from tests.fakes.estate import FakeDoer
from tests.fakes.firewatch import KEEP
from tests.unit.containment.kit import (
    A_VM,
    ADA,
    RULE,
    acting,
    comes,
    only,
    passes,
    said,
    undo,
)

if TYPE_CHECKING:
    from shared.model.deed import Before, Deed


async def test_what_has_no_end_stays() -> None:
    """Until a person takes it back; its incident does not go to history."""
    world = acting(Mode.ACT, Contain(do=("isolate",), match=RULE.match, lasts=None))
    await comes(world)
    head = await world.head()
    await world.worker.commands.resolve(head.id, ADA)
    await world.settle()

    world.clock.step(KEEP + timedelta(days=1))
    await world.worker.retention()
    assert world.estate.isolated == {A_VM}
    assert [each.id for each in await world.heads()] == [head.id]

    await undo(world, await only(world))
    assert world.estate.isolated == set()
    world.clock.step(KEEP + timedelta(days=1))
    await world.worker.retention()
    assert await world.heads() == []
    assert await world.deeds() == []


async def test_a_slow_side_is_looked_at_again() -> None:
    """No worker waits for it; what takes long is read until it is so."""
    world = acting()
    world.estate.slow = timedelta(minutes=2)

    await comes(world)
    assert (await only(world)).status is DeedStatus.APPLIED
    await passes(world, timedelta(minutes=3))

    assert (await only(world)).status is DeedStatus.VERIFIED
    assert world.doer.sent == [("apply", A_VM)]


async def test_a_change_that_never_takes_fails() -> None:
    """Ten minutes later, and nothing is left of it."""
    world = acting()
    world.estate.deaf.add(A_VM)
    await comes(world)

    await world.settle(most=timedelta(hours=3))

    row = await only(world)
    assert row.status is DeedStatus.FAILED
    assert row.detail == "the other side took it, and nothing changed"
    assert world.pager.sent[-1].occasion == "action_failed"
    assert await reading.targets(world.ledger) == []


class Patient(FakeDoer):
    """Its other side waits for its targets, which may be off."""

    async def verify(self, deed: Deed, before: Before) -> Sight:
        sight = await super().verify(deed, before)
        is_awaited = sight.state is State.UNDER_WAY
        return replace(sight, state=State.AWAITED) if is_awaited else sight


async def test_what_is_awaited_is_waited_for_until_its_time_is_over() -> None:
    """However long it takes, and then it is called off."""
    world = acting()
    doer = world.doers["isolate"] = Patient(world.estate)
    world.restart()
    world.estate.slow = timedelta(days=1)
    await comes(world)

    for _ in range(7):
        await passes(world, timedelta(minutes=30))
    assert (await only(world)).status is DeedStatus.APPLIED
    assert doer.sent == [("apply", A_VM)]
    world.estate.slow = timedelta(0)
    for _ in range(3):
        await passes(world, timedelta(minutes=30))

    assert (await only(world)).status is DeedStatus.FAILED
    assert doer.sent == [("apply", A_VM), ("undo", A_VM)]
    assert world.estate.isolated == set()


async def test_a_refusal_of_the_other_side_is_said() -> None:
    """It is not tried again, and people hear of it."""
    world = acting()
    world.doer.failures = [PermanentFailure(FailureReason.AUTH, "side answered 403")]

    await comes(world)
    await world.settle(most=timedelta(hours=3))

    row = await only(world)
    assert (row.status, row.reason) == (DeedStatus.FAILED, "auth")
    assert said(world, "done") == ["Isolate vm-a: failed, side answered 403"]
    assert world.doer.sent == [("apply", A_VM)]


async def test_an_answer_that_was_lost_is_looked_for() -> None:
    """What was done is not done again."""
    world = acting()
    world.doer.lost_answers = [TransientFailure(FailureReason.TIMEOUT, "no answer")]

    await comes(world)
    assert (await only(world)).status is DeedStatus.CLAIMED
    await passes(world)

    assert (await only(world)).status is DeedStatus.VERIFIED
    assert world.doer.sent == [("apply", A_VM)]


async def test_the_end_of_an_incident_ends_what_waits_alone() -> None:
    """What is in force is taken back at its own end."""
    world = acting(budgets=(Budget(most=1),))
    await comes(world)
    await comes(world, 2, "vm-b", Entities=[{"Type": "ip", "Address": "52.174.10.20"}])
    await comes(world, 3, Entities=[{"Type": "ip", "Address": "52.174.10.20"}])
    (head,) = [head for head in await world.heads() if OWN not in head.sources]

    await world.worker.commands.resolve(head.id, ADA)
    await world.deliver()

    statuses = sorted(row.status for row in await world.deeds())
    assert statuses == [DeedStatus.LAPSED, DeedStatus.VERIFIED]


async def test_a_reopened_incident_may_act_again() -> None:
    """It is another epoch; within one nothing is done twice."""
    world = acting()
    await comes(world)
    await undo(world, await only(world))
    await comes(world, 2, AlertType="Again")
    assert len(await world.deeds()) == 1
    head = await world.head()
    await world.worker.commands.resolve(head.id, ADA)
    await world.deliver()

    await world.worker.commands.reopen(head.id, ADA)
    await world.deliver()

    assert len(await world.deeds()) == 2
    assert world.estate.isolated == {A_VM}


async def test_what_cannot_be_taken_back_says_so_and_ends() -> None:
    """It holds nothing, and nothing is due for it any more."""
    world = acting()
    world.doer.reversible = False

    await comes(world)

    row = await only(world)
    assert (row.status, row.until) == (DeedStatus.VERIFIED, None)
    assert said(world, "done")[0].endswith("; it cannot be taken back")
    assert await reading.targets(world.ledger) == []
    await world.settle()
    assert (await only(world)).status is DeedStatus.VERIFIED


async def test_what_cannot_be_taken_back_and_fails_is_left_as_it_is() -> None:
    """Nothing is sent to take it back, and nobody holds it."""
    world = acting()
    world.doer.reversible = False
    world.estate.deaf.add(A_VM)
    await comes(world)

    await world.settle(most=timedelta(hours=3))

    row = await only(world)
    assert row.status is DeedStatus.FAILED
    assert row.detail == "the other side took it, and nothing changed"
    assert world.doer.sent == [("apply", A_VM)]
    assert await reading.targets(world.ledger) == []
