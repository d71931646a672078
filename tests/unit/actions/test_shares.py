"""How many machines of a group may be contained at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.actions import budgets, shares
from shared.model.action import Kind
from shared.model.deed import Deed, DeedRow
from shared.model.deed_status import DeedStatus
from shared.model.guards import Budget, Guards, Mode
from shared.model.tally import Counted, Group, Tally
from tests.alerts import NOON, vm

HOUR = timedelta(hours=1)
A, B, C = (vm(name).lower() for name in ("vm-a", "vm-b", "vm-c"))
WEB = (
    A.partition("/providers/")[0]
    + "/providers/microsoft.network/virtualnetworks/shop/subnets/web"
)
SET = f"{A.rpartition('/virtualmachines/')[0]}/virtualmachinescalesets/workers"
FIFTH = Budget(share=20)


def deed(*resources: str, kind: Kind = Kind.CONTAIN, responder: str = "q") -> Deed:
    """What would contain these."""
    return Deed(
        responder=responder,
        use="vm-quarantine",
        kind=kind,
        target=resources[0],
        says="s",
        alerts=("x",),
        resources=resources,
    )


def row(key: str, machine: str = A, status: DeedStatus = DeedStatus.GUARDED) -> DeedRow:
    """A deed about a machine."""
    return DeedRow(
        key=key,
        incident="00" * 8,
        epoch=0,
        deed=deed(machine),
        status=status,
        mode=Mode.ACT,
        planned_at=NOON,
        changed_at=NOON,
    )


def web(*machines: str, size: int | None = 10) -> Group:
    """The subnet, as some of a deed's machines are in it."""
    return Group(WEB, size, machines)


def counted(*pairs: tuple[str, str], budget: Budget = FIFTH) -> Tally:
    """Where these deeds were let begin, each about a machine."""
    found = Tally()
    for key, machine in pairs:
        found = (
            shares.admitted(
                found.counted, row(key), web(machine), NOON, budget, is_approved=True
            )
            or found
        )
    return found


@pytest.mark.parametrize(
    ("size", "share", "most"),
    [(10, 20, 2), (9, 20, 1), (4, 20, 0), (1, 100, 1), (None, 100, 0), (0, 100, 0)],
)
def test_a_share_is_rounded_down(size: int | None, share: int, most: int) -> None:
    """Of what cannot be read it is nothing."""
    assert shares.most(web(size=size), Budget(share=share)) == most


def test_machines_count_and_not_deeds() -> None:
    """A second deed about one takes no room of another's."""
    tally = counted(("1", A), ("2", A), ("3", A))

    after = shares.admitted(
        tally.counted, row("4"), web(B), NOON, FIFTH, is_approved=False
    )

    assert after is not None
    assert len({each.machine for each in after.counted}) == 2
    third = shares.admitted(
        after.counted, row("5"), web(C), NOON, FIFTH, is_approved=False
    )
    assert third is None


@pytest.mark.parametrize(
    ("budget", "is_approved", "has_room"),
    [
        (FIFTH, False, False),
        (FIFTH, True, True),
        (Budget(share=20, strict=True), True, False),
    ],
)
def test_an_approval_passes_what_is_not_strict(
    budget: Budget, *, is_approved: bool, has_room: bool
) -> None:
    """And what it let pass counts."""
    tally = counted(("1", A), ("2", B))

    after = shares.admitted(
        tally.counted, row("3"), web(C), NOON, budget, is_approved=is_approved
    )

    assert (after is not None) == has_room
    assert after is None or len(after.counted) == 3


def test_where_people_let_more_begin_nothing_more_begins_by_itself() -> None:
    """Not even about one of these machines: it may be free by now."""
    tally = counted(("1", A), ("2", B), ("3", C))

    after = shares.admitted(
        tally.counted, row("4"), web(C), NOON, FIFTH, is_approved=False
    )

    assert after is None


def test_a_deed_that_is_begun_again_counts_from_then() -> None:
    """Once, and of its machines as they are now."""
    tally = counted(("1", A))

    after = shares.admitted(
        tally.counted, row("1"), web(B), NOON + HOUR, FIFTH, is_approved=False
    )

    assert after is not None
    ((key, at),) = [(each.key, each.at) for each in after.counted]
    assert (key, at) == ("1", NOON + HOUR)


@pytest.mark.parametrize(
    ("within", "age", "is_doubtful"),
    [
        (HOUR, HOUR, True),
        (HOUR, HOUR - timedelta(seconds=1), False),
        # A claim that is written late is of somebody who has room.
        (timedelta(minutes=1), timedelta(minutes=14), False),
        (timedelta(minutes=1), timedelta(minutes=15), True),
        # A clock that was set back makes no room.
        (HOUR, -HOUR, False),
    ],
)
def test_what_is_older_counts_where_its_deed_holds(
    within: timedelta, age: timedelta, *, is_doubtful: bool
) -> None:
    """Younger it counts, whatever became of it."""
    tally = counted(("1", A))
    found = shares.doubtful(tally, NOON + age, Budget(share=20, within=within))

    assert (found == [*tally.counted]) == is_doubtful


@pytest.mark.parametrize("status", DeedStatus)
def test_a_deed_holds_until_it_is_taken_back(status: DeedStatus) -> None:
    """One that is never taken back holds nothing once it is done."""
    known = row("1", status=status)
    assert shares.holds(known) == status.may_hold
    for_ever = replace(known, deed=replace(known.deed, reversible=False))
    is_over = status is DeedStatus.VERIFIED
    assert shares.holds(for_ever) == (status.may_hold and not is_over)


def test_what_was_counted_anew_is_not_over() -> None:
    """It was found over as it stood before."""
    old = Counted("1", "i", "m", NOON)
    new = Counted("1", "i", "m", NOON + HOUR)

    assert shares.left(Tally(counted=(new,)), {old}) == (new,)
    assert shares.left(Tally(counted=(old,)), {old}) == ()


def test_each_group_has_a_purse_of_its_own() -> None:
    """Whatever the share and its time: those may change while deeds hold."""
    groups = (web(A), Group(SET, 4, (A,)))
    guards = [
        Guards(budgets=(Budget(most=3), Budget(share=share, within=within)))
        for share, within in ((20, HOUR), (50, 2 * HOUR))
    ]
    first, second = ([*budgets.purses(deed(A), each, groups)] for each in guards)

    assert [purse.group for purse in first] == [None, *groups]
    assert [p.name for p in first] == [p.name for p in second]
    assert len({p.name for p in first}) == 3
    named = Guards(budgets=(Budget(share=20, responders=("q",)),))
    assert {p.name for p in budgets.purses(deed(A), named, groups)}.isdisjoint(
        p.name for p in first
    )


@pytest.mark.parametrize(
    ("made", "budget", "found"),
    [
        (deed(A, WEB, A), FIFTH, (A,)),
        (deed(f"{SET}/virtualmachines/3", SET), FIFTH, (f"{SET}/virtualmachines/3",)),
        (deed(WEB), FIFTH, ()),
        (deed(A), Budget(most=3), ()),
        (deed(A, kind=Kind.EVIDENCE), FIFTH, ()),
        (deed(A, kind=Kind.EVIDENCE), Budget(share=20, responders=("q",)), (A,)),
        (deed(A), Budget(share=20, responders=("other",)), ()),
    ],
)
def test_groups_are_read_of_machines_that_count(
    made: Deed, budget: Budget, found: tuple[str, ...]
) -> None:
    """Where no budget is a share, of none."""
    assert budgets.machines(made, Guards(budgets=(budget,))) == found


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (
            web(C),
            (
                "2 of the 10 machines of subnet shop/web are contained already or were"
                " within 60 minutes, and the policy allows 20 %"
            ),
        ),
        (
            Group(SET, 5, (C,)),
            (
                "2 of the 5 machines of scale set workers are contained already or were"
                " within 60 minutes, and the policy allows 20 %"
            ),
        ),
        (
            web(C, size=4),
            (
                "the policy allows 20 % of the 4 machines of subnet shop/web, which is less"
                " than one"
            ),
        ),
        (
            web(C, size=None),
            (
                "how many machines subnet shop/web has cannot be read, and the policy allows"
                " 20 % of them"
            ),
        ),
        (
            Group(C, None, (C,)),
            (
                "which scale set and subnets vm-c belongs to cannot be read, and the policy"
                " allows 20 % of them"
            ),
        ),
    ],
)
def test_it_says_why_there_is_no_room(group: Group, said: str) -> None:
    """In one sentence that needs nothing else."""
    tally = counted(("1", A), ("2", B))

    assert shares.why(tally.counted, row("3", C), group, FIFTH) == said
