"""Law 4 for deeds: a crash anywhere converges, and each thing is changed once.

Every call to the store, to the guards' sources and to the other side fails once, before
it took effect and after, and the worker either goes on or is dead.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from shared.model.deed_status import DeedStatus
from shared.model.errors import StoreError
from shared.model.guards import Budget, Contain, Guards, Mode
from shared.store import rows
from tests.alerts import NOON, alert_id, defender_alert, event, read_alert, stamp, vm
from tests.crash.test_law4_converges import NAMES, VARIANTS, Crash
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from shared.model.event import Event

_HALF = timedelta(minutes=30)
SUBNET = "/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworks/n/subnets/s"


class _Part(NamedTuple):
    """An alert, and how long after the beginning it comes."""

    after: timedelta
    changes: dict[str, Any]


# Two incidents about one machine, half an hour apart, and one about another.
FEED = (
    _Part(timedelta(0), {"Intent": "Probing", "AlertType": "VM_A"}),
    _Part(_HALF, {"Intent": "Execution", "AlertType": "VM_B"}),
    _Part(_HALF, {"AzureResourceId": vm("vm-other"), "AlertType": "VM_C"}),
)


def _bodies() -> list[tuple[timedelta, Event, dict[str, Any]]]:
    found = []
    for number, part in enumerate(FEED):
        at = NOON + part.after
        body = {
            "SystemAlertId": alert_id(number, at),
            "StartTimeUtc": stamp(at),
            "EndTimeUtc": stamp(at),
            "ProcessingEndTime": stamp(at),
            "ResourceIdentifiers": [],
            "Entities": [],
        } | part.changes
        alert = event(defender_alert(**body), place=number + 1, received_at=at)
        found.append((part.after, alert, body))
    return found


def _world(slow: timedelta) -> World:
    world = World(
        contain=[Contain(do=("isolate",), match=("severity>=high",))],
        # As much as the feed needs, of deeds and of machines.
        guards=Guards(mode=Mode.ACT, budgets=(Budget(most=3), Budget(share=50))),
        partitions=1,
    )
    for machine in (vm(), vm("vm-other")):
        world.estate.groups[machine.lower()] = {SUBNET: 4}
    world.estate.slow = slow
    return world


async def _run(slow: timedelta, crash: Crash | None = None) -> World:
    world = _world(slow)
    if crash is not None:
        world.faults.fail_after(
            crash.call, took_effect=crash.took_effect, for_good=crash.for_good
        )
    for after, alert, body in _bodies():
        await _until(world, NOON + after)
        known = read_alert(**body)
        world.owner.told[known.id.lower()] = known
        await _until_it_works(world, partial(_taken, world, alert))
    await _until(world, NOON + timedelta(hours=6))
    await world.settle()
    await world.check_rested()
    return world


async def _until(world: World, end: datetime) -> None:
    """Let the app live until then, by itself."""
    while world.clock() < end:
        lines = [rows.due_at(key) for key in world.table.keys if key.startswith("d|")]
        shown = [message.visible_at for message in world.queue.messages]
        soon = min([*lines, *shown, end], default=end)
        world.clock.step(max(min(soon, end) - world.clock(), timedelta(seconds=1)))
        await _until_it_works(world, lambda: _minute(world))


async def _taken(world: World, alert: Event) -> None:
    await world.worker.ingest([alert])
    await _minute(world)


async def _minute(world: World) -> None:
    await world.worker.tick()
    await world.deliver()


async def _until_it_works(world: World, work: Callable[[], Awaitable[None]]) -> None:
    """The platform gives again what failed, to another worker where this one is dead."""
    while True:
        try:
            await work()
        except StoreError:
            world.restart()
            continue
        if not world.faults.is_down:
            return
        world.restart()


def _changes(world: World) -> list[tuple[str, str]]:
    """What was changed, in order, for each target."""
    return sorted((c.target, f"{c.before}-{c.after}") for c in world.estate.changes)


@pytest.mark.parametrize(
    "slow", [timedelta(0), timedelta(minutes=2)], ids=["at once", "slow"]
)
async def test_the_feed_contains_and_takes_back(slow: timedelta) -> None:
    """The run others are held to changes two machines once each, for three deeds."""
    world = await _run(slow)

    rows = await world.deeds()
    assert [row.status for row in rows] == [DeedStatus.EXPIRED] * 3
    assert len({row.deed.target for row in rows}) == 2
    assert [what for _, what in _changes(world)] == [
        "isolated-open",
        "open-isolated",
    ] * 2
    assert world.estate.isolated == set()


@pytest.mark.parametrize(
    "slow", [timedelta(0), timedelta(minutes=2)], ids=["at once", "slow"]
)
@pytest.mark.parametrize(
    "every", [47, pytest.param(1, marks=pytest.mark.soak)], ids=["some", "all"]
)
@pytest.mark.parametrize(("took_effect", "for_good"), VARIANTS, ids=NAMES)
async def test_a_crash_at_any_call_changes_nothing_twice(
    *, took_effect: bool, for_good: bool, every: int, slow: timedelta
) -> None:
    """Each thing is isolated once and released once, and every deed comes to its end."""
    plain = await _run(slow)

    first = 1 + VARIANTS.index((took_effect, for_good)) % every
    for call in range(first, plain.faults.total + 1, every):
        world = await _run(slow, Crash(call, took_effect, for_good))

        where = f"call {call}, {world.faults.failed}"
        assert _changes(world) == _changes(plain), where
        statuses = [row.status for row in await world.deeds()]
        assert statuses == [DeedStatus.EXPIRED] * 3, where
        assert world.estate.isolated == set(), where
        # That is tried once, and whoever lives on leaves it at that.
        if for_good or not any(name.startswith("tags") for name in world.faults.failed):
            assert world.estate.tagged == {}, where
