"""Measures against a reference that counts as people would by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.measures import By, Since, Until, measured, percentile
from shared.model.alert import Severity
from shared.model.deed_status import DeedStatus, Gist
from shared.model.incident import OWN, Incident, IncidentStatus, Mark
from tests.factories import NOON, make_incident

if TYPE_CHECKING:
    from shared.measures import Group, Measure

SECONDS = st.integers(0, 100_000).map(lambda n: timedelta(milliseconds=n))
WAITS = st.none() | SECONDS.map(lambda wait: wait - timedelta(seconds=20))
ROUTES = ["", "soc", "night"]


def later(at: datetime, wait: timedelta | None) -> datetime | None:
    """That long after, before it where the clocks differ, or never."""
    return None if wait is None else at + wait


@st.composite
def heads(draw: st.DrawFn) -> Incident:
    """An incident that was, or was not yet, told, acknowledged and resolved."""
    opened = NOON + draw(SECONDS)
    acknowledged, resolved = draw(WAITS), draw(WAITS)
    status = IncidentStatus.OPEN if resolved is None else IncidentStatus.RESOLVED
    answered, ended = later(opened, acknowledged), later(opened, resolved)
    contained = [later(opened, wait) for wait in draw(st.lists(WAITS, max_size=3))]
    return make_incident(
        status=status,
        severity=draw(st.sampled_from(Severity)),
        first_seen=NOON,
        opened_at=opened,
        paged_at=later(opened, draw(WAITS)),
        paged_by=draw(st.sampled_from(ROUTES)),
        acknowledged=Mark(by="ana", at=answered) if answered else None,
        resolved=Mark(by="ana", at=ended) if ended else None,
        epoch=draw(st.sampled_from([1, 1, 2])),
        deeds={
            str(number): Gist(
                incident="an incident",
                status=DeedStatus.VERIFIED,
                says="Isolate vm-a",
                stands="in force",
                contained_at=at,
            )
            for number, at in enumerate(contained)
        },
    )


def waits(found: list[Incident], until: Until, since: Since) -> list[float]:
    """What is known of each, by hand."""
    known = []
    for head in found:
        start = head.first_seen if since is Since.DETECTOR else head.opened_at
        end = {
            Until.FIRST_PAGE: head.paged_at,
            Until.ACKNOWLEDGE: head.acknowledged.at if head.acknowledged else None,
            Until.CONTAIN: min(
                (g.contained_at for g in head.deeds.values() if g.contained_at),
                default=None,
            ),
            Until.RESOLVE: head.resolved.at if head.resolved else None,
        }[until]
        if until is Until.ACKNOWLEDGE and head.epoch > 1:
            continue
        if end is not None and end >= start:
            known.append((end - start).total_seconds())
    return known


def naive(times: list[float], percent: int) -> float | None:
    """The least of them that is no less than so many percent of all."""
    return min(
        (t for t in times if sum(u <= t for u in times) * 100 >= percent * len(times)),
        default=None,
    )


def agrees(measure: Measure, found: list[Incident]) -> None:
    """Hold a measure to the reference."""
    known = waits(found, measure.until, measure.since)
    assert measure.count == len(known)
    assert measure.unknown == len(found) - len(known)
    assert measure.median == naive(known, 50)
    assert measure.p90 == naive(known, 90)
    assert measure.longest == max(known, default=None)


@given(st.lists(heads(), max_size=25), st.sampled_from(By))
def test_every_measure_is_that_of_the_reference(found: list[Incident], by: By) -> None:
    """Of all incidents, and of those of each severity or route."""
    made = measured(found, by, since=NOON, until=NOON)

    def of(group: Group) -> list[Incident]:
        return [
            head
            for head in found
            if group.name == (head.severity if by is By.SEVERITY else head.paged_by)
        ]

    assert made.total.incidents == len(found) == sum(g.incidents for g in made.groups)
    for measure in made.total.measures:
        agrees(measure, found)
    for group in made.groups:
        assert group.incidents == len(of(group)) > 0
        for measure in group.measures:
            agrees(measure, of(group))


@given(st.lists(SECONDS, min_size=1))
def test_percentiles_are_times_that_were_taken(times: list[timedelta]) -> None:
    """They rise with the percentage, and end with the longest."""
    ranked = sorted(times)
    found = [percentile(ranked, percent) for percent in range(1, 101)]

    assert {*found} <= {*times}
    assert found == sorted(found)
    assert found[-1] == max(times)


@given(st.lists(heads(), max_size=10), st.data())
def test_what_waits_for_nobody_changes_nothing(
    found: list[Incident], data: st.DataObject
) -> None:
    """Samples, the never active, the merged, and what Firewatch says itself."""
    changes = [
        {"is_sample": True},
        {"was_active": False},
        {"status": IncidentStatus.MERGED, "merged_into": "0" * 16},
        {"sources": (OWN,)},
    ]
    more = [
        replace(data.draw(heads()), **change)  # type: ignore[arg-type]
        for change in changes
    ]
    mixed = data.draw(st.permutations([*found, *more]))

    assert measured(mixed, By.ROUTE, since=NOON, until=NOON) == measured(
        found, By.ROUTE, since=NOON, until=NOON
    )


def test_an_incident_of_before_is_unknown_and_not_at_once() -> None:
    """Its row does not say when somebody was told."""
    made = measured([make_incident()], By.SEVERITY, since=NOON, until=NOON)

    page = made.total.measures[0]
    assert (page.until, page.count, page.unknown) == (Until.FIRST_PAGE, 0, 1)
    assert (page.median, page.p90, page.longest) == (None, None, None)
