"""What a person says about an incident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.commands import Order
from shared.model.incident import IncidentStatus
from shared.store import messages, reading
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp
from tests.fakes.firewatch import World


@pytest.fixture
async def world() -> World:
    """An app with one open incident that was paged."""
    world = World()
    await world.feed([event()])
    return world


async def test_an_acknowledgement_is_written_and_looked_at(world: World) -> None:
    """Who, when and why; the page stays open."""
    head = await world.head()

    said = await world.worker.commands.acknowledge(head.id, Order("ada", "on it"))

    assert said is not None
    assert said.acknowledged is not None
    assert (said.acknowledged.by, said.acknowledged.note) == ("ada", "on it")
    (message,) = world.queue.messages
    assert messages.decode(message.body) == (head.id,)
    await world.settle()
    assert world.pager.verbs() == ["trigger"]
    entry = (await reading.timeline(world.ledger, head.id))[-1]
    assert (entry.by, entry.facts[0].kind) == ("ada", "incident.acknowledged")


async def test_the_first_acknowledgement_stands(world: World) -> None:
    """A second one changes nothing."""
    head = await world.head()
    await world.worker.commands.acknowledge(head.id, Order("ada"))

    said = await world.worker.commands.acknowledge(head.id, Order("bob"))

    assert said is not None
    assert said.acknowledged is not None
    assert said.acknowledged.by == "ada"


async def test_resolving_closes_the_page(world: World) -> None:
    """Once, however often it is said."""
    head = await world.head()

    for _ in range(2):
        await world.worker.commands.resolve(head.id, Order("ada", "false alarm"))
        await world.settle()

    assert (await world.head()).status is IncidentStatus.RESOLVED
    assert world.pager.verbs() == ["trigger", "resolve"]
    await world.check_rested()


async def test_after_that_a_recurrence_pages_anew(world: World) -> None:
    """Another incident, with another key."""
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))
    await world.settle()

    await world.feed([event(defender_alert(SystemAlertId="2"), place=2)])

    new, old = sorted(await world.heads(), key=lambda head: head.status)
    assert new.predecessor == old.id
    assert world.pager.verbs() == ["trigger", "resolve", "trigger"]
    assert len({sent.dedup_key for sent in world.pager.sent}) == 2


async def test_a_command_on_a_merged_incident_reaches_the_winner() -> None:
    """Both ids keep answering."""
    world = World()
    times = [NOON + timedelta(hours=h) for h in (0, 8, 4)]
    bodies = [
        defender_alert(
            SystemAlertId=alert_id(n, at), StartTimeUtc=stamp(at), EndTimeUtc=stamp(at)
        )
        for n, at in enumerate(times)
    ]
    for body, found in zip(batch(*bodies), [1, 2, 1], strict=True):
        late = body._replace(received_at=NOON + timedelta(days=1))
        await world.feed([late])
        assert len(await world.heads()) == found
    head = await world.head()

    said = await world.worker.commands.resolve(head.absorbed[0], Order("ada"))

    assert said is not None
    assert said.id == head.id
    await world.settle()
    assert (await world.head()).status is IncidentStatus.RESOLVED


@pytest.mark.parametrize("name", ["0a" * 8, "nonsense", "", "../x", "0A" * 8])
async def test_there_may_be_no_such_incident(world: World, name: str) -> None:
    """It is none, and nothing is written or sent."""
    before = world.table.keys

    assert await world.worker.commands.acknowledge(name, Order("ada")) is None
    assert await world.worker.commands.resolve(name, Order("ada")) is None

    assert world.table.keys == before
    assert world.queue.messages == []


async def test_a_command_beside_an_alert_loses_neither(world: World) -> None:
    """The alert came first: decide again on what is there now."""
    head = await world.head()
    rival = world.new_worker()
    other = event(defender_alert(SystemAlertId="2"), place=2)
    world.table.before_commit(lambda: rival.ingest([other]))

    await world.worker.commands.acknowledge(head.id, Order("ada"))

    after = await world.head()
    assert after.alerts == 2
    assert after.acknowledged is not None
    await world.settle()
    await world.check_rested()
