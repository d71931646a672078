"""Alerts that are paged with evidence, in virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.alerts import NOON, alert_id, defender_alert, event, stamp
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from shared.model.event import Event
    from shared.model.evidence import Evidence
    from tests.fakes.firewatch import World


MINUTE = timedelta(minutes=1)
OPENED = ("trigger", "opened")


def an_alert(number: int = 1, **changes: Any) -> Event:  # noqa: ANN401
    """One about a machine, of now."""
    body = defender_alert(
        **{
            "SystemAlertId": alert_id(number),
            "ProcessingEndTime": stamp(NOON + number * MINUTE),
            "Severity": "Low",
        }
        | changes
    )
    return event(body, place=number)


def heard(world: World) -> list[tuple[str, str]]:
    return [(sent.verb, sent.occasion) for sent in world.pager.sent]


def told(world: World, number: int = 0) -> list[Evidence]:
    """The evidence in the notice of that number."""
    found: list[Evidence] = world.pager.actions[number].content.get("evidence", [])
    return found


def reasons(found: Sequence[Evidence]) -> set[str]:
    return {each.reason for each in found}


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    in_virtual_time(scenario())


async def looked(world: World, *events: Event) -> float:
    """Ingest and deliver; how many seconds that took."""
    await world.worker.ingest(events or [an_alert()])
    began = asyncio.get_running_loop().time()
    await world.deliver()
    return asyncio.get_running_loop().time() - began
