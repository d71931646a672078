"""One suite for the fake queue and for Azure's adapter over Azurite."""

from __future__ import annotations

import base64
import contextlib
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from shared.model.errors import StoreLimit, StoreUnavailable
from shared.store import messages
from shared.store.queues import LONGEST_MESSAGE, AzureQueue
from tests.fakes.store import FakeQueue, Faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.storage import Azurite
    from shared.store.ports import Queue


class Probe:
    """A queue, and how its reader sees it."""

    def __init__(self, queue: Queue, client: QueueClient | None = None) -> None:
        self.queue = queue
        self._client = client

    async def visible(self) -> list[bytes]:
        """The bodies that a reader gets now, as the Functions host decodes them."""
        if isinstance(self.queue, FakeQueue):
            return [m.body for m in iter(self.queue.receive, None)]
        assert self._client is not None
        return [
            base64.b64decode(message.content)
            async for message in self._client.receive_messages(max_messages=32)
        ]


@pytest.fixture(params=["fake", "azurite"])
async def probe(request: pytest.FixtureRequest) -> AsyncIterator[Probe]:
    """An empty queue of each kind."""
    if request.param == "fake":
        yield Probe(FakeQueue())
        return
    storage: Azurite = request.getfixturevalue("azurite")
    name = f"q{uuid.uuid4().hex}"
    text = storage.connection_string
    async with (
        QueueClient.from_connection_string(
            text, name, message_encode_policy=TextBase64EncodePolicy()
        ) as sender,
        QueueClient.from_connection_string(text, name) as reader,
    ):
        await sender.create_queue()
        yield Probe(AzureQueue(lambda: sender), reader)


async def test_messages_arrive_as_the_host_reads_them(probe: Probe) -> None:
    """Base64 of the bytes that were sent, once."""
    await probe.queue.send(messages.encode(["0a" * 8]))

    assert await probe.visible() == [b'{"incidents":["0a0a0a0a0a0a0a0a"]}']
    assert await probe.visible() == []


async def test_a_delayed_message_is_hidden(probe: Probe) -> None:
    """A retry that is due later does not come now."""
    await probe.queue.send(b"later", delay=timedelta(minutes=5))
    await probe.queue.send(b"now")

    assert await probe.visible() == [b"now"]


async def test_the_fullest_message_fits(probe: Probe) -> None:
    """Five hundred incidents, and the limit to the byte."""
    full = messages.encode([f"{n:016x}" for n in range(messages.IDS_PER_MESSAGE)])
    await probe.queue.send(full)
    await probe.queue.send(b"x" * LONGEST_MESSAGE)

    assert sorted(map(len, await probe.visible())) == sorted(
        [len(full), LONGEST_MESSAGE]
    )


async def test_a_message_too_long_is_a_limit(probe: Probe) -> None:
    """A bug of ours is named as one."""
    with pytest.raises(StoreLimit):
        await probe.queue.send(b"x" * (LONGEST_MESSAGE + 1))

    assert await probe.visible() == []


@pytest.mark.parametrize("kind", ["fake", "azure"])
async def test_a_store_that_does_not_answer_is_unavailable(kind: str) -> None:
    """No exception of the SDK comes through."""
    async with contextlib.AsyncExitStack() as stack:
        queue: Queue
        if kind == "fake":
            faults = Faults()
            faults.go_down()
            queue = FakeQueue(faults=faults)
        else:
            client = QueueClient.from_connection_string(
                "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
                "QueueEndpoint=http://127.0.0.1:9/a;",
                "respond",
                retry_total=0,
                message_encode_policy=TextBase64EncodePolicy(),
            )
            await stack.enter_async_context(client)
            queue = AzureQueue(lambda: client)

        with pytest.raises(StoreUnavailable):
            await queue.send(b"{}")
