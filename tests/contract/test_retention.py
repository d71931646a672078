"""Retention of tables against the stand-in: made so, verified, and put back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from cli.retention import image
from cli.retention.applying import Bringer, Pace, Target
from devhost.outside import Fault
from devhost.outside.azure.rights import Identity
from devhost.outside.azure.upsets import Upset, Way
from shared.log_retention.plan import Plan, planned
from shared.log_retention.workspace import READ, WRITE, Workspace, find
from shared.model.errors import (
    CommandStale,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.retention import Keep, Retention
from tests.fakes.azure import SOC, Azure, azure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from shared.log_retention.plan import Line
    from shared.model.rest import Rest

# The seed's own table, and one that inherits everything.
SEED = Retention(
    tables={
        "SecurityEvent": Keep(interactive_days=90, total_days=730),
        "SigninLogs": Keep(interactive_days=90, total_days=1095),
    }
)


class Soc:
    """The SOC's workspace, and a pace by which nobody waits."""

    def __init__(self, side: Azure) -> None:
        self.side = side
        self.workspace = Workspace(side.arm, SOC)
        self.said: list[str] = []

    async def sleep(self, span: timedelta) -> None:
        self.side.step(span)

    async def bring(self, target: Target) -> bool:
        """What ``apply`` and ``undo`` do to one table."""
        pace = Pace(lambda: self.side.now, self.sleep)
        return await Bringer(self.workspace, pace, self.said.append)(target)

    async def plan(self, retention: Retention = SEED) -> Plan:
        """What a policy would change."""
        return planned(SOC, await self.workspace.tables(), retention, {})

    async def apply(self, retention: Retention = SEED) -> list[Line]:
        """Bring all tables to what the policy wants, and return what was changed."""
        lines = (await self.plan(retention)).changes
        for line in lines:
            await self.bring(
                Target(line.table, line.before, line.after, line.properties)
            )
        return lines

    async def undo(self, lines: list[Line]) -> None:
        """Put them back."""
        for line in lines:
            await self.bring(
                Target(line.table, line.after, line.before, image.back(line))
            )

    def patched(self) -> list[tuple[str, object]]:
        """Tables that were changed, and what was said of them."""
        return [
            (each["path"].rpartition("/")[2], each["body"]["properties"])
            for each in self.side.outside.manager.changes
        ]


@pytest.fixture
async def soc() -> AsyncIterator[Soc]:
    async with azure() as side:
        yield Soc(side)


async def test_a_plan_is_made_so_and_taken_back(soc: Soc) -> None:
    """Only what differs is sent; nothing is left to change; in the end all is as before."""
    before = soc.side.outside.manager.state()

    lines = await soc.apply()

    assert soc.patched() == [
        ("SecurityEvent", {"retentionInDays": 90, "totalRetentionInDays": 730}),
        ("SigninLogs", {"retentionInDays": 90, "totalRetentionInDays": 1095}),
    ]
    assert (await soc.plan()).changes == []
    assert await soc.apply() == []
    events = (await soc.workspace.table("SecurityEvent")).kept
    assert (events.interactive, events.total) == (90, 730)

    await soc.undo(lines)

    assert soc.side.outside.manager.state() == before
    assert soc.side.outside.manager.refused == []
    assert soc.patched()[2:] == [
        ("SecurityEvent", {"retentionInDays": 730, "totalRetentionInDays": -1}),
        ("SigninLogs", {"retentionInDays": -1, "totalRetentionInDays": -1}),
    ]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(side="arm", status=429, retry_after=7, times=2),
        Fault(side="arm", status=503, times=2),
        Fault(side="arm", drop=True, times=1),
        Upset(side="arm", way=Way.IS_STALE, about="SecurityEvent", reads=2, times=1),
        Upset(side="arm", way=Way.IS_LOST, about="SecurityEvent", times=1),
    ],
    ids=["429", "503", "cut off", "stale", "lost"],
)
async def test_what_goes_wrong_for_a_while_is_waited_for(
    soc: Soc, fault: Fault | Upset
) -> None:
    """Both tables are as wanted in the end, whatever the side did meanwhile."""
    lines = (await soc.plan()).changes
    if isinstance(fault, Fault):
        soc.side.outside.faults.add(fault)
    else:
        soc.side.outside.upsets.add(fault)

    for line in lines:
        await soc.bring(Target(line.table, line.before, line.after, line.properties))

    assert (await soc.plan()).changes == []
    assert soc.said


async def test_an_answer_that_was_lost_is_not_asked_for_again(soc: Soc) -> None:
    """The change arrived, its answer did not: the table is read, and no second one sent."""
    [line, _] = (await soc.plan()).changes
    soc.side.outside.faults.add(Fault(side="arm", delay_s=0, times=1))
    soc.side.outside.faults.add(Fault(side="arm", drop=True, taken=True, times=1))

    assert await soc.bring(Target(line.table, line.before, line.after, line.properties))

    assert len(soc.patched()) == 1


async def test_a_table_that_is_being_changed_is_waited_for(soc: Soc) -> None:
    """Updating by somebody else's hand: no second change is sent into it."""
    line = (await soc.plan()).changes[0]
    await soc.workspace.change("SecurityEvent", {"retentionInDays": 730})
    assert not (await soc.workspace.table("SecurityEvent")).is_settled

    assert await soc.bring(Target(line.table, line.before, line.after, line.properties))

    assert "is being changed" in soc.said[0]
    assert soc.side.outside.manager.refused == []


async def test_a_busy_workspace_is_waited_for(soc: Soc) -> None:
    """409 while another table of it is being changed."""
    await soc.workspace.change("SigninLogs", {"totalRetentionInDays": 365})
    line = (await soc.plan()).changes[0]

    await soc.bring(Target(line.table, line.before, line.after, line.properties))

    assert any("409" in said for said in soc.said)
    assert (await soc.workspace.table("SecurityEvent")).keeps(line.after)


async def test_a_crash_between_tables_is_made_good_by_applying_again(soc: Soc) -> None:
    """The second run changes what the first did not; the first one's image undoes both."""
    before = soc.side.outside.manager.state()
    lines = (await soc.plan()).changes
    first = lines[0]
    await soc.bring(Target(first.table, first.before, first.after, first.properties))

    again = await soc.apply()

    assert [line.table for line in again] == ["SigninLogs"]
    await soc.undo(lines)
    assert soc.side.outside.manager.state() == before


class Crash(Exception):
    """The command is gone."""


class Crashing:
    """Resource Manager, until the command is gone at one of its requests."""

    def __init__(self, arm: Rest, at: int, *, after: bool) -> None:
        self._arm = arm
        self._left = at
        self._after = after

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        asked = getattr(self._arm, name)

        async def ask(*given: Any, **more: Any) -> Any:  # noqa: ANN401
            self._left -= 1
            if not self._left and not self._after:
                raise Crash
            found = await asked(*given, **more)
            if not self._left:
                raise Crash
            return found

        return ask


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_request_is_made_good(soc: Soc, *, after: bool) -> None:
    """Before it was sent or after it was done: apply again ends as one run, undo too."""
    before = soc.side.outside.manager.state()
    lines = (await soc.plan()).changes
    crashes = 0
    for at in range(1, 40):
        soc.workspace = Workspace(
            cast("Any", Crashing(soc.side.arm, at, after=after)), SOC
        )
        try:
            for line in lines:
                await soc.bring(
                    Target(line.table, line.before, line.after, line.properties)
                )
        except Crash:
            crashes += 1
        soc.workspace = Workspace(soc.side.arm, SOC)
        soc.side.step()

        await soc.apply()
        assert (await soc.plan()).changes == []
        await soc.undo(lines)
        assert soc.side.outside.manager.state() == before, at
        soc.side.step(timedelta(minutes=1))
        if crashes < at:
            break

    assert crashes >= 8
    assert soc.side.outside.manager.refused == []


async def test_a_table_without_a_retention_hides_no_other(soc: Soc) -> None:
    """It is of another kind than is known; nothing is said of it."""
    shown = soc.side.arm.list_all

    class Arm:
        async def list_all(self, path: str, *, permission: str) -> list[Any]:
            return [
                {"name": "X", "properties": {}},
                *await shown(path, permission=permission),
            ]

    tables = await Workspace(cast("Any", Arm()), SOC).tables()

    assert "X" not in tables
    assert "SecurityEvent" in tables


async def test_undo_leaves_alone_what_somebody_changed_since(soc: Soc) -> None:
    """It is named; by force it is put back all the same."""
    [line, _] = await soc.apply()
    since = {"totalRetentionInDays": 1095}
    await soc.workspace.change("SecurityEvent", since)
    soc.side.step()

    with pytest.raises(CommandStale, match="changed it: it keeps 90 / 1095"):
        await soc.bring(Target(line.table, line.after, line.before, image.back(line)))
    assert (await soc.workspace.table("SecurityEvent")).kept.total == 1095

    assert await soc.bring(Target(line.table, None, line.before, image.back(line)))
    assert (await soc.workspace.table("SecurityEvent")).keeps(line.before)


async def test_undoing_twice_changes_nothing_more(soc: Soc) -> None:
    """What is as it was is left alone."""
    lines = await soc.apply()
    await soc.undo(lines)
    sent = len(soc.patched())

    await soc.undo(lines)

    assert len(soc.patched()) == sent


async def test_a_change_that_fails_is_said_with_its_code(soc: Soc) -> None:
    """Nothing is tried that would fail again; the table is as it was."""
    soc.side.outside.upsets.add(
        Upset(side="arm", way=Way.FAILS, code="QuotaExceeded", times=1)
    )
    line = (await soc.plan()).changes[0]

    with pytest.raises(PermanentFailure, match="QuotaExceeded"):
        await soc.bring(Target(line.table, line.before, line.after, line.properties))

    assert (await soc.workspace.table("SecurityEvent")).keeps(line.before)


@pytest.mark.parametrize(
    ("way", "error"), [(Way.NEVER_ENDS, None), (Way.IS_LOST, PermanentFailure)]
)
async def test_nobody_waits_for_ever(
    soc: Soc, way: Way, error: type[Exception] | None
) -> None:
    """A table that is as wanted is done whatever its operation says; one that never is ends."""
    soc.side.outside.upsets.add(Upset(side="arm", way=way))
    line = (await soc.plan()).changes[0]
    target = Target(line.table, line.before, line.after, line.properties)
    began = soc.side.now

    if error is None:
        assert await soc.bring(target)
    else:
        with pytest.raises(error, match="took 5 changes, and shows none"):
            await soc.bring(target)

    assert soc.side.now - began <= timedelta(minutes=10)


async def test_a_side_that_stays_away_ends_the_wait(soc: Soc) -> None:
    """After ten minutes, with what it said last."""
    line = (await soc.plan()).changes[0]
    soc.side.outside.faults.add(Fault(side="arm", status=503))

    with pytest.raises(TransientFailure, match="503") as caught:
        await soc.bring(Target(line.table, line.before, line.after, line.properties))

    assert caught.value.reason is FailureReason.TIMEOUT


@pytest.mark.parametrize("denied", [READ, WRITE])
async def test_what_may_not_be_done_names_the_right(soc: Soc, denied: str) -> None:
    """Of the two that are needed."""
    line = (await soc.plan()).changes[0]
    soc.side.outside.rights.identity = Identity(actions=("*",), not_actions=(denied,))

    with pytest.raises(PermanentFailure, match=denied) as caught:
        await soc.bring(Target(line.table, line.before, line.after, line.properties))

    assert caught.value.reason is FailureReason.AUTH


async def test_two_rights_suffice(soc: Soc) -> None:
    """To read tables and to write them, where the workspace is named by its ARM id."""
    soc.side.outside.rights.identity = Identity(actions=(READ, WRITE))

    assert len(await soc.apply()) == 2


async def test_a_workspace_is_found_by_what_queries_call_it(soc: Soc) -> None:
    """Among those of all subscriptions that one sees."""
    guid = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"

    assert await find(soc.side.arm, frozenset({guid})) == {guid: SOC}


@pytest.mark.parametrize(
    "bad", ["law-soc", SOC.rpartition("/workspaces")[0], f"{SOC}/tables/Usage", "/.."]
)
def test_what_is_no_workspace_is_refused(bad: str) -> None:
    """Before anything is asked."""
    with pytest.raises(PermanentFailure, match="ARM id of a workspace"):
        Workspace(None, bad)  # type: ignore[arg-type]
