"""A world whose policy isolates what High alerts name, and alerts that its owner knows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.model import resource
from shared.model.guards import Contain, Guards, Mode
from tests.alerts import alert_id, defender_alert, event, read_alert, stamp, vm
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from shared.model.alert import Alert
    from shared.model.deed import DeedRow

RULE = Contain(do=("isolate",), match=("severity>=medium",))
A_VM = resource.canonical(vm("vm-a")) or ""
B_VM = resource.canonical(vm("vm-b")) or ""


def acting(mode: Mode = Mode.ACT, *rules: Contain, **more: Any) -> World:  # noqa: ANN401
    """Such a world; ``more`` are guards, and ``can_ask``."""
    can_ask = more.pop("can_ask", True)
    return World(
        contain=rules or (RULE,), guards=Guards(mode=mode, **more), can_ask=can_ask
    )


def body(
    world: World,
    number: int = 1,
    name: str = "vm-a",
    **changes: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """An alert of now about a machine."""
    now = world.clock()
    return {
        "SystemAlertId": alert_id(number, now),
        "AzureResourceId": vm(name),
        "ResourceIdentifiers": [],
        "Entities": [],
        "StartTimeUtc": stamp(now),
        "EndTimeUtc": stamp(now),
        "ProcessingEndTime": stamp(now),
    } | changes


def vouch(world: World, fields: dict[str, Any], **changes: Any) -> Alert:  # noqa: ANN401
    """Have the owner know the alert, as it came or changed."""
    known = read_alert(received_at=world.clock(), **(fields | changes))
    world.owner.told[known.id.lower()] = known
    return known


async def comes(
    world: World,
    number: int = 1,
    name: str = "vm-a",
    *,
    is_real: bool = True,
    **changes: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """An alert comes, and is looked at."""
    fields = body(world, number, name, **changes)
    if is_real:
        vouch(world, fields)
    alert = event(defender_alert(**fields), place=number, received_at=world.clock())
    await world.worker.ingest([alert])
    await world.deliver()
    return fields


async def passes(world: World, time: timedelta = timedelta(minutes=1)) -> None:
    """Time passes, and the timer looks."""
    world.clock.step(time)
    await world.worker.tick()
    await world.deliver()


async def only(world: World) -> DeedRow:
    """The only deed that there is."""
    (row,) = await world.deeds()
    return row


def said(world: World, key: str) -> list[str]:
    """What the last notice says under a heading."""
    message = world.pager.actions[-1].message
    assert message is not None
    return [line for s in message.sections if s.key == key for line in s.lines]
