"""Keys in time: steps, so that a burst does not write each key again and again."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from shared.model.correlation import Correlation
from tests.factories import NOON

if TYPE_CHECKING:
    from datetime import datetime

POINTS = st.datetimes(
    min_value=NOON.replace(tzinfo=None) - timedelta(days=400),
    max_value=NOON.replace(tzinfo=None) + timedelta(days=400),
    timezones=st.just(UTC),
)
GAPS = st.integers(0, 200_000).map(lambda seconds: timedelta(seconds=seconds))


@given(POINTS, POINTS, GAPS)
def test_steps_keep_together_what_the_gap_does(
    one: datetime, other: datetime, gap: timedelta
) -> None:
    """And reach no further than a step past it."""
    caps = Correlation(gap=gap)

    apart = abs(caps.moment(one) - caps.moment(other))

    if abs(one - other) <= gap:
        assert apart <= gap
    if gap and abs(one - other) >= gap + gap / 50:
        assert apart > gap


@given(POINTS, GAPS)
def test_a_moment_is_its_own(point: datetime, gap: timedelta) -> None:
    """What is read back from a key is what was written."""
    caps = Correlation(gap=gap)

    moment = caps.moment(point)

    assert moment <= point
    assert caps.moment(moment) == moment
