"""The chain of a timeline: whoever changes it without its head is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from shared.commands import Order
from shared.model.errors import StoreConflict
from shared.model.incident import Entry, Fact, Incident
from shared.store import reading, rows
from shared.store.ports import Row
from shared.timeline import BROKEN, CONSISTENT, prove, readable
from tests.alerts import event
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
async def written() -> tuple[Incident, list[Row]]:
    """An incident with a timeline of five entries and more."""
    world = World()
    await world.feed([event()])
    head = await world.head()
    for note in ("one", "two", "three"):
        await world.worker.commands.comment(head.id, Order("ada", note))
    found = await reading.chained(world.ledger, head.id)
    assert found is not None
    assert len(found[1]) > 4
    return found


def test_an_untouched_chain_is_consistent(written: tuple[Incident, list[Row]]) -> None:
    """It says that it is not anchored: who can write the head can write it all."""
    head, found = written

    proof = prove(head, found)

    assert (proof.verified, proof.state, proof.problem) == (True, CONSISTENT, None)
    assert (proof.entries, proof.anchored) == (head.sequence, None)


def _reworded(found: list[Row]) -> list[Row]:
    entry = rows.decode(found[1], Entry)
    changed = replace(entry, facts=(Fact(kind="comment", detail="nothing to see"),))
    return [found[0], found[1]._replace(doc=rows.encode(changed)), *found[2:]]


def _padded(found: list[Row]) -> list[Row]:
    doc = found[1].doc[:-1] + b', "x": 1}'
    return [found[0], found[1]._replace(doc=doc), *found[2:]]


def _swapped(found: list[Row]) -> list[Row]:
    one, two = found[1], found[2]
    return [found[0], one._replace(doc=two.doc), two._replace(doc=one.doc), *found[3:]]


def _renumbered(found: list[Row]) -> list[Row]:
    moved = []
    for place, row in enumerate([found[0], *found[2:]], start=1):
        entry = replace(rows.decode(row, Entry), sequence=place)
        incident_id = row.key.split("|")[1]
        moved.append(Row(rows.entry(incident_id, place), rows.encode(entry), row.etag))
    return moved


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_reworded, "entry 3 does not follow entry 2"),
        (_padded, "entry 3 does not follow entry 2"),
        (_swapped, "entry 2 is another entry's, put in its place"),
        (_renumbered, "entry 2 does not follow entry 1"),
        (lambda found: [*found[:2], *found[3:]], "entry 3 is missing"),
        (lambda found: found[1:], "entry 1 is missing"),
        (lambda _: [], "entry 1 is missing"),
        (lambda found: [found[0], *found], "entry 2 is another entry's"),
        (
            lambda found: [found[0], found[1]._replace(doc=b"{"), *found[2:]],
            "entry 2 cannot be read",
        ),
    ],
)
def test_whatever_was_done_to_the_rows_shows(
    written: tuple[Incident, list[Row]],
    tamper: Callable[[list[Row]], list[Row]],
    said: str,
) -> None:
    """Changed, padded, reordered, taken out, put in twice, and made unreadable."""
    head, found = written

    proof = prove(head, tamper(found))

    assert (proof.verified, proof.state) == (False, BROKEN)
    assert proof.problem is not None
    assert proof.problem.startswith(said)


def test_an_entry_taken_from_the_end_shows(
    written: tuple[Incident, list[Row]],
) -> None:
    """The head knows how many there are."""
    head, found = written

    proof = prove(head, found[:-1])

    assert proof.problem == f"entry {len(found)} is missing"


def test_an_entry_put_at_the_end_shows(written: tuple[Incident, list[Row]]) -> None:
    """One that follows well is one that the head does not know."""
    head, found = written
    last = rows.decode(found[-1], Entry)
    more = replace(last, sequence=len(found) + 1, previous=rows.chained(last))
    row = Row(rows.entry(head.id, more.sequence), rows.encode(more), "1")

    proof = prove(head, [*found, row])

    known = f"the head knows of {len(found)} entries, and there are {len(found) + 1}"
    assert proof.problem == known


@pytest.mark.parametrize("changes", [{"chain": "0" * 64}, {"chain": ""}])
def test_a_head_that_was_changed_shows(
    written: tuple[Incident, list[Row]], changes: dict[str, str]
) -> None:
    """Its hash is not that of the last entry."""
    head, found = written

    proof = prove(msgspec.structs.replace(head, **changes), found)

    assert proof.problem is not None
    assert proof.problem.startswith(f"the head does not follow entry {len(found)}")


def test_what_cannot_be_read_is_left_out(written: tuple[Incident, list[Row]]) -> None:
    """One broken row hides no other."""
    _, found = written

    entries = readable([found[0], found[1]._replace(doc=b"{"), *found[2:]])

    assert [entry.sequence for entry in entries] == [1, *range(3, len(found) + 1)]


async def test_a_timeline_that_is_written_meanwhile_is_read_again() -> None:
    """Head and rows are of one moment, however often somebody writes between."""
    world = World()
    await world.feed([event()])
    head = await world.head()
    reader, writer = world.new_worker().ledger, world.worker.commands
    scan, calls = reader.table.scan, 0

    async def slow(partition: str, first: str, last: str) -> list[Row]:
        nonlocal calls
        calls += 1
        found = await scan(partition, first, last)
        if calls < 4:
            await writer.comment(head.id, Order("ada", f"number {calls}"))
        return found

    reader.table.scan = slow  # type: ignore[method-assign, assignment]
    found = await reading.chained(reader, head.id)

    assert found is not None
    assert prove(*found).verified
    assert found[0].sequence == head.sequence + 3


async def test_a_timeline_that_is_always_written_is_given_up() -> None:
    """Asking again later is better than a proof that is wrong."""
    world = World()
    await world.feed([event()])
    head = await world.head()
    reader, writer = world.new_worker().ledger, world.worker.commands
    scan = reader.table.scan

    async def slow(partition: str, first: str, last: str) -> list[Row]:
        found = await scan(partition, first, last)
        await writer.comment(head.id, Order("ada", f"after {len(found)}"))
        return found

    reader.table.scan = slow  # type: ignore[method-assign, assignment]
    with pytest.raises(StoreConflict):
        await reading.chained(reader, head.id)
