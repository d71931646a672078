"""Writing down what came of a claim, and giving the incident back."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared import telemetry
from shared.actions import deed_words, delivery
from shared.actions import head as head_of
from shared.actions.gathered import REST
from shared.containment.containing import put, with_rows
from shared.looks.claiming import sooner
from shared.model.action import ActionStatus, Verb
from shared.model.incident import Fact, Incident
from shared.store import messages, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.routing import Rules
    from shared.looks.assessing import Assessment
    from shared.looks.claiming import Claim
    from shared.looks.gathering import Gathering
    from shared.looks.leasing import Leasing
    from shared.model.action import ActionRow, Outcome
    from shared.model.deed import DeedRow
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# What is due this soon gets a message of its own and is done to the second; what is due
# later is the timer's, to the minute, and piles up no messages meanwhile.
EXACT = timedelta(minutes=10)


class Recording:
    """Records what came of claims; one for the process."""

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        assessment: Assessment,
        gathering: Gathering,
        leasing: Leasing,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._assessment = assessment
        self._gathering = gathering
        self._leasing = leasing

    async def __call__(
        self,
        claim: Claim,
        results: Sequence[Outcome | BaseException],
        done: Sequence[DeedRow],
    ) -> bool:
        """Write down what came of it; whether there is more to do at once.

        ``results`` are of the claim's actions and ``done`` of its deeds, each in order.
        Raises StoreError.
        """
        now = self._ledger.now()
        after = [
            delivery.concluded(row, result, now)
            for (_, row), result in zip(claim.work, results, strict=True)
        ]
        for row, result in zip(after, results, strict=True):
            _tell(row, result)
        stored, _ = await self._assessment.rows(claim.head)
        changed = {row.key: row for row in after}
        stored = [changed.get(row.key, row) for row in stored]
        rules = await self._assessment.rules(claim.head, now)
        came = [fact for row in after for fact in delivery.facts(row)]
        # What is written down now is what a forward copies next.
        grown = replace(
            with_rows(claim.head, done),
            sequence=claim.head.sequence + bool(came or done),
        )
        todo = await self._assessment.todo(grown, stored, now, rules)
        next_at = sooner(todo.next_at, claim.moves.next_at)

        def decide(draft: Draft) -> Incident | None:
            head = draft.read(rows.incident(claim.head.id), Incident)
            if head is None:
                return None
            if head.lease is None or head.lease.owner != claim.token:
                draft.change(head, Fact(kind="outcome.late"))
                return None
            for row in after:
                key = rows.action(row.incident, row.key)
                draft.put_action(row, claim.etags[key])
            written = put(draft, claim.moves.jobs, done)
            facts = [*came, *map(deed_words.fact, written)]
            is_news = head.generation > claim.head.generation or bool(todo.actions)
            head = replace(with_rows(head, written), lease=None, attempts=0, stuck="")
            head = _paged(head, after, rules)
            if head.merged_into is None:
                rested = self._leasing.rested(head, next_at)
                head = replace(head, due=draft.now) if is_news else rested
            draft.change(head, *facts)
            return head_of.passed_on(draft, head)

        partition = rows.partition_of_incident(claim.head.id)
        head, _ = await self._ledger.transact(partition, decide, by="respond")
        if head is None:
            telemetry.emit(telemetry.OUTCOME_LATE, incident=claim.head.id)
            return False
        return await self._is_due(head)

    async def _is_due(self, head: Incident) -> bool:
        """Whether it is due now; one that is soon has a message of its own."""
        now = self._ledger.now()
        if head.is_dirty or (head.due is not None and head.due <= now):
            return True
        # Evidence that is asked for again minutes later may as well be a minute late.
        is_patient = head.due == self._gathering.next_at(head)
        if head.due is not None and head.due - now <= (REST if is_patient else EXACT):
            wait = timedelta(seconds=math.ceil((head.due - now).total_seconds()))
            await self._queue.send(messages.encode([head.id]), delay=wait)
        return False


def _paged(head: Incident, after: Sequence[ActionRow], rules: Rules) -> Incident:
    """The head with when somebody was first told of it; later epochs are not counted.

    A ticket tells nobody by itself.
    """
    if head.paged_at is not None or head.epoch > 1:
        return head
    for row in after:
        is_told = row.verb is Verb.TRIGGER and row.status is ActionStatus.APPLIED
        if is_told and row.kind.tells_people:
            by = rules.label(head, row)
            return replace(head, paged_at=row.changed_at, paged_by=by)
    return head


def _tell(row: ActionRow, result: Outcome | BaseException) -> None:
    if delivery.is_defect(result) and isinstance(result, Exception):
        telemetry.emit(telemetry.INCIDENT_BROKE_US, error=result, incident=row.incident)
    event = {
        ActionStatus.APPLIED: telemetry.DELIVERY_APPLIED,
        ActionStatus.RETRY: telemetry.DELIVERY_RETRIED,
    }.get(row.status, telemetry.DELIVERY_FAILED)
    telemetry.emit(
        event,
        incident=row.incident,
        responder=row.responder,
        occasion=row.occasion,
        key=row.dedup_key,
        attempts=row.attempts,
        reason=row.reason,
        **_cost(row),
    )


def _cost(row: ActionRow) -> dict[str, Any]:
    """What of a forward is paid for, as the log says it."""
    if row.traffic is None:
        return {}
    cost = row.traffic
    return {"records": cost.records, "bytes": cost.bytes, "calls": cost.calls}
