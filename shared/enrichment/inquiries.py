"""Questions about an incident that are put to others than workspaces.

Each is one evidence of an incident, kept and shown as what logs say, and fails open as
that does: what breaks over it is an answer that is missing.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared import telemetry
from shared.enrichment.fitting import bounded, fitted
from shared.model.evidence import Cost, Evidence, EvidenceRow, EvidenceStatus, Lack
from shared.model.logs import Answer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.model.incident import Incident

# Whoever answers is asked by one request or two, so that more is a bad day of theirs.
WAITS = timedelta(seconds=3)

# There is one row for each; it stands for the subject in the key.
ABOUT = "incident"


class Topic(NamedTuple):
    """The name of a question, the question, and the columns of its answers.

    ``place`` orders its evidence among the others: logs begin at 0.
    """

    name: str
    question: str
    columns: tuple[str, ...]
    place: int


class Inquiry(Protocol):
    """One question, and whoever answers it."""

    topic: Topic

    def subject(self, head: Incident) -> str:
        """What of the incident is asked about, for people; empty where nothing is.

        It is another one where an answer of before does not do any more, and fits the
        subject of an evidence.
        """
        ...

    async def __call__(self, head: Incident, now: datetime) -> Evidence:
        """The answer. Whatever it raises is a lack of one."""
        ...


class Round(NamedTuple):
    """What is known of an incident when it is asked about.

    ``known`` are its rows by the names of their questions; those that are ``due`` are
    asked once more. ``is_new`` says that a notice begins or that alerts came.
    """

    head: Incident
    known: Mapping[str, EvidenceRow]
    due: Collection[str]
    now: datetime
    is_new: bool


async def asked(
    inquiries: Sequence[Inquiry], round_: Round, *, seconds: float
) -> list[EvidenceRow]:
    """A row for each question that is asked in this round, within that time."""
    within = min(seconds, WAITS.total_seconds())
    chosen = [each for each in inquiries if _is_asked(each, round_)]
    return await asyncio.gather(*(_row(each, round_, within) for each in chosen))


def answer(
    topic: Topic,
    subject: str,
    now: datetime,
    *,
    rows: Sequence[tuple[str, ...]] = (),
    reading: str = "",
    lack: Lack | None = None,
    is_truncated: bool = False,
) -> Evidence:
    """An evidence of these rows; with a lack and no reading there is no answer.

    With both it is in part.
    """
    status = EvidenceStatus.COMPLETE
    if lack is not None:
        status = EvidenceStatus.PARTIAL if reading else EvidenceStatus.UNAVAILABLE
    small, is_cut = bounded(Answer(columns=topic.columns, rows=tuple(rows)))
    return fitted(
        Evidence(
            query=topic.name,
            question=topic.question,
            subject=subject,
            workspace="",
            since=now,
            until=now,
            asked_at=now,
            columns=small.columns,
            rows=small.rows,
            row_count=len(rows),
            is_truncated=is_truncated or is_cut,
            took_ms=0,
            cost=Cost.LOW,
            status=status,
            reason=lack or "",
            reading=reading,
        )
    )


def _is_asked(inquiry: Inquiry, round_: Round) -> bool:
    subject = inquiry.subject(round_.head)
    row = round_.known.get(inquiry.topic.name)
    if not subject:
        return False
    if row is not None and inquiry.topic.name in round_.due:
        return True
    return round_.is_new and (row is None or not _does(row, subject))


def _does(row: EvidenceRow, subject: str) -> bool:
    """Whether what is known answers the question as it is now."""
    is_answer = row.evidence.status is not EvidenceStatus.UNAVAILABLE
    return is_answer and row.evidence.subject == subject


async def _row(inquiry: Inquiry, round_: Round, within: float) -> EvidenceRow:
    before = round_.known.get(inquiry.topic.name)
    found = await _answered(inquiry, round_, within)
    is_lost = found.status is EvidenceStatus.UNAVAILABLE
    if before is not None and is_lost and _does(before, found.subject):
        found = before.evidence
    is_again = before is not None and not round_.is_new
    return EvidenceRow(
        incident=round_.head.id,
        about=ABOUT,
        place=inquiry.topic.place,
        at=round_.now,
        tries=before.tries + 1 if is_again and before else 1,
        lag=timedelta(0),
        evidence=found,
    )


async def _answered(inquiry: Inquiry, round_: Round, within: float) -> Evidence:
    head, now = round_.head, round_.now
    try:
        async with asyncio.timeout(within):
            return await inquiry(head, now)
    except TimeoutError:
        lack = Lack.TIMEOUT
    except Exception as error:  # noqa: BLE001  law 6: the page says what is missing
        telemetry.emit(
            telemetry.EVIDENCE_BROKE_US,
            query=inquiry.topic.name,
            incident=head.id,
            error=error,
        )
        lack = Lack.DEFECT
    return answer(inquiry.topic, inquiry.subject(head), now, lack=lack)
