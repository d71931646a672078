"""Figures, what they are held against, and what storage was asked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from shared.store import messages
from shared.store.ports import Delete, Put
from tests.benchmarks import cost
from tests.benchmarks.counting import (
    CountedBlobs,
    CountedQueue,
    CountedTable,
    Journal,
    Requests,
)
from tests.benchmarks.figures import Figure, Said, as_json, table
from tests.fakes.store import FakeBlobs, FakeQueue, FakeTable

if TYPE_CHECKING:
    from pathlib import Path


def figure(
    *runs: float, most: float | None = None, least: float | None = None
) -> Figure:
    """A figure of one scenario."""
    return Figure(
        scenario="s", case="c", name="n", unit="ms", runs=runs, most=most, least=least
    )


@pytest.mark.parametrize(
    ("found", "is_met"),
    [
        (figure(1, 9, 2), None),
        (figure(1, 9, 2, most=2), True),
        (figure(1, 9, 3, most=2), False),
        (figure(1, 9, 2, least=2), True),
        (figure(1, 0, 2, least=2), False),
    ],
)
def test_the_median_meets_the_bar_or_does_not(
    *, found: Figure, is_met: bool | None
) -> None:
    """One slow run of three decides nothing."""
    assert found.is_met is is_met
    assert ("NOT" in found.bar) is (is_met is False)


def test_the_table_and_the_json_say_the_same() -> None:
    """Every figure, its spread, and what was skipped and why."""
    found: list[Figure | Said] = [
        figure(1, 9, 3, most=2),
        Said(scenario="peer", why="not installed"),
    ]
    console = Console(width=200, file=io.StringIO())
    with console.capture() as captured:
        console.print(table(found))
    shown = captured.get()

    assert "3 ms" in shown
    assert "1 to 9" in shown
    assert "≤ 2 NOT MET" in shown
    assert "skipped: not installed" in shown
    first, second = as_json(found)
    assert (first["median"], first["runs"], first["met"]) == (3, (1, 9, 3), False)
    assert second["why"] == "not installed"


async def test_every_call_of_storage_is_counted(tmp_path: Path) -> None:
    """A transaction is one request, and so is each row that is got."""
    requests, journal = Requests(), Journal(tmp_path / "journal")
    kept = CountedTable(FakeTable(), requests, journal)
    queue = CountedQueue(FakeQueue(), requests)

    await kept.commit("00", [Put("h|1", b"{}"), Put("h|2", b"[]")])
    journal.end_of_batch()
    await kept.commit("00", [Delete("h|2"), Put("h|3", b"{}")])
    journal.end_of_batch()
    journal.close()
    await kept.get("00", ["h|1", "h|9"])
    await kept.scan("00", "h|", "h}")
    await CountedBlobs(FakeBlobs(), requests).put("x", b"12")
    await queue.send(messages.encode(["0a" + "1" * 14]))

    assert requests.total == 2 + 2 + 1 + 1 + 1
    assert (requests.rows_written, requests.rows_read) == (4, 1 + 2)
    assert (requests.row_bytes, requests.blob_bytes) == (6, 2)
    assert queue.told == ["0a" + "1" * 14]
    assert list(Journal.read(tmp_path / "journal")) == [
        [("00", "h|1", b"{}"), ("00", "h|2", b"[]")],
        [("00", "h|3", b"{}")],
    ]


def test_dollars_are_what_the_prices_say() -> None:
    """A request is its price, and an execution is a second at the least."""
    asked = cost.prices()

    assert cost.Used(table=10_000, queue=10_000).dollars(asked) == pytest.approx(
        0.00436
    )
    short = cost.Used(executions=1, seconds=0.1).dollars(asked)
    long = cost.Used(executions=1, seconds=3).dollars(asked)
    assert short == pytest.approx(0.0000004 + 0.000052)
    assert long == pytest.approx(0.0000004 + 3 * 0.000052)
