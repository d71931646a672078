"""What is to be done to contain an incident, and what of it may be.

::

    plan      doers say what they would change, by the alerts as their owners have them
    judge     rules that want it, guards that let it pass, budgets that have room
    write     rows with the head of the incident, in the claim of a look
    do        one step of each deed that is due (``doing``)

It keeps no notice waiting for long, and what cannot be read for it is not done.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared import telemetry
from shared.actions import deed_plans, deed_words, deeds
from shared.containment.doing import Job
from shared.model.deed import DeedRow
from shared.model.deed_status import DeedStatus
from shared.model.errors import StoreConflict
from shared.model.incident import AUDIT, Fact, IncidentStatus
from shared.store import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.actions.deeds import Came
    from shared.containment.doing import Doing
    from shared.containment.judging import Judging
    from shared.containment.planning import Planning, Terms
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger

# A first page waits so long for what would be done, so that it can say it.
BRIEF_S = 2.0
PATIENT_S = 20.0
# When what plans need did not answer in time.
PLAN_AGAIN = timedelta(seconds=20)

# Rows that one look writes: a transaction holds a hundred, and notices have some.
MOST_AT_ONCE = 20

# What somebody has to look at.
_WRONG = frozenset({DeedStatus.FAILED, DeedStatus.STRANDED})

_PENDING = frozenset({DeedStatus.AWAITING, DeedStatus.GUARDED})


class Moves(NamedTuple):
    """What a look is to write of deeds, and to do.

    ``rows`` are those that change. ``planned`` is the generation that everything is
    planned for, None while it is not. ``next_at`` is when to look again, where no row
    says so.
    """

    rows: tuple[DeedRow, ...] = ()
    jobs: tuple[Job, ...] = ()
    facts: tuple[Fact, ...] = ()
    planned: int | None = None
    next_at: datetime | None = None

    def put(self, draft: Draft) -> list[Fact]:
        """Write the rows, for whoever writes the head; what the timeline says of them.

        Raises StoreConflict for a claim that is over before it is written: the room that
        it has in budgets may be another's by now.
        """
        for job in self.jobs:
            if job.row.not_before is not None and job.row.not_before <= draft.now:
                raise StoreConflict("judged too long ago")
        for row in self.rows:
            draft.put(rows.deed(row.incident, row.key), row)
        return [*self.facts]

    def on(self, head: Incident) -> Incident:
        """The head with what is written."""
        known = with_rows(head, self.rows)
        return known if self.planned is None else replace(known, planned=self.planned)


def with_rows(head: Incident, changed: Iterable[DeedRow]) -> Incident:
    """The head as it is with these rows."""
    new = {row.key: deed_words.gist(row) for row in changed}
    return replace(head, deeds={**head.deeds, **new}) if new else head


def put(draft: Draft, jobs: Sequence[Job], done: Sequence[DeedRow]) -> list[DeedRow]:
    """Write what steps came to, for whoever writes the head; the rows as written."""
    written = []
    for job, row in zip(jobs, done, strict=True):
        place = rows.deed(row.incident, row.key)
        after = deeds.heeding(row, job.row, draft.read(place, DeedRow))
        draft.put(place, after)
        written.append(after)
    return written


class Containing:
    """Works out what looks do; one for the process.

    ``claims_last`` is how long a worker has what it took on.
    """

    def __init__(
        self,
        ledger: Ledger,
        terms: Terms,
        planning: Planning,
        judging: Judging,
        doing: Doing,
        *,
        claims_last: timedelta,
    ) -> None:
        self._ledger = ledger
        self._terms = terms
        self._planning = planning
        self._judging = judging
        self._doing = doing
        self._claims_last = claims_last

    async def __call__(
        self,
        head: Incident,
        *,
        evidence: Sequence[Evidence],
        policy: str,
        begins: bool,
    ) -> Moves:
        """What is to be done about the incident; where that is nothing, it costs nothing.

        ``begins`` says that somebody is about to be told of it for the first time.
        Raises StoreError.
        """
        is_to_plan = self._is_to_plan(head)
        if is_to_plan and not (head.deeds or self._terms.rules.doers(head)):
            return Moves(planned=head.generation)
        if not is_to_plan and not _is_due(head, self._ledger.now()):
            return Moves()
        known = await self._rows(head)
        if head.status is not IncidentStatus.OPEN:
            return self._moves(head, known, self._ended(known))
        if head.hold is not None:
            # Nobody is told of it, so nothing is begun about it.
            return self._moves(head, known, ())
        work = (
            self._planned(head, known, evidence, policy)
            if is_to_plan
            else self._judged(head, known)
        )
        try:
            async with asyncio.timeout(BRIEF_S if begins else PATIENT_S):
                moves = await work
        except TimeoutError:
            # What is under way goes on all the same.
            again = self._ledger.now() + PLAN_AGAIN
            moves = self._moves(head, known, ())._replace(next_at=again)
        return moves

    async def do(self, jobs: Sequence[Job], *, seconds: float) -> list[DeedRow]:
        """Take these steps side by side, each in that time; the rows of what came of them.

        One deed's fault stays its own.
        """
        results = await asyncio.gather(
            *(self._taken(job, seconds) for job in jobs), return_exceptions=True
        )
        return [
            self._concluded(job, result)
            for job, result in zip(jobs, results, strict=True)
        ]

    async def _taken(self, job: Job, seconds: float) -> Came:
        async with asyncio.timeout(seconds):
            return await self._doing(job)

    def _concluded(self, job: Job, result: Came | BaseException) -> DeedRow:
        row, step = job.row, job.step
        if isinstance(result, Exception):
            if deeds.is_defect(result):
                telemetry.emit(
                    telemetry.INCIDENT_BROKE_US, error=result, incident=row.incident
                )
            came = deeds.broken(row, step, result, self._ledger.now())
        elif isinstance(result, BaseException):
            raise result
        else:
            came = result
        after = deeds.concluded(row, came, self._ledger.now())
        is_wrong = after.status in _WRONG
        telemetry.emit(
            telemetry.DEED_FAILED if is_wrong else telemetry.DEED_STEP,
            incident=row.incident,
            responder=row.deed.responder,
            step=step.value,
            status=after.status.value,
            key=row.key,
            attempts=row.attempts,
            reason=after.reason,
        )
        return after

    def _ended(self, known: Mapping[str, DeedRow]) -> list[DeedRow]:
        now = self._ledger.now()
        over = [row for row in known.values() if row.status in _PENDING]
        return [deed_plans.lapsed(row, "the incident ended", now) for row in over]

    def _is_to_plan(self, head: Incident) -> bool:
        return (
            head.status is IncidentStatus.OPEN
            and head.hold is None
            and head.was_active
            and not head.is_drill
            # A setting that is wrong is no attack.
            and AUDIT not in head.sources
            and bool(self._terms.doers)
            and head.planned != head.generation
        )

    async def _rows(self, head: Incident) -> dict[str, DeedRow]:
        """The rows of the incident and of all it absorbed, by their keys."""
        partition = rows.partition_of_incident(head.id)
        keys = {key: rows.deed(g.incident, key) for key, g in head.deeds.items()}
        await self._ledger.refresh(partition, [*keys.values()])
        found = {
            key: self._ledger.recall(partition, place, DeedRow)
            for key, place in keys.items()
        }
        return {key: row for key, row in found.items() if row is not None}

    async def _planned(
        self,
        head: Incident,
        known: Mapping[str, DeedRow],
        evidence: Sequence[Evidence],
        policy: str,
    ) -> Moves:
        """Plan, and judge all that is planned and not begun."""
        now = self._ledger.now()
        ground = await self._planning.ground(head)
        plan = await self._planning.plans(head, ground, evidence)
        fresh = [
            deed_plans.planned(head, deed, now=now, policy=policy)
            for deed in plan.deeds
        ]
        renewed = deed_plans.renewed(head, known, fresh, now, is_all=plan.is_all)
        judged = await self._judging(head, renewed.planned.values(), known, ground)
        facts = list(plan.facts)
        if renewed.beyond:
            most = deed_plans.MOST_OF_ONE
            said = f"{renewed.beyond} more than the {most} that there may be"
            facts.append(Fact(kind="deed.too_many", detail=said))
        moves = self._moves(head, known, [*judged, *renewed.dropped])
        is_done = plan.is_all or now - _heard_at(head) > self._terms.guards.max_age
        return moves._replace(
            facts=(*facts, *moves.facts),
            planned=head.generation if is_done and moves.next_at is None else None,
            next_at=moves.next_at or (None if is_done else now + PLAN_AGAIN),
        )

    async def _judged(self, head: Incident, known: Mapping[str, DeedRow]) -> Moves:
        """Judge again what waits, and give up what nobody approved in time."""
        now = self._ledger.now()
        due = [
            row
            for row in known.values()
            if row.status in _PENDING and (at := deeds.next_at(row)) and at <= now
        ]
        # An approval brings a look before its time has come.
        late = [row for row in due if row.status is DeedStatus.AWAITING]
        changed = [
            deed_plans.lapsed(row, "nobody approved it in time", now) for row in late
        ]
        waiting = [row for row in due if row.status is DeedStatus.GUARDED]
        if waiting:
            ground = await self._planning.ground(head)
            changed += await self._judging(head, waiting, known, ground)
        return self._moves(head, known, changed)

    def _moves(
        self, head: Incident, known: Mapping[str, DeedRow], judged: Sequence[DeedRow]
    ) -> Moves:
        """The rows to write and the steps to take; what is too many, at once after."""
        now = self._ledger.now()
        every = {**known, **{row.key: row for row in judged}}
        if head.status is IncidentStatus.OPEN:
            # Whoever has its notices hears it by those.
            every = {key: deeds.told(row) for key, row in every.items()}
        passed = {row.key for row in judged if not deed_plans.waits(row.findings)}
        jobs: dict[str, Job] = {}
        for key, row in every.items():
            step = deeds.step(row, now)
            if step is None or (row.status is DeedStatus.GUARDED and key not in passed):
                continue
            until = now + self._claims_last
            jobs[key] = Job(step, deeds.claimed(row, step, now, until))
        changed = [row for key, row in every.items() if row != known.get(key)]
        written = {row.key: row for row in changed}
        written |= {key: job.row for key, job in jobs.items()}
        chosen = [*written.values()][:MOST_AT_ONCE]
        told = [row for row in chosen if deed_words.is_news(row, known.get(row.key))]
        for row in told:
            if row.key not in jobs:
                tell(row)
        return Moves(
            tuple(chosen),
            tuple(jobs[row.key] for row in chosen if row.key in jobs),
            tuple(map(deed_words.fact, told)),
            next_at=now if len(written) > MOST_AT_ONCE else None,
        )


def tell(row: DeedRow) -> None:
    """Log how a deed stands that no step was taken of."""
    telemetry.emit(
        telemetry.DEED_JUDGED,
        incident=row.incident,
        responder=row.deed.responder,
        status=row.status.value,
        key=row.key,
    )


def _is_due(head: Incident, now: datetime) -> bool:
    has_ended = head.status is not IncidentStatus.OPEN
    return any(
        (gist.next_at is not None and gist.next_at <= now)
        or (has_ended and gist.status in _PENDING)
        for gist in head.deeds.values()
    )


def _heard_at(head: Incident) -> datetime:
    return head.heard_at or head.opened_at
