"""Law 4 for what people do to groups: a command that crashed is said again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.commands import Order
from shared.model.errors import StoreError
from tests.alerts import NOON, alert_id, defender_alert, event
from tests.fakes.firewatch import World
from tests.property.test_law3_nothing_twice import check_notices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.model.incident import Incident

LATER = NOON + timedelta(hours=1)


async def a_world() -> World:
    """One incident of three problems, one of which was taken out of it."""
    world = World()
    kinds = ("VM_A", "VM_B", "VM_C")
    await world.feed(
        [
            event(
                defender_alert(SystemAlertId=alert_id(n), AlertType=kind),
                place=n,
                received_at=LATER,
            )
            for n, kind in enumerate(kinds)
        ]
    )
    head = await world.head()
    await world.worker.regrouping.split(head.id, [alert_id(0)], Order("ada"))
    await world.settle()
    return world


async def splits(world: World) -> object:
    """Take another out of what the last of them is on."""
    (head,) = [h for h in await world.heads() if "VM_C" in _kinds(h)]
    return await world.worker.regrouping.split(head.id, [alert_id(1)], Order("ada"))


def _kinds(head: Incident) -> set[str]:
    return {problem.alert_type for problem in head.problems.values()}


async def merges(world: World) -> object:
    """Bring the two together again."""
    one, *rest = sorted(await world.heads(), key=lambda head: head.id)
    other = rest[0] if rest else one
    return await world.worker.regrouping.merge(one.id, other.id, Order("ada"))


async def run(
    command: Callable[[World], Awaitable[object]],
    call: int,
    *,
    took_effect: bool,
    for_good: bool,
) -> World:
    """Say it until it is done, and let what follows come to rest."""
    world = await a_world()
    if call:
        world.faults.fail_after(call, took_effect=took_effect, for_good=for_good)
    for _ in range(3):
        try:
            await command(world)
            break
        except StoreError:
            world.restart()
    world.restart()
    await world.settle()
    await world.check_rested()
    return world


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("took_effect", [False, True])
@pytest.mark.parametrize("command", [splits, merges])
async def test_a_command_that_crashed_and_is_said_again_is_done_once(
    command: Callable[[World], Awaitable[object]],
    *,
    took_effect: bool,
    for_good: bool,
) -> None:
    """Whatever call failed, the incidents are those of a run without a crash."""
    plain = await run(command, 0, took_effect=False, for_good=False)

    for call in range(1, 9):
        world = await run(command, call, took_effect=took_effect, for_good=for_good)

        assert await world.stories() == await plain.stories(), call
        assert {len(h.apart) for h in await world.heads()} == {
            len(h.apart) for h in await plain.heads()
        }
        await check_notices(world)
