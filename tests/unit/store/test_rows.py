"""Which rows there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.incident import Entry, Fact, Incident
from shared.store import limits, rows
from shared.store.ports import Row
from tests.factories import NOON, make_incident


@given(st.text())
def test_hostile_ids_make_harmless_keys(text: str) -> None:
    """Whatever an alert calls itself, the service takes the key."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return

    limits.check_key(rows.alert(text))


def test_case_of_an_alert_id_is_nothing() -> None:
    """One alert, one row."""
    assert rows.alert("ABC_d") == rows.alert("abc_D")
    assert rows.alert("abc") != rows.alert("abd")


@given(st.text(max_size=60), st.integers(1, 64))
def test_a_scope_has_one_partition(scope: str, partitions: int) -> None:
    """Always the same, and one of those that are read."""
    try:
        scope.encode()
    except UnicodeEncodeError:
        return

    found = rows.partition_of(scope, partitions)

    assert found == rows.partition_of(scope, partitions)
    assert found in rows.all_partitions(partitions)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0123456789abcdef", True),
        ("0123456789ABCDEF", False),
        ("0123456789abcde", False),
        ("0123456789abcdef\n", False),
        ("../../../etc/pass", False),
        ("", False),
    ],
)
def test_an_incidents_id_is_sixteen_hex_digits(text: str, *, expected: bool) -> None:
    """Texts from outside are checked before they become keys."""
    assert rows.is_incident_id(text) is expected


_TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001  hypothesis wants it naive
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(_TIMES, _TIMES)
def test_due_lines_sort_by_time(one: datetime, other: datetime) -> None:
    """What is due by a moment is in the range up to it, and nothing else is."""
    first, last = rows.due_until(other)
    key = rows.due(one, "0a" * 8)

    assert (first <= key < last) == (one <= other)
    assert rows.due_at(key) == one
    limits.check_key(key)


def test_due_lines_are_in_utc() -> None:
    """The same moment in another zone is the same line."""
    east = NOON.astimezone(timezone(timedelta(hours=5)))

    assert rows.due(east, "a") == rows.due(NOON, "a")


def test_a_span_holds_the_keys_of_a_kind_alone() -> None:
    """Incident 1 does not read the rows of incident 10."""
    first, last = rows.span("x|1")

    assert first <= rows.action("1", "zzz") < last
    assert not first <= rows.action("10", "a") < last
    assert not first <= rows.entry("1", 1) < last


def test_timeline_rows_sort_by_sequence() -> None:
    """Two before ten."""
    assert rows.entry("a", 2) < rows.entry("a", 10)


def test_documents_come_back_as_they_were() -> None:
    """Every field of a head, hostile text included."""
    head = make_incident(stuck='"\x00\x7f\u2028\N{PILE OF POO}', due=NOON)

    assert rows.decode(Row("h|1", rows.encode(head), "1"), Incident) == head


def test_the_chain_covers_everything_of_an_entry() -> None:
    """A changed word, time or order is another hash."""
    entry = Entry(sequence=1, at=NOON, by="a", facts=(Fact(kind="x"),), previous="")
    others = [
        Entry(sequence=2, at=NOON, by="a", facts=(Fact(kind="x"),), previous=""),
        Entry(sequence=1, at=NOON, by="b", facts=(Fact(kind="x"),), previous=""),
        Entry(sequence=1, at=NOON, by="a", facts=(Fact(kind="y"),), previous=""),
        Entry(sequence=1, at=NOON, by="a", facts=(), previous=""),
        Entry(sequence=1, at=NOON, by="a", facts=(Fact(kind="x"),), previous="0"),
    ]

    hashes = {rows.chained(each) for each in [entry, *others]}

    assert len(hashes) == len(others) + 1
