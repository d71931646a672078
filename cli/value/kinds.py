"""What came of alert types, and of the rules behind them. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from shared.model.incident import (
    OWN,
    QUIET,
    SOURCE,
    Classification,
    Incident,
    IncidentStatus,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# Types that say which product made an alert and not which rule: the title does.
_UNTELLING = frozenset({"SentinelIncident"})


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


def counts(head: Incident) -> bool:
    """Whether an incident says something of detectors and logs.

    Samples and what Firewatch says itself do not, nor what went on in another.
    """
    return (
        not head.is_sample
        and head.status is not IncidentStatus.MERGED
        and OWN not in head.sources
    )


def kinds(heads: Sequence[Incident]) -> list[Kind]:
    """Every alert type that came, the one that took most time first."""
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


def _titles(heads: Sequence[Incident]) -> dict[tuple[str, str], str]:
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
