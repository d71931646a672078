"""What is still to be done, case by case."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.actions import reconcile
from shared.model.action import (
    Action,
    ActionRow,
    ActionStatus,
    Kind,
    Occasion,
    Verb,
    planned,
)
from shared.model.incident import Incident, IncidentStatus
from tests.factories import NOON, make_incident

if TYPE_CHECKING:
    from shared.actions.reconcile import Todo

CLAIM = timedelta(seconds=150)
AN_HOUR = timedelta(hours=1)
RESOLVED = {"status": IncidentStatus.RESOLVED}

Told = list[tuple[str, str, str]]


def action(incident: Incident, verb: Verb, occasion: Occasion) -> Action:
    """A notice of the incident to the pager."""
    return planned(
        incident,
        responder="pager",
        kind=Kind.NOTIFY,
        verb=verb,
        target="pager",
        occasion=occasion,
        content={},
    )


def trigger(incident: Incident) -> Action:
    """The notice that it opened."""
    return action(incident, Verb.TRIGGER, Occasion.OPENED)


def resolve(incident: Incident) -> Action:
    """The notice that it ended."""
    return action(incident, Verb.RESOLVE, Occasion.RESOLVED)


def row(
    planned: Action, status: ActionStatus = ActionStatus.APPLIED, **changes: object
) -> ActionRow:
    """What is remembered of an action."""
    default = ActionRow(
        key=planned.key,
        dedup_key=planned.dedup_key,
        incident=planned.incident,
        responder=planned.responder,
        kind=planned.kind,
        verb=planned.verb,
        target=planned.target,
        occasion=planned.occasion,
        status=status,
        attempts=1,
        planned_at=NOON,
        changed_at=NOON,
    )
    return replace(default, **changes)


def todo(incident: Incident, *rows: ActionRow, later: timedelta = AN_HOUR) -> Todo:
    """What is to be done for an incident that goes to the pager."""
    wanted = [trigger(incident)] if incident.root == incident.id else []
    if incident.status is not IncidentStatus.OPEN:
        wanted.append(resolve(incident))
    closers = [resolve(replace(incident, root=incident.id))]
    return reconcile.todo(
        incident, wanted, closers, rows, NOON + later, claims_last=CLAIM
    )


def told(found: Todo) -> Told:
    """The actions in short."""
    return [(a.verb.value, a.dedup_key, a.occasion.value) for a in found.actions]


@pytest.fixture
def winner() -> Incident:
    """An open incident that absorbed another."""
    return make_incident(id="win", absorbed=("lost",))


@pytest.fixture
def loser() -> Incident:
    """The incident that was absorbed."""
    return make_incident(id="lost")


def test_a_new_incident_is_told_once() -> None:
    """Nothing was done: trigger. It was done: nothing."""
    incident = make_incident()
    page = trigger(incident)

    assert told(todo(incident)) == [("trigger", page.dedup_key, "opened")]
    assert todo(incident, row(page)) == reconcile.Todo(())


def test_the_end_is_told_after_the_beginning_arrived() -> None:
    """A resolve waits for its trigger, and is dropped with one that failed."""
    incident = make_incident(**RESOLVED)
    page, end = trigger(incident), resolve(incident)

    assert told(todo(incident)) == [("trigger", page.dedup_key, "opened")]
    assert told(todo(incident, row(page))) == [("resolve", end.dedup_key, "resolved")]
    assert todo(incident, row(page), row(end)) == reconcile.Todo(())
    assert todo(incident, row(page, ActionStatus.FAILED)) == reconcile.Todo(())


def test_a_notice_of_before_keeps_its_key() -> None:
    """It speaks on, is told of the end under that key, and is sent again under it."""
    incident = make_incident()
    old = f"fw-{trigger(incident).dedup_key.rpartition('-')[2]}"
    page = row(trigger(incident), dedup_key=old)
    over = replace(incident, **RESOLVED)
    unsure = replace(page, status=ActionStatus.RETRY, reason="timeout")

    assert todo(incident, page) == reconcile.Todo(())
    assert told(todo(over, page)) == [("resolve", old, "resolved")]
    assert told(todo(incident, unsure)) == [("trigger", old, "opened")]


def test_a_retry_waits_for_its_time() -> None:
    """Until then there is something to come back for."""
    incident = make_incident()
    at = NOON + timedelta(minutes=5)
    failed = row(trigger(incident), ActionStatus.RETRY, not_before=at)

    waiting = todo(incident, failed, later=timedelta(minutes=4))
    assert waiting == reconcile.Todo((), next_at=at)
    due = todo(incident, failed, later=timedelta(minutes=5))
    assert told(due) == [("trigger", failed.dedup_key, "opened")]


def test_what_a_dead_worker_claimed_is_sent_again() -> None:
    """Its outcome is unknown; the key is the same."""
    incident = make_incident()
    claimed = row(trigger(incident), ActionStatus.CLAIMED)

    found = todo(incident, claimed, later=timedelta(0))

    assert [a.key for a in found.actions] == [claimed.key]


def test_a_merged_incidents_notice_speaks_for_the_winner(
    winner: Incident, loser: Incident
) -> None:
    """Nobody is paged again because two became one."""
    assert todo(winner, row(trigger(loser))) == reconcile.Todo(())


def test_of_two_open_notices_one_is_closed(winner: Incident, loser: Incident) -> None:
    """The winner's own stays."""
    rows = row(trigger(winner)), row(trigger(loser))

    found = todo(winner, *rows)

    assert told(found) == [("resolve", trigger(loser).dedup_key, "merged")]


def test_at_the_end_every_notice_is_closed(winner: Incident, loser: Incident) -> None:
    """The winner's own and the merged one's, each once."""
    ended = replace(winner, **RESOLVED)
    rows = row(trigger(winner)), row(trigger(loser))

    found = todo(ended, *rows)

    assert set(told(found)) == {
        ("resolve", trigger(winner).dedup_key, "resolved"),
        ("resolve", trigger(loser).dedup_key, "resolved"),
    }


def test_what_the_loser_left_unfinished_is_sent_on(
    winner: Incident, loser: Incident
) -> None:
    """Under the loser's key: it may have arrived already."""
    left = row(trigger(loser), ActionStatus.CLAIMED)

    alive = todo(winner, left, later=timedelta(seconds=149))
    dead = todo(winner, left, later=timedelta(seconds=150))

    assert alive == reconcile.Todo((), next_at=NOON + CLAIM)
    assert [(a.key, a.incident) for a in dead.actions] == [(left.key, "lost")]


def test_what_the_loser_never_sent_is_dropped(
    winner: Incident, loser: Incident
) -> None:
    """Another notice takes its place."""
    refused = row(trigger(loser), ActionStatus.RETRY, reason="unavailable")

    found = todo(winner, row(trigger(winner)), refused)

    assert found == reconcile.Todo((), dropped=(refused,))


def test_what_the_loser_may_have_sent_is_closed(
    winner: Incident, loser: Incident
) -> None:
    """A timeout is no proof that nothing arrived."""
    lost = row(trigger(loser), ActionStatus.RETRY, reason="timeout")

    found = todo(winner, row(trigger(winner)), lost)

    assert told(found) == [("resolve", lost.dedup_key, "merged")]


def test_a_reopened_incident_is_told_anew() -> None:
    """The notice of the epoch before is closed."""
    before = make_incident(epoch=1)
    incident = make_incident(epoch=2)

    found = todo(incident, row(trigger(before)))

    assert set(told(found)) == {
        ("trigger", trigger(incident).dedup_key, "opened"),
        ("resolve", trigger(before).dedup_key, "resolved"),
    }


def test_a_resolve_that_failed_does_not_silence_the_next_epoch() -> None:
    """Whatever the other side refused before, the new page goes out."""
    before = make_incident(epoch=1)
    incident = make_incident(epoch=2)
    rows = [row(trigger(before)), row(resolve(before), ActionStatus.FAILED)]
    closing = todo(incident, *rows).actions[-1]

    found = todo(incident, *rows, row(closing, ActionStatus.FAILED))

    assert told(found) == [("trigger", trigger(incident).dedup_key, "opened")]


def test_a_notice_whose_end_was_begun_speaks_for_nobody(
    winner: Incident, loser: Incident
) -> None:
    """Its resolve may have arrived though nobody heard: the winner pages itself."""
    reopened = replace(winner, epoch=2)
    closing = todo(winner, row(trigger(winner)), row(trigger(loser))).actions[0]
    begun = row(closing, ActionStatus.CLAIMED)

    found = todo(reopened, row(trigger(loser)), begun)

    assert set(told(found)) == {
        ("trigger", trigger(reopened).dedup_key, "opened"),
        ("resolve", trigger(loser).dedup_key, "merged"),
    }


def test_who_is_not_routed_to_any_more_hears_of_the_end() -> None:
    """Not wanted any longer, its notice stays until then and is closed."""
    incident = make_incident()
    page, end = row(trigger(incident)), resolve(incident)

    def unrouted(head: Incident, wanted: list[Action]) -> Todo:
        return reconcile.todo(
            head, wanted, [end], [page], NOON + AN_HOUR, claims_last=CLAIM
        )

    assert unrouted(incident, []) == reconcile.Todo(())
    assert told(unrouted(replace(incident, **RESOLVED), [end])) == [
        ("resolve", page.dedup_key, "resolved")
    ]


def test_a_successor_closes_nothing_of_its_root() -> None:
    """Its root's notice is its root's to close."""
    successor = make_incident(id="next", root="first", **RESOLVED)

    assert todo(successor) == reconcile.Todo(())


def test_sides_keep_apart() -> None:
    """What one responder was told says nothing about another."""
    incident = make_incident()
    other = replace(trigger(incident), responder="chat", target="chat", key="k")

    assert told(todo(incident, row(other))) == [
        ("trigger", trigger(incident).dedup_key, "opened")
    ]
