"""One worker of several on one storage account: takes events, looks, and ends.

Usage: python -m tests.acceptance.crowd SETTINGS SEED ALERTS

SETTINGS is the environment of the app as a file of JSON. Each worker is given the same
alerts in an order and in batches of its own.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from shared import settings as environment
from shared.bootstrap import App
from shared.store import messages
from tests.alerts import alert_id, defender_alert, event, stamp, vm
from tests.factories import NOON

if TYPE_CHECKING:
    from shared.model.event import Event

THINGS = 8
VERSIONS = 3


def feed(alerts: int) -> list[Event]:
    """Alerts about a few machines, each in some versions; who sees them all agrees."""
    found: list[Event] = []
    for number in range(alerts):
        for version in range(VERSIONS):
            at = stamp(NOON.replace(minute=version, second=number % 60))
            body = defender_alert(
                SystemAlertId=alert_id(number),
                AlertType=f"VM_Kind{number % 5}",
                AzureResourceId=vm(f"vm-{number % THINGS}"),
                ProcessingEndTime=at,
                Severity=("Low", "Medium", "High")[version],
                Entities=[],
            )
            found.append(event(body, place=len(found)))
    return found


async def work(app: App, connection: str, seed: int, alerts: int) -> None:
    """Take everything twice, in any order, and look in between, until all is looked at."""
    draw = random.Random(seed)
    events = feed(alerts) * 2
    draw.shuffle(events)
    queue = QueueClient.from_connection_string(
        connection, "respond", message_decode_policy=TextBase64DecodePolicy()
    )
    async with queue:
        while events:
            size = draw.randint(1, 40)
            batch, events = events[:size], events[size:]
            await (await app.ingest())(batch)
            await look(app, queue)
        while await look(app, queue):
            pass


async def look(app: App, queue: QueueClient) -> int:
    """Do what the messages say that are there now; how many there were."""
    respond, done = await app.respond(), 0
    async for message in queue.receive_messages(max_messages=8, visibility_timeout=30):
        await respond(messages.decode(message.content.encode()))
        await queue.delete_message(message)
        done += 1
    return done


async def _main(given: dict[str, str], seed: str, alerts: str) -> None:
    app = App(environment.from_environment(given))
    try:
        await work(app, given["AzureWebJobsStorage"], int(seed), int(alerts))
    finally:
        await app.close()


if __name__ == "__main__":
    path, *rest = sys.argv[1:]
    asyncio.run(_main(json.loads(Path(path).read_text()), *rest))
