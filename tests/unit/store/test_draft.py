"""One transaction in the making."""

from __future__ import annotations

from datetime import timedelta

from shared.model.alert import AlertRow
from shared.model.books import Books
from shared.model.correlation import OpenKey
from shared.model.incident import Entry, Fact, Incident
from shared.store import limits, rows
from shared.store.draft import SAFETY_NET, Draft, news
from shared.store.memory import Known, Memory
from shared.store.ports import Delete, Put, Row, Write
from shared.triage.alert_rows import row_of
from tests.alerts import read_alert
from tests.factories import NOON, make_incident, make_problem

ID = "0a" + "1" * 14


def head(**changes: object) -> Incident:
    """An incident with a real id."""
    return make_incident(id=ID, **changes)


def draft(memory: Memory) -> Draft:
    """A transaction on what the memory holds."""
    return Draft("0a", memory, NOON)


def known(*heads: Incident) -> Memory:
    """A memory of these heads."""
    memory = Memory()
    for each in heads:
        memory.keep("0a", rows.incident(each.id), Known(each, "1"))
    return memory


def puts(writes: list[Write]) -> dict[str, Put]:
    """The rows that are put, by key."""
    return {write.key: write for write in writes if isinstance(write, Put)}


def deletes(writes: list[Write]) -> list[str]:
    """The keys of the rows that are deleted."""
    return [write.key for write in writes if isinstance(write, Delete)]


def test_what_is_unknown_is_inserted_and_what_is_known_replaced() -> None:
    """So the store says when the draft was wrong."""
    memory = known(head())
    made = draft(memory)

    made.put("b|http", Books(received=1))
    made.change(head(alerts=9))

    writes = puts(made.finish("test"))
    assert writes["b|http"].etag is None
    assert writes[f"h|{ID}"].etag == "1"


def test_a_draft_reads_what_it_wrote() -> None:
    """A batch folds many alerts before anything is committed."""
    made = draft(Memory())

    made.put("k|1", OpenKey())

    assert made.read("k|1", OpenKey) == OpenKey()
    assert made.read("k|1", Books) is None
    assert made.read("k|2", OpenKey) is None
    assert made.touched == {"k|1", "k|2"}


def test_an_incident_nobody_read_is_missing() -> None:
    """Unless the store was asked and has none."""
    made = draft(Memory())
    assert made.incident(ID) is None
    assert made.missing == {f"h|{ID}"}

    made = Draft("0a", Memory(), NOON, answers={f"h|{ID}": None})
    assert made.incident(ID) is None
    assert not made.missing


def test_a_merged_incident_answers_with_its_winner() -> None:
    """Through any number of merges."""
    last = make_incident(id="0a" + "3" * 14)
    middle = make_incident(id="0a" + "2" * 14, merged_into=last.id)
    made = draft(known(head(merged_into=middle.id), middle, last))

    assert made.incident(ID) == last


def test_facts_of_one_transaction_are_one_entry_of_the_chain() -> None:
    """Each entry names the hash of the one before; the head holds the last."""
    memory = known(head())
    first = draft(memory)
    first.change(head(), Fact(kind="a"))
    first.change(head(alerts=4), Fact(kind="b"))
    writes = puts(first.finish("ada"))
    first.committed(dict.fromkeys(writes, "2"))

    entry = rows.decode(Row("", writes[f"t|{ID}|000001"].doc, ""), Entry)
    assert (entry.by, entry.previous) == ("ada", "")
    assert [fact.kind for fact in entry.facts] == ["a", "b"]

    second = draft(memory)
    found = second.incident(ID)
    assert found is not None
    assert (found.sequence, found.chain) == (1, rows.chained(entry))
    second.change(found, Fact(kind="c"))
    after = puts(second.finish("ada"))
    entry = rows.decode(Row("", after[f"t|{ID}|000002"].doc, ""), Entry)
    assert entry.previous == found.chain


def test_a_change_without_facts_leaves_the_timeline_alone() -> None:
    """Leases come and go without a word."""
    made = draft(known(head()))

    made.change(head(attempts=1))

    assert list(puts(made.finish("respond"))) == [f"h|{ID}"]


def test_the_due_line_follows_the_head() -> None:
    """Moved with it, made with it, gone with it, and left alone otherwise."""
    later = NOON + timedelta(minutes=1)
    cases = [
        (None, NOON, [rows.due(NOON, ID)], []),
        (NOON, later, [rows.due(later, ID)], [rows.due(NOON, ID)]),
        (NOON, None, [], [rows.due(NOON, ID)]),
        (NOON, NOON, [], []),
        (None, None, [], []),
    ]

    for was, is_now, put, deleted in cases:
        made = draft(known(head(due=was)))
        made.change(head(due=is_now))
        writes = made.finish("test")
        assert [key for key in puts(writes) if key.startswith("d|")] == put
        assert deletes(writes) == deleted


def test_news_make_it_due_soon_but_never_later_than_it_was() -> None:
    """Every change is a generation that somebody must look at."""
    soon = NOON + SAFETY_NET
    earlier = NOON - timedelta(minutes=5)

    assert news(head(), NOON).due == soon
    assert news(head(due=NOON + timedelta(hours=1)), NOON).due == soon
    assert news(head(due=earlier), NOON).due == earlier
    assert news(head(generation=4, observed=4), NOON).is_dirty


def test_only_what_became_dirty_is_announced() -> None:
    """Whoever was dirty before was announced before."""
    clean = head(generation=1, observed=1)
    for before, announced in [(clean, [ID]), (head(), [])]:
        made = draft(known(before))
        made.change(news(before, NOON), Fact(kind="x"))
        assert made.dirty == announced

    made = draft(Memory())
    made.change(head(), Fact(kind="opened"))
    assert made.dirty == [ID]


def test_a_full_draft_still_fits_a_transaction() -> None:
    """While it says that there is room, there is room for as many rows."""
    made = draft(Memory())
    number = 0
    while made.has_room(20):
        number += 1
        made.change(make_incident(id=f"0a{number:014x}", due=NOON), Fact(kind="opened"))
        made.put(f"a|{number}", Books())

    writes = made.finish("test")

    assert number > 5
    assert len(writes) <= limits.OPERATIONS
    limits.check("0a", writes)


def test_wide_heads_fill_a_draft_by_size() -> None:
    """Heads of many problems are counted by what they weigh."""
    problems = {str(n): make_problem(title="x" * 200) for n in range(150)}
    made = draft(Memory())
    number = 0
    while made.has_room(20):
        number += 1
        made.change(make_incident(id=f"0a{number:014x}", problems=problems))

    limits.check("0a", made.finish("test"))


def test_claims_are_asked_for_first_and_the_books_with_them() -> None:
    """What else an alert needs depends on what is known of it; the books are written."""
    made = draft(Memory())
    made.read("a|1", AlertRow)
    made.read("k|1", OpenKey)
    made.read("b|http", Books)
    assert made.unknown == {"a|1", "b|http"}

    answers = dict.fromkeys(made.unknown)
    again = Draft("0a", Memory(), NOON, answers=answers, conflicts=1)
    for key, kind in (("a|1", AlertRow), ("k|1", OpenKey), ("b|http", Books)):
        again.read(key, kind)
    assert again.unknown == {"k|1"}


def test_an_alert_of_which_only_the_version_is_known_is_missing() -> None:
    """The version tells a copy; whoever needs the row has it read."""
    row = row_of(read_alert(), ID, "fp", None)
    memory = Memory(alerts=0)
    memory.keep("0a", "a|1", Known(row, "7"))
    made = draft(memory)

    assert made.version("a|1") == row.version.digest
    assert not made.touched
    assert made.read("a|1", AlertRow) is None
    assert made.missing == {"a|1"}


def test_the_version_is_that_of_what_was_written_last() -> None:
    """Before the commit, too: two copies may be in one batch."""
    row = row_of(read_alert(), ID, "fp", None)
    newer = row_of(read_alert(Severity="Low"), ID, "fp", None)
    memory = Memory()
    memory.keep("0a", "a|1", Known(row, "7"))
    made = draft(memory)
    made.put("a|1", newer)

    assert made.version("a|1") == newer.version.digest != row.version.digest
    assert made.version("a|2") is None


def test_what_the_store_said_holds_whatever_is_forgotten() -> None:
    """A decision on more rows than are remembered is made all the same."""
    row = row_of(read_alert(), ID, "fp", None)
    made = Draft(
        "0a", Memory(0, 0), NOON, answers={"a|1": Known(row, "7"), "a|2": None}
    )

    assert made.read("a|1", AlertRow) == row
    assert made.version("a|1") == row.version.digest
    assert made.read("a|2", AlertRow) is None
    made.put("a|1", row)
    made.put("a|2", row)
    assert not made.missing
    assert not made.unknown
    etags = [write.etag for write in puts(made.finish("test")).values()]
    assert etags == ["7", None]


def test_the_first_change_always_has_room() -> None:
    """However many rows it needs: it is for the store to refuse it."""
    assert draft(Memory()).has_room(1_000)
