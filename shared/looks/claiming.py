"""Taking on what a look saw: the lease and the rows, in one transaction."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions import delivery
from shared.actions import head as head_of
from shared.actions.told import told_of
from shared.model.action import Action, ActionRow, ActionStatus
from shared.model.errors import StoreConflict
from shared.model.incident import Fact, Incident
from shared.store import messages, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.containment.containing import Moves
    from shared.looks.gathering import Found
    from shared.looks.leasing import Leasing
    from shared.looks.looking import Sight
    from shared.model.action import Told
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue


class Claim(NamedTuple):
    """What a worker took on: the head as it left it, the actions with their rows, deeds.

    ``token`` is the owner of the lease, ``etags`` are the versions of what was written.
    """

    head: Incident
    token: str
    work: tuple[tuple[Action, ActionRow], ...]
    etags: Mapping[str, str]
    moves: Moves

    @property
    def is_any(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.work or self.moves.jobs)


class _Written(NamedTuple):
    """What is to be done by a claim, and whether the timeline says anything of it."""

    work: tuple[tuple[Action, ActionRow], ...] = ()
    is_noted: bool = False


class Claiming:
    """Takes on what looks saw; one for the process."""

    def __init__(self, ledger: Ledger, queue: Queue, leasing: Leasing) -> None:
        self._ledger = ledger
        self._queue = queue
        self._leasing = leasing

    async def __call__(self, seen: Sight) -> Claim | None:
        """Write what the look saw, and take the lease where there is anything to do.

        None where somebody changed the incident since. Raises StoreUnavailable.
        """
        token = uuid.uuid4().hex
        head = seen.head

        def decide(draft: Draft) -> _Written | None:
            if draft.incident(head.id) != head:
                return None
            head_of.heard(draft, head)
            facts = [seen.fact] if seen.fact else []
            if seen.found is not None:
                facts += _put_evidence(draft, seen.found)
            facts += seen.moves.put(draft)
            _drop(draft, seen.todo.dropped, seen.etags)
            if not seen.acts:
                next_at = sooner(seen.todo.next_at, seen.moves.next_at)
                draft.change(self._leasing.rested(seen.after, next_at), *facts)
                return _Written(is_noted=bool(facts))
            work = _put_work(draft, seen)
            taken = self._leasing.taken(seen.after, token, draft.now)
            draft.change(taken, *facts)
            return _Written(work, bool(facts))

        partition = rows.partition_of_incident(head.id)
        try:
            written, etags = await self._ledger.transact(
                partition, decide, by="respond"
            )
        except StoreConflict:
            # Action rows are the lease holder's alone: somebody else holds it now.
            return None
        if written is None:
            return None
        if head.successor and head.status.has_ended:
            await self._queue.send(messages.encode([head.successor]))
        left = replace(seen.after, sequence=head.sequence + written.is_noted)
        return Claim(left, token, written.work, etags, seen.moves)


def sooner(*times: datetime | None) -> datetime | None:
    """The first of the times that there are."""
    return min((at for at in times if at is not None), default=None)


def _put_work(draft: Draft, seen: Sight) -> tuple[tuple[Action, ActionRow], ...]:
    """Write the rows of what is to do now; the actions as they are sent, with their rows."""
    before = {row.key: row for row in seen.stored}
    # One action may be wanted by two plans; a key is one row.
    actions = {action.key: action for action in seen.todo.actions}
    claimed = [
        (
            action,
            delivery.claimed(
                action,
                before.get(action.key),
                draft.now,
                told=_told(seen.after, action),
                policy=seen.ruled.rules.policy,
            ),
        )
        for action in actions.values()
    ]
    for _, row in claimed:
        draft.put_action(row, seen.etags.get(rows.action(row.incident, row.key)))
    return tuple((delivery.continued(action, row), row) for action, row in claimed)


def _told(head: Incident, action: Action) -> Told:
    """What is on record of what an action tells."""
    told = told_of(head, action.occasion)
    if action.dossier is None:
        return told
    return replace(told, sequence=action.dossier.through)


def _drop(draft: Draft, dropped: Sequence[ActionRow], etags: Mapping[str, str]) -> None:
    """Write down that nobody sends these any more."""
    for row in dropped:
        given_up = replace(row, status=ActionStatus.DROPPED, changed_at=draft.now)
        draft.put_action(given_up, etags[rows.action(row.incident, row.key)])


def _put_evidence(draft: Draft, found: Found) -> list[Fact]:
    """Write the evidence that is new; what the timeline says of it."""
    for row in found.changed:
        key = rows.evidence(row.incident, row.evidence.query, row.about)
        draft.put_evidence(row, found.etags.get(key))
    if not found.changed or found.mark is None:
        return []
    said = f"{found.mark.answered} of {found.mark.asked} answered"
    return [Fact(kind="evidence.gathered", detail=said)]
