"""The first verb."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from shared.model.books import Books
from shared.model.errors import StoreUnavailable
from shared.model.incident import IncidentStatus
from shared.store import messages, reading, rows
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp, vm
from tests.fakes.firewatch import World
from tests.property.feeds import OTHER_SUBSCRIPTION


@pytest.fixture
def world() -> World:
    """An app that has seen nothing."""
    return World()


async def test_an_alert_becomes_an_incident_that_is_due(world: World) -> None:
    """Alert, head, keys, due line and timeline are there together."""
    taken = await world.worker.ingest([event()])

    assert taken.books == Books(received=1, stored=1)
    head = await world.head()
    assert head.is_dirty
    assert head.due == world.clock() + timedelta(seconds=30)
    (alert,) = await reading.alerts(world.ledger)
    assert (alert.incident, alert.id) == (head.id, alert_id().lower())
    assert alert.archived in world.blobs.blobs
    await world.check()


async def test_row_and_timeline_say_which_bytes_an_alert_came_in(
    world: World,
) -> None:
    """By their hash: that of the event, which each version has of its own."""
    first = event()
    await world.feed([first])
    newer = event(
        defender_alert(ProcessingEndTime=stamp(NOON + timedelta(hours=1))), place=2
    )

    await world.feed([newer])

    (alert,) = await reading.alerts(world.ledger)
    assert alert.spot is not None
    assert alert.spot.sha256 == hashlib.sha256(newer.body).hexdigest()
    entries = await reading.timeline(world.ledger, alert.incident)
    said = [f.sha256 for e in entries for f in e.facts if f.kind.startswith("delivery")]
    assert not any(said)
    assert [f.sha256 for e in entries for f in e.facts if f.alert] == [
        hashlib.sha256(each.body).hexdigest() for each in (first, newer)
    ]


async def test_one_partition_is_one_transaction(world: World) -> None:
    """A batch about one subscription costs one commit, one blob, one message."""
    bodies = [
        defender_alert(SystemAlertId=str(n), AzureResourceId=vm(f"vm-{n % 3}"))
        for n in range(30)
    ]

    await world.worker.ingest(batch(*bodies))

    assert world.faults.calls == {"blobs.keep": 1, "table.commit": 1, "queue.send": 1}


async def test_the_message_names_what_became_dirty(world: World) -> None:
    """Once, and not again for a duplicate."""
    await world.worker.ingest([event()])
    await world.worker.ingest([event()])

    (message,) = world.queue.messages
    assert messages.decode(message.body) == ((await world.head()).id,)


async def test_scopes_have_partitions_of_their_own(world: World) -> None:
    """An incident's id begins with the partition it lies in."""
    elsewhere = defender_alert(
        SystemAlertId="2", AzureResourceId=vm("x", OTHER_SUBSCRIPTION)
    )

    await world.worker.ingest(batch(defender_alert(), elsewhere))

    for head in await world.heads():
        assert head.id[:2] == rows.partition_of(head.scope, world.partitions)
    assert len({head.id[:2] for head in await world.heads()}) == 2


async def test_a_batch_larger_than_a_transaction_is_taken_in_several(
    world: World,
) -> None:
    """Each of them complete; the books are written once, by the last."""
    bodies = [
        defender_alert(
            SystemAlertId=str(n),
            AlertType=f"type {n}",
            AzureResourceId=vm(f"vm-{n}"),
        )
        for n in range(120)
    ]

    taken = await world.worker.ingest(batch(*bodies))

    assert taken.books == Books(received=120, stored=120)
    assert await reading.books(world.ledger) == taken.books
    assert len(await world.heads()) == 120
    assert all(len(writes) <= 100 for writes in world.table.commits)
    await world.check()


async def test_the_archive_comes_before_everything(world: World) -> None:
    """Where it cannot be written, nothing else is."""
    world.faults.fail_after(1)

    with pytest.raises(StoreUnavailable):
        await world.worker.ingest([event(), event(b"junk", place=2)])

    assert world.table.keys == []
    assert world.queue.messages == []


async def test_an_empty_batch_is_nothing(world: World) -> None:
    """No blob, no books."""
    taken = await world.worker.ingest([])

    assert taken == (Books(), ())
    assert world.faults.total == 0


async def test_a_batch_of_nothing_good_is_booked(world: World) -> None:
    """Ignored and dead-lettered units are in the books though no alert was."""
    posture = b'{"type": "Microsoft.Security/assessments"}'

    await world.worker.ingest(batch(b"junk", posture))

    assert await reading.books(world.ledger) == Books(
        received=2, ignored=1, dead_lettered=1
    )
    assert await world.heads() == []


async def test_malformed_bodies_are_told_to_the_sender(world: World) -> None:
    """What is JSON and no alert is not malformed."""
    taken = await world.worker.ingest([event(b"junk")])
    assert [problem.path for problem in taken.malformed] == ["$"]

    taken = await world.worker.ingest([event(b"{}")])
    assert taken.malformed == ()
    assert taken.books.dead_lettered == 1


async def test_books_are_kept_by_source(world: World) -> None:
    """A row per hub partition and per sender."""
    await world.worker.ingest([event()])
    await world.worker.ingest([event()._replace(source="http/portal")])

    kept = [key for key in world.table.keys if key.startswith("b|")]
    assert kept == ["b|http|portal", "b|hub|alerts|0"]
    assert (await reading.books(world.ledger)).received == 2


async def test_another_worker_may_have_been_first(world: World) -> None:
    """A cold worker finds the alert stored: a duplicate, not a second incident."""
    await world.worker.ingest([event()])

    taken = await world.new_worker().ingest([event()])

    assert taken.books == Books(received=1, duplicate=1)
    assert (await world.head()).alerts == 1


async def test_a_rival_between_reading_and_writing_costs_another_look(
    world: World,
) -> None:
    """Both alerts are on the one incident."""
    rival = world.new_worker()
    other = event(defender_alert(SystemAlertId="2"), place=2)
    world.table.before_commit(lambda: rival.ingest([other]))

    await world.worker.ingest([event()])

    assert (await world.head()).alerts == 2
    await world.check()


async def test_what_the_source_closed_is_resolved(world: World) -> None:
    """The last of its alerts closed ends the incident."""
    later = {"ProcessingEndTime": stamp(NOON + timedelta(hours=1))}

    await world.feed([event()])
    await world.feed([event(defender_alert(Status="Resolved", **later), place=2)])

    head = await world.head()
    assert head.status is IncidentStatus.RESOLVED
    assert head.resolved is not None
    assert head.resolved.by == "source"
    assert world.pager.sent_verbs() == ["trigger", "resolve"]


async def test_a_head_without_its_alerts_blocks_nobody() -> None:
    """A restore may leave one behind under the very id that an alert would open."""
    world = World()
    await world.worker.ingest([event()])
    head = await world.head()
    partition = rows.partition_of_incident(head.id)
    for place, key in list(world.table._rows):
        if place == partition and key[0] in "ak":
            del world.table._rows[place, key]
    world.restart()

    await world.worker.ingest([event()])

    (alert,) = await reading.alerts(world.ledger)
    assert alert.incident != head.id
