"""One evidence of what several workspaces said to the same question."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from shared.enrichment.fitting import bounded, fitted
from shared.enrichment.query import reading
from shared.model.evidence import Evidence, EvidenceStatus, Lack
from shared.model.logs import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.enrichment.asking import Ask
    from shared.enrichment.cache import Given

# Which reason stands for several: the one that somebody can do something about first.
_WORST_FIRST = (
    Lack.DEFECT,
    Lack.BAD_QUERY,
    Lack.FORBIDDEN,
    Lack.THROTTLED,
    Lack.TIMEOUT,
    Lack.UNREACHABLE,
    Lack.MISSING_TABLE,
    Lack.PARTIAL,
    Lack.NO_WORKSPACE,
)


class Part(NamedTuple):
    """What one workspace said: an answer, or why there is none."""

    workspace: str
    given: Given | None = None
    lack: Lack | None = None


def unavailable(ask: Ask, lack: Lack, *, asked_at: datetime) -> Evidence:
    """The evidence of a question that nobody answered."""
    return merged(ask, [Part("", None, lack)], asked_at=asked_at)


def merged(ask: Ask, parts: Sequence[Part], *, asked_at: datetime) -> Evidence:
    """The evidence of an ask: the rows of all parts, each row of two of them once.

    Some parts missing make it PARTIAL, all of them UNAVAILABLE. A table that one
    workspace lacks and another has is not missed: logs of one kind lie in one place.
    ``asked_at`` is for an ask that no workspace answered.
    """
    given = [part.given for part in parts if part.given is not None]
    together = _together([each.answer for each in given])
    answer, is_cut = bounded(together)
    lack = _lack(parts)
    query = ask.query
    status = EvidenceStatus.COMPLETE
    if lack is not None:
        status = EvidenceStatus.PARTIAL if given else EvidenceStatus.UNAVAILABLE
    row_count = len(together.rows)
    return fitted(
        Evidence(
            query=query.name,
            question=query.question,
            subject=ask.subject,
            workspace=", ".join(part.workspace for part in parts if part.workspace),
            since=ask.since,
            until=ask.until,
            asked_at=min((each.asked_at for each in given), default=asked_at),
            columns=answer.columns or tuple(column.name for column in query.columns),
            rows=answer.rows,
            row_count=row_count,
            is_truncated=is_cut or any(each.is_cut for each in given),
            took_ms=max((each.took_ms for each in given), default=0),
            cost=query.cost,
            status=status,
            reason=lack or "",
            reading=reading(query, answer.columns, answer.rows, row_count)
            if given
            else "",
        )
    )


def _together(answers: Sequence[Answer]) -> Answer:
    """All rows, those first that the first gave; columns as the first has them."""
    if not answers:
        return Answer(columns=(), rows=())
    first, *others = sorted(answers, key=lambda each: not each.columns)
    rows = list(first.rows)
    for other in others:
        # A row that both gave is one row; one that either gave twice is two.
        known = Counter(rows)
        for row in (_as(first.columns, other.columns, row) for row in other.rows):
            if known[row]:
                known[row] -= 1
            else:
                rows.append(row)
    return Answer(columns=first.columns, rows=tuple(rows))


def _as(
    wanted: tuple[str, ...], columns: tuple[str, ...], row: tuple[str, ...]
) -> tuple[str, ...]:
    """A row with its cells in the order of other columns."""
    if columns == wanted:
        return row
    cells = dict(zip(columns, row, strict=False))
    return tuple(cells.get(name, "") for name in wanted)


def _lack(parts: Sequence[Part]) -> Lack | None:
    """Why not all of it is there."""
    found = {part.lack for part in parts if part.lack is not None}
    found |= {
        Lack.PARTIAL for part in parts if part.given and part.given.answer.is_partial
    }
    if any(part.given for part in parts):
        found.discard(Lack.MISSING_TABLE)
    return next((lack for lack in _WORST_FIRST if lack in found), None)
