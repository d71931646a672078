"""How long things took: from an alert to first page, answer, containment, end. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from shared.model.alert import Severity
from shared.model.incident import AUDIT, OWN, IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import timedelta

    from shared.model.incident import Incident


class By(StrEnum):
    """What incidents are put together by."""

    SEVERITY = "severity"
    ROUTE = "route"


class Until(StrEnum):
    """What is waited for."""

    FIRST_PAGE = "first_page"
    ACKNOWLEDGE = "acknowledge"
    CONTAIN = "contain"
    RESOLVE = "resolve"


class Since(StrEnum):
    """From whose time on: when the detector saw it first, or when we opened it."""

    DETECTOR = "detector"
    FIREWATCH = "firewatch"


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """How long one thing took, in seconds; null where it never happened.

    ``count`` incidents are behind it. Of ``unknown`` ones it is not known, or it has
    not happened. ``median`` and ``p90`` are by the nearest rank: real times, of which
    half, or nine tenths, were no longer.
    """

    until: Until
    since: Since
    count: int
    unknown: int
    median: float | None
    p90: float | None
    longest: float | None = msgspec.field(name="max")


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of incidents that have a severity, or went by a route, in common.

    ``name`` is empty where the route is not known.
    """

    name: str
    incidents: int
    measures: tuple[Measure, ...]


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of what was opened from ``since`` to ``until``."""

    since: datetime
    until: datetime
    by: By
    total: Group
    groups: tuple[Group, ...]


def measured(
    found: Iterable[Incident], by: By, *, since: datetime, until: datetime
) -> Measures:
    """The measures of incidents that were opened between these moments.

    Left out is what waits for nobody: samples, what was never active, what went on in
    another, and what Firewatch says itself.
    """
    heads = [head for head in found if _counts(head)]
    named: dict[str, list[Incident]] = {}
    for head in heads:
        name = head.severity.value if by is By.SEVERITY else head.paged_by
        named.setdefault(name, []).append(head)
    return Measures(
        since=since,
        until=until,
        by=by,
        total=_group("", heads),
        groups=tuple(
            _group(name, named[name]) for name in sorted(named, key=_ORDER[by])
        ),
    )


def percentile(ranked: Sequence[timedelta], percent: int) -> timedelta:
    """The least of the times, in order, than which so many percent are no longer."""
    return ranked[-(-percent * len(ranked) // 100) - 1]


_STARTS: dict[Since, Callable[[Incident], datetime]] = {
    Since.DETECTOR: lambda head: head.first_seen,
    Since.FIREWATCH: lambda head: head.opened_at,
}

_ENDS: dict[Until, Callable[[Incident], datetime | None]] = {
    Until.FIRST_PAGE: lambda head: head.paged_at,
    # Who reopens it takes the mark away: the one there is may be of a later epoch.
    Until.ACKNOWLEDGE: lambda head: (
        head.acknowledged.at if head.acknowledged and head.epoch == 1 else None
    ),
    Until.CONTAIN: lambda head: min(
        (at for gist in head.deeds.values() if (at := gist.contained_at)), default=None
    ),
    Until.RESOLVE: lambda head: head.ended_at,
}

_ORDER: dict[By, Callable[[str], tuple[object, ...]]] = {
    By.SEVERITY: lambda name: (-Severity(name).rank,),
    By.ROUTE: lambda name: (not name, name),
}


def _counts(head: Incident) -> bool:
    return (
        head.was_active
        and not head.is_sample
        and head.status is not IncidentStatus.MERGED
        and not {AUDIT, OWN} & {*head.sources}
    )


def _group(name: str, heads: Sequence[Incident]) -> Group:
    measures = [_measure(heads, until, since) for until in Until for since in Since]
    return Group(name=name, incidents=len(heads), measures=tuple(measures))


def _measure(heads: Sequence[Incident], until: Until, since: Since) -> Measure:
    ranked = sorted(
        end - start
        for head in heads
        if (end := _ENDS[until](head)) is not None
        # Detectors' clocks are not ours: what ends before it begins is not known.
        and (start := _STARTS[since](head)) <= end
    )

    def seconds(percent: int) -> float | None:
        return percentile(ranked, percent).total_seconds() if ranked else None

    return Measure(
        until=until,
        since=since,
        count=len(ranked),
        unknown=len(heads) - len(ranked),
        median=seconds(50),
        p90=seconds(90),
        longest=seconds(100),
    )
