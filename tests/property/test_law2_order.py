"""Law 2: redelivery changes nothing; order changes no grouping."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.commands import Order
from shared.model.correlation import Correlation
from shared.model.incident import IncidentStatus
from shared.store import reading
from shared.store.memory import Memory
from tests.alerts import NOON, alert_id, defender_alert, event, stamp
from tests.fakes.firewatch import Story, World
from tests.property.feeds import (
    QUICK,
    SHORT,
    SOAK,
    WIDE,
    arriving,
    cuts,
    feeds,
    memories,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.model.event import Event

NARROW = Correlation(
    gap=timedelta(hours=5), max_age=timedelta(hours=24), max_problems=3
)


class Ending(NamedTuple):
    """What a feed comes to, whatever way it came."""

    stories: frozenset[Story]
    alerts: frozenset[Any]


async def _ending(world: World) -> Ending:
    rows = await reading.alerts(world.ledger)
    alerts = frozenset((a.id, a.version, a.status, a.severity) for a in rows)
    return Ending(await world.stories(), alerts)


async def _run(
    events: Sequence[Event],
    parts: Sequence[slice],
    *,
    settles: bool = False,
    partitions: int = 16,
    memory: Callable[[], Memory] = Memory,
) -> World:
    world = World(caps=WIDE, partitions=partitions, memory=memory)
    for part in parts:
        await world.worker.ingest(events[part])
        if settles:
            await world.settle()
    await world.settle()
    await world.check_rested()
    return world


async def _keeps_order(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    events = arriving(bodies)
    plain = await _run(events, [slice(None)])
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    mixed = data.draw(st.permutations([*events, *again]))

    other = await _run(
        mixed,
        data.draw(cuts(len(mixed))),
        settles=data.draw(st.booleans()),
        memory=data.draw(memories()),
    )

    assert await _ending(other) == await _ending(plain)


@SHORT
@given(feeds(), st.data())
async def test_order_changes_no_grouping(
    bodies: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Any order, cut and repetition of a feed ends in the same incidents."""
    await _keeps_order(bodies, data)


@pytest.mark.soak
@SOAK
@given(feeds(most=14), st.data())
async def test_order_changes_no_grouping_at_length(
    bodies: list[dict[str, Any]], data: st.DataObject
) -> None:
    """The same, for minutes."""
    await _keeps_order(bodies, data)


@settings(QUICK, max_examples=20)
@given(feeds())
async def test_subscriptions_of_one_partition_are_not_merged(
    bodies: list[dict[str, Any]],
) -> None:
    """However few partitions there are, the incidents are the same."""
    events = arriving(bodies)

    one = await _run(events, [slice(None)], partitions=1)

    assert await _ending(one) == await _ending(await _run(events, [slice(None)]))


@QUICK
@given(feeds(), st.data())
async def test_redelivery_changes_nothing(
    bodies: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A feed that is given again, cut otherwise, leaves incidents and pages alone."""
    events = arriving(bodies)
    world = await _run(events, [slice(None)], settles=True)
    before, sent = await _ending(world), list(world.pager.sent)
    heads = await world.heads()

    world.worker = data.draw(st.sampled_from([world.worker, world.new_worker()]))
    for part in data.draw(cuts(len(events))):
        await world.worker.ingest(events[part])
    await world.settle()

    assert await _ending(world) == before
    assert await world.heads() == heads
    assert world.pager.sent == sent


@QUICK
@given(feeds(), st.data())
async def test_what_is_remembered_decides_nothing(
    bodies: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Incidents and books are those of a worker that remembers everything."""
    events = data.draw(st.permutations(arriving([*bodies, *bodies])))
    parts = data.draw(cuts(len(events)))
    memory = data.draw(memories(least=0))
    plain, other = World(caps=WIDE), World(caps=WIDE, memory=memory)

    for world in (plain, other):
        for part in parts:
            await world.worker.ingest(events[part])

    assert await _ending(other) == await _ending(plain)
    assert await reading.books(other.ledger) == await reading.books(plain.ledger)
    await other.check()


def _at(number: int, hours: float, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    started_at = NOON + timedelta(hours=hours)
    times = {
        name: stamp(started_at)
        for name in ("StartTimeUtc", "EndTimeUtc", "ProcessingEndTime")
    }
    return defender_alert(
        **({"SystemAlertId": alert_id(number, started_at)} | times | changes)
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0)])
async def test_an_alert_that_bridges_two_incidents_makes_them_one(
    order: tuple[int, ...],
) -> None:
    """Eight hours apart are two incidents; one at four hours ties them."""
    bodies = [_at(1, 0), _at(2, 4), _at(3, 8, Severity="Low")]
    world = World()

    for place in order:
        await world.feed(arriving([bodies[place]]))

    head = await world.head()
    assert head.alerts == 3
    assert len(await reading.incidents(world.ledger)) == 1 + len(head.absorbed)
    await world.check_rested()


@pytest.mark.parametrize(
    ("hours", "incidents"), [(5, 1), (5.1, 2)], ids=["at 5 h", "a step past"]
)
async def test_the_gap_is_five_hours(hours: float, incidents: int) -> None:
    """Exactly five hours still join; a step of six minutes more does not."""
    world = World()

    await world.feed(arriving([_at(1, 0), _at(2, hours)]))

    assert len(await world.heads()) == incidents


async def test_case_of_an_id_makes_no_second_alert() -> None:
    """Ids of alerts and of resources are compared without case."""
    world = World()
    upper = alert_id().upper()

    await world.feed(arriving([_at(1, 0), _at(1, 0, SystemAlertId=upper)]))

    head = await world.head()
    assert head.alerts == 1
    assert head.resources == tuple(r.lower() for r in head.resources)


@QUICK
@given(st.data())
async def test_past_a_cap_each_alert_is_on_one_incident_within_it(
    data: st.DataObject,
) -> None:
    """No incident grows over its caps, and a successor names whom it follows."""
    hours = data.draw(st.lists(st.integers(0, 40), min_size=4, max_size=20))
    kinds = st.sampled_from([f"T{n}" for n in range(7)])
    bodies = [_at(n, h, AlertType=data.draw(kinds)) for n, h in enumerate(hours)]
    world = World(caps=NARROW)

    for place, body in enumerate(bodies):
        later = NOON + timedelta(days=3)
        await world.feed([event(body, place=place, received_at=later)])
        if data.draw(st.booleans()):
            head = data.draw(st.sampled_from(await world.heads()))
            await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()

    await world.check_rested()
    heads = {head.id: head for head in await reading.incidents(world.ledger)}
    for head in heads.values():
        assert len(head.problems) <= NARROW.max_problems
        assert head.latest - head.earliest <= NARROW.max_age
        assert head.predecessor is None or head.predecessor in heads
        assert head.status is not IncidentStatus.MERGED or head.merged_into in heads
