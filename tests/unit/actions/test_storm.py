"""The storm breaker gives each first page a time at which it goes."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.actions.storm import MOST_SLOTS, ended, is_over, reserve
from shared.model.storm import Slots, Storm
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
STORM = Storm(pages=3, within=timedelta(minutes=10))


def _filled(count: int) -> Slots:
    slots = Slots()
    for number in range(count):
        slots, _ = reserve(slots, f"i{number}", NOON, STORM, may_wait=True)
    return slots


def test_up_to_the_rate_pages_go_at_once() -> None:
    """And there is no storm."""
    slots = _filled(3)

    assert [slot.at for slot in slots.slots] == [NOON] * 3
    assert slots.since is None


def test_past_the_rate_each_waits_for_its_turn() -> None:
    """The fourth to sixth go ten minutes later, the seventh after twenty."""
    waits = [(slot.at - NOON) / MINUTE for slot in _filled(7).slots]

    assert waits == [0, 0, 0, 10, 10, 10, 20]
    assert _filled(7).since == NOON


def test_high_never_waits_and_still_counts() -> None:
    """The next one of the others waits for it."""
    slots, at = reserve(_filled(3), "high", NOON + MINUTE, STORM, may_wait=False)
    _, after = reserve(slots, "low", NOON + MINUTE, STORM, may_wait=True)

    assert at == NOON + MINUTE
    assert after == NOON + timedelta(minutes=10)


def test_a_page_keeps_its_turn() -> None:
    """However often it asks."""
    slots = _filled(5)

    again, at = reserve(slots, "i4", NOON + MINUTE, STORM, may_wait=True)

    assert again is slots
    assert at == NOON + timedelta(minutes=10)


def test_one_that_became_high_goes_at_once() -> None:
    """Its turn is given up."""
    slots, at = reserve(_filled(5), "i4", NOON + MINUTE, STORM, may_wait=False)

    assert at == NOON + MINUTE
    assert [slot.key for slot in slots.slots].count("i4") == 1


def test_the_storm_is_over_when_nobody_waits_and_there_is_room() -> None:
    """And not before."""
    slots = _filled(5)

    assert not is_over(slots, NOON + timedelta(minutes=9), STORM)
    assert is_over(slots, NOON + timedelta(minutes=10), STORM)
    assert not is_over(Slots(), NOON, STORM)
    assert ended(slots).since is None


def test_the_row_stays_small() -> None:
    """Whatever comes: the earliest slots are forgotten."""
    slots = Slots()
    for number in range(MOST_SLOTS + 50):
        slots, _ = reserve(slots, str(number), NOON, STORM, may_wait=True)

    assert len(slots.slots) == MOST_SLOTS


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 9)), max_size=40
    )
)
def test_no_stretch_holds_more_than_the_rate(
    asked: list[tuple[int, bool, int]],
) -> None:
    """Of those that may wait, any ten minutes see at most three go out."""
    slots, now = Slots(), NOON
    went: dict[tuple[str, datetime], datetime] = {}
    for minutes, is_high, name in asked:
        now += minutes * MINUTE
        key = f"{'h' if is_high else 'l'}{name}"
        slots, at = reserve(slots, key, now, STORM, may_wait=not is_high)
        if not is_high:
            went.setdefault((key, at), at)

    for start in went.values():
        inside = [at for at in went.values() if start <= at < start + STORM.within]
        assert len(inside) <= STORM.pages
