"""No sequence of alerts, people, time and faults has anything done that must not be.

Whatever comes: no budget is exceeded, be it a number or a share, nothing protected is touched, no sample acts, nothing
is done twice, nor while everything is stopped; and in the end all is as it was.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from shared.clouds.credentials import LOCAL_ID
from shared.commands import Order
from shared.containment.stopping import Stopping
from shared.model.deed import Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import (
    CommandRefused,
    FailureReason,
    PermanentFailure,
    StoreError,
    TransientFailure,
)
from shared.model.guards import Budget, Contain, Guards, Mode, Protected
from shared.store import messages, reading
from tests.alerts import alert_id, defender_alert, event, read_alert, stamp, vm
from tests.fakes.estate import ISOLATED, OPEN
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from shared.model.deed import DeedRow

MOST = 2
WITHIN = timedelta(hours=1)
LASTS = timedelta(hours=4)

# By policy, by tag, by a tag that nobody can read, and what the app itself runs as; the
# rest may be isolated, one of them with the account of somebody else.
PROTECTED, TAGGED, UNREAD, OWN = vm("dc01"), vm("tagged"), vm("unread"), vm("own")
NEVER = (PROTECTED, TAGGED, UNREAD, OWN)
OTHERS = (vm("vm-a"), vm("vm-b"), vm("vm-c"))
THINGS = (*OTHERS, *OTHERS, *OTHERS, *NEVER)
ACCOUNTS = {
    OWN.lower(): LOCAL_ID,
    vm("vm-c").lower(): "7c1f0f0e-3a52-4f0b-9a54-1d2e6b7a9c10",
}
# They are all in one subnet, of which one machine may be isolated at a time.
SUBNET = "/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworks/n/subnets/s"
NUMBER = Budget(most=MOST, within=WITHIN)
SHARE = Budget(share=34, within=timedelta(minutes=5))
KINDS = ("VM_A", "VM_B")

HELD = [status for status in DeedStatus if status.may_hold]

WHICH = st.integers(0, 50)
ADA = Order("entra:ada")


class Begun(NamedTuple):
    """A deed that was let begin, and whether a person let it."""

    key: str
    at: datetime
    is_approved: bool


class Machine(RuleBasedStateMachine):
    """One store, two workers that take turns, some people, and an estate."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.number = 0
        self.is_stopped = False
        # What the owner says is real, and active, by thing.
        self.real: set[str] = set()
        self.samples: set[str] = set()
        self.wrong: list[str] = []
        self.begun: dict[tuple[str, datetime], Begun] = {}
        self.make(Mode.ACT, (NUMBER,), strict=False, slow=timedelta(0))

    def make(
        self,
        mode: Mode,
        budgets: tuple[Budget, ...],
        *,
        strict: bool,
        slow: timedelta,
    ) -> None:
        """A world of its own."""
        self.mode, self.budgets, self.strict = mode, budgets, strict
        self.world = World(
            contain=[
                Contain(do=("isolate",), match=("severity>=medium",), lasts=LASTS)
            ],
            guards=Guards(
                mode=mode,
                budgets=tuple(replace(each, strict=strict) for each in budgets),
                protected=Protected(resources=(PROTECTED,)),
            ),
            partitions=2,
        )
        self.world.estate.slow = slow
        self.are_read(groups={SUBNET: 3})
        self.world.estate.tags[TAGGED.lower()] = {"Firewatch:Protected": "TRUE"}
        self.world.estate.unread.add(UNREAD.lower())
        self.world.estate.accounts = ACCOUNTS
        put = self.world.estate.put

        def watched(target: str, after: str) -> None:
            if after == ISOLATED:
                self.check_begin(target)
            put(target, after)

        self.world.estate.put = watched  # type: ignore[method-assign]
        self.others = [self.world.new_worker()]

    def are_read(self, groups: dict[str, int | None]) -> None:
        """Have every machine be in these groups."""
        self.world.estate.groups = dict.fromkeys(map(str.lower, OTHERS), groups)

    def check_begin(self, target: str) -> None:
        """Nothing may be isolated now but what may.

        What is raised here would be one more fault of the other side to the app.
        """
        if self.is_stopped:
            self.wrong.append(f"acted while stopped: {target}")
        if self.mode is Mode.SHADOW:
            self.wrong.append(f"acted in shadow: {target}")
        if target in {each.lower() for each in NEVER}:
            self.wrong.append(f"acted on what is protected: {target}")
        if target in self.samples - self.real:
            self.wrong.append(f"acted on a sample: {target}")

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        """Run to its end."""
        return self.runner.run(work)

    def rows(self) -> list[DeedRow]:
        found: list[DeedRow] = self.do(self.world.deeds())
        return found

    def of(self, *statuses: DeedStatus) -> list[DeedRow]:
        return [row for row in self.rows() if row.status in statuses]

    def teardown(self) -> None:
        self.world.faults.heal()
        self.world.owner.failure = None
        self.world.doer.failures = []
        self.world.doer.lost_answers = []
        self.do(self.world.worker.stopping.go_on(ADA))
        self.is_stopped = False
        self.do(self.world.settle(most=timedelta(days=3)))
        self.do(self.world.check_rested())
        self.nothing_is_touched_that_must_not_be()
        for row in self.rows():
            assert not row.status.may_hold or row.status is DeedStatus.STRANDED, row
        targets = self.do(reading.targets(self.world.ledger))
        held = {row.deed.target for row in targets}
        stranded = {
            r.deed.target for r in self.rows() if r.status is DeedStatus.STRANDED
        }
        assert held <= stranded
        assert self.world.estate.isolated <= stranded | self.by_hand
        if not any(name.startswith("tags") for name in self.world.faults.failed):
            assert {*self.world.estate.tagged} <= stranded
        self.runner.close()

    @initialize(
        mode=st.sampled_from([Mode.ACT] * 5 + [Mode.APPROVE] * 2 + [Mode.SHADOW]),
        strict=st.booleans(),
        slow=st.sampled_from([timedelta(0), timedelta(minutes=1)]),
        budgets=st.sampled_from([(NUMBER,), (SHARE,), (NUMBER, SHARE)]),
    )
    def begin(
        self,
        mode: Mode,
        slow: timedelta,
        budgets: tuple[Budget, ...],
        *,
        strict: bool,
    ) -> None:
        self.by_hand: set[str] = set()
        self.make(mode, budgets, strict=strict, slow=slow)

    @rule(
        thing=st.sampled_from(THINGS),
        kind=st.sampled_from(KINDS),
        severity=st.sampled_from(["High", "High", "Medium", "Low"]),
        ago=st.sampled_from([0, 0, 0, 0, 30, 90]),
        is_real=st.sampled_from([True, True, True, True, False]),
        is_sample=st.sampled_from([False, False, False, False, True]),
        intent=st.sampled_from(["Probing", "Execution"]),
        is_looked_at=st.sampled_from([True, True, True, False]),
    )
    def alert(
        self,
        thing: str,
        kind: str,
        severity: str,
        ago: int,
        intent: str,
        *,
        is_real: bool,
        is_sample: bool,
        is_looked_at: bool,
    ) -> None:
        now = self.world.clock()
        at = now - timedelta(minutes=ago)
        self.number += 1
        changes = {
            "SystemAlertId": alert_id(self.number, at),
            "AlertType": f"SIMULATED_{kind}" if is_sample else kind,
            "AzureResourceId": thing,
            "ResourceIdentifiers": [],
            "Entities": [],
            "Severity": severity,
            "Intent": intent,
            "StartTimeUtc": stamp(at),
            "EndTimeUtc": stamp(at),
            "ProcessingEndTime": stamp(at),
        }
        if is_real:
            known = read_alert(received_at=now, **changes)
            self.world.owner.told[known.id.lower()] = known
        (self.samples if is_sample else self.real).add(thing.lower())
        found = event(defender_alert(**changes), place=self.number, received_at=now)
        self.try_(self.world.worker.ingest([found]))
        if is_looked_at:
            self.messages_are_delivered()

    @rule(again_after=st.sampled_from([0, 20, 70]))
    def everything_is_attacked(self, again_after: int) -> None:
        """What budgets are for; and again, while the first of it is contained."""
        for kind in KINDS:
            for thing in OTHERS:
                self.alert(
                    thing,
                    kind,
                    "High",
                    0,
                    "Execution",
                    is_real=True,
                    is_sample=False,
                    is_looked_at=True,
                )
            if not again_after:
                return
            self.time_passes(again_after, is_looked_at=True)

    def try_(self, work: Coroutine[Any, Any, Any]) -> None:
        """What a fault breaks the platform gives again; a dead worker is replaced."""
        try:
            self.do(work)
        except StoreError:
            self.world.restart()
        if self.world.faults.is_down:
            self.world.restart()

    @rule(
        minutes=st.sampled_from([1, 1, 2, 10, 61, 250]),
        is_looked_at=st.sampled_from([True, True, False]),
    )
    def time_passes(self, minutes: int, *, is_looked_at: bool) -> None:
        self.world.clock.step(timedelta(minutes=minutes))
        self.try_(self.world.worker.tick())
        if is_looked_at:
            self.messages_are_delivered()

    @rule()
    def look(self) -> None:
        self.messages_are_delivered()

    def messages_are_delivered(self) -> None:
        """Every message that shows is taken by the one worker."""
        self.try_(self.world.deliver())
        self.note()

    @rule()
    def another_worker_looks(self) -> None:
        """Some message is taken by a process that remembers other things."""
        message = self.world.queue.receive()
        if message is None:
            return
        worker = self.others[0]
        self.try_(worker.respond(messages.decode(message.body)))
        self.note()

    @rule(call=st.integers(1, 60), took_effect=st.booleans(), for_good=st.booleans())
    def something_breaks(self, call: int, *, took_effect: bool, for_good: bool) -> None:
        self.world.faults.fail_after(call, took_effect=took_effect, for_good=for_good)

    @rule(is_down=st.booleans())
    def owner(self, *, is_down: bool) -> None:
        error = TransientFailure(FailureReason.UNAVAILABLE, "away")
        self.world.owner.failure = error if is_down else None

    @rule(
        groups=st.sampled_from([{SUBNET: 3}, {SUBNET: 3}, {SUBNET: 2}, {SUBNET: None}])
    )
    def subnet(self, groups: dict[str, int | None]) -> None:
        self.are_read(groups)

    @rule(
        what=st.sampled_from(
            [
                TransientFailure(FailureReason.UNAVAILABLE, "away"),
                PermanentFailure(FailureReason.AUTH, "not allowed"),
                TimeoutError(),
            ]
        ),
        is_lost=st.booleans(),
    )
    def the_other_side_fails(self, what: Exception, *, is_lost: bool) -> None:
        doer = self.world.doer
        (doer.lost_answers if is_lost else doer.failures).append(what)

    @rule()
    def stop(self) -> None:
        self.try_(self.world.worker.stopping.stop(ADA))
        self.is_stopped = self.do(Stopping(self.world.ledger).now()) is not None

    @rule()
    def go_on(self) -> None:
        self.try_(self.world.worker.stopping.go_on(ADA))
        self.is_stopped = self.do(Stopping(self.world.ledger).now()) is not None

    @precondition(lambda self: self.of(DeedStatus.AWAITING))
    @rule(
        which=WHICH, answer=st.sampled_from(["approve", "approve", "approve", "deny"])
    )
    def somebody_answers(self, which: int, answer: str) -> None:
        waiting = self.of(DeedStatus.AWAITING)
        row = waiting[which % len(waiting)]
        deciding = self.world.worker.deciding
        try:
            if answer == "approve":
                plan = row.deed.digest
                self.try_(deciding.approve(row.incident, row.key, ADA, plan=plan))
            else:
                self.try_(deciding.deny(row.incident, row.key, ADA))
        except CommandRefused:
            return
        self.messages_are_delivered()

    @precondition(lambda self: self.of(*HELD))
    @rule(which=WHICH, how=st.sampled_from(Undo))
    def somebody_undoes(self, which: int, how: Undo) -> None:
        held = self.of(*HELD)
        row = held[which % len(held)]
        try:
            self.try_(
                self.world.worker.deciding.undo(row.incident, row.key, ADA, how=how)
            )
        except CommandRefused:
            return
        if how is Undo.LEAVE:
            self.by_hand.add(row.deed.target)

    @precondition(lambda self: self.of(*HELD))
    @rule(which=WHICH, hours=st.integers(1, 6))
    def somebody_extends(self, which: int, hours: int) -> None:
        held = self.of(*HELD)
        row = held[which % len(held)]
        until = self.world.clock() + timedelta(hours=hours)
        deciding = self.world.worker.deciding
        try:
            self.try_(deciding.extend(row.incident, row.key, ADA, until=until))
        except CommandRefused:
            return

    @precondition(lambda self: self.world.estate.isolated)
    @rule(which=WHICH, after=st.sampled_from([OPEN, "elsewhere"]))
    def somebody_changes_it_by_hand(self, which: int, after: str) -> None:
        target = sorted(self.world.estate.isolated)[
            which % len(self.world.estate.isolated)
        ]
        if not self.world.estate.is_changing(target):
            self.world.estate.put(target, after)
            self.by_hand.add(target)

    def note(self) -> None:
        """Remember what was let begin since."""
        for row in self.rows():
            if row.status in {
                DeedStatus.CLAIMED,
                DeedStatus.APPLIED,
                DeedStatus.VERIFIED,
            }:
                is_approved = row.approval is not None
                key = (row.key, row.planned_at)
                if key not in self.begun:
                    at = row.applied_at or row.changed_at
                    self.begun[key] = Begun(row.key, at, is_approved)

    @invariant()
    def nothing_is_touched_that_must_not_be(self) -> None:
        assert self.wrong == []

    @invariant()
    def shares_are_kept(self) -> None:
        """Of what may be isolated by now, people let all but one machine be."""
        if SHARE not in self.budgets:
            return
        held = {
            row.deed.target
            for row in self.of(*HELD)
            if self.strict or row.approval is None
        }
        assert len(held) <= 1, held

    @invariant()
    def budgets_are_kept(self) -> None:
        if NUMBER not in self.budgets:
            return
        begun = sorted(self.begun.values(), key=lambda each: each.at)
        counted = [b for b in begun if self.strict or not b.is_approved]
        for first in counted:
            window = [b for b in counted if first.at <= b.at < first.at + WITHIN]
            assert len(window) <= MOST, window

    @invariant()
    def nothing_is_done_twice(self) -> None:
        """Between two isolations of a thing it was open, by whomever."""
        last: dict[str, str] = {}
        for change in self.world.estate.changes:
            if change.after == ISOLATED:
                assert last.get(change.target) != ISOLATED, change
            last[change.target] = change.after

    @invariant()
    def what_may_be_isolated_is_on_record(self) -> None:
        """Whoever finds the tables can put everything back."""
        if self.world.faults.is_down:
            return
        held = {row.deed.target for row in self.do(reading.targets(self.world.ledger))}
        assert self.world.estate.isolated <= held | self.by_hand


QUICK = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_nothing_is_done_that_must_not_be() -> None:
    """Through faults, two workers, people, stops, and a clock that jumps ahead."""
    run_state_machine_as_test(Machine, settings=QUICK)


@pytest.mark.soak
def test_nothing_is_done_that_must_not_be_at_length() -> None:
    """The same, for minutes."""
    run_state_machine_as_test(
        Machine, settings=settings(QUICK, max_examples=1_500, stateful_step_count=50)
    )
