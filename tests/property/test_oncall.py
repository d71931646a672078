"""Whoever is on call, it is one person, whatever clocks do."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.oncall.duty import Span, changes, on_duty
from shared.oncall.policy import Layer, Schedule, StandIn
from shared.oncall.wall import instant_of, wall_of, zone_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from _pytest.mark import ParameterSet

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PEOPLE = ("ana", "ben", "cho")

# A year in each: in one Samoa has no 30 December, in one Morocco four changes.
YEARS = [
    ("Europe/Oslo", 2026),
    ("America/New_York", 2026),
    ("Australia/Lord_Howe", 2026),
    ("Asia/Kathmandu", 2026),
    ("Pacific/Apia", 2011),
    ("Africa/Casablanca", 2026),
]
ZONES = [zone for zone, _ in YEARS]
TURNS = [HOUR, 12 * HOUR, DAY, 7 * DAY, 14 * DAY, 25 * HOUR]


def soaked(value: timedelta) -> ParameterSet:
    """A parameter for `make soak` alone."""
    return pytest.param(value, marks=pytest.mark.soak)


def rotation(zone: str, starts: datetime, turn: timedelta) -> Schedule:
    """Three people who take turns without end."""
    layer = Layer(people=PEOPLE, starts=starts, turn=turn)
    return Schedule(time_zone=zone, layers=(layer,))


@pytest.mark.parametrize(("zone", "year"), YEARS)
@pytest.mark.parametrize("step", [15 * MINUTE, soaked(MINUTE)])
def test_throughout_a_year_one_person_has_it(
    zone: str, year: int, step: timedelta
) -> None:
    """It is the turn's that the latest time says which a clock has shown so far.

    Hand-offs are at half past, and no clock differs from another by less than a quarter
    of an hour; the nights of a change are asked by the minute below.
    """
    clock, turn = zone_of(zone), HOUR
    starts = datetime.fromisoformat(f"{year - 1}-12-01T02:30")
    found = rotation(zone, starts, turn)
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    spans = iter(changes(found, at, end))
    span = next(spans)
    latest = starts
    while at < end:
        latest = max(latest, at.astimezone(clock).replace(tzinfo=None))
        if at >= span.end:
            span = next(spans)
        expected = PEOPLE[(latest - starts) // turn % 3]
        assert span.people == (expected,), at
        if at.hour % 6 == at.minute == 0:
            assert on_duty(found, at) == (expected,), at
        at += step
    assert next(spans, None) is None


@pytest.mark.parametrize(("zone", "year"), YEARS)
def test_in_the_nights_of_a_change_one_person_has_it_too(zone: str, year: int) -> None:
    """Asked by the minute, whatever the length of a turn."""
    clock = zone_of(zone)
    starts = datetime.fromisoformat(f"{year - 1}-12-01T02:30")
    hours = [datetime(year, 1, 1, tzinfo=UTC) + n * HOUR for n in range(365 * 24)]
    nights = [at for at in hours if _offset(at, clock) != _offset(at + HOUR, clock)]
    assert len(nights) == {"Asia/Kathmandu": 0, "Pacific/Apia": 3}.get(zone, 2)

    for turn in TURNS:
        found = rotation(zone, starts, turn)
        for night in nights:
            at = night - 3 * HOUR
            latest = wall_of(at, clock)
            while at < night + 4 * HOUR:
                latest = max(latest, wall_of(at, clock))
                expected = PEOPLE[(latest - starts) // turn % 3]
                assert on_duty(found, at) == (expected,), (turn, at)
                at += MINUTE


@pytest.mark.parametrize(("zone", "year"), YEARS)
@pytest.mark.parametrize("turn", TURNS)
def test_hand_offs_are_at_the_time_on_the_clock(
    zone: str, year: int, turn: timedelta
) -> None:
    """To the second, unless the clock skips it; and nobody has more than their turn."""
    clock = zone_of(zone)
    starts = datetime.fromisoformat(f"{year}-01-01T02:30")
    start = instant_of(starts, clock)
    spans = changes(rotation(zone, starts, turn), start, start + 360 * DAY)
    walls = {starts + n * turn for n in range(400 * DAY // turn)}
    shares: Counter[str] = Counter()
    for span in spans:
        shares[span.people[0]] += int((span.end - span.start).total_seconds())
        is_jump = _offset(span.start, clock) != _offset(span.start - MINUTE, clock)
        assert wall_of(span.start, clock) in walls or is_jump
        assert on_duty(rotation(zone, starts, turn), span.start - MINUTE) != span.people

    # A clock is put on and back by an hour; in Samoa a day is left out as well.
    slack = HOUR + (DAY if zone == "Pacific/Apia" else HOUR)
    assert {*shares} == {*PEOPLE}
    assert max(shares.values()) - min(shares.values()) <= (turn + slack).total_seconds()


AUTUMN = (datetime.fromisoformat("2026-09-20"), datetime.fromisoformat("2026-12-01"))
WALLS = st.datetimes(*AUTUMN).map(
    lambda at: at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
)
HOURS = st.sampled_from(
    [(), ("mon-fri 08:00-18:00",), ("sat-sun", "18:00-08:00"), ("sun 01:30-02:30",)]
)
LAYERS = st.builds(
    Layer,
    people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4).map(tuple),
    starts=WALLS,
    turn=st.sampled_from(TURNS),
    until=st.none() | WALLS,
    hours=HOURS,
    on_holidays=st.booleans(),
)
OVERRIDES = st.builds(
    lambda starts, hours: StandIn(
        person="dan", starts=starts, until=starts + hours * HOUR
    ),
    WALLS,
    st.integers(1, 60),
)
SCHEDULES = st.builds(
    Schedule,
    time_zone=st.sampled_from(ZONES),
    layers=st.lists(LAYERS, max_size=3).map(tuple),
    overrides=st.lists(OVERRIDES, max_size=2).map(tuple),
    holidays=st.lists(st.dates(date(2026, 9, 20), date(2026, 12, 1)), max_size=3).map(
        tuple
    ),
)
INSTANTS = st.datetimes(*AUTUMN, timezones=st.just(UTC))


@settings(max_examples=60)
@given(SCHEDULES, INSTANTS, INSTANTS, INSTANTS)
def test_spans_say_what_is_said_at_each_instant(
    found: Schedule, one: datetime, other: datetime, at: datetime
) -> None:
    """They meet, each is of others than the one before, and none is cut by a look."""
    start, at, end = sorted((one, other, at))
    spans = changes(found, start, end)

    assert _joined([*changes(found, start, at), *changes(found, at, end)]) == spans
    assert _joined(spans) == spans
    if start < end:
        assert (spans[0].start, spans[-1].end) == (start, end)
    for span in spans:
        middle = span.start + (span.end - span.start) / 2
        for each in (span.start, middle, span.end - timedelta(microseconds=1)):
            assert on_duty(found, each) == span.people
    for span in spans:
        if span.start <= at < span.end:
            assert on_duty(found, at) == span.people


@settings(max_examples=100)
@given(SCHEDULES, OVERRIDES)
def test_an_override_wins_from_its_start_until_its_end(
    found: Schedule, stand_in: StandIn
) -> None:
    """And changes nothing before and after."""
    zone = zone_of(found.time_zone)
    bare = Schedule(
        time_zone=found.time_zone, layers=found.layers, holidays=found.holidays
    )
    covered = Schedule(
        time_zone=found.time_zone,
        layers=found.layers,
        holidays=found.holidays,
        overrides=(stand_in,),
    )
    starts, until = (instant_of(at, zone) for at in (stand_in.starts, stand_in.until))

    assert changes(covered, starts, until) == (
        [Span(starts, until, ("dan",))] if starts < until else []
    )
    for at in (starts - MINUTE, until, until + DAY):
        assert on_duty(covered, at) == on_duty(bare, at)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def _joined(spans: list[Span]) -> list[Span]:
    """Neighbours of the same people as one."""
    found: list[Span] = []
    for span in spans:
        if found and found[-1].people == span.people:
            assert found[-1].end == span.start
            found[-1] = found[-1]._replace(end=span.end)
        else:
            assert not found or found[-1].end == span.start
            found.append(span)
    return found
