"""Incidents that ended long ago: copied whole, found by id, month and problem."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.model.alert import Severity
from shared.model.correlation import Interval, OpenKey
from shared.model.errors import CommandRefused, StoreConflict
from shared.model.incident import (
    Classification,
    Entry,
    Fact,
    Incident,
    IncidentStatus,
    Mark,
    Verdict,
)
from shared.store import history as histories
from shared.store import reading, rows
from shared.store.history import MOST_EARLIER, MOST_LISTED, History, find
from shared.store.ledger import Ledger
from shared.store.memory import Known
from shared.store.ports import Put, Row
from tests.factories import NOON, make_incident, make_problem
from tests.fakes.store import FakeTable

ID, OTHER = "0a" + "1" * 14, "0a" + "2" * 14
OCTOBER = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)


def ended(incident_id: str = ID, at: datetime = NOON, **changes: object) -> Incident:
    """An incident that somebody resolved at that moment."""
    changes = {"status": IncidentStatus.RESOLVED, "resolved": Mark(by="ada", at=at)} | (
        changes
    )
    return make_incident(id=incident_id, **changes)


def whole(head: Incident, *more: Row) -> dict[str, list[Row]]:
    """The rows of an incident: its head, one entry, and more."""
    entry = Entry(
        sequence=1, at=head.opened_at, by="ingest", facts=(Fact(kind="x"),), previous=""
    )
    first = Row(rows.entry(head.id, 1), rows.encode(entry), "")
    return {head.id: [Row(rows.incident(head.id), rows.encode(head), ""), first, *more]}


@pytest.fixture
def table() -> FakeTable:
    """An empty table."""
    return FakeTable()


@pytest.fixture
def history(table: FakeTable) -> History:
    """What keeps incidents there."""
    return History(table)


def lines(table: FakeTable) -> list[str]:
    """The partitions of the indexes, one for each row in them."""
    return sorted(p for p, _ in table._rows if p.startswith(("m|", "f|")))


async def test_an_incident_is_found_by_id_month_and_problem(
    table: FakeTable, history: History
) -> None:
    """Each leads to the head as it was."""
    head = ended(problems={"fp-1": make_problem(), "fp-2": make_problem()})

    await history.keep(whole(head))

    assert await reading.head(history, ID) == head
    assert await history.month(NOON) == [head]
    assert await history.month(OCTOBER) == []
    assert await history.with_problem("fp-2") == [head]
    assert await history.with_problem("fp-3") == []
    assert lines(table) == ["f|fp-1", "f|fp-2", "m|2026-11"]


async def test_lists_are_of_one_month_the_latest_first(history: History) -> None:
    """By the end in UTC, to the second."""
    ends = [OCTOBER, OCTOBER + timedelta(seconds=1), NOON, NOON + timedelta(hours=1)]
    for number, at in enumerate(ends):
        east = at.astimezone(tz=None)
        await history.keep(whole(ended(f"0a{number:014x}", east)))

    november = [head.id[-1] for head in await history.month(NOON)]
    same_problem = [head.id[-1] for head in await history.with_problem("fp-1")]

    assert november == ["3", "2", "1"]
    assert [head.id[-1] for head in await history.month(OCTOBER)] == ["0"]
    assert same_problem == ["3", "2", "1", "0"]


async def test_a_problem_leads_to_the_latest_only(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a request."""
    monkeypatch.setattr(histories, "MOST_FOUND", 2)
    for number in range(4):
        at = NOON + timedelta(minutes=number)
        await history.keep(whole(ended(f"0a{number:014x}", at)))

    found = await history.with_problem("fp-1")

    assert [head.id[-1] for head in found] == ["3", "2"]


async def test_the_worst_problems_are_listed(
    table: FakeTable, history: History
) -> None:
    """So many, and no more."""
    low = {f"low-{n}": make_problem(severity=Severity.LOW) for n in range(MOST_LISTED)}
    head = ended(problems=low | {"worst": make_problem()})

    await history.keep(whole(head))

    assert len(lines(table)) == MOST_LISTED + 1
    assert await history.with_problem("worst") == [head]


async def test_what_was_merged_is_not_listed(
    table: FakeTable, history: History
) -> None:
    """It is found by its id, which leads on."""
    head = ended(absorbed=(OTHER,))
    gone = make_incident(id=OTHER, status=IncidentStatus.MERGED, merged_into=ID)

    await history.keep(whole(head) | whole(gone))

    assert lines(table) == ["f|fp-1", "m|2026-11"]
    assert await reading.lineage(history, OTHER) == [gone, head]


async def test_keeping_twice_writes_nothing(table: FakeTable, history: History) -> None:
    """A copy is compared before it is made."""
    await history.keep(whole(ended()))
    before = dict(table._rows)

    await history.keep(whole(ended()))

    assert table._rows == before


async def test_what_changed_since_is_replaced(
    table: FakeTable, history: History
) -> None:
    """Rows, and the lists that it stood on: only what is given remains."""
    action = Row(f"x|{ID}|gone", b"{}", "")
    await history.keep(whole(ended(), action))
    later = ended(at=NOON + timedelta(days=20), problems={"fp-9": make_problem()})

    await history.keep(whole(later))

    assert await reading.head(history, ID) == later
    assert lines(table) == ["f|fp-9", "m|2026-12"]
    assert await history.scan(ID, "x") == []


async def test_a_list_has_the_head_of_now(history: History) -> None:
    """Where it ended at the same moment and differs otherwise."""
    await history.keep(whole(ended()))
    noted = ended(sequence=7)

    await history.keep(whole(noted))

    assert await history.month(NOON) == [noted]


async def test_one_that_became_part_of_another_leaves_the_lists(
    table: FakeTable, history: History
) -> None:
    """A former attempt had listed it."""
    await history.keep(whole(ended()))
    gone = make_incident(id=ID, status=IncidentStatus.MERGED, merged_into=OTHER)

    await history.keep(whole(gone))

    assert lines(table) == []


async def test_a_head_is_written_last(table: FakeTable, history: History) -> None:
    """So whatever is found is complete."""
    more = [Row(f"a|{number:032x}", b"{}", "") for number in range(250)]

    await history.keep(whole(ended(), *more))

    *parts, month, problem = table.commits
    assert [len(part) for part in parts] == [100, 100, 52]
    assert parts[-1][-1].key == rows.incident(ID)
    assert len(month) == len(problem) == 1


@pytest.mark.parametrize("others", [b'{"sequence":1}', None])
async def test_another_incident_of_that_id_is_not_written_over(
    table: FakeTable, history: History, others: bytes | None
) -> None:
    """It is told by its first entry; where either has lost that, nothing is sure."""
    found = whole(ended())
    if others is None:
        await history.keep(found)
        found[ID] = found[ID][:1]
    else:
        await table.commit(ID, [Put(rows.entry(ID, 1), others)])
    before = dict(table._rows)

    with pytest.raises(StoreConflict):
        await history.keep(found)

    assert table._rows == before


VERDICT = Verdict(classification=Classification.FALSE_POSITIVE)


def closed(number: int, **changes: object) -> Incident:
    """One that somebody closed with a verdict, so many days before noon."""
    return ended(
        f"0a{number:014x}",
        NOON - timedelta(days=number),
        **{"status": IncidentStatus.CLOSED, "verdict": VERDICT} | changes,
    )


class TestEarlier:
    """What people said of incidents with the same problem."""

    def ledger(self, *intervals: Incident) -> tuple[Ledger, FakeTable]:
        """A ledger with these incidents, and the key that belonged to them in turn."""
        table = FakeTable()
        key = OpenKey(
            intervals=tuple(
                Interval(start=each.first_seen, end=each.last_seen, incident=each.id)
                for each in intervals
            )
        )
        heads = [Put(rows.incident(i.id), rows.encode(i)) for i in intervals]
        table._apply("0a", [Put(rows.open_key("fp-1"), rows.encode(key)), *heads])
        return Ledger(table, 16), table

    async def test_it_is_of_both_tables_the_latest_first(
        self, history: History
    ) -> None:
        """Of what has no verdict nothing is learnt."""
        await history.keep(whole(closed(40)))
        await history.keep(whole(ended("0a" + "9" * 14)))
        head = make_incident(id=ID)
        ledger, _ = self.ledger(closed(9), ended(OTHER), closed(2), head)

        judged, is_all = await history.earlier(ledger, head, "fp-1")

        assert [each.at for each in judged] == [
            NOON - timedelta(days=n) for n in (2, 9, 40)
        ]
        assert judged[0] == closed(2).judged
        assert is_all

    async def test_a_new_problem_costs_two_requests(
        self, table: FakeTable, history: History
    ) -> None:
        """One of each table; where the key is remembered, one."""
        head = make_incident(id=ID)
        ledger, work = self.ledger(head)

        assert await history.earlier(ledger, head, "fp-1") == ([], True)
        assert await history.earlier(ledger, head, "fp-2") == ([], True)
        assert work.faults.calls == {"table.get": 2}
        assert table.faults.calls == {"table.scan": 2}

        await ledger.refresh("0a", [rows.open_key("fp-1")])
        before = work.faults.calls.copy()
        await history.earlier(ledger, head, "fp-1")
        assert work.faults.calls == before

    async def test_a_key_that_is_remembered_from_before_is_read_again(
        self, history: History
    ) -> None:
        """Another worker has stored what came since."""
        head, before = make_incident(id=ID), closed(3)
        ledger, _ = self.ledger(before, head)
        old = OpenKey(intervals=())
        ledger.memory.keep("0a", rows.open_key("fp-1"), Known(old, "etag"))

        judged, _ = await history.earlier(ledger, head, "fp-1")

        assert judged == [before.judged]

    async def test_so_many_are_read_and_no_more(self, history: History) -> None:
        """The latest; it says that there may be others."""
        head = make_incident(id=ID)
        many = [closed(n) for n in range(MOST_EARLIER + 4, 0, -1)]
        ledger, work = self.ledger(*many, head)

        judged, is_all = await history.earlier(ledger, head, "fp-1")

        assert judged == [each.judged for each in reversed(many[-MOST_EARLIER:])]
        assert not is_all
        assert work.faults.calls["table.get"] == 1 + MOST_EARLIER

    async def test_its_own_and_what_was_opened_again_count_for_nothing(
        self, history: History
    ) -> None:
        """Also where a copy of it was made in vain."""
        again = make_incident(id=closed(5).id)
        await history.keep(whole(closed(5)))
        gone = make_incident(id=OTHER, status=IncidentStatus.MERGED, merged_into=ID)
        head = make_incident(id=ID, absorbed=("0a" + "8" * 14,))
        ledger, _ = self.ledger(again, gone, closed(8), head)

        judged, _ = await history.earlier(ledger, head, "fp-1")

        assert judged == [closed(8).judged]

    async def test_a_merged_one_has_its_winners_verdict(self, history: History) -> None:
        """One step further, as everywhere."""
        winner, head = closed(7), make_incident(id=ID)
        gone = make_incident(
            id=OTHER, status=IncidentStatus.MERGED, merged_into=winner.id
        )
        ledger, table = self.ledger(gone, head)
        table._apply("0a", [Put(rows.incident(winner.id), rows.encode(winner))])

        judged, _ = await history.earlier(ledger, head, "fp-1")

        assert judged == [winner.judged]


class TestBothTables:
    """``work`` goes first."""

    async def put(self, ledger: Ledger, *heads: Incident) -> None:
        for head in heads:
            write = Put(rows.incident(head.id), rows.encode(head))
            await ledger.table.commit("0a", [write])

    async def test_an_incident_is_where_it_goes_on(self, history: History) -> None:
        """A copy that was made in vain is not looked at."""
        ledger = Ledger(FakeTable(), 16)
        await history.keep(whole(ended()))
        again = make_incident(id=ID)
        await self.put(ledger, again)

        shelf, lineage = await find(ledger, history, ID)
        listed = await histories.ended_in(ledger, history, NOON)
        having = await histories.with_problem(ledger, history, "fp-1")

        assert (shelf.is_history, lineage) == (False, [again])
        assert listed == ([], frozenset())
        assert having == ([again], frozenset())

    async def test_what_is_nowhere_is_nowhere(self, history: History) -> None:
        """And what is no id is asked of nobody."""
        ledger = Ledger(FakeTable(), 16)

        assert await find(ledger, history, ID) == (ledger, [])
        assert await find(ledger, history, "m|2026-11") == (ledger, [])

    async def test_one_whose_winner_went_first_is_found_there(
        self, history: History
    ) -> None:
        """A family of more than a transaction holds may be seen half way."""
        ledger = Ledger(FakeTable(), 16)
        gone = make_incident(id=OTHER, status=IncidentStatus.MERGED, merged_into=ID)
        await history.keep(whole(ended()) | whole(gone))
        await self.put(ledger, gone)

        shelf, lineage = await find(ledger, history, OTHER)

        assert shelf is history
        assert [head.id for head in lineage] == [OTHER, ID]

    async def test_a_month_is_of_both(self, history: History) -> None:
        """What ended and has not left yet is listed too."""
        ledger = Ledger(FakeTable(), 16)
        here = ended(OTHER)
        closed = replace(here, id="0a" + "3" * 14, resolved=None, changed_at=NOON)
        await self.put(ledger, here, closed, ended("0a" + "4" * 14, OCTOBER))
        await history.keep(whole(ended()))

        found = await histories.ended_in(ledger, history, NOON)

        assert {head.id for head in found.heads} == {ID, OTHER, closed.id}
        assert found.past == {ID}

    async def test_a_command_is_refused(self, history: History) -> None:
        """With where it is; one that is not there is none of history's."""
        await history.keep(whole(ended()))

        with pytest.raises(CommandRefused, match="closed for good"):
            await history.refuse(ID)
        await history.refuse(OTHER)
