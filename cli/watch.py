"""How far the app is, and whether it is quiet: everything in, nothing left to do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from azure.eventhub.aio import EventHubProducerClient
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.queue.aio import QueueServiceClient

from cli.account import open_account
from shared.model.incident import IncidentStatus
from shared.store import reading

if TYPE_CHECKING:
    from types import TracebackType

    from devhost.local import Local
    from shared.model.incident import Incident

# A retry further off than this is not waited for.
SOON = timedelta(seconds=30)
CHECKPOINTS = "azure-webjobs-eventhub"
QUEUES = ("respond", "respond-poison")


class State(NamedTuple):
    """One look at everything; ``pending`` says what keeps it from being quiet."""

    read: int
    alerts: int
    incidents: int
    pending: str

    @property
    def is_quiet(self) -> bool:
        """Hub read to its end, queues empty, nothing dirty, no retry due soon."""
        return not self.pending


class Watch:
    """Looks at hub, queues and store from outside the app. An async context manager."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._partitions: list[str] = []

    async def __aenter__(self) -> Self:
        local = self._local
        self._storage = await open_account(local.storage)
        self._hub = EventHubProducerClient.from_connection_string(
            local.hub, eventhub_name=local.hub_name
        )
        self._checkpoints = BlobCheckpointStore.from_connection_string(
            local.storage, CHECKPOINTS
        )
        self._queues = QueueServiceClient.from_connection_string(local.storage)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in (self._hub, self._checkpoints, self._queues, self._storage):
            await client.close()

    async def look(self) -> State:
        """The state now. The order matters: what is behind is looked at last."""
        read, unread = await self._read()
        messages = await self._messages()
        found = await reading.incidents(self._storage.ledger)
        alerts = len(await reading.alerts(self._storage.ledger))
        live = [i for i in found if i.status is not IncidentStatus.MERGED]
        return State(read, alerts, len(live), _pending(unread, messages, live))

    async def _read(self) -> tuple[int, int]:
        """Events checkpointed, and events not yet."""
        if not self._partitions:
            # Each request is a connection of its own, 0.4 s; this answer never changes.
            self._partitions = await self._hub.get_partition_ids()
        parts = await asyncio.gather(
            *(self._hub.get_partition_properties(p) for p in self._partitions)
        )
        namespace = parts_namespace(self._local.hub)
        done = {
            checkpoint["partition_id"]: int(checkpoint["sequence_number"] or 0) + 1
            for checkpoint in await self._checkpoints.list_checkpoints(
                namespace, self._local.hub_name, self._local.consumer_group
            )
        }
        total = sum(int(part["last_enqueued_sequence_number"]) + 1 for part in parts)
        read = sum(done.values())
        return read, total - read

    async def _messages(self) -> int:
        """Messages of both queues, hidden ones too."""
        count = 0
        async for queue in self._queues.list_queues():
            if queue.name in QUEUES:
                client = self._queues.get_queue_client(queue.name)
                properties = await client.get_queue_properties()
                count += properties.approximate_message_count or 0
        return count


def _pending(unread: int, messages: int, incidents: list[Incident]) -> str:
    now = datetime.now(UTC)
    dirty = [i for i in incidents if i.is_dirty or i.lease is not None]
    waiting = [i for i in incidents if i.due is not None and not i.is_dirty]
    soon = [i for i in waiting if i.due is not None and i.due <= now + SOON]
    # Each incident that waits longer has a message hidden until then.
    messages -= len(waiting) - len(soon)
    for count, what in (
        (unread, "events unread"),
        (messages, "messages"),
        (len(dirty), "incidents to look at"),
        (len(soon), "retries due"),
    ):
        if count > 0:
            return f"{count} {what}"
    return ""


def parts_namespace(connection_string: str) -> str:
    """The namespace under which the SDK files the checkpoints of a hub."""
    for part in connection_string.split(";"):
        name, _, value = part.partition("=")
        if name == "Endpoint":
            return value.removeprefix("sb://").rstrip("/")
    return ""
