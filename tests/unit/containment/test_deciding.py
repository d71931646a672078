"""What people say about deeds, and what of it counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.actions import deeds
from shared.answers.keys import Keys
from shared.commands import Order
from shared.containment.approving import Approving
from shared.containment.deciding import Deciding
from shared.model.deed import DeedRow, Guard, Says, Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import CommandRefused, CommandStale
from shared.model.guards import Budget, Mode
from shared.model.secret import Secret
from shared.store import reading, rows
from tests.fakes.firewatch import APPROVING
from tests.unit.containment.kit import A_VM, acting, comes, only, passes, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.deed import Approval
    from shared.store.draft import Draft
    from tests.fakes.firewatch import World

ADA = Order("entra:ada")
BOB = Order("entra:bob")


async def waiting() -> tuple[World, DeedRow]:
    """A world in which a deed waits for somebody."""
    world = acting(Mode.APPROVE)
    await comes(world)
    row = await only(world)
    assert row.status is DeedStatus.AWAITING
    return world, row


async def approve(world: World, row: DeedRow, order: Order = ADA) -> DeedRow | None:
    """Somebody says yes to what they were shown."""
    return await world.worker.deciding.approve(
        row.incident, row.key, order, plan=row.deed.digest
    )


async def test_what_waits_is_not_done_and_says_why() -> None:
    """The page has the question; nothing is sent."""
    world, row = await waiting()

    assert world.estate.isolated == set()
    assert [(f.guard, f.says) for f in row.findings] == [(Guard.MODE, Says.ASK)]
    (line,) = said(world, "planned")
    assert line.startswith("Isolate vm-a: waits for approval until ")
    assert line.endswith(": the policy has people asked")


async def test_what_is_approved_is_done() -> None:
    """At the next look, in the name of who said so."""
    world, row = await waiting()

    await approve(world, row)
    await world.deliver()

    done = await only(world)
    assert done.status is DeedStatus.VERIFIED
    assert world.estate.isolated == {A_VM}
    facts = [
        (entry.by, fact.kind)
        for entry in await reading.timeline(world.ledger, row.incident)
        for fact in entry.facts
    ]
    assert ("entra:ada", "deed.approved") in facts
    assert ("respond", "deed.verified") in facts


async def test_said_twice_it_is_said_once() -> None:
    """The first who approves is remembered."""
    world, row = await waiting()

    await approve(world, row)
    again = await approve(world, row, BOB)

    assert again is not None
    assert again.approval is not None
    assert again.approval.by == "entra:ada"


@pytest.mark.parametrize("plan", ["", "0" * 32])
async def test_another_plan_is_not_approved(plan: str) -> None:
    """What was looked at is not what is planned."""
    world, row = await waiting()

    with pytest.raises(CommandStale):
        await world.worker.deciding.approve(row.incident, row.key, ADA, plan=plan)

    await passes(world)
    assert world.estate.isolated == set()


async def test_a_plan_that_changed_is_asked_for_anew() -> None:
    """An approval names the hash of what it is for."""
    world, row = await waiting()
    await approve(world, row)
    world.doer.reversible = False

    await comes(world, 2)

    asked = await only(world)
    assert asked.status is DeedStatus.AWAITING
    assert (asked.approval, asked.key) == (None, row.key)
    assert asked.deed.digest != row.deed.digest
    assert world.estate.isolated == set()


async def test_an_approval_that_was_written_by_hand_counts_for_nothing() -> None:
    """Whoever can write rows has no key (review F14)."""
    world, row = await waiting()
    forger = Approving(Keys(Secret("f" * 64)))
    now = world.clock()
    forged = forger.signed(row, "entra:ada", now, now + timedelta(hours=1))
    await _rewrite(world, row, lambda r: replace(r, approval=forged))

    await comes(world, 2)

    assert world.estate.isolated == set()
    assert (await only(world)).status is DeedStatus.AWAITING


@pytest.mark.parametrize(
    "change",
    [
        lambda given: replace(given, by="entra:eve"),
        lambda given: replace(given, until=given.until + timedelta(days=1)),
        lambda given: replace(given, plan="0" * 32),
        lambda given: replace(given, mac="0" * 64),
    ],
    ids=["by", "until", "plan", "mac"],
)
async def test_nothing_of_an_approval_can_be_changed(
    change: Callable[[Approval], Approval],
) -> None:
    """Person, end and plan are signed with it."""
    world, row = await waiting()
    approved = await approve(world, row)
    assert approved is not None
    given, now = approved.approval, world.clock()
    assert given is not None

    assert APPROVING.holds(approved, now)
    assert not APPROVING.holds(replace(approved, approval=change(given)), now)
    assert not APPROVING.holds(approved, now + timedelta(hours=1))
    assert not APPROVING.holds(replace(approved, key="0" * 32), now)


async def test_without_a_key_nobody_approves() -> None:
    """And says what is missing."""
    world, row = await waiting()
    deciding = Deciding(
        world.ledger, world.queue, Approving(None), lasts=timedelta(hours=1)
    )

    with pytest.raises(CommandRefused, match="FIREWATCH_LINK_KEY"):
        await deciding.approve(row.incident, row.key, ADA, plan=row.deed.digest)


async def test_what_is_denied_is_denied() -> None:
    """More alerts do not bring it back, and it cannot be approved any more."""
    world, row = await waiting()

    await world.worker.deciding.deny(row.incident, row.key, BOB)
    await comes(world, 2)

    denied = await only(world)
    assert denied.status is DeedStatus.DENIED
    assert said(world, "planned") == ["Isolate vm-a: denied by entra:bob"]
    with pytest.raises(CommandRefused, match="does not wait"):
        await approve(world, row)


async def test_what_nobody_approves_in_time_lapses_and_is_asked_again() -> None:
    """With the alert that speaks for it next."""
    world, row = await waiting()

    await passes(world, timedelta(hours=1))
    lapsed = await only(world)
    late = await _refused(world, row)
    await comes(world, 2)

    assert lapsed.status is DeedStatus.LAPSED
    assert "does not wait for approval" in late
    assert world.pager.sent[-1].occasion == "approval_needed"
    assert (await only(world)).status is DeedStatus.AWAITING


async def test_an_approval_passes_a_budget_that_is_not_strict() -> None:
    """And none that is."""
    for strict, isolated in ((False, {A_VM}), (True, set())):
        budget = Budget(most=0, strict=strict)
        world = acting(Mode.APPROVE, budgets=(budget,))
        await comes(world)
        row = await only(world)

        await approve(world, row)
        await world.deliver()

        assert world.estate.isolated == isolated, strict


async def test_undoing_what_was_not_begun_keeps_it_from_being_done() -> None:
    """Whoever takes it back does not want it."""
    world, row = await waiting()

    await world.worker.deciding.undo(row.incident, row.key, ADA)

    assert (await only(world)).status is DeedStatus.DENIED


async def test_what_is_over_cannot_be_taken_back() -> None:
    """It says how it stands."""
    world = acting()
    await comes(world)
    row = await only(world)
    await world.worker.deciding.undo(row.incident, row.key, ADA)
    await world.deliver()

    for how in Undo:
        with pytest.raises(CommandRefused, match="nothing to take back: undone"):
            await world.worker.deciding.undo(row.incident, row.key, ADA, how=how)


async def in_force() -> tuple[World, DeedRow, datetime]:
    """A world in which a deed holds until somewhen."""
    world = acting()
    await comes(world)
    row = await only(world)
    assert row.until is not None
    return world, row, row.until


async def test_a_deed_is_let_hold_longer() -> None:
    """It is taken back at its new end, and the timeline says who wanted that."""
    world, row, end = await in_force()
    later = end + timedelta(hours=8)

    await world.worker.deciding.extend(row.incident, row.key, ADA, until=later)
    await world.deliver()
    await passes(world, timedelta(hours=5))
    held = world.estate.isolated
    await passes(world, timedelta(hours=8))

    assert held == {A_VM}
    assert world.estate.isolated == set()
    assert (await only(world)).until == later
    timeline = await reading.timeline(world.ledger, row.incident)
    kinds = [(e.by, f.kind) for e in timeline for f in e.facts]
    assert ("entra:ada", "deed.extended until 2026-11-24 00:00 UTC") in kinds


async def test_it_is_let_hold_longer_while_it_is_looked_at() -> None:
    """What a step comes to leaves what was said meanwhile."""
    world = acting()
    world.estate.slow = timedelta(seconds=30)
    await comes(world)
    row = await only(world)
    assert row.status is DeedStatus.APPLIED
    assert row.until is not None
    later = row.until + timedelta(hours=1)
    claimed = replace(row, attempts=1)
    there = replace(row, until=later)

    after = deeds.heeding(replace(row, status=DeedStatus.VERIFIED), claimed, there)

    assert after.until == later
    gone = replace(row, status=DeedStatus.RELEASING)
    assert deeds.heeding(gone, claimed, there).until == row.until


async def test_what_cannot_hold_longer_says_why() -> None:
    """Sooner is no longer, a month is the most, and what waits has no end."""
    world, row, end = await in_force()
    for until, why in (
        (end - timedelta(hours=1), "it holds until 2026-11-23 16:00 UTC already"),
        (world.clock() + timedelta(days=31), "not for more than 30 days"),
    ):
        with pytest.raises(CommandRefused, match=why):
            await world.worker.deciding.extend(row.incident, row.key, ADA, until=until)
    world, row = await waiting()
    with pytest.raises(CommandRefused, match="no end to be put off"):
        await world.worker.deciding.extend(row.incident, row.key, ADA, until=end)


async def test_nobody_decides_about_what_is_not_there() -> None:
    """Another deed, another incident."""
    world, row = await waiting()
    deciding = world.worker.deciding

    assert await deciding.deny(row.incident, "0" * 32, ADA) is None
    assert await deciding.deny("0" * 16, row.key, ADA) is None
    assert await deciding.deny("no incident", row.key, ADA) is None


async def test_the_log_says_what_waits_and_that_it_does_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What the alert rule on approvals that wait goes by."""
    caplog.set_level("INFO")
    world, row = await waiting()
    other, denied = await waiting()

    await approve(world, row)
    await world.deliver()
    await other.worker.deciding.deny(denied.incident, denied.key, BOB)

    told = [r.getMessage() for r in caplog.records if r.message.startswith("deed.")]
    assert [text.split()[0] for text in told] == [
        "deed.judged",
        "deed.judged",
        "deed.step",
        "deed.judged",
    ]
    assert all(' status="awaiting approval"' in text for text in told[:2])
    assert f' key="{row.key}"' in told[2]
    assert ' status="denied"' in told[3]


async def _refused(world: World, row: DeedRow) -> str:
    with pytest.raises(CommandRefused) as caught:
        await approve(world, row)
    return str(caught.value)


async def _rewrite(
    world: World, row: DeedRow, change: Callable[[DeedRow], DeedRow]
) -> None:
    """Somebody who can write the table does."""
    place = rows.deed(row.incident, row.key)

    def decide(draft: Draft) -> None:
        found = draft.read(place, DeedRow)
        assert found is not None
        draft.put(place, change(found))

    partition, ledger = rows.partition_of_incident(row.incident), world.ledger
    await ledger.refresh(partition, [place])
    await ledger.transact(partition, decide, by="somebody")
