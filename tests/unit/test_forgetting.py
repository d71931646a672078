"""Ingest of alerts of which the worker remembers the version and no more."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.model.alert import AlertRow
from shared.model.books import Books
from shared.model.incident import IncidentStatus
from shared.store import reading, rows
from shared.store.memory import Memory
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp, vm
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from shared.model.event import Event

LATER = stamp(NOON + timedelta(minutes=2))


def _first(**changes: Any) -> Event:  # noqa: ANN401  JSON
    return event(defender_alert(**changes))


@pytest.fixture
async def world() -> World:
    """An app that took an alert, then three others, and keeps two rows of alerts."""
    world = World(memory=lambda: Memory(alerts=2))
    await world.worker.ingest([_first()])
    others = [defender_alert(SystemAlertId=alert_id(n)) for n in (2, 3, 4)]
    await world.worker.ingest(batch(*others, first=2))
    world.faults.calls.clear()
    partition = rows.partition_of_incident((await world.head()).id)
    key = rows.alert(alert_id())
    assert world.worker.ledger.recall(partition, key, AlertRow) is None
    return world


async def test_a_redelivery_asks_nothing(world: World) -> None:
    """The version tells that it is a copy; only the books are written."""
    taken = await world.worker.ingest([_first()])

    assert taken.books == Books(received=1, duplicate=1)
    assert world.faults.calls == {"blobs.keep": 1, "table.commit": 1}


async def test_an_update_reads_the_row_once(world: World) -> None:
    """Before the commit, which then succeeds at once."""
    update = _first(Status="Resolved", ProcessingEndTime=LATER)

    for expected in (Books(received=1, updated=1), Books(received=1, duplicate=1)):
        assert (await world.worker.ingest([update])).books == expected

    assert world.faults.calls["table.get"] == 1
    assert world.faults.calls["table.commit"] == 2
    found = await reading.alert(world.ledger, alert_id())
    assert found is not None
    assert found.status == "closed"
    await world.check()


async def test_an_older_version_is_still_told_from_a_copy(world: World) -> None:
    """It needs the row, and changes nothing."""
    await world.worker.ingest([_first(Severity="Low", ProcessingEndTime=LATER)])
    await world.worker.ingest(
        batch(*(defender_alert(SystemAlertId=alert_id(n)) for n in (5, 6)), first=5)
    )
    world.faults.calls.clear()

    taken = await world.worker.ingest([_first()])

    assert taken.books == Books(received=1, stale=1)
    assert world.faults.calls["table.get"] == 1


async def test_a_conflict_asks_for_no_copy(world: World) -> None:
    """Another worker has a new alert of the batch; the copies beside it stay copies."""
    news = [defender_alert(SystemAlertId=alert_id(n)) for n in (7, 8)]
    rival = world.new_worker()
    await rival.ingest(batch(news[0], first=7))
    asked = _asked(world)

    taken = await world.worker.ingest(batch(defender_alert(), *news, first=6))

    assert taken.books == Books(received=3, stored=1, duplicate=2)
    assert rows.alert(alert_id(1)) not in asked
    assert asked[rows.alert(alert_id(7))] == 1
    await world.check()


async def test_an_update_between_reading_and_writing_is_not_lost(world: World) -> None:
    """The row that was read again is behind by then, and is read once more."""
    rival = world.new_worker()
    closed = _first(Status="Resolved", ProcessingEndTime=LATER)
    world.table.before_commit(lambda: rival.ingest([closed]))
    later = stamp(NOON + timedelta(minutes=4))
    opened = _first(Severity="Low", ProcessingEndTime=later)

    taken = await world.worker.ingest([opened])

    assert taken.books == Books(received=1, updated=1)
    found = await reading.alert(world.ledger, alert_id())
    assert found is not None
    assert (found.status, found.severity) == ("open", "low")
    assert (await world.head()).status is IncidentStatus.OPEN
    await world.check()


async def test_a_batch_of_more_updates_than_rows_are_kept_comes_to_an_end() -> None:
    """What was read for a transaction is not forgotten before it is made."""
    world = World(memory=lambda: Memory(most=3, alerts=1))
    bodies = [
        defender_alert(SystemAlertId=alert_id(n), AzureResourceId=vm(f"vm-{n}"))
        for n in range(60)
    ]
    await world.worker.ingest(batch(*bodies))

    closed = [body | {"Status": "Resolved"} for body in bodies]
    stale = await world.worker.ingest(
        batch(*(b | {"ProcessingEndTime": LATER} for b in closed), *bodies, first=100)
    )

    assert stale.books == Books(received=120, updated=60, stale=60)
    await world.check()


def _asked(world: World) -> Counter[str]:
    """Counts the rows that are got from now on."""
    asked: Counter[str] = Counter()
    get = world.table.get

    async def counting(partition: str, keys: Any) -> Any:  # noqa: ANN401
        asked.update(keys)
        return await get(partition, keys)

    world.table.get = counting  # type: ignore[method-assign]
    return asked
