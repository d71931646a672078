"""The Event Hub trigger: batches in order, a checkpoint after each, come what may."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.eventhub.aio import EventHubConsumerClient
from azure.eventhub.exceptions import EventHubError
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob.aio import ContainerClient

from devhost.hub_events import event_batch
from devhost.settings import STORAGE_RETRIES, SetupError, connection, resolve

if TYPE_CHECKING:
    from azure.eventhub import EventData
    from azure.eventhub.aio import PartitionContext

    from devhost.functions import Function
    from devhost.invocation import Invoker
    from devhost.settings import HubSettings

# Where the real host keeps checkpoints and leases too
# (azure-sdk-for-net EventHubClientFactory).
CHECKPOINT_CONTAINER = "azure-webjobs-eventhub"
BEFORE_THE_FIRST = "-1"
LOAD_BALANCING_S = 1.0
_log = logging.getLogger("devhost")


def is_local(connection_string: str) -> bool:
    """
    Whether a connection string means an emulator or our stand-in, by the SDK's rule.

    The value must be exactly `true`: with `True` the SDK would speak TLS to a hub.
    """
    parts = (part.partition("=") for part in connection_string.split(";"))
    return any(
        key.strip().lower() == "usedevelopmentemulator" and value.strip() == "true"
        for key, _, value in parts
    )


def check_consumer_group(
    *, group: str, connection_string: str, named: str | None, where: str
) -> None:
    """
    Refuse to read a real hub in a group that nobody named for this purpose.

    The SDK's processor takes partitions from whoever reads in the same group, so in
    `$Default` or in production's group it would throw production off. Raises
    SetupError.
    """
    if is_local(connection_string):
        return
    if group.lower() == "$default":
        raise SetupError(
            f"{where}: reading $Default of a real Event Hub would take its partitions "
            "from production; make a consumer group for yourself, bind it, and name "
            "it with --consumer-group"
        )
    if group != named:
        raise SetupError(
            f"{where}: it reads consumer group {group!r} of a real Event Hub, but "
            f"--consumer-group names {named!r}"
        )


class HubListener:
    """
    Serves one Event Hub function from one hub.

    Semantics of azure-sdk-for-net EventHubListener.PartitionProcessor: one batch in
    flight per partition, in order; the checkpoint advances whether or not the
    function succeeded, once its retries are over; it does not when the host stops or
    the partition is lost first.
    """

    def __init__(
        self,
        function: Function,
        invoker: Invoker,
        *,
        settings: HubSettings,
        consumer_group: str | None = None,
        ownership_expiry_s: float = 5.0,
    ) -> None:
        """Check the binding; SetupError when it cannot be served."""
        self.function = function
        self._invoker = invoker
        self._settings = settings
        self._where = f"function {function.name}"
        if str(function.trigger.get("cardinality") or "many").lower() != "many":
            raise SetupError(f"{self._where}: devhost serves cardinality MANY only")
        self._is_binary = function.text("dataType").upper() == "BINARY"
        self.hub_name = resolve(function.text("eventHubName"), where=self._where)
        self._group = (
            resolve(function.text("consumerGroup"), where=self._where) or "$Default"
        )
        self._connection = connection(function.text("connection"), where=self._where)
        self._storage = connection("AzureWebJobsStorage", where=self._where)
        check_consumer_group(
            group=self._group,
            connection_string=self._connection,
            named=consumer_group,
            where=self._where,
        )
        self._ownership_expiry_s = ownership_expiry_s
        self._stopping = asyncio.Event()
        self._batches: dict[asyncio.Task[bool], asyncio.Event] = {}
        self._checkpointed: dict[str, int | None] = {}
        self._store: BlobCheckpointStore | None = None
        self._client: EventHubConsumerClient | None = None
        self._receiving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """
        Make the checkpoint container, find the hub, and begin to read.

        Raises SetupError when the hub or the storage account does not answer.
        """
        try:
            await self._make_container()
            self._store = BlobCheckpointStore.from_connection_string(
                self._storage, CHECKPOINT_CONTAINER, **STORAGE_RETRIES
            )
            self._client = EventHubConsumerClient.from_connection_string(
                self._connection,
                consumer_group=self._group,
                eventhub_name=self.hub_name,
                checkpoint_store=self._store,
                load_balancing_interval=LOAD_BALANCING_S,
                partition_ownership_expiration_interval=self._ownership_expiry_s,
            )
            for partition_id in await self._client.get_partition_ids():
                self._checkpointed[partition_id] = None
        except (AzureError, EventHubError, ValueError) as error:
            await self._close()
            raise SetupError(
                f"{self._where}: hub {self.hub_name} cannot be read: {error}"
            ) from error
        self._receiving = asyncio.create_task(
            self._client.receive_batch(
                self._receive,
                on_error=self._report,
                on_partition_initialize=self._begin,
                max_batch_size=self._settings.max_event_batch_size,
                prefetch=self._settings.prefetch_count,
                starting_position=BEFORE_THE_FIRST,
            )
        )

    async def stop(self, *, grace_s: float) -> None:
        """
        Take no more batches, let those that run finish, and release the partitions.

        As on Azure, a batch that ends only now is not checkpointed: it comes again.
        """
        self._stopping.set()
        receiving, self._receiving = self._receiving, None
        if receiving is None:
            return
        for over in self._batches.values():
            over.set()
        if self._batches:
            await asyncio.wait(set(self._batches), timeout=grace_s)
        await self._close()
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)

    def partitions(self) -> dict[str, dict[str, int | None]]:
        """Each partition's last checkpointed sequence number; None before the first."""
        return {
            partition_id: {"sequence_number": number}
            for partition_id, number in self._checkpointed.items()
        }

    async def _close(self) -> None:
        if self._client:
            await self._client.close()
        if self._store:
            await self._store.__aexit__(None, None, None)

    async def _make_container(self) -> None:
        container = ContainerClient.from_connection_string(
            self._storage, CHECKPOINT_CONTAINER, **STORAGE_RETRIES
        )
        async with container:
            with contextlib.suppress(ResourceExistsError):
                await container.create_container()

    async def _begin(self, partition: PartitionContext) -> None:
        if self._store is None:
            return
        for checkpoint in await self._store.list_checkpoints(
            partition.fully_qualified_namespace,
            partition.eventhub_name,
            partition.consumer_group,
        ):
            self._checkpointed[checkpoint["partition_id"]] = int(
                checkpoint["sequence_number"]
            )

    async def _receive(
        self, partition: PartitionContext, events: list[EventData]
    ) -> None:
        if self._stopping.is_set():
            # Taken from the link, but nobody will run it: hold it until the client
            # closes, so that no later batch of this partition is checkpointed.
            await asyncio.Event().wait()
        over = asyncio.Event()
        task = asyncio.create_task(self._run(partition, events, over))
        self._batches[task] = over
        task.add_done_callback(self._batches.pop)
        try:
            # When the partition is taken away the SDK cancels this. The function goes
            # on, for the worker has no way to stop one, but nothing is checkpointed.
            if await asyncio.shield(task):
                return
        except asyncio.CancelledError:
            over.set()
            raise
        await asyncio.Event().wait()

    async def _run(
        self, partition: PartitionContext, events: list[EventData], over: asyncio.Event
    ) -> bool:
        is_done = await self._invoker.call_until_done(
            self.function,
            lambda: event_batch(events, partition=partition, is_binary=self._is_binary),
            stopping=over,
        )
        if not is_done or over.is_set():
            return False
        await self._checkpoint(partition, events[-1])
        return True

    async def _checkpoint(self, partition: PartitionContext, last: EventData) -> None:
        try:
            await partition.update_checkpoint(last)
        except AzureError:
            _log.exception("checkpoint.failed partition=%s", partition.partition_id)
            return
        self._checkpointed[partition.partition_id] = last.sequence_number

    async def _report(
        self, partition: PartitionContext | None, error: Exception
    ) -> None:
        # The SDK calls this with no partition when claiming partitions failed.
        _log.warning(
            "hub.error hub=%s partition=%s error=%r",
            self.hub_name,
            partition.partition_id if partition else None,
            error,
        )
