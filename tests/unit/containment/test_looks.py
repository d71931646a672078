"""What a look lets pass, asks about and refuses, by what guards say."""

from __future__ import annotations

from datetime import timedelta

from shared.actions import guards as guards_of
from shared.model.deed import Guard, Says, Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import (
    FailureReason,
    TransientFailure,
)
from shared.model.guards import Contain, Mode, Protected
from shared.model.silence import Silence
from tests.alerts import NOON
from tests.fakes.estate import FakeDoer
from tests.unit.containment.kit import (
    A_VM,
    B_VM,
    HOUR,
    RULE,
    acting,
    approve,
    comes,
    guards,
    only,
    passes,
    said,
    undo,
    vouch,
)

# What takes the tag away that says so at the machine.
REMOVAL = (
    f"az tag update --resource-id {A_VM} --operation delete"
    " --tags 'firewatch:contained:isolate={} until 2026-11-23T16:00Z'"
)


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
        f"Taken back by hand: {REMOVAL.format(row.incident)}",
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
