"""The seventh verb: what was done, kept a day at a time."""

from __future__ import annotations

import gzip
import json
import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared import audit
from shared.audit import Audited
from shared.commands import Order
from shared.model.errors import ArchiveBroken, StoreConflict, StoreError
from shared.store import batches, reading, rows, trail
from shared.store.archive import Archive
from tests.alerts import NOON, SUBSCRIPTION, alert_id, batch, defender_alert, event, vm
from tests.fakes.app import FakeApp
from tests.fakes.firewatch import KEEP, World
from tests.property.feeds import OTHER_SUBSCRIPTION
from tests.unit.containment.kit import acting, comes, passes

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)
ORDER = Order("ada", "because")
# The world's clock begins at noon of this day.
FIRST = date(2026, 11, 23)


@pytest.fixture
async def world() -> World:
    """An app with an incident that was told of, and was resolved the next day."""
    world = World()
    await world.feed([event()])
    world.clock.step(DAY)
    await world.worker.commands.resolve((await world.head()).id, ORDER)
    await world.settle()
    return world


def days_of(world: World) -> list[trail.Day]:
    """The days as they were written."""
    names = sorted(n for n in world.blobs.blobs if n.startswith(trail.TRAIL))
    return [trail.unpack(name, world.blobs.blobs[name]) for name in names]


def said(day: trail.Day) -> list[dict[str, Any]]:
    """The entries of a day."""
    return [json.loads(bytes(record.entry)) for record in day.records]


def head_of(world: World) -> rows.TrailHead:
    """The row that says which day was the last."""
    return rows.decode(world.table._rows[rows.SHARED, rows.TRAIL], rows.TrailHead)


async def test_a_day_holds_all_that_was_done_on_it(world: World) -> None:
    """Who, when, what and why, as the timeline has it; the day that goes on waits."""
    done = await world.worker.audit()

    head = await world.head()
    (day,) = days_of(world)
    assert done == Audited(days=1, lines=len(day.records))
    assert day.opening == trail.Opening(
        day=FIRST, number=1, previous="", begun=FIRST + DAY
    )
    chain = await reading.chain(world.ledger, head.id)
    stored = [row.doc for row in chain]
    assert [bytes(r.entry) for r in day.records] == stored[: len(day.records)]
    assert {record.incident for record in day.records} == {head.id}

    world.clock.step(DAY)
    assert (await world.worker.audit()).days == 1

    second = days_of(world)[1]
    assert [bytes(r.entry) for r in second.records] == stored[len(day.records) :]
    (order,) = (entry for entry in said(second) if entry["by"] == "ada")
    assert order["facts"] == [{"kind": "incident.resolved", "detail": "because"}]


async def test_each_day_follows_the_one_before(world: World) -> None:
    """By the hash of its text, and by its number; days without anything too."""
    world.clock.step(3 * DAY)

    assert (await world.worker.audit()).days == 4

    days = days_of(world)
    assert [day.opening.day for day in days] == [FIRST + n * DAY for n in range(4)]
    assert [len(day.records) > 0 for day in days] == [True, True, False, False]
    assert trail.problems(days) == []
    first = gzip.decompress(world.blobs.blobs[trail.name_of(FIRST)])
    assert days[1].opening.previous == batches.sha256(first)
    assert (head_of(world).number, head_of(world).day) == (4, FIRST + 3 * DAY)


async def test_once_more_changes_nothing(world: World) -> None:
    """And costs the row, no blob and no reading of the table."""
    await world.worker.audit()
    before = dict(world.blobs.blobs)
    world.faults.calls.clear()

    assert await world.worker.audit() == Audited(days=0, lines=0)

    assert world.blobs.blobs == before
    assert world.faults.calls == {"table.get": 1}


async def test_an_app_in_which_nothing_was_done_begins_with_yesterday() -> None:
    """Its trail begins all the same: that nothing was done is said."""
    world = World()

    assert await world.worker.audit() == Audited(days=1, lines=0)

    assert days_of(world)[0].opening.day == FIRST - DAY


async def test_a_first_day_that_was_not_noted_is_the_first_all_the_same() -> None:
    """Though it is another day by now, and nothing was done."""
    world = World()
    world.faults.fail_after(1, of="table.commit")
    with pytest.raises(StoreError):
        await world.worker.audit()
    world.clock.step(DAY)

    await world.worker.audit()

    days = days_of(world)
    assert [day.opening.number for day in days] == [1, 2]
    assert {day.opening.begun for day in days} == {FIRST}
    assert head_of(world).begun == FIRST
    assert trail.problems(days) == []


async def test_entries_of_a_day_are_in_the_order_of_their_time() -> None:
    """Of all incidents, whatever partition they lie in."""
    world = World()
    for number, subscription in enumerate([SUBSCRIPTION, OTHER_SUBSCRIPTION] * 2):
        other = defender_alert(
            SystemAlertId=alert_id(number),
            AzureResourceId=vm(f"vm-{number}", subscription),
            Entities=[],
        )
        await world.feed([event(other, place=number)])
        world.clock.step(timedelta(minutes=1))
    world.clock.step(DAY)

    await world.worker.audit()

    (day, *_) = days_of(world)
    times = [entry["at"] for entry in said(day)]
    assert times == sorted(times)
    assert len({record.incident for record in day.records}) == 4


async def test_a_deed_is_told_whole() -> None:
    """What was to be changed, what guards found, and what was there before."""
    world = acting()
    await comes(world)
    await passes(world)
    world.clock.step(DAY)

    await world.worker.audit()

    (day,) = days_of(world)
    (told,) = (record for record in day.records if bytes(record.deed))
    (row,) = (r for r in world.table._rows.values() if r.key.startswith("c|"))
    assert bytes(told.deed) == row.doc
    assert told.incident == (await world.head()).id
    assert told.sha256 == ""
    (target,) = await reading.targets(world.ledger)
    assert target.before is not None
    assert told.before == target.before.state
    kinds = {f["kind"] for r in day.records if bytes(r.entry) for f in said_by(r)}
    assert "deed.verified" in kinds


def said_by(record: trail.Record) -> list[dict[str, Any]]:
    """The facts of an entry."""
    found: list[dict[str, Any]] = json.loads(bytes(record.entry))["facts"]
    return found


async def test_a_table_that_is_too_large_is_read_in_parts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first days are written before later ones are taken into memory."""
    world.clock.step(2 * DAY)
    await world.worker.audit()
    whole = days_of(world)
    world.blobs.blobs.clear()
    del world.table._rows[rows.SHARED, rows.TRAIL]
    monkeypatch.setattr(audit, "MOST_LINES", 1)

    await world.worker.audit()

    assert days_of(world) == whole


async def test_a_day_that_is_there_is_taken_as_it_is(world: World) -> None:
    """A worker died before it noted the day: what was written counts."""
    await world.worker.audit()
    noted = head_of(world)
    del world.table._rows[rows.SHARED, rows.TRAIL]
    world.blobs.is_immutable = True

    await world.worker.audit()

    assert head_of(world) == noted


@pytest.mark.parametrize("harm", ["forged", "broken"])
async def test_what_lies_in_the_place_of_a_day_stops_it(
    world: World, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    """Nothing is written behind it, and somebody is told."""
    caplog.set_level(logging.ERROR, logger="firewatch")
    forged = trail.Opening(day=FIRST, number=7, previous="", begun=FIRST)
    data = trail.pack(forged, []) if harm == "forged" else b"no gzip"
    world.blobs.blobs[trail.name_of(FIRST)] = data
    world.clock.step(DAY)

    with pytest.raises(ArchiveBroken):
        await world.worker.audit()

    assert rows.TRAIL not in world.table.keys
    assert len([n for n in world.blobs.blobs if n.startswith(trail.TRAIL)]) == 1
    assert "audit.failed" in caplog.text


async def test_two_workers_write_one_day(world: World) -> None:
    """The later one is refused the row, and what it read is what is there."""
    rival = world.new_worker()

    async def first() -> None:
        await rival.audit()

    world.table.before_commit(first)

    with pytest.raises(StoreConflict):
        await world.worker.audit()

    assert len(days_of(world)) == 1
    assert (await world.worker.audit()).days == 0


async def test_an_entry_that_cannot_be_read_stops_nothing(world: World) -> None:
    """Whoever proves its timeline finds it."""
    (place, *_) = (p for p in world.table._rows if p[1].startswith("t|"))
    for doc in (b"junk", b'{"a":\n1}'):
        row = world.table._rows[place]
        world.table._rows[place] = row._replace(doc=doc)
        assert (await world.worker.audit()).days == 1
        world.clock.step(DAY)


async def test_nothing_moves_to_history_before_it_is_told(tmp_path: Path) -> None:
    """The trail is made of the working table alone."""
    app = FakeApp(tmp_path)
    world = app.world
    await world.feed([event()])
    await world.worker.commands.resolve((await world.head()).id, ORDER)
    await world.settle()
    world.clock.step(KEEP + 90 * DAY)
    retention, verb = await app.retention(), await app.audit()

    assert (await retention()).moved == 0

    await verb()
    assert (await retention()).moved == 1
    assert await verb.until() == (NOON + KEEP + 90 * DAY).replace(hour=0)


async def test_the_trail_is_no_batch(world: World) -> None:
    """Whoever exports events is not given it."""
    await world.worker.ingest(batch(b"{}", first=9))
    await world.worker.audit()

    assert batches.read_name(trail.name_of(FIRST)) is None
    assert await Archive(world.blobs).lines("archive/http/x/1.ndjson.gz") is None
    assert trail.day_of_name(trail.name_of(FIRST)) == FIRST
    assert trail.day_of_name("archive/audit/2026-13-23.ndjson.gz") is None
    assert trail.day_of_name("archive/audit/x") is None


async def test_a_day_that_was_taken_away_shows(world: World) -> None:
    """As does one that was changed, or put in another's place."""
    world.clock.step(4 * DAY)
    await world.worker.audit()
    days = days_of(world)

    assert trail.problems([*days[:2], *days[3:]]) == [
        (days[3].opening.day, "a day is missing before it")
    ]
    changed = days[1]._replace(sha256="0" * 64)
    assert trail.problems([days[0], changed, *days[2:]]) == [
        (days[2].opening.day, "does not follow the day before")
    ]
