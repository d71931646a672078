from __future__ import annotations

import pytest

from shared.enrichment.query import LONGEST_READING, reading
from tests.unit.enrichment.queries import make_query

COLUMNS = ("At", "Account", "Times")
ROW = ("2026-11-23T12:00:00Z", "jdoe", "3")


def test_rows_are_one_sentence() -> None:
    """Counts, the different values, the sum, and the cells of the first row."""
    rows = [ROW, ("2026-11-23T11:00:00Z", "root", "4")]

    assert reading(make_query(), COLUMNS, rows, 2) == (
        "2 logons by jdoe, root, 7 in all; first jdoe at 2026-11-23T12:00:00Z."
    )


def test_no_rows_are_a_sentence_too() -> None:
    """That nothing is there is an answer."""
    assert reading(make_query(), COLUMNS, [], 0) == "Nobody logged on."


def test_of_many_values_three_are_named() -> None:
    """How many more there are is said."""
    rows = [("t", f"user{n}", "1") for n in range(9)]

    assert "by user0, user1, user2 and 6 more," in reading(
        make_query(), COLUMNS, rows, 9
    )


def test_a_sum_of_some_rows_says_so() -> None:
    """Rows that are left out would have added to it."""
    assert "at least 3 in all" in reading(make_query(), COLUMNS, [ROW], 500)


def test_columns_are_found_by_their_name() -> None:
    """A workspace may give them in another order."""
    rows = [("jdoe", "3", "noon")]

    assert reading(make_query(), ("Account", "Times", "At"), rows, 1) == (
        "1 logon by jdoe, 3 in all; first jdoe at noon."
    )


@pytest.mark.parametrize(
    ("columns", "row", "times"),
    [
        (("At",), ("noon",), "unknown"),
        (COLUMNS, ("noon",), "unknown"),
        (COLUMNS, ("noon", " ", "nan"), "0"),
    ],
)
def test_what_is_missing_is_unknown(
    columns: tuple[str, ...], row: tuple[str, ...], times: str
) -> None:
    """A row that is not as promised breaks no page."""
    assert reading(make_query(), columns, [row], 1) == (
        f"1 logon by unknown, {times} in all; first unknown at noon."
    )


@pytest.mark.parametrize("times", ["inf", "-inf", "1e400", "nan", "9" * 400, "many"])
def test_what_is_no_amount_adds_nothing(times: str) -> None:
    """A cell that no long can hold is no reason to fail."""
    assert "0 in all" in reading(make_query(), COLUMNS, [("t", "a", times)], 1)


def test_cells_are_harmless_and_the_sentence_bounded() -> None:
    """Controls, templates and links in a cell are text, and not much of it."""
    hostile = "{sum Times}\x1b[31m\nhttps://evil.example/ " + "x" * 10_000

    said = reading(make_query(), COLUMNS, [(hostile, hostile, "1")], 1)

    assert said.startswith("1 logon by {sum Times}[31m hxxps://evil.example/ xxx")
    assert said.isprintable()
    assert len(said) <= LONGEST_READING
