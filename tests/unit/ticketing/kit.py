"""An incident with a ticket, and what is said of it."""

from __future__ import annotations

from responders.tickets import TicketConfig
from shared.model.ticket import Ticket
from shared.store import reading, rows
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp, vm
from tests.fakes.firewatch import World

RESOLVES = TicketConfig(resolves=True)


async def make_world(config: TicketConfig = RESOLVES) -> World:
    """One open incident that has a ticket, and a page."""
    world = World(trackers={"tickets": config})
    await world.feed([event()])
    return world


async def told(world: World) -> list[tuple[str, str, str]]:
    """What tickets have added to the timeline: by whom, what, in which words."""
    head = await world.head()
    entries = await reading.timeline(world.ledger, head.id)
    return [
        (entry.by, fact.kind, fact.detail)
        for entry in entries
        for fact in entry.facts
        if entry.by.startswith("ticket:")
    ]


def known(world: World) -> list[Ticket]:
    """The rows of tickets that may be open."""
    keys = sorted(world.table._rows)
    return [
        rows.decode(world.table._rows[key], Ticket)
        for key in keys
        if key[1].startswith(f"{rows.TICKET}|")
    ]


async def many(count: int) -> World:
    """As many incidents, each with a ticket."""
    world = World(trackers={"tickets": RESOLVES}, route=lambda _: ("tickets",))
    await world.feed(
        batch(
            *(
                defender_alert(
                    SystemAlertId=alert_id(n),
                    AlertType=f"VM_{n}",
                    AzureResourceId=vm(f"v{n}"),
                    StartTimeUtc=stamp(NOON),
                )
                for n in range(count)
            )
        )
    )
    assert len(known(world)) == count
    return world
