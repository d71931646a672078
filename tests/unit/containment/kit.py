"""A world whose policy isolates what High alerts name, and alerts that its owner knows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.commands import Order
from shared.model import resource
from shared.model.action import Kind
from shared.model.deed import Undo
from shared.model.guards import Contain, Guards, Mode
from tests.alerts import alert_id, defender_alert, event, read_alert, stamp, vm
from tests.fakes.estate import FakeDoer
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.alert import Alert
    from shared.model.deed import Deed, DeedRow, Guard, Says

ADA = Order("entra:ada")
HOUR = timedelta(hours=1)
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


def guards(row: DeedRow) -> list[tuple[Guard, Says]]:
    """What stands in its way."""
    return [(finding.guard, finding.says) for finding in row.findings]


async def approve(world: World, row: DeedRow) -> None:
    """Somebody who may lets it pass, as it is."""
    await world.worker.deciding.approve(
        row.incident, row.key, ADA, plan=row.deed.digest
    )
    await world.deliver()


async def undo(world: World, row: DeedRow, how: Undo = Undo.CAREFUL) -> None:
    """Somebody takes it back."""
    await world.worker.deciding.undo(row.incident, row.key, ADA, how=how)
    await world.deliver()


class Snapshot(FakeDoer):
    """Keeps evidence, which is never taken back."""

    def __init__(self, world: World) -> None:
        super().__init__(world.estate, "snapshot", Kind.EVIDENCE)
        self.reversible = False
        self.use = "snapshot"

    def deed(self, target: str, alerts: Sequence[str]) -> Deed:
        found = super().deed(target, alerts)
        return type(found)(
            **{
                **{f: getattr(found, f) for f in found.__struct_fields__},
                "target": f"snapshot of {target}",
            }
        )
