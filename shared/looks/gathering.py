"""Evidence for a look at an incident: asked for, waited for a little, kept.

A notice fails open. Whatever breaks here, it goes out on time with the evidence that
there is, and says what is missing. Nobody waits holding a lease.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared import telemetry
from shared.actions import gathered
from shared.enrichment import inquiries
from shared.looks.round import Round, row_key
from shared.looks.turn import BRIEF, Asked, running
from shared.model.alert import Severity
from shared.model.enrich import Enrich
from shared.model.evidence import (
    Cost,
    Evidence,
    EvidenceRow,
    EvidenceStatus,
    Lack,
)
from shared.model.incident import AUDIT
from shared.store import reading

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Iterable,
        Mapping,
        Sequence,
    )
    from datetime import datetime

    from shared.enrichment.enrichment import Enrichment
    from shared.enrichment.inquiries import Inquiry
    from shared.enrichment.started import Early, Started
    from shared.enrichment.tagging import ResourceTags
    from shared.looks.turn import Turn
    from shared.model.evidence import Gathered
    from shared.model.incident import Incident
    from shared.store.ledger import Ledger

# Review F20: the first page of a High waits this long, any other the whole deadline.
HIGH_WAITS = timedelta(seconds=5)

USUAL = Enrich()

# After a round that nobody answered a word of, nobody waits longer than BRIEF for a
# while: what comes all the same follows as an update.
SILENT_FOR = timedelta(minutes=1)

# Routes and silences that go by tags wait so long for them, before all else.
TAGS_WAIT = timedelta(seconds=2)

_SLACK_S = 0.05


class Found(NamedTuple):
    """Evidence of an incident; ``changed`` are the rows to write with its head.

    ``mark`` is what the head is to know. ``etags`` are of the rows that were there.
    """

    mark: Gathered | None
    evidence: tuple[Evidence, ...]
    changed: tuple[EvidenceRow, ...] = ()
    etags: Mapping[str, str] = {}


class Gathering:
    """Asks about incidents; one for the process.

    ``enrichment`` is None where no logs are to be asked; where there are no ``others``
    to ask either, nothing here costs anything. ``tagging`` knows the tags that matchers
    go by, if any do.
    """

    def __init__(
        self,
        ledger: Ledger,
        enrichment: Callable[[], Awaitable[Enrichment]] | None,
        how: Enrich = USUAL,
        *,
        others: Sequence[Inquiry] = (),
        tagging: ResourceTags | None = None,
    ) -> None:
        self._ledger = ledger
        self._enrichment = enrichment
        self._how = how
        self._others = tuple(others)
        self._tagging = tagging
        self._silent_until = float("-inf")
        self._going: set[asyncio.Task[list[Evidence]]] = set()

    @property
    def is_on(self) -> bool:
        """Whether anybody is asked at all."""
        return self._enrichment is not None or bool(self._others)

    def next_at(self, head: Incident) -> datetime | None:
        """When evidence of the incident is to be asked for by itself."""
        return gathered.next_at(head) if self.is_on else None

    async def tagged(self, head: Incident, turn: Turn) -> Incident:
        """The head with the tags that routes and silences go by, as far as known.

        What breaks over it leaves the head as it is: nothing is held back, and nobody
        left out, by a tag that is not known.
        """
        if self._tagging is None:
            return head
        try:
            if not await self._tagging.is_wanted(head):
                return head
            async with turn.aside(), asyncio.timeout(turn.left(TAGS_WAIT)):
                return await self._tagging.onto(head)
        except TimeoutError:
            telemetry.emit(telemetry.TAGS_UNREAD, reason="timeout", incident=head.id)
        except Exception as error:  # noqa: BLE001  law 6: nobody is left out by it
            telemetry.emit(telemetry.EVIDENCE_BROKE_US, incident=head.id, error=error)
        return head

    async def __call__(
        self, head: Incident, turn: Turn, *, begins: bool, acts: bool
    ) -> Found | None:
        """The evidence for this look; None where it needs none.

        ``begins`` says that a notice is to be planned for the first time, ``acts`` that
        anything is to be done. Raises StoreUnavailable.
        """
        if not self.is_on or head.is_drill:
            return None
        now = self._ledger.now()
        if head.evidence is None and self._tagging in self._others:
            # Who is told by tags may be somebody else once they are known.
            begins = begins or self._lacks_tags(head)
        if not gathered.is_due(head, now, begins=begins):
            if not acts or head.evidence is None:
                return None
            kept = await reading.evidence_of(self._ledger, [head.id, *head.absorbed])
            return Found(head.evidence, _shown(row for row, _ in kept))
        # Without its mark it has none. An older app may have lost that, though: then
        # the claim fails over rows that are there, and this is the second time.
        has_some = head.evidence is not None or head.id in turn.asked
        kept = await reading.evidence_of(
            self._ledger, [*([head.id] if has_some else []), *head.absorbed]
        )
        is_high = begins and head.severity is Severity.HIGH
        most = min(HIGH_WAITS, self._how.deadline) if is_high else self._how.deadline
        known = [row for row, _ in kept]
        asked = turn.asked.get(head.id)
        if asked is None:
            seconds = turn.left(BRIEF if running() < self._silent_until else most)
            round_ = Round(head, known, now, begins=begins)
            async with turn.aside():
                asked = await self._asked(round_, seconds)
            turn.asked[head.id] = asked
        # Alerts that came meanwhile are news: they are asked about later.
        as_asked = replace(head, alerts=asked.alerts)
        mine = {row_key(row): row for row in known if row.incident == head.id}
        mine |= {row_key(row): row for row in asked.rows}
        others = [row for row in known if row.incident != head.id]
        mark = gathered.summed(as_asked, mine.values(), now)
        shown = _shown([*mine.values(), *others])
        if asked.lack is not None:
            mark = _marked(as_asked, mark, now, asked.lack)
            shown = (*shown, _nothing(as_asked, now, asked.lack))
        etags = {row_key(row): etag for row, etag in kept}
        return Found(mark, shown, asked.rows, etags)

    def _lacks_tags(self, head: Incident) -> bool:
        return self._tagging is not None and self._tagging.is_open(head)

    async def _asked(self, round_: Round, seconds: float) -> Asked:
        """What comes of a round in that time, whatever breaks over it."""
        others = inquiries.asked(self._others, round_.of_others, seconds=seconds)
        (rows_, lack), more = await asyncio.gather(
            self._asked_logs(round_, seconds), others
        )
        return Asked(round_.head.alerts, (*more, *rows_), lack)

    async def _asked_logs(
        self, round_: Round, seconds: float
    ) -> tuple[list[EvidenceRow], Lack | None]:
        """What logs say in that time; without a word of theirs, why."""
        # Of a setting that is wrong no log tells.
        if self._enrichment is None or AUDIT in round_.head.sources:
            return [], None
        try:
            # What comes before the asks, such as reading the alerts, may hang too.
            async with asyncio.timeout(seconds + _SLACK_S):
                return await self._ask(round_, running() + seconds), None
        except TimeoutError:
            self._silent_until = running() + SILENT_FOR.total_seconds()
            return [], Lack.TIMEOUT
        except Exception as error:  # noqa: BLE001  law 6: the page says what is missing
            telemetry.emit(
                telemetry.EVIDENCE_BROKE_US, incident=round_.head.id, error=error
            )
            return [], Lack.DEFECT

    async def _ask(self, round_: Round, ends: float) -> list[EvidenceRow]:
        """One round of asks, as far as it comes by then; the rest goes on."""
        assert self._enrichment is not None  # noqa: S101  _asked_logs looked
        head = round_.head
        enrichment = await self._enrichment()
        alerts = await reading.some_alerts(self._ledger, head)
        asked = round_.asks(alerts, self._how)
        started = enrichment.start(
            asked,
            head.resources,
            deadline=self._how.deadline,
            **({"most_age": timedelta(0)} if round_.is_late else {}),
        )
        self._keep(started)
        early = await started.until(max(0.0, ends - running()))
        self._note(early)
        return round_.rows(asked, early)

    def _keep(self, started: Started) -> None:
        """What comes later is for the cache, until somebody asks again."""
        task = asyncio.create_task(started.rest())
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    def _note(self, early: Early) -> None:
        if any(e.status is not EvidenceStatus.UNAVAILABLE for e in early.evidence):
            self._silent_until = float("-inf")
        elif early.missing:
            self._silent_until = running() + SILENT_FOR.total_seconds()


def _nothing(head: Incident, now: datetime, lack: Lack) -> Evidence:
    """The evidence of a round that did not come to a single question."""
    return Evidence(
        query="",
        question="What do the logs say?",
        subject="the incident",
        workspace="",
        since=head.first_seen,
        until=head.last_seen,
        asked_at=now,
        columns=(),
        rows=(),
        row_count=0,
        is_truncated=False,
        took_ms=0,
        cost=Cost.LOW,
        status=EvidenceStatus.UNAVAILABLE,
        reason=lack,
    )


def _marked(head: Incident, mark: Gathered, now: datetime, lack: Lack) -> Gathered:
    """What the head is to know after such a round."""
    # Time may mend it, a defect stays; and once is enough.
    is_worth_it = lack is Lack.TIMEOUT and head.evidence is None
    return replace(mark, again=now + gathered.REST if is_worth_it else mark.again)


def _shown(kept: Iterable[EvidenceRow]) -> tuple[Evidence, ...]:
    """The evidence as a notice tells it: what was found first, each question once."""
    newest: dict[tuple[str, str], EvidenceRow] = {}
    for row in sorted(kept, key=lambda row: row.at):
        newest[row.evidence.query, row.about] = row
    found = sorted(
        newest.values(), key=lambda row: (row.evidence.row_count == 0, row.place)
    )
    return tuple(row.evidence for row in found)
