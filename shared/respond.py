"""The second verb: look at an incident, and do what should have been done by now.

::

    look        head and action rows; what is still to do        no lease, no write
    claim       lease on the head, action rows inserted          one transaction
    apply       the responders, side by side                     the network
    record      outcomes, observed generation, lease given back  one transaction

The message says only which incident. A crash after ``claim`` leaves claimed rows and a
due line at the end of the lease; the next worker sends those notices again under the
same key. Containment, when it comes, will be verified first (law 3).
"""

from __future__ import annotations

import asyncio
import math
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared import telemetry
from shared.actions import backoff, delivery, reconcile
from shared.actions import head as head_of
from shared.model.action import (
    Action,
    ActionRow,
    ActionStatus,
    Occasion,
    Outcome,
    Verb,
    as_stuck,
    told_of,
)
from shared.model.errors import (
    StoreConflict,
    StoreUnavailable,
)
from shared.model.incident import (
    QUIET,
    Fact,
    Hold,
    Incident,
    IncidentStatus,
    Lease,
    stripped,
)
from shared.model.storm import STORM
from shared.store import messages, rows
from shared.store.draft import news

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from responders.base import Responder
    from shared.actions.routing import Rules
    from shared.actions.silencing import Ruling
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
    """What a worker took on: the head as it saw it, and the actions with their rows."""

    head: Incident
    token: str
    work: tuple[tuple[Action, ActionRow], ...]
    etags: dict[str, str]


class _Ruled(NamedTuple):
    """What a look goes by: what is held back, and the hash of the policy."""

    ruling: Ruling
    hold: Hold | None
    policy: str


class Respond:
    """Looks at incidents. ``rules`` gives the policy's part in it, as it is now.

    ``quiet`` is how long nothing may be heard of an incident before it is resolved.
    """

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        *,
        responders: Mapping[str, Responder],
        rules: Callable[[], Awaitable[Rules]],
        noise: Noise,
        lease: timedelta,
        quiet: timedelta | None = None,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._responders = responders
        self._rules = rules
        self._noise = noise
        self._lease = lease
        self._quiet = quiet

    async def __call__(self, incident_ids: Sequence[str]) -> None:
        """Look at each incident; one that breaks us does not keep the others waiting.

        Raises StoreError when the store cannot be reached, once all were tried, so that
        the queue gives the message again.
        """
        gate = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(incident_id: str) -> None:
            async with gate:
                await self._guarded(incident_id)

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
            await self._failed(incident_id, "its message was poisoned")

    async def _guarded(self, incident_id: str) -> None:
        try:
            await self._look(incident_id)
        except (StoreConflict, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001  one incident's fault stays its own
            telemetry.emit(
                telemetry.INCIDENT_BROKE_US, error=error, incident=incident_id
            )
            await self._failed(incident_id, type(error).__name__)

    async def _look(self, incident_id: str) -> None:
        for _ in range(MOST_PASSES):
            claim = await self._claim(incident_id)
            if claim is None:
                return
            incident_id = claim.head.id
            results = await self._apply(claim)
            if not await self._record(claim, results):
                return
        await self._queue.send(messages.encode([incident_id]))

    async def _claim(self, incident_id: str) -> _Claim | None:
        """Take the lease and the rows of what is to do; None when there is nothing."""
        for _ in range(MOST_PASSES):
            head = await self._head(incident_id)
            now = self._ledger.now()
            if head is None or not self._needs_look(head, now):
                return None
            if await self._end_quiet(head, now) or await self._speak_up(head):
                continue
            stored, etags = await self._rows(head)
            ruled, todo = await self._ruled(head, stored, now)
            claim = await self._commit_claim(head, ruled, todo, stored, etags)
            if claim is not None:
                return claim if claim.work else None
            # Somebody changed the incident between our look and our claim.
        return None

    async def _end_quiet(self, head: Incident, now: datetime) -> bool:
        """Resolve an incident of which nothing was heard for long; whether it is so."""
        at = head_of.quiet_at(head, self._quiet)
        if at is None or at > now:
            return False

        def decide(draft: Draft) -> None:
            known = draft.incident(head.id)
            if known == head:
                ended = news(head_of.quieted(known, draft.now), draft.now)
                draft.change(ended, Fact(kind="incident.resolved", detail=QUIET))

        partition = rows.partition_of_incident(head.id)
        await self._ledger.transact(partition, decide, by="respond")
        return True

    async def _speak_up(self, head: Incident) -> bool:
        """Have a successor that is worse than what its root told speak for itself.

        Or the next burst would be swallowed by a page that nobody minds (keep#5175).
        """
        if head.root == head.id or head.status is not IncidentStatus.OPEN:
            return False

        def decide(draft: Draft) -> bool:
            known, root = draft.incident(head.id), draft.incident(head.root)
            if known != head or (root and root.severity.rank >= head.severity.rank):
                return False
            fact = Fact(kind="incident.speaks", detail="worse than its predecessor")
            draft.change(news(replace(known, root=known.id), draft.now), fact)
            return True

        partition = rows.partition_of_incident(head.id)
        is_changed, _ = await self._ledger.transact(partition, decide, by="respond")
        return is_changed

    async def _ruled(
        self, head: Incident, stored: Sequence[ActionRow], now: datetime
    ) -> tuple[_Ruled, reconcile.Todo]:
        """What holds its notices back, and what is still to be done under that."""
        rules = await self._rules()
        ruling = await self._noise.ruling(head)
        hold = ruling.hold
        held = head_of.ruled(head, ruling, hold)[0]
        todo = await self._todo(held, stored, now, rules)
        known = {row.key for row in stored}
        if any(
            action.occasion is Occasion.OPENED and action.key not in known
            for action in todo.actions
        ):
            at = await self._noise.turn(head)
            if at is not None:
                hold = Hold(by=STORM, until=at)
                held = head_of.ruled(head, ruling, hold)[0]
                todo = await self._todo(held, stored, now, rules)
        return _Ruled(ruling, hold, rules.policy), todo

    def _needs_look(self, head: Incident, now: datetime) -> bool:
        if head.lease is not None and head.lease.until + self._lease * GRACE > now:
            return False
        return head.is_dirty or (head.due is not None and head.due <= now)

    async def _head(self, incident_id: str) -> Incident | None:
        """The incident, or the one it was merged into, as the store has it now."""
        if not rows.is_incident_id(incident_id):
            return None
        partition = rows.partition_of_incident(incident_id)
        await self._ledger.refresh(partition, [rows.incident(incident_id)])
        head, _ = await self._ledger.transact(
            partition, lambda draft: draft.incident(incident_id), by="respond"
        )
        if head is not None and head.id != incident_id:
            return await self._head(head.id)
        return head

    async def _rows(self, head: Incident) -> tuple[list[ActionRow], dict[str, str]]:
        """The action rows of the incident and of all it absorbed, and their versions."""
        partition = rows.partition_of_incident(head.id)
        found = await asyncio.gather(
            *(
                self._ledger.scan(partition, f"x|{incident_id}")
                for incident_id in (head.id, *head.absorbed)
            )
        )
        flat = [row for part in found for row in part]
        return [rows.decode(row, ActionRow) for row in flat], {
            row.key: row.etag for row in flat
        }

    async def _todo(
        self,
        head: Incident,
        stored: Sequence[ActionRow],
        now: datetime,
        rules: Rules,
    ) -> reconcile.Todo:
        wanted: list[Action] = []
        resolves: list[Action] = []
        is_open = head.status is IncidentStatus.OPEN
        status = IncidentStatus.MERGED if is_open else head.status
        ended = replace(head, status=status, was_active=True, root=head.id)
        routed = {r.responder: r.route for r in rules.routing(head)}
        told = {row.responder for row in stored} & self._responders.keys()
        # Who was told of it before its route changed is told of its end.
        for name in [*routed, *sorted(told.difference(routed))]:
            responder = self._responders[name]
            plan = await responder.plan(head)
            wanted += [a for a in plan if name in routed or a.verb is Verb.RESOLVE]
            # Only notices of other incidents or epochs need closing on their own.
            if stored:
                closers = await responder.plan(ended)
                resolves += [a for a in closers if a.verb is Verb.RESOLVE]
        return reconcile.todo(
            head,
            wanted,
            resolves,
            stored,
            now,
            claims_last=self._lease * (1 + GRACE),
            routes=routed,
            is_held=head.hold is not None,
        )

    async def _commit_claim(
        self,
        head: Incident,
        ruled: _Ruled,
        todo: reconcile.Todo,
        stored: Sequence[ActionRow],
        etags: Mapping[str, str],
    ) -> _Claim | None:
        token = uuid.uuid4().hex
        before = {row.key: row for row in stored}
        # One action may be wanted by two plans; a key is one row.
        actions = {action.key: action for action in todo.actions}

        def decide(draft: Draft) -> list[tuple[Action, ActionRow]] | None:
            known = draft.incident(head.id)
            if known is None or known != head:
                return None
            head_of.heard(draft, known)
            known, fact = head_of.ruled(known, ruled.ruling, ruled.hold)
            facts = [fact] if fact else []
            for row in todo.dropped:
                given_up = replace(
                    row, status=ActionStatus.DROPPED, changed_at=draft.now
                )
                draft.put_action(given_up, etags[rows.action(row.incident, row.key)])
            if not actions:
                next_at = head_of.next_look(known, self._quiet, todo.next_at)
                draft.change(head_of.rested(known, next_at), *facts)
                return []
            told = told_of(known)
            work = [
                (
                    action,
                    delivery.claimed(
                        action,
                        before.get(action.key),
                        draft.now,
                        told=told,
                        policy=ruled.policy,
                    ),
                )
                for action in actions.values()
            ]
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
        held = head_of.ruled(head, ruled.ruling, ruled.hold)[0]
        return _Claim(held, token, tuple(work), versions)

    async def _apply(self, claim: _Claim) -> list[Outcome | BaseException]:
        """Do every action of the claim, side by side; what came of each, in order."""
        return await asyncio.gather(
            *(self._send(action) for action, _ in claim.work), return_exceptions=True
        )

    async def _send(self, action: Action) -> Outcome:
        async with asyncio.timeout(self._lease.total_seconds() * (1 - MARGIN)):
            return await self._responders[action.responder].apply(action)

    async def _record(
        self, claim: _Claim, results: Sequence[Outcome | BaseException]
    ) -> bool:
        """Write down what came of it; whether there is more to do at once."""
        now = self._ledger.now()
        after = [
            delivery.concluded(row, result, now)
            for (_, row), result in zip(claim.work, results, strict=True)
        ]
        for row, result in zip(after, results, strict=True):
            _tell(row, result)
        stored, _ = await self._rows(claim.head)
        changed = {row.key: row for row in after}
        stored = [changed.get(row.key, row) for row in stored]
        todo = await self._todo(claim.head, stored, now, await self._rules())

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
            is_news = head.generation > claim.head.generation or bool(todo.actions)
            head = replace(head, lease=None, attempts=0, stuck="")
            if head.merged_into is None:
                next_at = head_of.next_look(head, self._quiet, todo.next_at)
                rested = head_of.rested(head, next_at)
                head = replace(head, due=draft.now) if is_news else rested
            draft.change(head, *(delivery.fact(row) for row in after))
            return head_of.passed_on(draft, head)

        partition = rows.partition_of_incident(claim.head.id)
        head, _ = await self._ledger.transact(partition, decide, by="respond")
        if head is None:
            telemetry.emit(telemetry.OUTCOME_LATE, incident=claim.head.id)
            return False
        now = self._ledger.now()
        if head.is_dirty or (head.due is not None and head.due <= now):
            return True
        if head.due is not None and head.due - now <= EXACT:
            wait = timedelta(seconds=math.ceil((head.due - now).total_seconds()))
            await self._queue.send(messages.encode([head.id]), delay=wait)
        return False

    async def _failed(self, incident_id: str, reason: str) -> None:
        """Let a broken incident rest, longer each time; at last, tell somebody."""
        head = await self._head(incident_id)
        if head is None:
            return
        # Told before it is written down that it was: a worker that dies in between
        # tells it again under the same key.
        is_told = bool(head.stuck)
        if not is_told and head_of.failures(head) >= backoff.STUCK_AFTER:
            is_told = await self._tell_stuck(replace(head, stuck=reason))

        def decide(draft: Draft) -> None:
            head = draft.incident(incident_id)
            if head is None:
                return
            failures = head_of.failures(head)
            rested = replace(
                head,
                lease=None,
                attempts=failures,
                due=draft.now + backoff.rest_for(failures),
                stuck=reason if is_told else "",
            )
            draft.change(rested, Fact(kind="incident.failed", detail=reason))

        partition = rows.partition_of_incident(incident_id)
        await self._ledger.transact(partition, decide, by="respond")

    async def _tell_stuck(self, head: Incident) -> bool:
        """Page that we cannot handle this incident, with nothing of it in the page.

        Whether anybody took it.
        """
        telemetry.emit(telemetry.INCIDENT_STUCK, incident=head.id, reason=head.stuck)
        told = [await self._tell_one(r, head) for r in self._responders.values()]
        return any(told)

    async def _tell_one(self, responder: Responder, head: Incident) -> bool:
        told = False
        try:
            for action in await responder.plan(stripped(head)):
                if action.verb is Verb.TRIGGER:
                    await self._send(as_stuck(action, head.generation))
                    told = True
        except Exception as error:  # noqa: BLE001  the others must be told all the same
            telemetry.emit(
                telemetry.DELIVERY_FAILED,
                incident=head.id,
                responder=responder.name,
                occasion=Occasion.STUCK,
                reason=delivery.as_failure(error).reason,
            )
        return told


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
    )
