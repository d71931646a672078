"""Law 4 for what leaves the working table: a run that crashed is run again."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from shared.commands import Order
from shared.model.errors import StoreError
from shared.store import reading, rows
from shared.store.history import find
from shared.timeline import prove
from tests.alerts import alert_id, batch, defender_alert, event, stamp, vm
from tests.fakes.firewatch import KEEP, World
from tests.property.feeds import OTHER_SUBSCRIPTION

ORDER = Order("ada", "over")
# More rows than one transaction takes.
MANY = 120


def _table(world: World) -> dict[tuple[str, str], bytes]:
    return {place: row.doc for place, row in world.table._rows.items()}


def _history(world: World) -> dict[tuple[str, str], bytes]:
    return {place: row.doc for place, row in world.past._rows.items()}


async def a_world() -> World:
    """Three ended incidents, one of them large and one merged; and one that goes on."""
    world = World()
    large = [defender_alert(SystemAlertId=alert_id(n)) for n in range(MANY)]
    merged = [
        defender_alert(
            SystemAlertId=alert_id(MANY + n),
            AzureResourceId=vm(f"vm-{n}", OTHER_SUBSCRIPTION),
            Entities=[],
        )
        for n in range(2)
    ]
    await world.feed(batch(*large, *merged))
    one, other = (
        head.id
        for head in await world.heads()
        if any(OTHER_SUBSCRIPTION in resource for resource in head.resources)
    )
    await world.worker.regrouping.merge(one, other, ORDER)
    await world.settle()
    for head in await world.heads():
        await world.worker.commands.resolve(head.id, ORDER)
        await world.settle()
    world.clock.step(KEEP + timedelta(days=1))
    await world.feed(
        [
            event(
                defender_alert(
                    SystemAlertId="new",
                    AzureResourceId=vm("vm-new"),
                    StartTimeUtc=stamp(world.clock()),
                    EndTimeUtc=stamp(world.clock()),
                ),
                place=1_000,
                received_at=world.clock(),
            )
        ]
    )
    return world


def copy_of(world: World) -> World:
    """Another app over the same rows at the same time; it remembers nothing."""
    copy = World()
    copy.clock.step(world.clock() - copy.clock())
    copy.table._rows = dict(world.table._rows)
    # No version of a row is given twice.
    copy.table._versions = itertools.count(1_000_000)
    return copy


async def check_whole(world: World, ended: dict[str, int]) -> None:
    """Each ended incident answers, with every alert and a chain that holds."""
    for incident_id, alerts in ended.items():
        shelf, lineage = await find(world.ledger, world.history, incident_id)
        assert lineage, incident_id
        head = lineage[-1]
        family = {head.id, *head.absorbed}
        assert len(await reading.alerts_of(shelf, family)) == alerts
        found = await reading.chained(shelf, incident_id)
        assert found is not None
        assert prove(*found).verified, incident_id


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("took_effect", [False, True])
async def test_a_run_that_crashed_at_any_call_is_finished_by_the_next(
    *, took_effect: bool, for_good: bool
) -> None:
    """No incident is lost meanwhile, and both tables end as without a crash."""
    first = await a_world()
    plain = copy_of(first)
    ended = {
        head.id: 2 if head.absorbed or head.merged_into else MANY
        for head in await reading.incidents(plain.ledger)
        if head.status != "open"
    }
    await plain.worker.retention()
    assert len(ended) == 3
    assert len(_history(plain)) > MANY

    for call in range(1, plain.faults.total + 1):
        world = copy_of(first)
        world.faults.fail_after(call, took_effect=took_effect, for_good=for_good)

        with pytest.raises(StoreError):
            await world.worker.retention()
        world.restart()
        await check_whole(world, ended)
        await world.worker.retention()

        where = f"call {call}, {world.faults.failed}"
        assert _history(world) == _history(plain), where
        assert _table(world) == _table(plain), where
        await world.check_rested()


async def test_the_run_does_what_it_is_meant_to() -> None:
    """What others are held to leaves one incident, and a marker on the way."""
    world = await a_world()

    await world.worker.retention()

    assert [head.title for head in await world.heads()] == [
        "Possible web shell detected"
    ]
    written = {write.key for writes in world.table.commits for write in writes}
    assert any(key.startswith(f"{rows.LEAVING}|") for key in written)
    assert not any(key.startswith(f"{rows.LEAVING}|") for key in world.table.keys)
