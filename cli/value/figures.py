"""What came of tables and queries, counted, and all that is known. Pure.

Of each ``to_do`` is what to do about it, a sentence, and ``by`` the commands, lines of
the policy and questions in KQL that do it; both are empty where there is nothing to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from cli.value.kinds import Kind
from shared.model.evidence import Evidence, EvidenceStatus
from shared.model.incident import Incident
from shared.triage.risk import FACTORS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.enrichment.query import Query


class Volume(NamedTuple):
    """What a table took in, in GB, and how much of it is paid for."""

    gb: float
    billable_gb: float


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table: what it costs, and what it told.

    ``gb`` and ``billable_gb`` are None where no workspace said, ``money`` also where no
    price was given. ``queries`` of the pack read it; of their ``questions`` so many
    ``found`` rows, about so many ``incidents``, of which so many scores they ``decided``.
    ``rules`` read it too; None where nobody looked.
    """

    table: str
    gb: float | None
    billable_gb: float | None
    money: float | None
    queries: tuple[str, ...]
    questions: int
    found: int
    incidents: int
    decided: int
    rules: tuple[str, ...] | None
    to_do: str = ""
    by: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A query of the pack: what was asked by it, and what came of that.

    A question is one query about one subject of one incident. Of ``decided`` incidents it
    changed the score; only by ``factors`` can it. ``seconds`` is how long workspaces took
    in all. ``lacks`` counts why there were no answers.
    """

    query: str
    tables: tuple[str, ...]
    cost: str
    questions: int
    answered: int
    found: int
    decided: int
    factors: tuple[str, ...]
    seconds: float
    lacks: dict[str, int]
    to_do: str = ""
    by: tuple[str, ...] = ()


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, of what was opened from ``since`` to ``until``; ``missing`` is not known."""

    since: datetime
    until: datetime
    incidents: int
    money: float | None
    tables: tuple[Table, ...]
    queries: tuple[Asked, ...]
    kinds: tuple[Kind, ...]
    missing: tuple[str, ...] = ()


class Told(NamedTuple):
    """An incident, and what was asked about it."""

    head: Incident
    evidence: Sequence[Evidence]


class Answer(NamedTuple):
    """What one question came to, and whether its query ``decided`` part of the score."""

    incident: str
    evidence: Evidence
    decided: bool


Answers = Mapping[str, Sequence[Answer]]


def queries(found: Answers, pack: Mapping[str, Query]) -> list[Asked]:
    """Every query of the pack, the most asked first."""
    made = [_asked(query, found.get(name, ())) for name, query in pack.items()]
    return sorted(made, key=lambda each: (-each.questions, each.query))


def by_query(told: Iterable[Told]) -> Answers:
    """What each query said, and whether the score of the incident is partly of it."""
    found: dict[str, list[Answer]] = {}
    for head, evidence in told:
        decided = decisive(head)
        for each in evidence:
            answer = Answer(head.id, each, each.query in decided)
            found.setdefault(each.query, []).append(answer)
    return found


def decisive(head: Incident) -> set[str]:
    """The queries that its score is partly made of."""
    factors = head.risk.factors if head.risk else ()
    return {factor.evidence for factor in factors if factor.evidence and factor.points}


def _asked(query: Query, rows: Sequence[Answer]) -> Asked:
    given = [row.evidence for row in rows]
    answered = [e for e in given if e.status is not EvidenceStatus.UNAVAILABLE]
    lacks = Counter(e.reason for e in given if e.reason)
    return Asked(
        query=query.name,
        tables=query.tables,
        cost=query.cost.value,
        questions=len(rows),
        answered=len(answered),
        found=sum(e.row_count > 0 for e in answered),
        decided=len({row.incident for row in rows if row.decided}),
        factors=tuple(name for name, by in FACTORS.items() if query.name in by),
        seconds=round(sum(e.took_ms for e in given) / 1000, 1),
        lacks=dict(lacks.most_common()),
    )


def tables(
    found: Answers,
    pack: Mapping[str, Query],
    usage: Mapping[str, Volume] | None,
    price: Mapping[str, float],
    rules: Mapping[str, Sequence[str]] | None,
) -> list[Table]:
    """Every table that is paid for or read, the dearest first.

    ``price`` is per GB, by table; the empty name stands for all others.
    """
    readers: dict[str, list[str]] = {}
    for query in pack.values():
        for name in query.tables:
            readers.setdefault(name, []).append(query.name)
    made = []
    for name in {*readers, *(usage or ())}:
        volume = None if usage is None else usage.get(name, Volume(0, 0))
        by = None if rules is None else tuple(sorted(rules.get(name, ())))
        per_gb = price.get(name, price.get(""))
        made.append(_table(name, found, readers.get(name, ()), volume, per_gb, by))
    return sorted(made, key=lambda t: (-(t.billable_gb or 0), -t.questions, t.table))


def _table(
    name: str,
    answers: Answers,
    readers: Sequence[str],
    volume: Volume | None,
    per_gb: float | None,
    rules: tuple[str, ...] | None,
) -> Table:
    asked = [row for query in readers for row in answers.get(query, ())]
    found = [row for row in asked if row.evidence.row_count > 0]
    money = None
    if volume is not None and per_gb is not None:
        money = round(volume.billable_gb * per_gb, 2)
    return Table(
        table=name,
        gb=None if volume is None else round(volume.gb, 3),
        billable_gb=None if volume is None else round(volume.billable_gb, 3),
        money=money,
        queries=tuple(sorted(readers)),
        questions=len(asked),
        found=len(found),
        incidents=len({row.incident for row in found}),
        decided=len({row.incident for row in found if row.decided}),
        rules=rules,
    )
