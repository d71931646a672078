"""What is still to be done, over any history of notices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
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
from shared.model.errors import FailureReason
from shared.model.incident import Incident, IncidentStatus
from tests.factories import NOON, make_incident
from tests.property.feeds import QUICK

CLAIM = timedelta(seconds=150)
OVER = {ActionStatus.APPLIED, ActionStatus.FAILED, ActionStatus.DROPPED}


def notice(incident: Incident, verb: Verb, occasion: Occasion) -> Action:
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


def row_of(action: Action, status: ActionStatus, **changes: Any) -> ActionRow:  # noqa: ANN401
    """The row of an action."""
    default = ActionRow(
        key=action.key,
        dedup_key=action.dedup_key,
        incident=action.incident,
        responder=action.responder,
        kind=action.kind,
        verb=action.verb,
        target=action.target,
        occasion=action.occasion,
        status=status,
        attempts=1,
        planned_at=NOON,
        changed_at=NOON,
    )
    return replace(default, **changes)


_STATUS = st.sampled_from(list(ActionStatus))
_REASONS = st.sampled_from(["", *FailureReason])


@st.composite
def _histories(draw: st.DrawFn) -> tuple[Incident, list[ActionRow]]:
    """An incident that absorbed some and was reopened, and any rows of theirs."""
    status = draw(st.sampled_from([IncidentStatus.OPEN, IncidentStatus.RESOLVED]))
    epoch = draw(st.integers(1, 2))
    absorbed = tuple(f"lost-{n}" for n in range(draw(st.integers(0, 2))))
    incident = make_incident(status=status, epoch=epoch, absorbed=absorbed)
    speakers = [replace(incident, epoch=e) for e in range(1, epoch + 1)]
    speakers += [make_incident(id=name) for name in absorbed]
    found = []
    for speaker in speakers:
        if draw(st.booleans()):
            trigger = notice(speaker, Verb.TRIGGER, Occasion.OPENED)
            found.append(
                row_of(
                    trigger,
                    draw(_STATUS),
                    reason=draw(_REASONS),
                    not_before=draw(
                        st.sampled_from([None, NOON, NOON + timedelta(minutes=5)])
                    ),
                )
            )
    return incident, found


def _todo(
    incident: Incident, rows: list[ActionRow], later: timedelta
) -> reconcile.Todo:
    wanted = [notice(incident, Verb.TRIGGER, Occasion.OPENED)]
    end = notice(incident, Verb.RESOLVE, Occasion.RESOLVED)
    if incident.status is IncidentStatus.RESOLVED:
        wanted.append(end)
    return reconcile.todo(
        incident, wanted, [end], rows, NOON + later, claims_last=CLAIM
    )


def _applied(rows: list[ActionRow], todo: reconcile.Todo) -> list[ActionRow]:
    """The rows once every action was taken and every row to drop was dropped."""
    after = {row.key: row for row in rows}
    after |= {r.key: replace(r, status=ActionStatus.DROPPED) for r in todo.dropped}
    for action in todo.actions:
        known = after.get(action.key)
        done = row_of(action, ActionStatus.APPLIED)
        after[action.key] = (
            replace(known, status=ActionStatus.APPLIED) if known else done
        )
    return list(after.values())


def _open(rows: list[ActionRow]) -> list[str]:
    """The notices the other side shows, if it took all that it may have taken."""
    closed = {
        row.dedup_key
        for row in rows
        if row.verb is Verb.RESOLVE and row.status is ActionStatus.APPLIED
    }
    return [
        row.dedup_key
        for row in rows
        if row.verb is Verb.TRIGGER
        and row.status is ActionStatus.APPLIED
        and row.dedup_key not in closed
    ]


@QUICK
@given(_histories())
def test_doing_it_all_leaves_nothing_to_do(
    history: tuple[Incident, list[ActionRow]],
) -> None:
    """However it began, a few passes end with one open notice, or none at the end."""
    incident, rows = history
    later = timedelta(hours=1)

    for _ in range(4):
        todo = _todo(incident, rows, later)
        assert len({action.key for action in todo.actions}) == len(todo.actions)
        rows = _applied(rows, todo)
    rest = _todo(incident, rows, later)

    assert rest == reconcile.Todo(())
    assert all(row.status in OVER for row in rows if row.verb is Verb.TRIGGER) or (
        incident.status is IncidentStatus.OPEN
    )
    if incident.status is IncidentStatus.RESOLVED:
        assert _open(rows) == []
    else:
        own = notice(incident, Verb.TRIGGER, Occasion.OPENED)
        gave_up = any(
            row.key == own.key and row.status in OVER - {ActionStatus.APPLIED}
            for row in rows
        )
        assert len(_open(rows)) == 1 or gave_up


@QUICK
@given(_histories(), st.integers(0, 600))
def test_what_is_over_is_never_done_again(
    history: tuple[Incident, list[ActionRow]], seconds: int
) -> None:
    """No action whose row is over is planned, no row that is over is dropped."""
    incident, rows = history
    over = {row.key for row in rows if row.status in OVER}

    todo = _todo(incident, rows, timedelta(seconds=seconds))

    assert not over & {action.key for action in todo.actions}
    assert not over & {row.key for row in todo.dropped}


@QUICK
@given(_histories(), st.integers(0, 149))
def test_a_merged_incidents_claim_is_left_to_its_worker(
    history: tuple[Incident, list[ActionRow]], seconds: int
) -> None:
    """While a claim may be alive, its notice is neither sent, closed nor dropped."""
    incident, rows = history
    alive = {
        row.dedup_key
        for row in rows
        if row.status is ActionStatus.CLAIMED and row.incident != incident.id
    }

    todo = _todo(incident, rows, timedelta(seconds=seconds))

    assert not alive & {action.dedup_key for action in todo.actions}
    assert not alive & {row.dedup_key for row in todo.dropped}
