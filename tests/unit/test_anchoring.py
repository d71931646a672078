"""Up to when the audit trail has the timeline of an incident."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.anchoring import anchor
from shared.commands import Order
from shared.model.incident import Entry
from shared.store import reading, rows, trail
from shared.store.ports import Put, Row
from shared.timeline import ANCHORED, BROKEN, CONSISTENT, Proof, prove
from tests.alerts import event
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from shared.store.reading import Shelf

DAY = timedelta(days=1)
FIRST = date(2026, 11, 23)


@pytest.fixture
async def world() -> World:
    """An incident of the first day, with a word on the second and one on the third."""
    world = World()
    await world.feed([event()])
    for note in ("one", "two"):
        world.clock.step(DAY)
        head = await world.head()
        await world.worker.commands.comment(head.id, Order("ada", note))
    await world.worker.audit()
    return world


async def proof_of(world: World, shelf: Shelf | None = None) -> Proof:
    """The proof of the incident, with what the trail says of it."""
    shelf = shelf or world.ledger
    (head,) = await world.heads() or await world.history.month(world.clock() - KEEP)
    found = await reading.chained(shelf, head.id)
    assert found is not None
    told = await anchor(world.ledger, world.blobs, found[1], is_past=shelf.is_history)
    return prove(*found, told)


async def test_a_timeline_is_anchored_up_to_the_last_day_of_the_trail(
    world: World,
) -> None:
    """What was said today is not in it yet, and what was before is."""
    proof = await proof_of(world)

    assert (proof.verified, proof.state) == (True, ANCHORED)
    assert proof.anchored == "2026-11-25T00:00:00Z"


async def test_it_costs_a_row_and_a_blob(world: World) -> None:
    """However many days it took."""
    world.clock.step(DAY)
    await world.worker.audit()
    (head,) = await world.heads()
    found = await reading.chain(world.ledger, head.id)
    world.faults.calls.clear()

    told = await anchor(world.worker.ledger, world.blobs, found, is_past=False)

    assert told is not None
    assert told.until is not None
    assert world.faults.calls == {"table.get": 1, "blobs.get": 1}


@pytest.mark.parametrize("why", ["no trail", "day gone", "day broken", "all later"])
async def test_what_is_not_in_the_trail_is_consistent_alone(
    world: World, why: str
) -> None:
    """As it is before the first night, and after the days are deleted."""
    blobs = world.blobs.blobs
    name = trail.name_of(FIRST + DAY)
    if why == "no trail":
        del world.table._rows[rows.SHARED, rows.TRAIL]
    elif why == "day gone":
        del blobs[name]
    elif why == "day broken":
        blobs[name] = b"no gzip"
    else:
        noted = rows.TrailHead(day=FIRST - DAY, number=1, sha256="", begun=FIRST)
        put_head(world, noted)

    proof = await proof_of(world)

    assert (proof.verified, proof.state, proof.anchored) == (True, CONSISTENT, None)


def put_head(world: World, noted: rows.TrailHead) -> None:
    """Have another day be the last of the trail."""
    place = rows.SHARED, rows.TRAIL
    row = world.table._rows[place]
    world.table._rows[place] = row._replace(doc=rows.encode(noted))


async def test_another_chain_than_that_in_the_trail_is_broken(world: World) -> None:
    """Though somebody rewrote all of it, and the head."""
    (head,) = await world.heads()
    forged: list[Row] = []
    chain = ""
    for row in await reading.chain(world.ledger, head.id):
        doc = row.doc.replace(b'"one"', b'"own"')
        entry = msgspec.json.decode(doc, type=Entry)
        entry = msgspec.structs.replace(entry, previous=chain)
        forged.append(row._replace(doc=rows.encode(entry)))
        chain = rows.chained(entry)
    other = msgspec.structs.replace(head, chain=chain)
    assert prove(other, forged).verified

    told = await anchor(world.ledger, world.blobs, forged, is_past=False)

    proof = prove(other, forged, told)
    assert (proof.state, proof.anchored) == (BROKEN, None)
    assert proof.problem == (
        f"entry {len(forged) - 1} is not in the audit trail of 2026-11-24"
    )


async def test_what_was_in_history_before_the_trail_is_not_held_to_it(
    world: World,
) -> None:
    """An earlier version moved it there; its own chain is what there is."""
    (head,) = await world.heads()
    await world.worker.commands.resolve(head.id, Order("ada", "over"))
    await world.settle()
    world.clock.step(KEEP + DAY)
    await world.worker.retention()
    place = rows.SHARED, rows.TRAIL
    etag = world.table._rows[place].etag
    begun = world.clock().date()
    world.blobs.blobs.clear()
    noted = rows.TrailHead(day=FIRST - DAY, number=0, sha256="", begun=begun)
    await world.table.commit(rows.SHARED, [Put(rows.TRAIL, rows.encode(noted), etag)])
    await world.worker.audit()

    proof = await proof_of(world, world.history)

    assert (proof.verified, proof.state) == (True, CONSISTENT)
