"""One round of questions about an incident: what to ask, and the rows it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions import gathered
from shared.enrichment import inquiries
from shared.model.evidence import (
    OWN_QUESTIONS,
    Evidence,
    EvidenceRow,
    EvidenceStatus,
    Lack,
)
from shared.store import rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.enrichment.asking import Ask
    from shared.enrichment.started import Early
    from shared.model.alert import AlertRow
    from shared.model.enrich import Enrich
    from shared.model.incident import Incident

# Rows of what logs say that an incident keeps.
MOST_ROWS = 24


class Round:
    """One round of asks about an incident, and the rows that it comes to.

    ``of_others`` is what is put to others than logs, ``is_late`` that it asks for what
    had not arrived when it was asked for before.
    """

    def __init__(
        self,
        head: Incident,
        known: Sequence[EvidenceRow],
        now: datetime,
        *,
        begins: bool,
    ) -> None:
        self.head = head
        self._now = now
        mine = [row for row in known if row.incident == head.id]
        own = {
            row.evidence.query: row
            for row in mine
            if row.evidence.query in OWN_QUESTIONS
        }
        self._known = {
            row_key(row): row for row in mine if row.evidence.query not in OWN_QUESTIONS
        }
        has_news = begins or gathered.has_news(head)
        self._is_new = has_news or not self._known
        self._due = {key for key, row in self._known.items() if _is_due(row, head, now)}
        # What is asked because its rows were not there yet, must not come from before.
        self.is_late = not self._is_new and any(
            not self._known[key].evidence.reason for key in self._due
        )
        self.of_others = inquiries.Round(
            head,
            own,
            # Nothing arrives late there: only what failed is asked once more.
            {n for n, r in own.items() if r.evidence.reason and _is_due(r, head, now)},
            now,
            is_new=has_news,
        )

    def asks(self, alerts: Sequence[AlertRow], how: Enrich) -> list[Ask]:
        """What to ask: everything where there is news, else what is due."""
        from shared.enrichment.asking import asks  # noqa: PLC0415  reads the pack

        found = asks(self.head, alerts, most=how.most, only=how.queries or None)
        if not self._is_new:
            return [ask for ask in found if self._key(ask) in self._due]
        room = MOST_ROWS - len(self._known)
        chosen: dict[str, Ask] = {}
        for ask in found:
            key = self._key(ask)
            if key not in chosen and (key in self._known or room > 0):
                chosen[key] = ask
                room -= key not in self._known
        return [*chosen.values()]

    def rows(self, asked: Sequence[Ask], early: Early) -> list[EvidenceRow]:
        """A row for each ask; an answer that there was is not lost to a failure."""
        from shared.enrichment.merging import unavailable  # noqa: PLC0415  as above

        missing = {id(ask) for ask in early.missing}
        answers = iter(early.evidence)
        return [
            self._row(
                ask,
                place,
                unavailable(ask, Lack.TIMEOUT, asked_at=self._now)
                if id(ask) in missing
                else next(answers),
            )
            for place, ask in enumerate(asked)
        ]

    def _row(self, ask: Ask, place: int, evidence: Evidence) -> EvidenceRow:
        before = self._known.get(self._key(ask))
        is_lost = evidence.status is EvidenceStatus.UNAVAILABLE
        if before is not None and is_lost:
            evidence = (
                before.evidence
                if before.evidence.status is not EvidenceStatus.UNAVAILABLE
                else evidence
            )
        is_again = before is not None and not self._is_new
        return EvidenceRow(
            incident=self.head.id,
            about=_about(ask),
            place=before.place if is_again and before else place,
            at=self._now,
            tries=before.tries + 1 if is_again and before else 1,
            lag=ask.query.lag,
            evidence=evidence,
        )

    def _key(self, ask: Ask) -> str:
        return rows.evidence(self.head.id, ask.query.name, _about(ask))


def _is_due(row: EvidenceRow, head: Incident, now: datetime) -> bool:
    at = gathered.again_at(row, head)
    return at is not None and at <= now


def _about(ask: Ask) -> str:
    # Halves of characters have no bytes.
    return rows.digest(ask.subject.encode(errors="replace").decode())


def row_key(row: EvidenceRow) -> str:
    """Where a row of evidence is kept."""
    return rows.evidence(row.incident, row.evidence.query, row.about)
