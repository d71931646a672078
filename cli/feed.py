"""Sending events: files of one's own through the Event Hub, the story by its ways."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, NamedTuple

import httpx
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from cli.story import owner
from cli.story.attack import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from cli.story.attack import Happening
    from devhost.local import Local

# Order is kept where everything rides one partition, so a feed of files tells its story
# in the order of their names.
FEED_PARTITION = "0"

# While the app is down a sender tries again, as Logic Apps and Azure Monitor do.
HTTP_PATIENCE_S = 120.0
HTTP_PAUSE_S = 0.5


class FeedError(Exception):
    """A feed cannot be read or sent; the message says which file and why."""


class Piece(NamedTuple):
    """One event body of a feed, and where it came from: ``file`` or ``file:line``."""

    origin: str
    body: bytes


class Sent(NamedTuple):
    """What became of a feed: origins by sequence number, and what was too large."""

    origins: tuple[str, ...]
    too_large: tuple[str, ...]


def read(paths: Iterable[Path]) -> list[Piece]:
    """The events of files and folders, in the order of their names.

    A ``.ndjson`` file holds an event per line; any other file is one event, byte for
    byte. Raises FeedError for a path that cannot be read.
    """
    pieces: list[Piece] = []
    for path in paths:
        if not path.exists():
            raise FeedError(f"{path}: no such file or folder")
        files = sorted(f for f in path.rglob("*") if f.is_file())
        for file in files if path.is_dir() else [path]:
            try:
                pieces += _pieces(file)
            except OSError as error:
                raise FeedError(f"{file}: {error.strerror}") from None
    return pieces


def _pieces(file: Path) -> list[Piece]:
    body = file.read_bytes()
    if file.suffix.lower() != ".ndjson":
        return [Piece(str(file), body)]
    return [
        Piece(f"{file}:{number}", line)
        for number, line in enumerate(body.splitlines(), start=1)
        if line.strip()
    ]


async def send(
    local: Local, pieces: Sequence[Piece], told: Callable[[int], None]
) -> Sent:
    """Send a feed in order; ``told`` hears how many went. Raises EventHubError.

    An event over the hub's limit (1 MiB) cannot be sent and is named instead.
    """
    origins: list[str] = []
    too_large: list[str] = []
    async with _producer(local) as producer:
        batch = await producer.create_batch(partition_id=FEED_PARTITION)
        for piece in pieces:
            event = EventData(piece.body)
            try:
                batch.add(event)
            except ValueError:
                if len(batch):
                    await producer.send_batch(batch)
                    told(len(batch))
                batch = await producer.create_batch(partition_id=FEED_PARTITION)
                try:
                    batch.add(event)
                except ValueError:
                    too_large.append(piece.origin)
                    told(1)
                    continue
            origins.append(piece.origin)
        if len(batch):
            await producer.send_batch(batch)
            told(len(batch))
    return Sent(tuple(origins), tuple(too_large))


async def tell(
    local: Local, happenings: Sequence[Happening], told: Callable[[int], None]
) -> None:
    """Tell the story: each event by its own way, those of one thread in order.

    The owner of its alerts knows them already.

    A webhook is sent until the app takes it. Raises FeedError when it does not within
    two minutes, EventHubError when the hub does not answer.
    """
    for subscription, known in owner.alerts(happenings).items():
        content = {"subscription": subscription, "alerts": known}
        await asyncio.to_thread(local.control, "POST", "arm-alerts", content)
    async with (
        _producer(local) as producer,
        httpx.AsyncClient(timeout=30, trust_env=False) as client,
    ):
        ways: dict[Way, list[Happening]] = {way: [] for way in Way}
        for happening in happenings:
            ways[happening.way].append(happening)

        async def by_hub() -> None:
            for happening in ways[Way.HUB]:
                event = EventData(happening.body)
                key = hashlib.sha256(happening.thread.encode()).hexdigest()[:16]
                await producer.send_batch([event], partition_key=key)
                told(1)

        async def by_webhook(way: Way) -> None:
            for happening in ways[way]:
                await _post(client, local, happening)
                told(1)

        async with asyncio.TaskGroup() as group:
            group.create_task(by_hub())
            group.create_task(by_webhook(Way.KEY))
            group.create_task(by_webhook(Way.HMAC))


async def _post(client: httpx.AsyncClient, local: Local, happening: Happening) -> None:
    deadline = time.monotonic() + HTTP_PATIENCE_S
    while True:
        try:
            answer = await client.post(
                f"{local.url}/api/alerts",
                content=happening.body,
                headers=signed(local, happening.way, happening.body),
            )
            said = f"answered {answer.status_code}"
            if answer.status_code < 500:
                if answer.is_success:
                    return
                raise FeedError(f"{happening.way.value}: the app {said}")
        except httpx.TransportError as error:
            said = type(error).__name__
        if time.monotonic() > deadline:
            raise FeedError(f"{happening.way.value}: the app does not answer ({said})")
        await asyncio.sleep(HTTP_PAUSE_S)


# The secrets of the senders that the story's webhooks come from, by setting.
STORY_SECRETS = frozenset({"LOGIC_APP_KEY", "SOAR_SECRET"})


def signed(local: Local, way: Way, body: bytes) -> dict[str, str]:
    """The headers by which a sender of the story's policy shows who it is."""
    if way is Way.KEY:
        return {"x-firewatch-key": local.secrets["LOGIC_APP_KEY"]}
    stamp = str(int(time.time()))
    message = stamp.encode() + b"." + body
    key = local.secrets["SOAR_SECRET"].encode()
    digest = hmac.new(key, message, hashlib.sha256).hexdigest()
    return {
        "x-firewatch-timestamp": stamp,
        "x-firewatch-signature": f"v1={digest}",
    }


def _producer(local: Local) -> EventHubProducerClient:
    return EventHubProducerClient.from_connection_string(
        local.hub, eventhub_name=local.hub_name
    )
