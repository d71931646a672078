"""What a worker remembers."""

from __future__ import annotations

from shared.model.correlation import OpenKey
from shared.store import rows
from shared.store.memory import Known, Memory
from shared.store.ports import Row
from shared.triage.alert_rows import expected, row_of
from tests.alerts import read_alert
from tests.factories import make_incident

ID = "0a" + "1" * 14
ALERT = read_alert()
ROW = row_of(ALERT, ID, "fp", None)


def test_it_forgets_the_least_used() -> None:
    """It is bounded, and what was read last stays."""
    memory = Memory(most=2)
    for key in ("k|1", "k|2"):
        memory.keep("0a", key, Known(OpenKey(), "1"))
    memory.recall("0a", "k|1")

    memory.keep("0a", "k|3", Known(OpenKey(), "1"))

    assert memory.recall("0a", "k|1")
    assert memory.recall("0a", "k|2") is None
    memory.forget("0a", ["k|1", "k|9"])
    assert memory.recall("0a", "k|1") is None


def test_it_learns_rows_as_the_store_has_them() -> None:
    """Document and version, by partition."""
    memory = Memory()
    found = make_incident(id=ID, alerts=7)
    key = rows.incident(ID)

    learned = memory.learn("0a", {key: Row(key, rows.encode(found), "7")})

    assert learned == {key: Known(found, "7")}
    assert memory.recall("0a", key) == Known(found, "7")
    assert memory.recall("0b", key) is None


def test_of_an_old_alert_it_keeps_the_version() -> None:
    """Alerts make no room for heads and keys, nor these for alerts."""
    memory = Memory(alerts=2)
    memory.keep("0a", "k|1", Known(OpenKey(), "1"))
    for number in range(4):
        memory.keep("0a", f"a|{number}", Known(ROW, str(number)))

    whole = [memory.recall("0a", f"a|{number}") for number in range(4)]
    assert whole == [None, None, Known(ROW, "2"), Known(ROW, "3")]
    versions = {memory.version("0a", f"a|{number}") for number in range(4)}
    assert versions == {ROW.version.digest}
    assert memory.recall("0a", "k|1")


def test_versions_are_bounded_too() -> None:
    """What was asked for last stays."""
    memory = Memory(most=2, alerts=0)
    for key in ("a|1", "a|2"):
        memory.keep("0a", key, Known(ROW, "1"))
    memory.version("0a", "a|1")

    memory.keep("0a", "a|3", Known(ROW, "1"))

    known = [memory.version("0a", f"a|{number}") for number in (1, 2, 3)]
    assert known == [ROW.version.digest, None, ROW.version.digest]


def test_it_forgets_an_alert_with_its_version() -> None:
    """What is gone from the store is not taken for known."""
    memory = Memory(alerts=1)
    for key in ("a|1", "a|2"):
        memory.keep("0a", key, Known(ROW, "1"))

    memory.forget("0a", ["a|1", "a|2"])

    for key in ("a|1", "a|2"):
        assert memory.recall("0a", key) is None
        assert memory.version("0a", key) is None


def test_a_place_that_is_held_has_no_version() -> None:
    """So no alert is ever a copy of it."""
    memory = Memory(alerts=0)

    memory.keep("0a", "a|1", Known(expected("1", ID, ALERT), "1"))

    assert memory.version("0a", "a|1") == ""


def test_who_has_the_row_has_its_version() -> None:
    """However the two are forgotten; else a copy would be taken for a stale version."""
    memory = Memory(most=1, alerts=2)
    for key in ("a|1", "a|2"):
        memory.keep("0a", key, Known(ROW, "1"))

    assert memory.recall("0a", "a|1") is not None
    assert memory.version("0a", "a|1") == ROW.version.digest
