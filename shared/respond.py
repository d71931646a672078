"""The second verb: look at an incident, and do what should have been done by now.

::

    look        head and action rows; what is still to do        no lease, no write
    gather      evidence, for as long as the page may wait       no lease, no write
    contain     what doers would change, and whether they may    no lease, budgets
    claim       lease on the head, rows inserted                 one transaction
    apply       the responders, side by side                     the network
    record      outcomes, observed generation, lease given back  one transaction

The message says only which incident. A crash after ``claim`` leaves claimed rows and a
due line at the end of the lease; the next worker sends those notices again under the
same key, and reads what a deed may have changed before anything is sent (law 3).
"""

from __future__ import annotations

import asyncio
import math
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from shared import telemetry
from shared.actions import deeds, delivery, reconcile
from shared.actions import head as head_of
from shared.actions.gathered import REST
from shared.actions.told import told_of
from shared.assess import Assessment
from shared.containment.containing import Moves, put, with_rows
from shared.forwarding import Forwarding
from shared.gathering import Turn
from shared.model.action import Action, ActionRow, ActionStatus, Outcome, Told, Verb
from shared.model.errors import (
    StoreConflict,
    StoreUnavailable,
)
from shared.model.incident import (
    Fact,
    Incident,
    IncidentStatus,
    Lease,
)
from shared.model.risk import Risk, Weights
from shared.store import messages, rows
from shared.stuck import Stuck
from shared.triage import risk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from responders.base import Responder
    from shared.actions.routing import Rules
    from shared.assess import Offer, Ruled
    from shared.containment.containing import Containing
    from shared.escalating import Escalating
    from shared.gathering import Found, Gathering
    from shared.model.deed import DeedRow
    from shared.noise import Noise
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# Incidents of one message that are looked at side by side.
SIDE_BY_SIDE = 8

# One look does what is to do, then what that made possible (a resolve after its
# trigger), then what came in meanwhile; more than this waits for the next message.
MOST_PASSES = 6

# What is due this soon gets a message of its own and is done to the second; what is due
# later is the timer's, to the minute, and piles up no messages meanwhile.
EXACT = timedelta(minutes=10)

# Our own answer must be recorded before the lease ends (review F5).
MARGIN = 1 / 8
# Others wait this much longer, since clocks are read to the second.
GRACE = 1 / 4


class _Claim(NamedTuple):
    """What a worker took on: the head as it left it, the actions with their rows, deeds."""

    head: Incident
    token: str
    work: tuple[tuple[Action, ActionRow], ...]
    etags: dict[str, str]
    moves: Moves = Moves()

    @property
    def is_any(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.work or self.moves.jobs)


class Respond:
    """Looks at incidents. ``rules`` gives the policy's part in it, as it is now.

    ``quiet`` is how long nothing may be heard of an incident before it is resolved,
    ``weights`` what its score is made of; the defaults, unless given.
    """

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        *,
        responders: Mapping[str, Responder],
        rules: Callable[[], Awaitable[Rules]],
        noise: Noise,
        escalating: Escalating,
        links: Offer = lambda *_: (),
        gathering: Gathering,
        containing: Containing,
        lease: timedelta,
        quiet: timedelta | None = None,
        weights: Weights | None = None,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._weights = weights or Weights()
        self._responders = responders
        self._gathering = gathering
        self._forwarding = Forwarding(ledger)
        self._containing = containing
        self._lease = lease
        self._quiet = quiet
        self._assessment = Assessment(
            ledger,
            responders=responders,
            rules=rules,
            noise=noise,
            escalating=escalating,
            links=links,
            claims_last=lease * (1 + GRACE),
            quiet=quiet,
        )
        self._stuck = Stuck(
            ledger,
            responders,
            rules=rules,
            read=self._assessment.head,
            send=self._send,
        )

    async def __call__(self, incident_ids: Sequence[str]) -> None:
        """Look at each incident; one that breaks us does not keep the others waiting.

        Raises StoreError when the store cannot be reached, once all were tried, so that
        the queue gives the message again.
        """
        gate = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(incident_id: str) -> None:
            async with gate:
                await self._guarded(incident_id, Turn(gate))

        # Not a TaskGroup: it would cancel the others in the middle of what they send.
        results = await asyncio.gather(
            *(one(incident_id) for incident_id in dict.fromkeys(incident_ids)),
            return_exceptions=True,
        )
        for result in results:
            if result is not None:
                raise result

    async def give_up_on(self, incident_ids: Sequence[str]) -> None:
        """A message failed as often as it may: each incident counts as failed once."""
        for incident_id in incident_ids:
            await self._stuck.failed(incident_id, "its message was poisoned")

    async def _guarded(self, incident_id: str, turn: Turn) -> None:
        try:
            await self._look(incident_id, turn)
        except (StoreConflict, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001  one incident's fault stays its own
            telemetry.emit(
                telemetry.INCIDENT_BROKE_US, error=error, incident=incident_id
            )
            await self._stuck.failed(incident_id, type(error).__name__)

    async def _look(self, incident_id: str, turn: Turn) -> None:
        for _ in range(MOST_PASSES):
            claim = await self._claim(incident_id, turn)
            if claim is None:
                return
            incident_id = claim.head.id
            turn.asked.clear()
            results, done = await asyncio.gather(
                self._apply(claim),
                self._containing.do(claim.moves.jobs, seconds=self._seconds),
            )
            if not await self._record(claim, results, done):
                return
        await self._queue.send(messages.encode([incident_id]))

    async def _claim(self, incident_id: str, turn: Turn) -> _Claim | None:
        """Take the lease and the rows of what is to do; None when there is nothing."""
        for _ in range(MOST_PASSES):
            head = await self._assessment.head(incident_id)
            now = self._ledger.now()
            if head is None or not self._needs_look(head, now):
                return None
            if not await self._assessment.settled(head, now):
                continue
            stored, etags = await self._assessment.rows(head)
            tagged = await self._gathering.tagged(head, turn)
            scored = replace(tagged, risk=self._risk(head, None))
            ruled, todo = await self._assessment.ruled(scored, stored, now)
            found = await self._evidence(scored, ruled, todo, stored, turn)
            moves = await self._moves(tagged, ruled, todo, stored, found)
            held = moves.on(self._seen(tagged, ruled, found))
            if found is not None or moves.rows:
                evidence = found.evidence if found else ()
                todo = await self._assessment.todo(
                    held, stored, now, ruled.rules, evidence
                )
            todo = await self._assessment.admitted(head, todo, stored)
            todo = reconcile.forwards_last(todo, acts=bool(moves.jobs))
            todo = await self._forwarding.filled(
                held, todo, stored, found.evidence if found else ()
            )
            claim = await self._commit_claim(
                head,
                ruled,
                todo,
                stored,
                etags,
                found=found,
                tags=tagged.tags,
                moves=moves,
            )
            if claim is not None:
                return claim if claim.is_any else None
            # Somebody changed the incident between our look and our claim.
        return None

    def _needs_look(self, head: Incident, now: datetime) -> bool:
        if head.lease is not None and head.lease.until + self._lease * GRACE > now:
            return False
        return head.is_dirty or (head.due is not None and head.due <= now)

    async def _evidence(
        self,
        head: Incident,
        ruled: Ruled,
        todo: reconcile.Todo,
        stored: Sequence[ActionRow],
        turn: Turn,
    ) -> Found | None:
        """The evidence that what is to do is done with, where any is wanted."""
        begins = _begins(todo, stored)
        held = self._seen(head, ruled, None)
        if held.risk is None:
            # A route of low scores may be the only one; it takes nothing unscored.
            least = ruled.rules.routing(replace(held, risk=Risk()))
            named = {each.responder for each in ruled.rules.routing(held)}
            begins = begins or any(each.responder not in named for each in least)
        acts = bool(todo.actions)
        return await self._gathering(held, turn, begins=begins, acts=acts)

    async def _moves(
        self,
        head: Incident,
        ruled: Ruled,
        todo: reconcile.Todo,
        stored: Sequence[ActionRow],
        found: Found | None,
    ) -> Moves:
        """What is to be done to contain it, as far as may be."""
        return await self._containing(
            self._seen(head, ruled, found),
            evidence=found.evidence if found else (),
            policy=ruled.rules.policy,
            begins=_begins(todo, stored),
        )

    def _risk(self, head: Incident, found: Found | None) -> Risk | None:
        """Its score; None while logs were not asked what they know, and of a test."""
        if head.is_drill:
            return None
        if found is not None:
            return risk.score(head, found.evidence, self._weights)
        is_asked = head.evidence is not None and head.risk is not None
        is_open = head.status is IncidentStatus.OPEN
        if self._gathering.is_on and is_open and not is_asked:
            return None
        return risk.again(head, head.risk, self._weights)

    def _seen(self, head: Incident, ruled: Ruled, found: Found | None) -> Incident:
        """The head as this look leaves it, but for its lease."""
        held = head_of.ruled(head, ruled.ruling, ruled.hold)[0]
        held = replace(held, risk=self._risk(head, found))
        return replace(held, evidence=found.mark) if found else held

    async def _commit_claim(
        self,
        head: Incident,
        ruled: Ruled,
        todo: reconcile.Todo,
        stored: Sequence[ActionRow],
        etags: Mapping[str, str],
        *,
        found: Found | None,
        tags: dict[str, dict[str, str]],
        moves: Moves,
    ) -> _Claim | None:
        token = uuid.uuid4().hex
        before = {row.key: row for row in stored}
        noted: list[Fact] = []
        # One action may be wanted by two plans; a key is one row.
        actions = {action.key: action for action in todo.actions}

        def decide(draft: Draft) -> list[tuple[Action, ActionRow]] | None:
            known = draft.incident(head.id)
            if known is None or known != head:
                return None
            head_of.heard(draft, known)
            known, fact = head_of.ruled(known, ruled.ruling, ruled.hold)
            facts = [fact] if fact else []
            known = replace(known, risk=self._risk(head, found), tags=tags)
            if found is not None:
                known = replace(known, evidence=found.mark)
                facts += _kept(draft, found)
            known = moves.on(known)
            facts += moves.put(draft)
            noted[:] = facts
            _drop(draft, todo.dropped, etags)
            if not actions and not moves.jobs:
                next_at = _sooner(todo.next_at, moves.next_at)
                draft.change(self._rested(known, next_at), *facts)
                return []
            claimed = [
                (
                    action,
                    delivery.claimed(
                        action,
                        before.get(action.key),
                        draft.now,
                        told=_told(known, action),
                        policy=ruled.rules.policy,
                    ),
                )
                for action in actions.values()
            ]
            work = [(delivery.continued(*pair), pair[1]) for pair in claimed]
            for _, row in work:
                draft.put_action(row, etags.get(rows.action(row.incident, row.key)))
            until = draft.now + self._lease
            draft.change(
                replace(
                    known,
                    lease=Lease(owner=token, until=until),
                    attempts=known.attempts + 1,
                    due=until + self._lease * GRACE,
                ),
                *facts,
            )
            return work

        partition = rows.partition_of_incident(head.id)
        try:
            work, versions = await self._ledger.transact(
                partition, decide, by="respond"
            )
        except StoreConflict:
            # Action rows are the lease holder's alone: somebody else holds it now.
            return None
        if work is None:
            return None
        if head.successor and head.status.has_ended:
            await self._queue.send(messages.encode([head.successor]))
        seen = moves.on(self._seen(replace(head, tags=tags), ruled, found))
        seen = replace(seen, sequence=head.sequence + bool(noted))
        return _Claim(seen, token, tuple(work), versions, moves)

    def _rested(self, head: Incident, next_at: datetime | None) -> Incident:
        """The head with everything looked at, due when there is more to do."""
        evidence_at = self._gathering.next_at(head)
        at = head_of.next_look(head, self._quiet, next_at, evidence_at)
        return head_of.rested(head, at)

    async def _apply(self, claim: _Claim) -> list[Outcome | BaseException]:
        """Do every action of the claim, side by side; what came of each, in order."""
        return await asyncio.gather(
            *(self._send(action) for action, _ in claim.work), return_exceptions=True
        )

    async def _send(self, action: Action) -> Outcome:
        if action.is_echo:
            # That side said it itself: there is nothing that it does not know.
            return Outcome(reference=action.reference)
        async with asyncio.timeout(self._seconds):
            return await self._responders[action.responder].apply(action)

    @property
    def _seconds(self) -> float:
        """How long anything may take that is done under a lease."""
        return self._lease.total_seconds() * (1 - MARGIN)

    async def _record(
        self,
        claim: _Claim,
        results: Sequence[Outcome | BaseException],
        done: Sequence[DeedRow],
    ) -> bool:
        """Write down what came of it; whether there is more to do at once."""
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
        next_at = _sooner(todo.next_at, claim.moves.next_at)

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
            facts = [*came, *map(deeds.fact, written)]
            is_news = head.generation > claim.head.generation or bool(todo.actions)
            head = replace(with_rows(head, written), lease=None, attempts=0, stuck="")
            head = _paged(head, after, rules)
            if head.merged_into is None:
                rested = self._rested(head, next_at)
                head = replace(head, due=draft.now) if is_news else rested
            draft.change(head, *facts)
            return head_of.passed_on(draft, head)

        partition = rows.partition_of_incident(claim.head.id)
        head, _ = await self._ledger.transact(partition, decide, by="respond")
        if head is None:
            telemetry.emit(telemetry.OUTCOME_LATE, incident=claim.head.id)
            return False
        now = self._ledger.now()
        if head.is_dirty or (head.due is not None and head.due <= now):
            return True
        # Evidence that is asked for again minutes later may as well be a minute late.
        is_patient = head.due == self._gathering.next_at(head)
        if head.due is not None and head.due - now <= (REST if is_patient else EXACT):
            wait = timedelta(seconds=math.ceil((head.due - now).total_seconds()))
            await self._queue.send(messages.encode([head.id]), delay=wait)
        return False


def _told(known: Incident, action: Action) -> Told:
    """What is on record of what an action tells."""
    told = told_of(known, action.occasion)
    if action.dossier is None:
        return told
    return replace(told, sequence=action.dossier.through)


def _begins(todo: reconcile.Todo, stored: Sequence[ActionRow]) -> bool:
    """Whether somebody is about to be told of it for the first time."""
    known = {row.key for row in stored}
    return any(
        action.verb is Verb.TRIGGER and action.key not in known
        for action in todo.actions
    )


def _sooner(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _drop(draft: Draft, dropped: Sequence[ActionRow], etags: Mapping[str, str]) -> None:
    """Write down that nobody sends these any more."""
    for row in dropped:
        given_up = replace(row, status=ActionStatus.DROPPED, changed_at=draft.now)
        draft.put_action(given_up, etags[rows.action(row.incident, row.key)])


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


def _kept(draft: Draft, found: Found) -> list[Fact]:
    """Write the evidence that is new; what the timeline says of it."""
    for row in found.changed:
        key = rows.evidence(row.incident, row.evidence.query, row.about)
        draft.put_evidence(row, found.etags.get(key))
    if not found.changed or found.mark is None:
        return []
    said = f"{found.mark.answered} of {found.mark.asked} answered"
    return [Fact(kind="evidence.gathered", detail=said)]


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
