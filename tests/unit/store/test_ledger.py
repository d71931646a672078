"""Read, decide, commit."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.model.alert import AlertRow
from shared.model.books import Books
from shared.model.correlation import Interval, OpenKey
from shared.model.errors import StoreConflict, StoreUnavailable
from shared.model.incident import Fact
from shared.store import rows
from shared.store.ledger import MOST_CONFLICTS, Ledger
from shared.triage.alert_rows import row_of
from tests.alerts import read_alert
from tests.factories import NOON, make_incident
from tests.fakes.store import FakeTable, Faults

if TYPE_CHECKING:
    from shared.store.draft import Draft

P, KEY = "0a", "b|http"


def count_one(draft: Draft) -> int:
    """Add one to the books."""
    books = (draft.read(KEY, Books) or Books()) + Books(received=1)
    draft.put(KEY, books)
    return books.received


@pytest.fixture
def table() -> FakeTable:
    """An empty table."""
    return FakeTable()


async def test_a_decision_is_committed_and_remembered(table: FakeTable) -> None:
    """The second decision needs no read."""
    ledger = Ledger(table, 16)

    assert (await ledger.transact(P, count_one, by="t"))[0] == 1
    assert (await ledger.transact(P, count_one, by="t"))[0] == 2

    assert table.faults.calls == {"table.commit": 2}


async def test_a_decision_that_lost_is_made_again(table: FakeTable) -> None:
    """Another worker wrote first: read, decide again, lose nothing."""
    ours, theirs = Ledger(table, 16), Ledger(table, 16)
    await ours.transact(P, count_one, by="t")
    await theirs.transact(P, count_one, by="t")

    counted, _ = await ours.transact(P, count_one, by="t")

    assert counted == 3


async def test_a_worker_that_always_loses_gives_up(table: FakeTable) -> None:
    """Twenty times, then the batch is the platform's to give again."""
    ours, theirs = Ledger(table, 16), Ledger(table, 16)
    seen: list[int] = []

    def decide(draft: Draft) -> None:
        count_one(draft)
        if draft.conflicts not in seen:
            seen.append(draft.conflicts)
            table.before_commit(partial(theirs.transact, P, count_one, by="rival"))

    with pytest.raises(StoreConflict):
        await ours.transact(P, decide, by="t")

    assert seen == list(range(MOST_CONFLICTS))


async def test_a_row_that_was_there_costs_no_other_a_read(table: FakeTable) -> None:
    """One claim of many is known to others: the claims are asked for, nothing else."""
    head = make_incident(id="0a" + "1" * 14)
    ours, theirs = Ledger(table, 16), Ledger(table, 16)
    await ours.transact(P, lambda draft: draft.change(head, Fact(kind="x")), by="t")
    row = row_of(read_alert(), head.id, "fp", None)
    await theirs.transact(P, lambda draft: draft.put("a|1", row), by="t")
    table.faults.calls.clear()

    def decide(draft: Draft) -> None:
        for key in ("a|1", "a|2"):
            if draft.read(key, AlertRow) is None:
                draft.put(key, row)
                draft.read("k|1", OpenKey)
        known = draft.incident(head.id)
        assert known is not None
        draft.change(known, Fact(kind="y"))

    await ours.transact(P, decide, by="t")

    # Both claims, then the key that only the second alert still needs.
    assert table.faults.calls == {"table.commit": 2, "table.get": 2}


async def test_a_group_that_was_split_is_read_with_its_keys(table: FakeTable) -> None:
    """What a remembered key leads to is not what it leads to now."""
    head = make_incident(id="0a" + "1" * 14)
    here, there = (
        OpenKey(),
        OpenKey(intervals=(Interval(start=NOON, end=NOON, incident="0a" + "2" * 14),)),
    )
    ours, theirs = Ledger(table, 16), Ledger(table, 16)

    def open_one(draft: Draft) -> None:
        draft.change(head, Fact(kind="x"))
        draft.put("k|1", here)

    def split(draft: Draft) -> None:
        known = draft.incident(head.id)
        assert known is not None
        draft.change(replace(known, apart=("0a" + "2" * 14,)), Fact(kind="split"))
        draft.put("k|1", there)

    await ours.transact(P, open_one, by="t")
    await theirs.refresh(P, ["k|1", rows.incident(head.id)])
    await theirs.transact(P, split, by="t")

    def join(draft: Draft) -> OpenKey | None:
        known = draft.incident(head.id)
        assert known is not None
        draft.change(known, Fact(kind="joined"))
        return draft.read("k|1", OpenKey)

    found, _ = await ours.transact(P, join, by="t")

    assert found == there


async def test_nothing_to_write_is_no_commit(table: FakeTable) -> None:
    """A look costs nothing."""
    result, etags = await Ledger(table, 16).transact(P, lambda _: "seen", by="t")

    assert (result, etags) == ("seen", {})
    assert table.faults.total == 0


async def test_a_head_that_is_needed_is_read_once(table: FakeTable) -> None:
    """The decision is made again with it, and remembers it."""
    head = make_incident(id="0a" + "1" * 14)
    await Ledger(table, 16).transact(
        P, lambda draft: draft.change(head, Fact(kind="x")), by="t"
    )
    table.faults.calls.clear()
    ledger = Ledger(table, 16)

    for _ in range(2):
        found, _ = await ledger.transact(P, lambda d: d.incident(head.id), by="t")
        assert found is not None
        assert found.id == head.id
    assert table.faults.calls == {"table.get": 1}


async def test_a_head_that_does_not_exist_is_asked_for_once(table: FakeTable) -> None:
    """The decision is told that there is none."""
    ledger = Ledger(table, 16)

    found, _ = await ledger.transact(P, lambda d: d.incident("0a" + "1" * 14), by="t")

    assert found is None
    assert table.faults.calls == {"table.get": 1}


async def test_an_unknown_outcome_is_found_out() -> None:
    """A commit whose answer was lost is not taken for one that failed."""
    faults = Faults()
    table = FakeTable(faults=faults)
    ledger = Ledger(table, 16)
    faults.fail_after(1, took_effect=True)

    with pytest.raises(StoreUnavailable):
        await ledger.transact(P, count_one, by="t")
    counted, _ = await ledger.transact(P, count_one, by="t")

    assert counted == 2


async def test_one_process_does_not_conflict_with_itself(table: FakeTable) -> None:
    """Side by side on one partition, each commit is the first."""
    table.faults = Faults(lambda: 3)
    ledger = Ledger(table, 16)

    await asyncio.gather(*(ledger.transact(P, count_one, by="t") for _ in range(10)))

    assert table.faults.calls == {"table.commit": 10}


async def test_a_refreshed_row_is_read_again(table: FakeTable) -> None:
    """Whatever was remembered of it."""
    ours, theirs = Ledger(table, 16), Ledger(table, 16)
    await ours.transact(P, count_one, by="t")
    await theirs.transact(P, count_one, by="t")

    await ours.refresh(P, [KEY])

    found, _ = await ours.transact(P, lambda d: d.read(KEY, Books), by="t")
    assert found == Books(received=2)
