"""Evidence is small, whatever somebody wrote into a log."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.enrichment.cache import Given
from shared.enrichment.fitting import (
    ASKED_ROWS,
    LONGEST_CELL,
    MOST_BYTES,
    MOST_ROWS,
    bounded,
)
from shared.enrichment.merging import Part, merged
from shared.model.evidence import Evidence, EvidenceStatus, Lack
from shared.model.logs import Answer
from shared.model.text import CUT_MARK
from tests.fakes.clock import START
from tests.fakes.logs import OTHER, WORKSPACE, an_ask, rows

ROW_LIMIT = 32 * 1024

NASTY = st.text(alphabet=st.sampled_from(["a", '"', "\\", "\x01", "é", "💥", "\ud800"]))
SIZES = st.integers(0, 600)


def given_(answer: Answer, *, is_cut: bool = False) -> Given:
    return Given(answer, is_cut, START, 7)


def evidence_of(answer: Answer) -> Evidence:
    small, is_cut = bounded(answer)
    return merged(
        an_ask(), [Part(WORKSPACE, given_(small, is_cut=is_cut))], asked_at=START
    )


def wide(cell: str, *, columns: int, number: int) -> Answer:
    return Answer(
        columns=tuple(f"{cell}{n}" for n in range(columns)),
        rows=((cell,) * columns,) * number,
    )


@given(
    piece=NASTY,
    times=SIZES,
    columns=st.integers(0, 60),
    number=st.integers(0, 150),
    account=NASTY,
)
def test_evidence_fits_a_row(
    piece: str, times: int, columns: int, number: int, account: str
) -> None:
    """As JSON it is at most 30 KiB, and says whether anything is left out."""
    answer = wide(piece * times, columns=columns, number=number)
    small, is_cut = bounded(answer)
    ask = an_ask(account=account * 1_000)

    found = merged(
        ask, [Part(WORKSPACE * 50, given_(small, is_cut=is_cut))], asked_at=START
    )

    assert len(msgspec.json.encode(found)) <= MOST_BYTES < ROW_LIMIT
    assert len(found.rows) <= MOST_ROWS
    said = [[cell.replace("\ud800", "?") for cell in row] for row in answer.rows]
    assert found.is_truncated or [[*row] for row in found.rows] == said
    assert msgspec.json.decode(msgspec.json.encode(found), type=Evidence) == found


def test_what_is_small_is_left_as_it_is() -> None:
    """Nothing is cut, and nothing said of cutting."""
    answer = rows("a", "b")

    found = evidence_of(answer)

    assert (found.rows, found.is_truncated) == (answer.rows, False)


def test_the_first_rows_are_shown_and_all_are_counted() -> None:
    """The reading knows the whole number."""
    found = evidence_of(rows(*(f"caller-{n}" for n in range(70))))

    assert (len(found.rows), found.row_count, found.is_truncated) == (30, 70, True)
    assert found.rows[0][1] == "caller-0"
    assert found.reading.startswith("70 operations")


def test_a_cell_is_cut_and_shows_it() -> None:
    """A command line of a thousand characters is shown to its first."""
    [[_, cell]] = evidence_of(rows("x" * 1_000)).rows

    assert len(cell) == LONGEST_CELL
    assert cell.endswith(CUT_MARK)


def test_more_rows_than_were_asked_for_are_left_out() -> None:
    """A workspace that gives more than it was asked for cannot flood anybody."""
    small, is_cut = bounded(rows(*["x"] * 500))

    assert (len(small.rows), is_cut) == (ASKED_ROWS, True)


class TestMerging:
    """What several workspaces said."""

    def test_a_row_that_one_gave_twice_is_two(self) -> None:
        """Only what both gave is the same row."""
        parts = [
            Part(WORKSPACE, given_(rows("a", "a", "b"))),
            Part(OTHER, given_(rows("a", "b", "b"))),
        ]

        found = merged(an_ask(), parts, asked_at=START)

        assert [row[1] for row in found.rows] == ["a", "a", "b", "b"]

    def test_columns_in_another_order_are_put_right(self) -> None:
        """A cell stays under its name; one that is not there is empty."""
        other = Answer(columns=("Caller", "More"), rows=(("z", "1"),))
        parts = [Part(WORKSPACE, given_(rows("a"))), Part(OTHER, given_(other))]

        found = merged(an_ask(), parts, asked_at=START)

        assert found.columns == ("TimeGenerated", "Caller")
        assert found.rows[1] == ("", "z")

    def test_an_answer_without_columns_does_not_hide_one_that_has_some(self) -> None:
        """204 from the first, rows from the second."""
        nothing = Answer(columns=(), rows=())
        parts = [Part(WORKSPACE, given_(nothing)), Part(OTHER, given_(rows("a")))]

        found = merged(an_ask(), parts, asked_at=START)

        assert found.columns == ("TimeGenerated", "Caller")
        assert found.row_count == 1

    def test_the_reason_is_the_one_to_mend_first(self) -> None:
        """A permission before a workspace that was slow."""
        parts = [Part(WORKSPACE, lack=Lack.TIMEOUT), Part(OTHER, lack=Lack.FORBIDDEN)]

        found = merged(an_ask(), parts, asked_at=START)

        assert (found.status, found.reason) == (
            EvidenceStatus.UNAVAILABLE,
            Lack.FORBIDDEN,
        )

    def test_all_without_the_table_is_a_missing_table(self) -> None:
        """Nobody has it: then it is missed."""
        lack = Lack.MISSING_TABLE
        parts = [Part(WORKSPACE, lack=lack), Part(OTHER, lack=lack)]

        assert merged(an_ask(), parts, asked_at=START).reason == lack
