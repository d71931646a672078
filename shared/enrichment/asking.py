"""Which queries of the pack to ask about an incident, the most telling first. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.enrichment import subjects
from shared.enrichment.pack import pack
from shared.enrichment.seen import seen
from shared.model.evidence import Cost

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from shared.enrichment.kql import Value
    from shared.enrichment.query import Query
    from shared.enrichment.seen import Seen
    from shared.model.alert import AlertRow
    from shared.model.incident import Incident

# Times are asked about in whole hours, so that two incidents about one thing ask alike.
_STEP = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What a detector claims of its times is believed this far around the incident's own,
# which are held near the time of receipt. It also bounds what one ask can span.
_FURTHEST_BEFORE = timedelta(days=14)
_FURTHEST_AFTER = timedelta(days=1)

# Against the query's own weight, 1 to 9.
_OF_PLAN = 2
_DEARER = {Cost.LOW: 0, Cost.MEDIUM: 1, Cost.HIGH: 2}
# The third account tells less than the first: then rather another question.
_LATER = 2


class Ask(NamedTuple):
    """One query, its values, what it is about for people, and the time it looks at."""

    query: Query
    values: Mapping[str, Value]
    subject: str
    since: datetime
    until: datetime


def asks(
    incident: Incident,
    alerts: Sequence[AlertRow],
    *,
    most: int,
    only: Collection[str] | None = None,
) -> list[Ask]:
    """What to ask about the incident: weightiest first, no two alike, at most ``most``.

    ``alerts`` are its rows, all or some; those that hold a place for an alert that has
    not come count for nothing. ``only`` are the names of queries to choose from. Equal
    arguments give equal asks, in whatever order the rows come.
    """
    told = sorted((row for row in alerts if not row.is_expected), key=lambda r: r.id)
    chosen = [q for q in pack().values() if only is None or q.name in only]
    places: dict[str, int] = {}
    weighed: list[tuple[float, str, int, Ask]] = []
    for each in seen(incident, told):
        kind = each.subject.kind
        place = places[kind] = places.get(kind, -1) + 1
        for query in chosen:
            if kind in query.entities:
                for ask in _ask(query, each, incident):
                    weight = _weight(query, each) - _LATER * place
                    weighed.append((-weight, query.name, place, ask))
    weighed.sort(key=lambda line: (*line[:3], line[3].subject))
    return _different([line[3] for line in weighed])[: max(most, 0)]


def _ask(query: Query, each: Seen, incident: Incident) -> Iterator[Ask]:
    """The query about the subject, if that has what it needs."""
    since, until = _times(query, each, incident)
    alerted_at = max(_floor(max(each.first, since)), since)
    offered = {**each.subject.values, subjects.FIRST_ALERT: alerted_at}
    values = {p.name: offered[p.name] for p in query.parameters if p.name in offered}
    named = [p for p in query.parameters if p.name not in subjects.CONTEXT]
    needed = [p for p in named if not p.is_optional]
    # Of values that are all optional, one at least says what is asked about.
    has_enough = (
        all(p.name in values for p in needed)
        if needed
        else any(p.name in values for p in named)
    )
    if has_enough:
        yield Ask(query, values, each.subject.label, since, until)


def _weight(query: Query, each: Seen) -> float:
    of_plan = _OF_PLAN if any(query.is_for(plan) for plan in each.plans) else 0
    return query.weight + of_plan - _DEARER[query.cost]


def _times(query: Query, each: Seen, incident: Incident) -> tuple[datetime, datetime]:
    """From the query's reach before the alerts to what it looks at after them."""
    earliest = _less(incident.earliest, _FURTHEST_BEFORE)
    latest = _more(incident.latest, _FURTHEST_AFTER)
    first = min(max(each.first, earliest), latest)
    last = max(min(each.last, latest), first)
    first = max(first, _less(last, _FURTHEST_BEFORE))
    return _floor(_less(first, query.reach)), _ceiling(_more(last, query.ahead))


def _less(at: datetime, span: timedelta) -> datetime:
    try:
        return at - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _more(at: datetime, span: timedelta) -> datetime:
    try:
        return at + span
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _floor(at: datetime) -> datetime:
    return _less(at, (at - _EPOCH) % _STEP)


def _ceiling(at: datetime) -> datetime:
    return _more(at, (_EPOCH - at) % _STEP)


def _different(asked: Sequence[Ask]) -> list[Ask]:
    """The asks without those that ask again what an earlier one does."""
    found: dict[tuple[object, ...], Ask] = {}
    for ask in asked:
        values = frozenset(
            item for item in ask.values.items() if item[0] != subjects.FIRST_ALERT
        )
        found.setdefault((ask.query.name, values), ask)
    return [*found.values()]
