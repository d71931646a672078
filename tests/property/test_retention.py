"""Whatever ended whenever: what stays is untouched, and what left is whole."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.commands import Order
from shared.model.alert import AlertRow
from shared.model.errors import CommandRefused
from shared.model.incident import Classification, IncidentStatus, Verdict
from shared.store import history, reading
from shared.store.history import find
from shared.timeline import prove
from tests.alerts import alert_id, defender_alert, event, stamp, vm
from tests.fakes.firewatch import KEEP, World
from tests.property.feeds import OTHER_SUBSCRIPTION, SHORT, SOAK

if TYPE_CHECKING:
    from shared.model.event import Event

DAY = timedelta(days=1)
CLOSED = Verdict(classification=Classification.FALSE_POSITIVE)


def _arrives(world: World, number: int, machine: str, count: int) -> Event:
    """Alerts of one machine, of now."""
    at = world.clock()
    bodies = [
        defender_alert(
            SystemAlertId=alert_id(number * 1_000 + n, at),
            AzureResourceId=machine,
            ResourceIdentifiers=[],
            Entities=[],
            StartTimeUtc=stamp(at),
            EndTimeUtc=stamp(at),
            TimeGenerated=stamp(at),
            ProcessingEndTime=stamp(at),
        )
        for n in range(count)
    ]
    return event(*bodies, place=number, received_at=at)


async def _happens(draw: st.DataObject, world: World, number: int) -> None:
    """One thing that a day may bring: alerts, or somebody's word on an incident."""
    what = draw.draw(st.sampled_from("aaarrcomm"))
    heads = sorted(await world.heads(), key=lambda head: head.id)
    if what == "a" or not heads:
        where = draw.draw(st.sampled_from(["", "", OTHER_SUBSCRIPTION]))
        name = draw.draw(st.sampled_from(["vm-a", "vm-b", f"vm-{number}"]))
        machine = vm(name, where) if where else vm(name)
        count = draw.draw(st.sampled_from([1, 1, 2, 120]))
        await world.feed([_arrives(world, number, machine, count)])
        return
    head = heads[draw.draw(st.integers(0, 20)) % len(heads)]
    commands, order = world.worker.commands, Order("ada", "x", once=str(number))
    match what:
        case "r":
            verdict = draw.draw(st.sampled_from([None, CLOSED]))
            if head.status is IncidentStatus.OPEN:
                await commands.resolve(head.id, order, verdict)
        case "c":
            await commands.comment(head.id, order)
        case "o":
            await commands.reopen(head.id, order)
        case "m":
            for other in [h for h in heads if h.status is IncidentStatus.OPEN]:
                with contextlib.suppress(CommandRefused):
                    await world.worker.regrouping.merge(other.id, head.id, Order("ada"))
    await world.settle()


async def _lapse(draw: st.DataObject) -> None:
    world = World()
    for number in range(draw.draw(st.integers(1, 12))):
        world.clock.step(DAY * draw.draw(st.sampled_from([0, 0, 0, 0, 0, 1, 10, 30])))
        await _happens(draw, world, number + 1)
    if draw.draw(st.booleans()):
        for head in await world.heads():
            await world.worker.commands.resolve(head.id, Order("ada"))
        await world.settle()
    world.clock.step(DAY * draw.draw(st.sampled_from([1, 20, 38, 60])))
    due = await _due(world)
    before = _rows(world)
    books = await reading.books(world.ledger)
    titles = {head.id for head in await reading.incidents(world.ledger)}

    done = await world.worker.retention()

    assert (done.moved, done.remaining) == (len(due), 0)
    gone = {i for ids in due.values() for i in ids}
    await world.check_rested()
    assert await reading.books(world.ledger) == books
    kept = {k: d for k, d in before.items() if _incident(k, d) not in gone}
    assert _rows(world) == kept
    assert _past(world) == {k: d for k, d in before.items() if k not in kept}
    for incident_id in titles:
        shelf, lineage = await find(world.ledger, world.history, incident_id)
        assert shelf.is_history is (incident_id in gone)
        assert lineage[-1].merged_into is None
        found = await reading.chained(shelf, incident_id)
        assert found is not None
        assert prove(*found).verified
    for winner in due:
        past = await reading.head(world.history, winner)
        assert past is not None
        assert past.ended_at is not None
        month = await history.ended_in(world.ledger, world.history, past.ended_at)
        assert past in month.heads
        assert winner in month.past
        problem = next(iter(past.problems))
        assert past in await world.history.with_problem(problem)


async def _due(world: World) -> dict[str, set[str]]:
    """Each incident that is to go with all that was merged into it, by timelines alone."""
    families: dict[str, set[str]] = {}
    ended: set[str] = set()
    for head in await reading.incidents(world.ledger):
        *_, winner = await reading.lineage(world.ledger, head.id)
        families.setdefault(winner.id, set()).add(head.id)
        if winner.status.has_ended:
            ended.add(winner.id)
    last = world.clock() - KEEP
    for name, ids in families.items():
        for each in ids:
            entries = await reading.timeline(world.ledger, each)
            if any(entry.at >= last for entry in entries):
                ended.discard(name)
    return {name: ids for name, ids in families.items() if name in ended}


def _rows(world: World) -> dict[str, bytes]:
    """The rows of incidents in the working table; their keys are unlike each other."""
    return {
        key: row.doc for (_, key), row in world.table._rows.items() if key[0] in "ahtx"
    }


def _past(world: World) -> dict[str, bytes]:
    """Those of history, without its lists."""
    return {
        key: row.doc for (_, key), row in world.past._rows.items() if key[0] in "ahtx"
    }


def _incident(key: str, doc: bytes) -> str:
    """Whose row it is."""
    if key.startswith("a|"):
        return msgspec.json.decode(doc, type=AlertRow).incident
    return key.split("|")[1]


@SHORT
@given(st.data())
async def test_what_ended_long_ago_leaves_whole_and_nothing_else_does(
    draw: st.DataObject,
) -> None:
    """Any mix of open, ended, merged, reopened and commented, of any age."""
    await _lapse(draw)


@pytest.mark.soak
@SOAK
@given(st.data())
async def test_what_ended_long_ago_leaves_whole_for_long(draw: st.DataObject) -> None:
    """The same, more often."""
    await _lapse(draw)


async def _meanwhile(draw: st.DataObject) -> None:
    """A run beside a worker that uses just those incidents, in any interleaving."""
    world = World()
    for number in range(1, draw.draw(st.integers(2, 4))):
        count = draw.draw(st.sampled_from([1, 120]))
        await world.feed([_arrives(world, number, vm(f"vm-{number}"), count)])
    heads = sorted(await world.heads(), key=lambda head: head.id)
    bodies = {row.id: row for row in await reading.alerts(world.ledger)}
    for head in heads:
        await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()
    world.clock.step(KEEP + DAY)
    other = world.new_worker() if draw.draw(st.booleans()) else world.worker
    said: list[str] = []

    async def uses(number: int, what: str, which: int, after: int) -> None:
        for _ in range(after):
            await asyncio.sleep(0)
        head = heads[which % len(heads)]
        note = f"said {number}"
        if what == "c":
            found = await other.commands.comment(head.id, Order("ada", note))
            said.extend([head.id] if found else [])
        elif what == "o":
            await other.commands.reopen(head.id, Order("ada", note))
        else:
            alert = min(row.id for row in bodies.values() if row.incident == head.id)
            newer = stamp(world.clock() + timedelta(minutes=number))
            body = defender_alert(
                SystemAlertId=alert,
                AzureResourceId=head.resources[0],
                ResourceIdentifiers=[],
                Entities=[],
                ProcessingEndTime=newer,
            )
            arrived = event(body, place=900 + number, received_at=world.clock())
            await other.ingest([arrived])

    uses_of = draw.draw(
        st.lists(
            st.tuples(st.sampled_from("cou"), st.integers(0, 3), st.integers(0, 160)),
            max_size=4,
        )
    )
    # Each call to the store lets the others go on, before it and after.
    world.faults._pauses = lambda: 1
    await asyncio.gather(
        world.worker.retention(),
        *(uses(number, *each) for number, each in enumerate(uses_of)),
    )
    world.restart()
    await world.settle()
    await world.worker.retention()

    await world.check_rested()
    assert not [key for key in world.table.keys if key.startswith("r|")]
    here = {row.id for row in await reading.alerts(world.ledger)}
    past = {
        msgspec.json.decode(doc, type=AlertRow).id
        for key, doc in _past(world).items()
        if key.startswith("a|")
    }
    assert here | past == bodies.keys()
    for head in heads:
        shelf, lineage = await find(world.ledger, world.history, head.id)
        assert lineage[-1].id == head.id
        found = await reading.chained(shelf, head.id)
        assert found is not None
        assert prove(*found).verified
        of_it = await reading.alerts_of(shelf, {head.id})
        assert len(of_it) == head.alerts
        kinds = [
            fact.kind
            for entry in await reading.timeline(shelf, head.id)
            for fact in entry.facts
        ]
        assert kinds.count("comment") == said.count(head.id)


@SHORT
@given(st.data())
async def test_what_is_used_meanwhile_loses_nothing(draw: st.DataObject) -> None:
    """What a worker did is there, wherever the incident is in the end."""
    await _meanwhile(draw)


@pytest.mark.soak
@SOAK
@given(st.data())
async def test_what_is_used_meanwhile_loses_nothing_for_long(
    draw: st.DataObject,
) -> None:
    """The same, more often."""
    await _meanwhile(draw)
