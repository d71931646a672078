"""The second verb: what is due is done, and recorded."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from shared.actions import backoff
from shared.commands import Order
from shared.model.action import ActionStatus, Verb
from shared.model.correlation import Correlation
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.incident import Incident, IncidentStatus
from tests.alerts import NOON, defender_alert, event, stamp
from tests.fakes.firewatch import World

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
