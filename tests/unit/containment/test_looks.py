"""What a look plans and does to contain an incident, from the alert to its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.actions import guards as guards_of
from shared.commands import Order
from shared.containment import containing
from shared.model.action import Kind
from shared.model.alert import Severity
from shared.model.deed import Guard, Says, Sight, State, Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.guards import Budget, Contain, Mode, Protected
from shared.model.incident import OWN, IncidentStatus
from shared.model.silence import Silence
from shared.store import reading
from tests.alerts import NOON, event, stamp
from tests.fakes.estate import OPEN, FakeDoer
from tests.fakes.firewatch import KEEP, World
from tests.unit.containment.kit import (
    A_VM,
    B_VM,
    RULE,
    acting,
    comes,
    only,
    passes,
    said,
    vouch,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from shared.model.deed import Before, Deed, DeedRow

ADA = Order("entra:ada")
HOUR = timedelta(hours=1)


def guards(row: DeedRow) -> list[tuple[Guard, Says]]:
    """What stands in its way."""
    return [(finding.guard, finding.says) for finding in row.findings]


# Shadow


async def test_in_shadow_everything_is_said_and_nothing_done() -> None:
    """On the page, in the timeline, on record; and nothing is sent or reserved."""
    world = acting(Mode.SHADOW)

    await comes(world)

    row = await only(world)
    assert row.status is DeedStatus.PLANNED
    assert (row.deed.target, row.rules) == (A_VM, ("contain[0]",))
    assert world.doer.sent == []
    assert world.estate.changes == []
    assert not [key for key in world.table.keys if key.startswith(("g|budget", "o|"))]
    line = "Isolate vm-a: not done, the mode is shadow"
    assert said(world, "planned") == [line]
    timeline = await reading.timeline(world.ledger, (await world.head()).id)
    facts = [(fact.kind, fact.detail) for entry in timeline for fact in entry.facts]
    assert ("deed.planned", line) in facts
    await world.settle()
    await world.check_rested()


async def test_shadow_is_what_there_is_where_nobody_can_sign_in() -> None:
    """Whoever would be asked could not answer (review F14)."""
    world = acting(Mode.ACT, can_ask=False)

    await comes(world)

    assert (await only(world)).status is DeedStatus.PLANNED
    assert world.doer.sent == []


async def test_shadow_says_what_would_have_been_asked() -> None:
    """An alert that nobody vouches for would have been a question."""
    world = acting(Mode.SHADOW)

    await comes(world, is_real=False)

    (line,) = said(world, "planned")
    assert line.endswith(
        "people would have been asked: no alert that it goes by was confirmed at its"
        " owner"
    )


async def test_without_rules_a_look_costs_what_it_cost() -> None:
    """Nothing is read for what is not to be contained."""
    plain, world = (
        World(),
        acting(Mode.ACT, Contain(do=("isolate",), match=("title=x",))),
    )

    for each in (plain, world):
        await each.worker.ingest([event()])
        await each.deliver()

    assert world.faults.calls == plain.faults.calls


# What guards say


async def test_an_alert_that_is_vouched_for_is_acted_on() -> None:
    """At once; people hear of it, how long it holds, and how it is taken back by hand."""
    world = acting()

    await comes(world)

    row = await only(world)
    assert row.status is DeedStatus.VERIFIED
    assert world.estate.isolated == {A_VM}
    assert [sent.occasion for sent in world.pager.sent] == ["opened", "deed"]
    assert said(world, "done") == [
        "Isolate vm-a: in force since 2026-11-23 12:00 UTC until 2026-11-23 16:00 UTC",
        f"Taken back by hand: open {A_VM}",
    ]
    assert said(world, "news") == said(world, "done")[:1]


async def test_an_alert_that_nobody_vouches_for_is_a_question() -> None:
    """Anybody could have sent it (review F3)."""
    world = acting()

    await comes(world, is_real=False)

    row = await only(world)
    assert row.status is DeedStatus.AWAITING
    assert guards(row) == [(Guard.CONFIRMED, Says.ASK)]
    assert world.doer.sent == []


async def test_what_its_owner_says_is_what_counts() -> None:
    """Another machine, less severe, or closed by now: by the owner's copy, not by ours."""
    world = acting()
    fields = await comes(world, is_real=False)
    vouch(
        world, fields, AzureResourceId=fields["AzureResourceId"].replace("VM-A", "VM-B")
    )
    await comes(world, 2, AlertType="Another")
    targets = {row.deed.target: row.status for row in await world.deeds()}
    assert targets[B_VM] is DeedStatus.VERIFIED

    for changes in ({"Severity": "Low"}, {"Status": "Dismissed"}):
        other = acting()
        fields = await comes(other, is_real=False)
        vouch(other, fields, **changes)
        await comes(other, 2, is_real=False)
        assert (await only(other)).status is not DeedStatus.VERIFIED
        assert other.doer.sent == []


async def test_an_owner_that_does_not_answer_is_asked_again() -> None:
    """For some minutes; then people are asked."""
    world = acting()
    world.owner.failure = TransientFailure(FailureReason.UNAVAILABLE, "away")

    await comes(world)
    assert guards(await only(world)) == [(Guard.CONFIRMED, Says.WAIT)]
    assert (await only(world)).status is DeedStatus.GUARDED
    world.owner.failure = None
    await passes(world)
    assert (await only(world)).status is DeedStatus.VERIFIED

    other = acting()
    other.owner.failure = TransientFailure(FailureReason.UNAVAILABLE, "away")
    await comes(other)
    for _ in range(6):
        await passes(other)
    assert guards(await only(other)) == [(Guard.CONFIRMED, Says.ASK)]
    assert other.doer.sent == []


async def test_a_sample_never_acts() -> None:
    """It is planned and refused, so that whoever tries it sees why."""
    world = acting()

    await comes(world, AlertType="SIMULATED_VM_X")

    row = await only(world)
    assert row.status is DeedStatus.REFUSED
    assert (Guard.SAMPLE, Says.REFUSE) in guards(row)
    assert world.doer.sent == []


async def test_a_real_alert_beside_samples_acts_by_itself_alone() -> None:
    """What samples say counts for nothing: not their severity, nor their time."""
    world = acting()

    await comes(world, AlertType="SIMULATED_VM_X")
    await comes(world, 2, Severity="Medium", AlertType="VM_X")

    row = await only(world)
    assert row.status is DeedStatus.AWAITING
    assert guards(row) == [(Guard.SEVERITY, Says.ASK)]


async def test_what_is_protected_is_refused() -> None:
    """By the policy or by a tag, of the resource, its group or its subscription."""
    named = acting(protected=Protected(resources=(A_VM.rpartition("/providers/")[0],)))
    await comes(named)
    assert guards(await only(named)) == [(Guard.PROTECTED, Says.REFUSE)]

    for scope in (
        A_VM,
        A_VM.partition("/providers")[0],
        A_VM.partition("/resourceg")[0],
    ):
        tagged = acting()
        tagged.estate.tags[scope] = {"firewatch:Protected": "True"}
        await comes(tagged)
        assert guards(await only(tagged)) == [(Guard.PROTECTED, Says.REFUSE)], scope
        assert tagged.doer.sent == []


async def test_tags_that_cannot_be_read_may_protect() -> None:
    """It waits until they can be; then people are asked, and it waits all the same."""
    world = acting()
    world.estate.unread.add(A_VM)
    await comes(world)
    assert guards(await only(world)) == [(Guard.PROTECTED, Says.WAIT)]

    world.estate.unread.clear()
    await passes(world)

    assert (await only(world)).status is DeedStatus.VERIFIED


async def test_one_tag_stops_what_would_be_begun_there() -> None:
    """Of the resource, its group or its subscription; when it goes, it goes on."""
    for scope in guards_of.scopes_of(FakeDoer(acting().estate).deed(A_VM, ["a"])):
        world = acting()
        world.estate.tags[scope] = {"Firewatch:Stop": "True"}
        await comes(world)
        row = await only(world)
        assert guards(row) == [(Guard.STOP, Says.WAIT)], scope
        assert world.estate.isolated == set()

        del world.estate.tags[scope]
        await passes(world)

        assert world.estate.isolated == {A_VM}
        world.estate.tags[scope] = {"firewatch:stop": "true"}
        await undo(world, await only(world), Undo.CAREFUL)
        assert world.estate.isolated == set()


async def test_an_approval_does_not_answer_for_a_tag() -> None:
    """What may protect something keeps it from being touched, whoever says what."""
    world = acting(Mode.APPROVE)
    world.estate.unread.add(A_VM)
    await comes(world)
    row = await only(world)

    await approve(world, row)
    await passes(world)

    assert (await only(world)).status is DeedStatus.GUARDED
    assert world.doer.sent == []


async def test_an_old_alert_is_a_question() -> None:
    """A hub that gives a week again contains nothing by itself (review F8)."""
    world = acting()
    world.clock.step(timedelta(hours=3))

    await comes(
        world,
        StartTimeUtc="2026-11-23T12:00:00Z",
        EndTimeUtc="2026-11-23T12:00:00Z",
    )

    assert guards(await only(world)) == [(Guard.AGE, Says.ASK)]


async def test_a_rule_about_one_machine_contains_no_other() -> None:
    """Whatever else is on the incident."""
    world = acting(
        Mode.ACT, Contain(do=("isolate",), match=("resource=~.*/vm-a", "severity>=low"))
    )

    await comes(world)
    await comes(world, 2, "vm-b", Entities=[{"Type": "ip", "Address": "52.174.10.20"}])

    assert world.estate.isolated == {A_VM}


async def test_the_most_restrictive_mode_counts() -> None:
    """Of the policy, the rule, the responder and the scope."""
    for more in (
        {"responders": {"isolate": Mode.APPROVE}},
        {"scopes": {A_VM.split("/")[2]: Mode.APPROVE}},
        {"scopes": {A_VM: Mode.APPROVE}},
    ):
        world = acting(Mode.ACT, **more)
        await comes(world)
        assert (await only(world)).status is DeedStatus.AWAITING, more
    shadowed = acting(
        Mode.ACT, RULE, Contain(do=("isolate",), match=RULE.match, mode=Mode.SHADOW)
    )
    await comes(shadowed)
    assert (await only(shadowed)).status is DeedStatus.PLANNED


async def test_what_a_silence_holds_back_is_not_contained() -> None:
    """Nobody is told of it, so nobody would know."""
    world = acting()
    world.suppress = [
        Silence(
            name="pentest",
            match=("severity>=low",),
            reason="r",
            owner="o",
            until=NOON + HOUR / 2,
            warn=timedelta(0),
        )
    ]

    await comes(world)
    assert await world.deeds() == []

    await passes(world, HOUR / 2 + timedelta(seconds=1))
    assert (await only(world)).status is DeedStatus.VERIFIED


# Budgets and the stop flag


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


# Doing it, and taking it back


async def test_it_is_taken_back_at_its_end() -> None:
    """By the timer, and people hear of that too."""
    world = acting()
    await comes(world)

    await passes(world, timedelta(hours=4))

    assert (await only(world)).status is DeedStatus.EXPIRED
    assert world.estate.isolated == set()
    assert world.pager.sent[-1].occasion == "deed"
    assert await reading.targets(world.ledger) == []


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


async def test_two_incidents_hold_one_machine() -> None:
    """The first to come isolates it, the last to leave lets it go (review F4)."""
    world = acting()
    await comes(world, Intent="Probing")
    await passes(world, HOUR / 2)
    await comes(world, 2, AlertType="Other", Intent="Execution")
    assert len(await world.heads()) == 2
    (target,) = await reading.targets(world.ledger)
    assert len(target.holders) == 2

    await passes(world, timedelta(hours=3.5))
    assert world.estate.isolated == {A_VM}
    await passes(world, HOUR / 2)

    assert world.estate.isolated == set()
    assert world.doer.sent == [("apply", A_VM), ("undo", A_VM)]
    details = [row.detail for row in await world.deeds()]
    assert sorted(details) == ["", "another incident needs it so"]


async def test_what_somebody_changed_since_is_left_and_said() -> None:
    """The difference is named; a person may force it, or leave it."""
    for how, after in ((Undo.FORCE, OPEN), (Undo.LEAVE, "elsewhere")):
        world = acting()
        await comes(world)
        world.estate.put(A_VM, "elsewhere")

        await passes(world, timedelta(hours=4))
        row = await only(world)
        assert (row.status, row.detail) == (DeedStatus.STRANDED, "it is elsewhere")
        assert said(world, "news") == [
            "Isolate vm-a: somebody has to look, it is elsewhere"
        ]
        assert world.pager.sent[-1].occasion == "action_failed"
        await undo(world, row, how)

        assert world.pager.sent[-1].occasion == "deed"
        assert (await only(world)).status is DeedStatus.UNDONE
        assert world.estate.is_(A_VM) == after
        assert await reading.targets(world.ledger) == []


async def test_what_strands_after_the_end_has_an_incident_of_its_own() -> None:
    """Nobody would hear of it by the notices of one that is closed."""
    world = acting()
    await comes(world)
    head = await world.head()
    await world.worker.commands.resolve(head.id, ADA)
    world.estate.put(A_VM, "elsewhere")

    await passes(world, timedelta(hours=4))
    await passes(world)

    (own,) = [h for h in await world.heads() if h.status is IncidentStatus.OPEN]
    assert own.title == (
        f"Isolate vm-a: was not taken back, it is elsewhere (incident {head.id})"
    )
    assert world.pager.sent[-1].occasion == "opened"


async def test_somebody_takes_it_back() -> None:
    """At once, and who is on record; again it is nothing."""
    world = acting()
    await comes(world)

    await undo(world, await only(world))

    row = await only(world)
    assert row.status is DeedStatus.UNDONE
    assert row.ending is not None
    assert row.ending.by == "entra:ada"
    assert said(world, "done")[0].startswith("Isolate vm-a: taken back by entra:ada")


async def test_an_undo_while_it_is_being_done_is_heeded() -> None:
    """What a person says while a worker is at it is not lost."""
    world = acting()
    others = world.new_worker()

    async def meanwhile() -> None:
        row = await only(world)
        await others.deciding.undo(row.incident, row.key, ADA)

    world.doer.meanwhile = [meanwhile]
    await comes(world)
    await passes(world)

    assert (await only(world)).status is DeedStatus.UNDONE
    assert world.estate.isolated == set()


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


async def test_a_merge_keeps_one_deed_for_a_target() -> None:
    """What one of two incidents did, the other does not do again."""
    world = acting()
    await comes(world, Intent="Probing")
    await comes(world, 2, AlertType="Other", Intent="Execution")
    first, second = await world.heads()
    await world.worker.regrouping.merge(first.id, second.id, ADA)
    await world.deliver()
    await comes(world, 3, AlertType="Third", Intent="Execution")

    assert len(await world.deeds()) == 2
    assert world.doer.sent == [("apply", A_VM)]
    await passes(world, timedelta(hours=4))
    assert world.estate.isolated == set()
    assert [row.status for row in await world.deeds()] == [DeedStatus.EXPIRED] * 2


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


async def test_evidence_of_a_target_goes_first() -> None:
    """For a minute at most; then it is contained without."""
    rule = Contain(do=("snapshot", "isolate"), match=RULE.match)
    for broken in (False, True):
        world = acting(Mode.ACT, rule)
        snapshot = Snapshot(world)
        world.doers["snapshot"] = snapshot
        world.restart()
        away: Exception = TransientFailure(FailureReason.TIMEOUT, "no answer")
        snapshot.failures = [away] * 9 * broken

        await comes(world)
        contain = next(r for r in await world.deeds() if r.deed.responder == "isolate")
        assert guards(contain) == [(Guard.EVIDENCE, Says.WAIT)]
        assert A_VM not in world.estate.isolated
        for _ in range(3):
            await passes(world)

        assert A_VM in world.estate.isolated


async def test_what_wipes_waits_for_evidence_or_is_asked_for() -> None:
    """Half an hour; what failed, or never came, people may do without."""
    rule = Contain(do=("snapshot", "isolate"), match=RULE.match)
    for failure in (
        TransientFailure(FailureReason.TIMEOUT, "no answer"),
        PermanentFailure(FailureReason.AUTH, "side answered 403"),
    ):
        world = acting(Mode.ACT, rule)
        snapshot = world.doers["snapshot"] = Snapshot(world)
        world.doers["isolate"] = Wiper(world.estate)
        world.restart()
        snapshot.failures = [failure] * 99

        await comes(world)
        for _ in range(3):
            await passes(world)
        is_waiting = isinstance(failure, TransientFailure)
        contain = next(r for r in await world.deeds() if r.deed.responder == "isolate")
        assert guards(contain) == [
            (Guard.EVIDENCE, Says.WAIT if is_waiting else Says.ASK)
        ]
        for _ in range(6):
            await passes(world, timedelta(minutes=5))

        contain = next(r for r in await world.deeds() if r.deed.responder == "isolate")
        assert contain.status is DeedStatus.AWAITING
        assert guards(contain) == [(Guard.EVIDENCE, Says.ASK)]
        assert A_VM not in world.estate.isolated


class Wiper(FakeDoer):
    """Loses what nobody kept."""

    def deed(self, target: str, alerts: Sequence[str]) -> Deed:
        return replace(super().deed(target, alerts), wipes=True)


class Snapshot(FakeDoer):
    """Keeps evidence, which is never taken back."""

    def __init__(self, world: World) -> None:
        super().__init__(world.estate, "snapshot", Kind.EVIDENCE)
        self.reversible = False
        self.use = "snapshot"

    def deed(self, target: str, alerts: Sequence[str]) -> Deed:
        found = super().deed(target, alerts)
        return type(found)(
            **{
                **{f: getattr(found, f) for f in found.__struct_fields__},
                "target": f"snapshot of {target}",
            }
        )


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


# Plans that cannot be made


async def test_a_plan_that_is_refused_is_said() -> None:
    """Once; the page goes out all the same."""
    world = acting()
    world.doer.broken_plan = ActionRefused("two machines have that name")

    await comes(world)

    assert await world.deeds() == []
    assert world.pager.sent_verbs() == ["trigger"]
    timeline = await reading.timeline(world.ledger, (await world.head()).id)
    facts = [f for entry in timeline for f in entry.facts if f.kind == "deed.unplanned"]
    assert [f.detail for f in facts] == ["isolate: two machines have that name"]


async def test_a_plan_that_cannot_be_made_now_is_made_later() -> None:
    """As soon as its side answers; a defect is a refusal, and no more."""
    world = acting()
    world.doer.broken_plan = TransientFailure(FailureReason.UNAVAILABLE, "away")
    await comes(world)
    assert await world.deeds() == []

    world.doer.broken_plan = None
    await passes(world)

    assert (await only(world)).status is DeedStatus.VERIFIED
    broken = acting()
    broken.doer.broken_plan = RuntimeError("a defect")
    await comes(broken)
    await broken.settle()
    await broken.check_rested()


async def test_the_page_does_not_wait_for_a_slow_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It goes out without, and what is planned later follows."""
    monkeypatch.setattr(containing, "BRIEF_S", 0.01)
    world = acting()
    plan, never = world.doer.plan, asyncio.Event()

    async def slow(*_: object) -> Sequence[Deed]:
        await never.wait()
        return ()

    world.doer.plan = slow  # type: ignore[method-assign, assignment]
    await comes(world)
    assert world.pager.sent_verbs() == ["trigger"]

    world.doer.plan = plan  # type: ignore[method-assign]
    await passes(world)

    assert (await only(world)).status is DeedStatus.VERIFIED


async def test_what_nothing_speaks_for_any_more_lapses() -> None:
    """Its alerts are closed where they came from before anybody approved it."""
    world = acting(Mode.APPROVE)
    tie: dict[str, Any] = {"Entities": [{"Type": "ip", "Address": "52.174.10.20"}]}
    fields = await comes(world, **tie)
    await comes(world, 2, "vm-b", **tie)
    closed = fields | {"ProcessingEndTime": stamp(NOON + HOUR), "Status": "Resolved"}

    await comes(world, 3, is_real=False, **closed)

    statuses = {row.deed.target: row.status for row in await world.deeds()}
    assert statuses == {A_VM: DeedStatus.LAPSED, B_VM: DeedStatus.AWAITING}


async def approve(world: World, row: DeedRow) -> None:
    """Somebody who may lets it pass, as it is."""
    await world.worker.deciding.approve(
        row.incident, row.key, ADA, plan=row.deed.digest
    )
    await world.deliver()


async def undo(world: World, row: DeedRow, how: Undo = Undo.CAREFUL) -> None:
    """Somebody takes it back."""
    await world.worker.deciding.undo(row.incident, row.key, ADA, how=how)
    await world.deliver()
