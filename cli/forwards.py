"""What was forwarded in a run, as each receiving side parsed it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from azure.eventhub.aio import EventHubConsumerClient

from devhost.outside import ocsf
from devhost.rehearsal import FORWARD_HUB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azure.eventhub import EventData
    from azure.eventhub.aio import PartitionContext

    from devhost.local import Local

# A hub has no end: whoever hears nothing for so long has read it.
SILENCE_S = 1.0


class Arrived(NamedTuple):
    """What one side made of what it was sent.

    ``keys`` are those of the records, ``refused`` what it could not make sense of;
    ``last`` is one thing that it reads out of them.
    """

    side: str
    keys: list[str]
    incidents: set[str]
    refused: int
    last: str


async def arrived(local: Local) -> list[Arrived]:
    """Every side that anything was forwarded to."""
    received = local.control("GET", "received")
    found = [
        _splunk(received["splunk"]),
        _tables(received["logs-ingestion"]),
        *_lines(received["syslog"]),
    ]
    if local.forward_hub:
        found.append(_findings(await _events(local.forward_hub)))
    return [each for each in found if each.keys or each.refused]


def _splunk(received: dict[str, Any]) -> Arrived:
    events = [each["event"] for each in received["events"]]
    return Arrived(
        "Splunk, events",
        [each["key"] for each in events],
        {each["incident"] for each in events},
        len(received["refused"]),
        _last(
            f"{each['severity']} {each['status']}: {each['title']}"
            for each in events
            if each["kind"] == "incident"
        ),
    )


def _tables(received: dict[str, Any]) -> Arrived:
    rows = [row for table in received["rows"].values() for row in table]
    return Arrived(
        "Log Analytics, rows",
        [row["RowKey"] for row in rows],
        {row["Incident"] for row in rows},
        # What a stream does not declare is lost, too.
        len(received["refused"]) + len(received["dropped"]),
        _last(
            f"{row['What']} by {row['By']}"
            for row in received["rows"].get("FirewatchAudit_CL", ())
        ),
    )


def _lines(received: dict[str, Any]) -> list[Arrived]:
    kinds = (
        ("QRadar, lines of LEEF", "leef", "key", "incident", "title"),
        ("ArcSight, lines of CEF", "cef", "deviceExternalId", "externalId", "msg"),
    )
    found = []
    for side, syntax, key, incident, title in kinds:
        lines = [each for each in received["lines"] if each["syntax"] == syntax]
        found.append(
            Arrived(
                side,
                [each["fields"][key] for each in lines],
                {each["fields"][incident] for each in lines},
                # Of a line that cannot be read nobody knows whose it was.
                len(received["refused"]) if lines else 0,
                _last(
                    f"{each['event']} {each['fields'].get(title, '')}"
                    for each in lines
                    if each["fields"]["cat"] == "incident"
                ),
            )
        )
    return found


def _findings(events: list[dict[str, Any]]) -> Arrived:
    wrong = [problem for each in events for problem in ocsf.problems(each)]
    return Arrived(
        "Event Hub, findings of OCSF",
        [each["metadata"]["uid"] for each in events],
        {each["metadata"]["correlation_uid"].split("-")[1] for each in events},
        len(wrong),
        _last(
            f"{each['class_name']}, {each['status']}: {each['message']}"
            for each in events
            if each["class_uid"] == 2004
        ),
    )


async def _events(connection: str) -> list[dict[str, Any]]:
    """Everything in the hub that is forwarded to."""
    found: list[dict[str, Any]] = []
    heard = asyncio.Event()

    async def take(_: PartitionContext, events: list[EventData]) -> None:
        found.extend(json.loads(each.body_as_str()) for each in events)
        if events:
            heard.set()

    client = EventHubConsumerClient.from_connection_string(
        connection, consumer_group="$Default", eventhub_name=FORWARD_HUB
    )
    async with client:
        reading = asyncio.create_task(
            client.receive_batch(take, starting_position="-1", max_wait_time=SILENCE_S)
        )
        try:
            while True:
                heard.clear()
                async with asyncio.timeout(3 * SILENCE_S):
                    await heard.wait()
        except TimeoutError:
            pass
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return found


def _last(texts: Iterable[str]) -> str:
    return ([*texts] or [""])[-1]
