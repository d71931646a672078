"""The queue trigger against a real Azurite."""

from __future__ import annotations

import asyncio
import base64
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from azure.storage.queue.aio import QueueClient

from devhost.functions import Function
from devhost.invocation import Invoker
from devhost.queue_trigger import QueueListener
from devhost.settings import QueueSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import azure.functions as func

    from devhost.storage import Azurite

IN_TIME_S = 20


@dataclass
class Served:
    """A queue, its poison queue, and the host that serves it."""

    queue: QueueClient
    poison: QueueClient
    listener: QueueListener
    invoker: Invoker

    async def send(self, body: bytes) -> None:
        await self.queue.send_message(base64.b64encode(body).decode())

    async def poisoned(self) -> list[bytes]:
        return [
            base64.b64decode(message.content)
            async for message in self.poison.receive_messages()
        ]

    async def stop(self) -> None:
        await self.listener.stop(grace_s=IN_TIME_S)


@asynccontextmanager
async def _serving(
    azurite: Azurite,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., object],
    *,
    settings: QueueSettings | None = None,
    hold_s: float = 600,
) -> AsyncIterator[Served]:
    """Serve a new queue with one function; polling is quick, so no test waits long."""
    monkeypatch.setenv("Store", azurite.connection_string)
    name = f"q-{uuid.uuid4()}"
    trigger = {
        "type": "queueTrigger",
        "name": "message",
        "queueName": name,
        "connection": "Store",
    }
    function = Function(name="f", call=call, trigger=trigger)
    invoker = Invoker([function])
    listener = QueueListener(
        function,
        invoker,
        settings=settings or QueueSettings(max_polling_interval_s=0.05),
        hold_s=hold_s,
    )
    queue = QueueClient.from_connection_string(azurite.connection_string, name)
    poison = QueueClient.from_connection_string(
        azurite.connection_string, f"{name}-poison"
    )
    async with queue, poison:
        await listener.start()
        try:
            yield Served(queue, poison, listener, invoker)
        finally:
            await listener.stop(grace_s=IN_TIME_S)
            invoker.close()


def _into(queue: asyncio.Queue[func.QueueMessage]) -> Callable[..., object]:
    """Make a function that does nothing but show its message to the test."""

    async def call(message: func.QueueMessage) -> None:
        queue.put_nowait(message)

    return call


async def test_a_message_is_run_and_deleted(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing queue is made; a message arrives as the worker gives it, then goes."""
    got: asyncio.Queue[func.QueueMessage] = asyncio.Queue()

    async with _serving(azurite, monkeypatch, _into(got)) as served:
        await served.send(b'{"n": 1}')
        message = await asyncio.wait_for(got.get(), IN_TIME_S)
        await served.stop()
        left = await served.queue.get_queue_properties()

    assert message.get_body() == b'{"n": 1}'
    assert message.get_json() == {"n": 1}
    assert message.dequeue_count == 1
    assert message.id
    assert message.pop_receipt
    assert message.insertion_time is not None
    assert message.expiration_time is not None
    assert message.expiration_time > message.insertion_time
    assert message.insertion_time.utcoffset() is not None
    assert left.approximate_message_count == 0


async def test_a_binary_body_survives(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are no text arrive unchanged."""
    got: asyncio.Queue[func.QueueMessage] = asyncio.Queue()

    async with _serving(azurite, monkeypatch, _into(got)) as served:
        await served.send(bytes(range(256)))
        message = await asyncio.wait_for(got.get(), IN_TIME_S)

    assert message.get_body() == bytes(range(256))


async def test_without_encoding_the_text_is_the_body(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With messageEncoding none nothing is decoded."""
    got: asyncio.Queue[func.QueueMessage] = asyncio.Queue()
    settings = QueueSettings(is_base64=False, max_polling_interval_s=0.05)

    async with _serving(azurite, monkeypatch, _into(got), settings=settings) as served:
        await served.queue.send_message("plain ✓")
        message = await asyncio.wait_for(got.get(), IN_TIME_S)

    assert message.get_body() == "plain ✓".encode()


async def test_a_failing_message_is_set_aside(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried maxDequeueCount times, then moved to the poison queue, once."""
    counts: list[int] = []
    last: asyncio.Queue[None] = asyncio.Queue()

    async def call(message: func.QueueMessage) -> None:
        counts.append(message.dequeue_count or 0)
        if len(counts) == 3:
            last.put_nowait(None)
        raise OSError(message.id)

    settings = QueueSettings(max_dequeue_count=3, max_polling_interval_s=0.05)
    async with _serving(azurite, monkeypatch, call, settings=settings) as served:
        await served.send(b"poison")
        await asyncio.wait_for(last.get(), IN_TIME_S)
        await served.stop()
        poisoned = await served.poisoned()
        left = await served.queue.get_queue_properties()

    assert counts == [1, 2, 3]
    assert poisoned == [b"poison"]
    assert left.approximate_message_count == 0
    assert served.invoker.counts()["f"]["failed"] == 3


async def test_a_message_in_another_encoding_is_set_aside_unrun(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that is not base64 goes to the poison queue and holds up nothing."""
    got: asyncio.Queue[func.QueueMessage] = asyncio.Queue()

    async with _serving(azurite, monkeypatch, _into(got)) as served:
        await served.queue.send_message("{not base64}")
        await served.send(b"good")
        message = await asyncio.wait_for(got.get(), IN_TIME_S)
        await served.stop()
        poisoned = [m.content async for m in served.poison.receive_messages()]

    assert message.get_body() == b"good"
    assert poisoned == ["{not base64}"]


async def test_a_message_spent_by_dying_hosts_is_not_run(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that died at the last attempt left nobody to set the message aside."""
    ran: asyncio.Queue[func.QueueMessage] = asyncio.Queue()
    settings = QueueSettings(max_dequeue_count=1, max_polling_interval_s=0.05)

    async with _serving(azurite, monkeypatch, _into(ran), settings=settings) as served:
        await served.stop()
        await served.send(b"spent")
        taken = await served.queue.receive_message(visibility_timeout=600)
        assert taken is not None
        await served.queue.update_message(taken, visibility_timeout=0)
        again = QueueListener(
            served.listener.function, served.invoker, settings=settings
        )
        await served.send(b"marker")
        await again.start()
        message = await asyncio.wait_for(ran.get(), IN_TIME_S)
        await again.stop(grace_s=IN_TIME_S)
        poisoned = await served.poisoned()

    assert message.get_body() == b"marker"
    assert poisoned == [b"spent"]


async def test_a_long_run_keeps_its_message(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message stays hidden for as long as its function runs, past its hold."""
    begun: asyncio.Queue[None] = asyncio.Queue()
    may_end = asyncio.Event()
    hold_s = 1

    async def call(message: func.QueueMessage) -> None:
        begun.put_nowait(None)
        await may_end.wait()
        assert message.dequeue_count == 1

    async with _serving(azurite, monkeypatch, call, hold_s=hold_s) as served:
        await served.send(b"long")
        await asyncio.wait_for(begun.get(), IN_TIME_S)
        # Nothing but the passing of three holds can show that it was renewed.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(begun.get(), 3 * hold_s)
        may_end.set()
        await served.stop()
        left = await served.queue.get_queue_properties()

    assert served.invoker.counts()["f"] == {"succeeded": 1, "failed": 0, "running": 0}
    assert left.approximate_message_count == 0


async def test_messages_run_side_by_side_up_to_the_batch(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No new batch is taken while more than the threshold run."""
    begun: asyncio.Queue[str] = asyncio.Queue()
    may_end = asyncio.Event()

    async def call(message: func.QueueMessage) -> None:
        begun.put_nowait(message.get_body().decode())
        await may_end.wait()

    settings = QueueSettings(
        batch_size=4, new_batch_threshold=2, max_polling_interval_s=0.05
    )
    async with _serving(azurite, monkeypatch, call, settings=settings) as served:
        await served.stop()
        for number in range(10):
            await served.send(str(number).encode())
        again = QueueListener(
            served.listener.function, served.invoker, settings=settings
        )
        await again.start()
        first = [await asyncio.wait_for(begun.get(), IN_TIME_S) for _ in range(4)]
        status = await again.status()
        may_end.set()
        rest = [await asyncio.wait_for(begun.get(), IN_TIME_S) for _ in range(6)]
        await again.stop(grace_s=IN_TIME_S)

    assert status == {"messages": 10, "running": 4, "poison": 0}
    assert sorted(first + rest) == [str(number) for number in range(10)]


async def test_a_failed_message_waits_for_its_next_attempt(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VisibilityTimeout is the time between a failure and the next attempt."""
    at: asyncio.Queue[float] = asyncio.Queue()

    async def call(message: func.QueueMessage) -> None:
        at.put_nowait(asyncio.get_running_loop().time())
        if message.dequeue_count == 1:
            raise OSError(message.id)

    settings = QueueSettings(visibility_timeout_s=2, max_polling_interval_s=0.05)
    async with _serving(azurite, monkeypatch, call, settings=settings) as served:
        await served.send(b"twice")
        first, second = [await asyncio.wait_for(at.get(), IN_TIME_S) for _ in range(2)]

    # Azurite counts in whole seconds.
    assert second - first > 1


async def test_a_run_that_outlasts_the_stop_leaves_its_message(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message whose run was cut off by the end of the host is still there."""
    begun: asyncio.Queue[None] = asyncio.Queue()

    async def call(message: func.QueueMessage) -> None:  # noqa: ARG001
        begun.put_nowait(None)
        await asyncio.Event().wait()

    async with _serving(azurite, monkeypatch, call) as served:
        await served.send(b"unfinished")
        await asyncio.wait_for(begun.get(), IN_TIME_S)
        await served.listener.stop(grace_s=0.01)
        left = await served.queue.get_queue_properties()

    assert left.approximate_message_count == 1
