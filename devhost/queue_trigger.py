"""The queue trigger: messages in parallel, tried a few times, then set aside."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azure.core.exceptions import (
    AzureError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.functions import meta
from azure.functions.queue import QueueMessageInConverter
from azure.storage.queue.aio import QueueClient

from devhost.invocation import happens
from devhost.settings import STORAGE_RETRIES, SetupError, connection, resolve

if TYPE_CHECKING:
    from datetime import datetime

    from azure.storage.queue import QueueMessage

    from devhost.functions import Function
    from devhost.invocation import Invoker
    from devhost.settings import QueueSettings

# How long a message is hidden while its function runs; renewed at half time
# (azure-webjobs-sdk QueueListener).
HOLD_S = 600.0
# The least and the most a message can be hidden, in the service.
SHORTEST_HOLD_S = 1
# The first wait after an empty answer (azure-webjobs-sdk QueuePollingIntervals).
POLLING_FLOOR_S = 0.1
_log = logging.getLogger("devhost")


@dataclass(slots=True)
class HeldMessage:
    """A message that this host has taken, and the receipt that proves it."""

    message: QueueMessage
    receipt: str


class QueueListener:
    """
    Serves one queue function from one queue.

    Semantics of azure-webjobs-sdk QueueListener and QueueProcessor: batches of
    `batch_size`, a new one when no more than `new_batch_threshold` messages run;
    deleted on success, shown again after `visibility_timeout_s` on failure, moved to
    `<queue>-poison` at `max_dequeue_count`.
    """

    def __init__(
        self,
        function: Function,
        invoker: Invoker,
        *,
        settings: QueueSettings,
        hold_s: float = HOLD_S,
        polling_floor_s: float = POLLING_FLOOR_S,
    ) -> None:
        """Check the binding; SetupError when it cannot be served."""
        self.function = function
        self._invoker = invoker
        self._settings = settings
        self._hold_s = max(SHORTEST_HOLD_S, math.ceil(hold_s))
        self._floor_s = min(polling_floor_s, settings.max_polling_interval_s)
        where = f"function {function.name}"
        if function.retry:
            _log.warning("retry.ignored %s: queues have maxDequeueCount", where)
        self.queue_name = resolve(function.text("queueName"), where=where)
        self._connection = connection(function.text("connection"), where=where)
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the queue when it is missing, and begin to read; SetupError if not."""
        where = f"function {self.function.name}"
        try:
            self._queue = QueueClient.from_connection_string(
                self._connection, self.queue_name, **STORAGE_RETRIES
            )
            self._poison = QueueClient.from_connection_string(
                self._connection, f"{self.queue_name}-poison", **STORAGE_RETRIES
            )
        except ValueError as error:  # no connection string
            raise SetupError(f"{where}: {error}") from error
        try:
            await _create(self._queue)
        except AzureError as error:
            await self._close()
            raise SetupError(f"{where}: queue {self.queue_name}: {error}") from error
        self._polling = asyncio.create_task(self._poll())

    async def stop(self, *, grace_s: float) -> None:
        """
        Take no more messages and let those that run finish.

        One that does not finish within `grace_s` stays hidden until its hold is over,
        as on Azure, and then comes again.
        """
        self._stopping.set()
        if self._polling is None:
            return
        await asyncio.wait({self._polling}, timeout=grace_s)
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in (self._polling, *self._running):
            task.cancel()
        await asyncio.gather(self._polling, *self._running, return_exceptions=True)
        await self._close()

    async def status(self) -> dict[str, int]:
        """How many messages the queue and its poison queue hold, running ones too."""
        return {
            "messages": await _length(self._queue),
            "running": len(self._running),
            "poison": await _length(self._poison),
        }

    async def _close(self) -> None:
        await self._queue.close()
        await self._poison.close()

    async def _poll(self) -> None:
        wait_s = self._floor_s
        while not self._stopping.is_set():
            messages = await self._take()
            if messages:
                wait_s = self._floor_s
                await self._serve(messages)
            else:
                await happens(self._stopping, within_s=wait_s)
                wait_s = min(wait_s * 2, self._settings.max_polling_interval_s)

    async def _take(self) -> list[HeldMessage]:
        pages = self._queue.receive_messages(
            messages_per_page=self._settings.batch_size,
            visibility_timeout=self._hold_s,
        ).by_page()
        try:
            # One page is one request: iterating on would ask until the queue is empty.
            page = await anext(pages, None)
            if page is None:
                return []
            return [HeldMessage(m, m.pop_receipt or "") async for m in page]
        except AzureError as error:
            _log.warning("queue.error queue=%s error=%r", self.queue_name, error)
            return []

    async def _serve(self, messages: list[HeldMessage]) -> None:
        for held in messages:
            if self._stopping.is_set():
                await self._show_again(held, after_s=0)
                continue
            task = asyncio.create_task(self._run(held))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        while len(self._running) > self._settings.new_batch_threshold:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _run(self, held: HeldMessage) -> None:
        try:
            await self._process(held)
        except AzureError:
            # The storage account failed us: the message shows again by itself.
            _log.exception("queue.error queue=%s", self.queue_name)

    async def _process(self, held: HeldMessage) -> None:
        body = self._decode(held.message.content)
        # The host looks before it runs: it may have died at the last attempt.
        is_spent = _dequeue_count(held) > self._settings.max_dequeue_count
        if body is None or is_spent:
            await self._set_aside(held)
            return
        done = asyncio.Event()
        renewal = asyncio.create_task(self._keep_hidden(held, done))
        try:
            answer = await self._invoker.call(
                self.function, lambda: queue_message(held.message, body=body)
            )
        finally:
            done.set()
        # Never cancelled: a renewal cut short may have changed the receipt.
        await renewal
        if answer.error is None:
            await self._delete(held)
        elif _dequeue_count(held) >= self._settings.max_dequeue_count:
            await self._set_aside(held)
        else:
            await self._show_again(held, after_s=self._settings.visibility_timeout_s)

    async def _keep_hidden(self, held: HeldMessage, done: asyncio.Event) -> None:
        while not await happens(done, within_s=self._hold_s / 2):
            try:
                await self._hide(held, for_s=self._hold_s)
            except AzureError as error:
                _log.warning("queue.error queue=%s error=%r", self.queue_name, error)

    async def _hide(self, held: HeldMessage, *, for_s: float) -> None:
        updated = await self._queue.update_message(
            held.message.id, held.receipt, visibility_timeout=math.ceil(for_s)
        )
        held.receipt = updated.pop_receipt or held.receipt

    async def _show_again(self, held: HeldMessage, *, after_s: float) -> None:
        try:
            await self._hide(held, for_s=after_s)
        except ResourceNotFoundError:
            _log.debug("queue.lost queue=%s id=%s", self.queue_name, held.message.id)

    async def _delete(self, held: HeldMessage) -> None:
        try:
            await self._queue.delete_message(held.message.id, held.receipt)
        except ResourceNotFoundError:
            # Its hold ran out and someone else has it: it is theirs to delete.
            _log.debug("queue.lost queue=%s id=%s", self.queue_name, held.message.id)

    async def _set_aside(self, held: HeldMessage) -> None:
        _log.warning(
            "queue.poison queue=%s id=%s count=%d",
            self.queue_name,
            held.message.id,
            _dequeue_count(held),
        )
        try:
            await self._poison.send_message(held.message.content)
        except ResourceNotFoundError:
            await _create(self._poison)
            await self._poison.send_message(held.message.content)
        await self._delete(held)

    def _decode(self, content: str) -> bytes | None:
        """The body; None for a text that is not in the encoding of host.json."""
        if not self._settings.is_base64:
            return content.encode()
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            return None


def queue_message(message: QueueMessage, *, body: bytes) -> object:
    """The `func.QueueMessage` of a message, by azure.functions' own converter."""
    try:
        data = meta.Datum(body.decode(), "string")
    except UnicodeDecodeError:
        data = meta.Datum(body, "bytes")
    values: dict[str, object] = {
        "Id": message.id,
        "DequeueCount": message.dequeue_count,
        "ExpirationTime": _iso(message.expires_on),
        "InsertionTime": _iso(message.inserted_on),
        "NextVisibleTime": _iso(message.next_visible_on),
        "PopReceipt": message.pop_receipt,
    }
    metadata = {
        name: meta.Datum(json.dumps(value), "json")
        for name, value in values.items()
        if value is not None
    }
    converted: object = QueueMessageInConverter.decode(data, trigger_metadata=metadata)
    return converted


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _dequeue_count(held: HeldMessage) -> int:
    return held.message.dequeue_count or 0


async def _create(queue: QueueClient) -> None:
    with contextlib.suppress(ResourceExistsError):
        await queue.create_queue()


async def _length(queue: QueueClient) -> int:
    try:
        properties = await queue.get_queue_properties()
    except ResourceNotFoundError:
        return 0
    return properties.approximate_message_count or 0
