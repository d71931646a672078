"""The second verb."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.actions import backoff
from shared.commands import Order
from shared.model.action import ActionStatus, Verb
from shared.model.alert import Severity
from shared.model.correlation import Correlation
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    StoreUnavailable,
    TransientFailure,
)
from shared.model.incident import Incident, IncidentStatus
from shared.store import reading
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp, vm
from tests.fakes.firewatch import LEASE, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MINUTE = timedelta(minutes=1)
LATER = {"ProcessingEndTime": stamp(NOON + timedelta(hours=1))}
DOWN = TransientFailure(FailureReason.UNAVAILABLE, "the pager is down")


@pytest.fixture
async def world() -> World:
    """An app with one incident nobody looked at yet."""
    world = World()
    await world.worker.ingest([event()])
    return world


async def look(world: World) -> None:
    """Deliver the messages that can be seen."""
    await world.deliver()


async def failures(world: World, times: int) -> None:
    """Have the incident looked at so often, each time after its rest."""
    for _ in range(times):
        await world.worker.respond([(await world.head()).id])
        due = (await world.head()).due
        assert due is not None
        world.clock.step(due - world.clock())


async def test_an_incident_is_paged_and_then_at_rest(world: World) -> None:
    """The row says what was sent, and nothing is due any more."""
    await look(world)

    await world.check_rested()
    (row,) = await world.actions()
    assert row.status is ActionStatus.APPLIED
    assert row.attempts == 1
    assert row.reference == f"ref-{row.dedup_key}"
    assert world.pager.sent_verbs() == ["trigger"]


async def test_a_second_message_is_a_look_at_nothing(world: World) -> None:
    """It costs reads and no write."""
    await look(world)
    commits = world.faults.calls["table.commit"]

    await world.worker.respond([(await world.head()).id] * 3)

    assert world.faults.calls["table.commit"] == commits
    assert world.pager.sent_verbs() == ["trigger"]


@pytest.mark.parametrize("name", ["0a" * 8, "", "not an id", "x|y"])
async def test_a_message_about_nothing_is_nothing(world: World, name: str) -> None:
    """Unknown and impossible ids are passed over."""
    await world.worker.respond([name])
    await world.worker.respond.give_up_on([name])

    assert world.pager.sent == []


async def test_what_was_over_before_anybody_looked_is_paged_and_closed(
    world: World,
) -> None:
    """Who can dismiss alerts must not silence the first page."""
    closed = defender_alert(Status="Dismissed", **LATER)
    await world.worker.ingest([event(closed, place=2)])

    await world.settle()

    assert world.pager.sent_verbs() == ["trigger", "resolve"]


async def test_what_never_was_active_is_not_paged() -> None:
    """A history import rings no phone."""
    world = World()

    await world.feed([event(defender_alert(Status="Resolved"))])

    assert world.pager.sent == []
    await world.check_rested()


async def test_a_failure_that_may_pass_is_tried_again_in_time(world: World) -> None:
    """With the wait the side asked for, by a message and by the timer."""
    world.pager.failures = [
        TransientFailure(FailureReason.RATE_LIMITED, "slow", retry_after=3 * MINUTE)
    ]

    await look(world)

    (row,) = await world.actions()
    assert (row.status, row.reason) == (ActionStatus.RETRY, "rate_limited")
    assert (await world.head()).due == NOON + 3 * MINUTE
    assert [m.visible_at for m in world.queue.messages] == [NOON + 3 * MINUTE]
    world.queue.messages.clear()
    await world.settle()
    assert world.pager.sent_verbs() == ["trigger"]
    (row,) = await world.actions()
    assert (row.attempts, row.reason, row.status) == (2, "", ActionStatus.APPLIED)


@pytest.mark.parametrize(
    "error",
    [PermanentFailure(FailureReason.INVALID, "no"), ActionRefused("a guard said no")],
)
async def test_a_refusal_is_final_and_recorded(world: World, error: Exception) -> None:
    """It is not sent again, and nothing waits for it."""
    world.pager.failures = [error]

    await world.settle()

    (row,) = await world.actions()
    assert (row.status, row.detail) == (ActionStatus.FAILED, str(error))
    await world.check_rested()


async def test_the_next_attempt_knows_what_the_one_before_has_done(
    world: World,
) -> None:
    """The name of the part that is done is kept, and given to who does the rest."""
    half = TransientFailure(FailureReason.RATE_LIMITED, "slow")
    half.reference = "the first half"
    again = TransientFailure(FailureReason.RATE_LIMITED, "slow")
    world.pager.failures = [half, again]
    await look(world)
    (row,) = await world.actions()
    assert row.reference == "the first half"

    await world.settle()

    assert [action.reference for action in world.pager.actions] == ["the first half"]
    (row,) = await world.actions()
    assert row.status is ActionStatus.APPLIED
    assert row.reference == f"ref-{row.dedup_key}"


async def test_a_day_of_trying_is_enough(world: World) -> None:
    """A notice of yesterday is given up."""
    world.pager.failures = [DOWN] * 10_000

    await world.settle(most=timedelta(days=2), step=5 * MINUTE)

    (row,) = await world.actions()
    assert row.status is ActionStatus.FAILED
    age = row.changed_at - row.planned_at
    assert backoff.GIVE_UP_AFTER < age <= backoff.GIVE_UP_AFTER + 10 * MINUTE


async def test_a_defect_in_a_responder_is_tried_again(world: World) -> None:
    """It is ours to mend; the notice waits, and the row names the error."""
    world.pager.failures = [KeyError("secret-of-the-alert")]

    await look(world)

    (row,) = await world.actions()
    assert (row.status, row.reason) == (ActionStatus.RETRY, "unknown")
    assert row.detail == "a defect of Firewatch: KeyError"


async def test_a_responder_that_hangs_is_cut_off() -> None:
    """Well before the lease ends, so that the outcome can be recorded."""
    world = World(lease=timedelta(milliseconds=40))
    world.pager.meanwhile = [asyncio.Event().wait]
    await world.worker.ingest([event()])

    await look(world)

    (row,) = await world.actions()
    assert (row.status, row.reason) == (ActionStatus.RETRY, "timeout")


async def test_side_by_side_one_failure_is_its_own() -> None:
    """The other responders' notices go out."""
    world = World(names=("pager", "chat", "siem"))
    world.responders["pager"].failures = [DOWN]
    world.responders["chat"].failures = [PermanentFailure(FailureReason.AUTH, "key")]
    await world.worker.ingest([event()])

    await look(world)

    found = {row.responder: row.status for row in await world.actions()}
    assert found == {
        "pager": ActionStatus.RETRY,
        "chat": ActionStatus.FAILED,
        "siem": ActionStatus.APPLIED,
    }


async def test_a_leased_incident_is_left_alone(world: World) -> None:
    """A second worker in the middle of the first one's call does nothing."""
    incident = (await world.head()).id
    rival = world.new_worker()
    world.pager.meanwhile = [lambda: rival.respond([incident])]

    await look(world)

    assert world.pager.sent_verbs() == ["trigger"]
    await world.check_rested()


async def test_a_worker_that_overslept_records_nothing(world: World) -> None:
    """Another took over; the same key went out twice, the row counts both."""
    incident = (await world.head()).id
    rival = world.new_worker()

    async def oversleep() -> None:
        world.clock.step(2 * LEASE)
        await rival.respond([incident])

    world.pager.meanwhile = [oversleep]
    world.pager.lost_answers = [DOWN]

    await world.worker.respond([incident])
    await world.settle()

    assert len({sent.dedup_key for sent in world.pager.sent}) == 1
    kinds = [
        fact.kind
        for entry in await reading.timeline(world.ledger, incident)
        for fact in entry.facts
    ]
    assert "outcome.late" in kinds
    assert world.pager.sent_verbs() == ["trigger"] * len(world.pager.sent)
    await world.check_rested()


async def test_a_dead_workers_claim_is_taken_over_when_its_lease_ends(
    world: World,
) -> None:
    """Not before; and the notice goes out again under the same key."""
    world.faults.fail_after(1, of="responder.apply", took_effect=True, for_good=True)
    with pytest.raises(StoreUnavailable):
        await world.worker.respond([(await world.head()).id])
    assert world.faults.failed[0] == "responder.apply"
    world.restart()
    world.queue.messages.clear()

    await world.worker.respond([(await world.head()).id])
    assert len(world.pager.sent) == 1

    world.clock.step(LEASE * 1.25)
    assert await world.worker.tick() == 1
    await world.settle()
    assert len(world.pager.sent) == 2
    assert len({sent.dedup_key for sent in world.pager.sent}) == 1
    await world.check_rested()


async def test_what_comes_in_meanwhile_is_looked_at_at_once(world: World) -> None:
    """The incident is closed while its page is on the way."""
    closed = event(defender_alert(Status="Resolved", **LATER), place=2)
    world.pager.meanwhile = [lambda: world.worker.ingest([closed])]

    await look(world)

    assert world.pager.sent_verbs() == ["trigger", "resolve"]
    await world.check_rested()


def _hours(number: int, hours: float) -> dict[str, object]:
    at = NOON + timedelta(hours=hours)
    return defender_alert(
        SystemAlertId=alert_id(number, at), StartTimeUtc=stamp(at), EndTimeUtc=stamp(at)
    )


async def _merge_while_the_loser_is_paged(
    then: Callable[[World], Awaitable[object]] | None = None,
) -> World:
    """Two incidents are paged; the later one's page is on the way when they merge."""
    world = World()
    events = [
        e._replace(received_at=NOON + timedelta(days=1))
        for e in batch(_hours(1, 0), _hours(2, 8), _hours(3, 4))
    ]
    await world.feed(events[:1])
    await world.worker.ingest(events[1:2])

    async def merge() -> None:
        await world.worker.ingest(events[2:])
        if then is not None:
            await then(world)

    world.pager.meanwhile = [merge]
    await world.deliver()
    await world.settle()
    await world.check_rested()
    return world


async def test_a_page_under_way_while_its_incident_is_merged_is_closed() -> None:
    """The winner hears of it, and the loser is not due for ever."""
    world = await _merge_while_the_loser_is_paged()

    assert world.pager.sent_verbs() == ["trigger", "trigger", "resolve"]
    closed = world.pager.sent[-1]
    assert closed.occasion == "merged"
    assert closed.dedup_key == world.pager.sent[1].dedup_key


async def test_a_page_that_fails_while_its_incident_is_merged_is_dropped() -> None:
    """The winner's own speaks for both."""

    async def fail(world: World) -> None:
        world.pager.failures = [DOWN]

    world = await _merge_while_the_loser_is_paged(fail)

    assert world.pager.sent_verbs() == ["trigger"]
    statuses = sorted(row.status for row in await world.actions())
    assert statuses == ["applied", "dropped"]


async def test_an_incident_that_breaks_us_rests_and_the_others_do_not() -> None:
    """Longer each time, and the rest of its message is done."""

    def route(head: Incident) -> list[str]:
        if head.severity is Severity.LOW:
            raise ZeroDivisionError
        return ["pager"]

    world = World(route=route)
    low = defender_alert(SystemAlertId="2", Severity="Low", AzureResourceId=vm("other"))
    await world.worker.ingest(batch(defender_alert(), low))

    await look(world)

    assert world.pager.sent_verbs() == ["trigger"]
    (broken,) = [h for h in await world.heads() if h.severity is Severity.LOW]
    assert (broken.attempts, broken.due) == (1, NOON + MINUTE)
    assert broken.is_dirty


async def test_a_store_that_fails_for_one_does_not_stop_the_others() -> None:
    """The message fails, once everything else in it was done."""
    world = World()
    bodies = [
        defender_alert(SystemAlertId=str(n), AzureResourceId=vm(f"vm-{n}"))
        for n in range(3)
    ]
    await world.worker.ingest(batch(*bodies))
    ids = [head.id for head in await world.heads()]
    world.faults.fail_after(1)

    with pytest.raises(StoreUnavailable):
        await world.worker.respond(ids)

    assert world.pager.sent_verbs() == ["trigger"] * 2


async def test_after_five_failures_somebody_is_told_once(world: World) -> None:
    """The page says nothing of the alert, and does not come again."""
    world.pager.broken_plan = RuntimeError("a defect")
    other = type(world.pager)("chat", world.faults)
    world.responders["chat"] = other

    await failures(world, backoff.STUCK_AFTER + 3)

    (action,) = other.actions
    assert (action.verb, action.occasion) == ("trigger", "stuck")
    assert "web shell" not in str(action.content).lower()
    assert (await world.head()).stuck == "RuntimeError"
    assert world.pager.sent == []


async def test_an_incident_that_is_mended_is_handled(world: World) -> None:
    """Its page goes out late, and it is not stuck any more."""
    world.pager.broken_plan = RuntimeError("a defect")
    await failures(world, 3)
    world.pager.broken_plan = None

    await world.settle()

    assert world.pager.sent_verbs() == ["trigger"]
    head = await world.head()
    assert (head.attempts, head.stuck) == (0, "")
    await world.check_rested()


async def test_being_stuck_is_told_again_when_nobody_took_it(world: World) -> None:
    """The pager was down as well: it is told at the next failure, under one key."""

    def route(_: Incident) -> list[str]:
        raise RuntimeError

    world.route = route
    world.restart()
    world.pager.failures = [DOWN]

    await failures(world, backoff.STUCK_AFTER)
    assert world.pager.sent == []
    await failures(world, 3)

    assert [sent.occasion for sent in world.pager.sent] == ["stuck"]


async def test_a_poisoned_message_counts_as_a_failure(world: World) -> None:
    """Workers that died over it count too, so that somebody is told in the end."""
    incident = (await world.head()).id
    for _ in range(backoff.STUCK_AFTER + 1):
        world.faults.fail_after(1, of="responder.apply", for_good=True)
        with pytest.raises(StoreUnavailable):
            await world.worker.respond([incident])
        world.restart()
        world.clock.step(2 * LEASE)
    assert (await world.head()).attempts == backoff.STUCK_AFTER + 1

    await world.worker.respond.give_up_on([incident])

    assert [sent.occasion for sent in world.pager.sent] == ["stuck"]
    await world.settle(most=timedelta(hours=3))
    assert (await world.head()).stuck == ""


async def test_who_is_not_routed_to_any_more_hears_of_the_end() -> None:
    """A sample that turns out to be real goes elsewhere; both are closed."""

    def route(head: Incident) -> list[str]:
        return ["chat"] if head.is_sample else ["pager"]

    world = World(names=("pager", "chat"), route=route)
    sample = defender_alert(AlertDisplayName="[SAMPLE ALERT] x")
    real = defender_alert(SystemAlertId="2")
    chat = world.responders["chat"]

    await world.feed([event(sample)])
    await world.feed([event(real, place=2)])
    assert (chat.sent_verbs(), world.pager.sent_verbs()) == (["trigger"], ["trigger"])
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))
    await world.settle()

    assert (chat.sent_verbs(), world.pager.sent_verbs()) == (
        ["trigger", "resolve"],
    ) * 2
    await world.check_rested()


async def test_a_responder_that_left_the_policy_is_passed_over(world: World) -> None:
    """Its rows stay, and keep nobody else from hearing."""
    await look(world)
    world.responders["chat"] = type(world.pager)("chat", world.faults)
    del world.responders["pager"]
    world.route = lambda _: ["chat"]
    world.restart()

    await world.worker.commands.resolve((await world.head()).id, Order("ada"))
    await world.settle()

    assert world.responders["chat"].sent_verbs() == ["trigger", "resolve"]
    await world.check_rested()


async def test_a_reopened_incident_is_paged_anew(world: World) -> None:
    """Closed by the source and opened again: two pages, the first one closed."""
    await world.settle()
    even_later = {"ProcessingEndTime": stamp(NOON + timedelta(hours=2))}
    for place, body in enumerate(
        [
            defender_alert(Status="Resolved", **LATER),
            defender_alert(Status="InProgress", **even_later),
        ]
    ):
        late = NOON + timedelta(hours=3)
        await world.feed([event(body, place=2 + place, received_at=late)])

    assert world.pager.sent_verbs() == ["trigger", "resolve", "trigger"]
    assert len({sent.dedup_key for sent in world.pager.sent}) == 2
    head = await world.head()
    assert (head.status, head.epoch) == (IncidentStatus.OPEN, 2)


async def test_a_successor_speaks_once_its_root_has_ended() -> None:
    """Until then the root's page is its page; after it, nobody else would tell."""
    world = World(caps=Correlation(max_problems=1))
    one = {"AlertType": "one", "SystemAlertId": "a"}
    two = {"AlertType": "two", "SystemAlertId": "b"}
    await world.feed([event(defender_alert(**one))])
    await world.feed([event(defender_alert(**two))])
    first, second = sorted(await world.heads(), key=lambda head: head.predecessor or "")
    assert second.root == first.id
    assert world.pager.sent_verbs() == ["trigger"]

    await world.feed([event(defender_alert(**one, Status="Dismissed", **LATER))])

    assert world.pager.sent_verbs() == ["trigger", "resolve", "trigger"]
    opened = [row for row in await world.actions() if row.verb is Verb.TRIGGER]
    assert {row.incident for row in opened} == {first.id, second.id}
    await world.check_rested()
