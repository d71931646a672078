"""An incident that ends, and the nights after it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.commands import Order
from tests.alerts import (
    NOON,
    defender_alert,
    stamp,
)
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from shared.model.incident import (
        Incident,
    )
    from shared.retention import Retired


DAY = timedelta(days=1)
ORDER = Order("ada", "done")
# The books, and the slots of the storm breaker.
AT_LEAST = ["b", "g"]


def renewed(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """The alert in a later version."""
    return defender_alert(ProcessingEndTime=stamp(NOON + timedelta(hours=1)), **changes)


async def end(world: World, head: Incident | None = None) -> Incident:
    """Resolve an incident, and let whoever was told of it be told."""
    head = head or await world.head()
    ended = await world.worker.commands.resolve(head.id, ORDER)
    await world.settle()
    assert ended is not None
    return ended


async def wait(world: World, days: timedelta = KEEP + DAY) -> Retired:
    """Let days pass, and then move what is to be moved."""
    world.clock.step(days)
    return await world.worker.retention()


def of(world: World, incident_id: str) -> dict[str, bytes]:
    """The rows of an incident in history."""
    return {
        key: row.doc
        for (partition, key), row in world.past._rows.items()
        if partition == incident_id
    }


def left(world: World) -> list[str]:
    """What kinds of rows the working table still has."""
    return sorted({key[0] for key in world.table.keys})
