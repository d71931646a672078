"""Sections that give way where a sink has no room for them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.model.message import Section, shortened


def make_section(*lines: str, left_out: int = 0) -> Section:
    return Section(key="x", title="X", lines=lines, left_out=left_out)


def test_what_fits_stays_as_it_is() -> None:
    """Nothing is taken from sections that there is room for."""
    sections = (make_section("aaa", "bb"), make_section("c", left_out=2))

    assert shortened(sections, 6, len) == sections


def test_the_longest_gives_way_from_its_end() -> None:
    """The other is left alone until it is the longest itself."""
    long, short = make_section("aaaa", "bbbb", "cccc"), make_section("dd", "ee")

    found = shortened((long, short), 9, len)

    assert found == (make_section("aaaa", left_out=2), short)


def test_what_was_left_out_before_counts_too() -> None:
    """The reader learns of every line that is not there."""
    [found] = shortened([make_section("aa", "bb", left_out=3)], 2, len)

    assert found == make_section("aa", left_out=4)


@given(
    st.lists(st.lists(st.text(max_size=9), max_size=9), max_size=9),
    st.integers(min_value=0, max_value=99),
)
def test_it_fits_and_no_line_is_lost_silently(
    texts: list[list[str]], room: int
) -> None:
    """Whatever there is: the rest fits, is a beginning, and adds up."""
    sections = [make_section(*lines) for lines in texts]

    found = shortened(sections, room, len)

    assert sum(len(line) for each in found for line in each.lines) <= room
    for before, after in zip(sections, found, strict=True):
        assert after.lines == before.lines[: len(after.lines)]
        assert len(after.lines) + after.left_out == len(before.lines)
