"""What came of tables, queries and alert types, counted. Pure.

Of each ``to_do`` is what to do about it, a sentence, and ``by`` the commands, lines of
the policy and questions in KQL that do it; both are empty where there is nothing to do.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.model.evidence import OWN_QUESTIONS, EvidenceStatus
from shared.model.incident import (
    OWN,
    QUIET,
    SOURCE,
    Classification,
    Incident,
    IncidentStatus,
)
from shared.triage.risk import FACTORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.enrichment.query import Query
    from shared.model.evidence import Evidence

# Types that say which product made an alert and not which rule: the title does.
_UNTELLING = frozenset({"SentinelIncident"})


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


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """An alert type, or the rule that made it.

    ``alerts`` in ``incidents``. What follows is of the incidents that it ``led``, whose
    worst problem it was: how many were told of, what people said that they were, and how
    long they had them, from acknowledging to ending them, in seconds; of ``timed`` ones
    that is known. ``benign`` is the share of false and benign positives in the verdicts.
    """

    name: str
    alert_type: str
    alerts: int
    incidents: int
    led: int
    paged: int
    ended: int
    verdicts: dict[str, int]
    benign: float | None
    seconds: float
    timed: int
    to_do: str = ""
    by: tuple[str, ...] = ()

    @property
    def is_by_title(self) -> bool:
        """Whether the title says which rule it is, since the type does not."""
        return self.alert_type in _UNTELLING


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
    """What an incident's evidence says, by incident."""

    head: Incident
    evidence: Sequence[Evidence]


def counts(head: Incident) -> bool:
    """Whether an incident says something of detectors and logs.

    Samples and what Firewatch says itself do not, nor what went on in another.
    """
    return (
        not head.is_sample
        and head.status is not IncidentStatus.MERGED
        and OWN not in head.sources
    )


def queries(told: Sequence[Told], pack: Mapping[str, Query]) -> list[Asked]:
    """Every query of the pack, the most asked first."""
    by_query: dict[str, list[tuple[Incident, Evidence]]] = {name: [] for name in pack}
    for each in told:
        for evidence in each.evidence:
            # One that the pack has no longer says nothing of what there is.
            if evidence.query in by_query and evidence.query not in OWN_QUESTIONS:
                by_query[evidence.query].append((each.head, evidence))
    found = [_asked(pack[name], rows) for name, rows in by_query.items()]
    return sorted(found, key=lambda each: (-each.questions, each.query))


def _asked(query: Query, rows: Sequence[tuple[Incident, Evidence]]) -> Asked:
    answered = [e for _, e in rows if e.status is not EvidenceStatus.UNAVAILABLE]
    lacks = Counter(e.reason for _, e in rows if e.reason)
    return Asked(
        query=query.name,
        tables=query.tables,
        cost=query.cost.value,
        questions=len(rows),
        answered=len(answered),
        found=sum(e.row_count > 0 for e in answered),
        decided=len({h.id for h, _ in rows if query.name in decisive(h)}),
        factors=tuple(name for name, by in FACTORS.items() if query.name in by),
        seconds=round(sum(e.took_ms for _, e in rows) / 1000, 1),
        lacks=dict(lacks.most_common()),
    )


def decisive(head: Incident) -> set[str]:
    """The queries that its score is partly made of."""
    factors = head.risk.factors if head.risk else ()
    return {factor.evidence for factor in factors if factor.evidence and factor.points}


def tables(
    told: Sequence[Told],
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
    names = {*readers, *(usage or ())}
    made = [_table(n, told, readers.get(n, ()), usage, price, rules) for n in names]
    return sorted(made, key=lambda t: (-(t.billable_gb or 0), -t.questions, t.table))


def _table(
    name: str,
    told: Sequence[Told],
    readers: Sequence[str],
    usage: Mapping[str, Volume] | None,
    price: Mapping[str, float],
    rules: Mapping[str, Sequence[str]] | None,
) -> Table:
    asked = [
        (each.head, evidence)
        for each in told
        for evidence in each.evidence
        if evidence.query in readers
    ]
    found = [(head, e) for head, e in asked if e.row_count > 0]
    volume = None if usage is None else usage.get(name, Volume(0, 0))
    per_gb = price.get(name, price.get(""))
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
        incidents=len({head.id for head, _ in found}),
        decided=len({h.id for h, e in found if e.query in decisive(h)}),
        rules=None if rules is None else tuple(sorted(rules.get(name, ()))),
    )


def kinds(told: Iterable[Told]) -> list[Kind]:
    """Every alert type that came, the one that took most time first."""
    heads = [each.head for each in told]
    led: dict[tuple[str, str], list[Incident]] = {}
    having: dict[tuple[str, str], list[tuple[Incident, int]]] = {}
    for head in heads:
        worst = head.worst_first[0]
        led.setdefault(_key(worst.alert_type, worst.title), []).append(head)
        counted: Counter[tuple[str, str]] = Counter()
        for problem in head.problems.values():
            counted[_key(problem.alert_type, problem.title)] += problem.count
        for key, count in counted.items():
            having.setdefault(key, []).append((head, count))
    titles = _titles(heads)
    made = [
        _kind(key, titles[key], led.get(key, []), rows) for key, rows in having.items()
    ]
    return sorted(made, key=lambda k: (-k.seconds, -k.led, -k.alerts, k.name))


def _key(alert_type: str, title: str) -> tuple[str, str]:
    return alert_type, title if alert_type in _UNTELLING else ""


def _titles(heads: Iterable[Incident]) -> dict[tuple[str, str], str]:
    """What a type is called: the title that most of its alerts have."""
    seen: dict[tuple[str, str], Counter[str]] = {}
    for head in heads:
        for problem in head.problems.values():
            key = _key(problem.alert_type, problem.title)
            seen.setdefault(key, Counter())[problem.title] += problem.count
    return {key: titles.most_common(1)[0][0] for key, titles in seen.items()}


def _kind(
    key: tuple[str, str],
    title: str,
    led: Sequence[Incident],
    having: Sequence[tuple[Incident, int]],
) -> Kind:
    judged = Counter(
        head.judged.classification.value for head in led if head.judged is not None
    )
    harmless = (
        judged[Classification.FALSE_POSITIVE] + judged[Classification.BENIGN_POSITIVE]
    )
    spans = [span for head in led if (span := _span(head)) is not None]
    return Kind(
        name=title,
        alert_type=key[0],
        alerts=sum(count for _, count in having),
        incidents=len(having),
        led=len(led),
        paged=sum(head.paged_at is not None for head in led),
        ended=sum(head.ended_at is not None for head in led),
        verdicts=dict(sorted(judged.items())),
        benign=round(harmless / judged.total(), 3) if judged else None,
        seconds=round(sum(spans), 1),
        timed=len(spans),
    )


def _span(head: Incident) -> float | None:
    """How long somebody had it; None where nobody took it, or nobody ended it."""
    if head.acknowledged is None or head.epoch != 1 or head.resolved is None:
        return None
    if head.resolved.by in {SOURCE, QUIET} or not head.status.has_ended:
        return None
    seconds = (head.resolved.at - head.acknowledged.at).total_seconds()
    return seconds if seconds >= 0 else None
