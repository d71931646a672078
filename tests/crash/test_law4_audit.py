"""Law 4 for the audit trail: a run that crashed is taken up by the next."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.commands import Order
from shared.model.errors import StoreError
from shared.store import rows, trail
from tests.alerts import event
from tests.crash.test_law4_converges import NAMES, VARIANTS
from tests.fakes.firewatch import World

DAY = timedelta(days=1)


async def a_world() -> World:
    """An incident to which something happened on three days of four."""
    world = World(partitions=2)
    await world.feed([event()])
    for days in (1, 2):
        world.clock.step(days * DAY)
        comment = Order("ada", f"after {days}")
        await world.worker.commands.comment((await world.head()).id, comment)
    world.clock.step(DAY)
    return world


def trail_of(world: World) -> tuple[dict[str, bytes], bytes]:
    """The blobs of the trail, and the row that says which was the last."""
    blobs = world.blobs.blobs
    row = world.table._rows[rows.SHARED, rows.TRAIL]
    return {n: blobs[n] for n in blobs if n.startswith(trail.TRAIL)}, row.doc


@pytest.mark.parametrize(("took_effect", "for_good"), VARIANTS, ids=NAMES)
async def test_a_run_that_crashed_at_any_call_is_finished_by_the_next(
    *, took_effect: bool, for_good: bool
) -> None:
    """Each day has one blob, the same as without a crash; none is left out."""
    plain = await a_world()
    before = plain.faults.total
    await plain.worker.audit()
    calls = plain.faults.total - before
    assert len(trail_of(plain)[0]) == 4

    for call in range(1, calls + 1):
        world = await a_world()
        # Where blobs can be overwritten, and where they cannot.
        world.blobs.is_immutable = bool(call % 2)
        world.faults.fail_after(call, took_effect=took_effect, for_good=for_good)

        with pytest.raises(StoreError):
            await world.worker.audit()
        world.restart()
        # What happens meanwhile belongs to a day that is not over.
        said = Order("ada", "meanwhile")
        await world.worker.commands.comment((await world.head()).id, said)
        await world.worker.audit()

        assert trail_of(world) == trail_of(plain), f"{call}: {world.faults.failed}"


async def test_days_that_were_missed_are_made_up() -> None:
    """However the runs fall: daily, late or in the middle of one another."""
    late = await a_world()
    await late.worker.audit()

    daily = World(partitions=2)
    await daily.feed([event()])
    steps = [1, 1, 1, 1]
    told = {0: "after 1", 2: "after 2"}
    for number, days in enumerate(steps):
        daily.clock.step(days * DAY)
        await daily.worker.audit()
        if number in told:
            comment = Order("ada", told[number])
            await daily.worker.commands.comment((await daily.head()).id, comment)

    assert told_by(daily) == told_by(late)


def told_by(world: World) -> list[tuple[date, int, tuple[trail.Record, ...]]]:
    """What each day tells; on which night the trail began is another matter."""
    days = (trail.unpack(name, data) for name, data in trail_of(world)[0].items())
    return [(day.opening.day, day.opening.number, day.records) for day in days]
