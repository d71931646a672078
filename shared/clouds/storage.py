"""Opening the storage account: the async clients of its three services."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared.model.errors import SettingsError, StoreConflict, StoreUnavailable
from shared.store.archive import Archive
from shared.store.blobs import AzureBlobs
from shared.store.history import History
from shared.store.ledger import META_PARTITION, META_ROW, Ledger
from shared.store.ports import Put
from shared.store.queues import AzureQueue
from shared.store.tables import AzureTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.settings import Settings
    from shared.store.ports import Row

TABLE = "work"
HISTORY = "history"
CONTAINER = "firewatch"
QUEUE = "respond"

# Sixteen was the best of those measured (decision 0001).
PARTITIONS = 16

# The platform runs a batch again and the queue gives a message again; retries here only
# bridge a hiccup, or one outage would be waited out at two levels.
_PATIENCE: dict[str, Any] = {
    "retry_total": 3,
    "retry_backoff_factor": 0.3,
    "connection_timeout": 5,
    "read_timeout": 20,
}

# Blobs and queue reckon their pauses by names of their own; the first would be 15 s.
_PAUSES: dict[str, Any] = _PATIENCE | {
    "initial_backoff": 1,
    "increment_base": 2,
    "random_jitter_range": 1,
}


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The ``meta`` row: what was fixed when the first row was written.

    ``history`` says that the second table was made; versions up to 0.1 had none.
    """

    partitions: int
    history: bool = False


class Storage:
    """Everything that is kept, opened once per process; ``close`` when done.

    ``ledger``, ``history``, ``blobs``, ``archive`` and ``queue`` are there after
    ``open``.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._closers: list[Any] = []
        self.ledger: Ledger
        self.history: History
        self.blobs: AzureBlobs
        self.archive: Archive
        self.queue: AzureQueue

    async def open(self) -> Storage:
        """Connect, and create what is missing at the very first start.

        Raises StoreUnavailable when the account does not answer, SettingsError when the
        connection string is none.
        """
        try:
            return await self._opened()
        except BaseException:
            # The hub tries again for ever: a set of clients a try would pile up.
            await self.close()
            raise

    async def _opened(self) -> Storage:
        # Imported here: the three SDKs cost a quarter of a second (review 0).
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        try:
            tables, blobs, queue = self._clients()
        except ValueError:
            problem = "AzureWebJobsStorage: is not a storage connection string"
            raise SettingsError([problem]) from None
        self._closers += [tables, blobs, queue]
        table = AzureTable(tables.get_table_client(TABLE), self._clock)
        container = blobs.get_container_client(CONTAINER)
        try:
            found = await table.get(META_PARTITION, [META_ROW])
            if not found:
                await self._create(tables, container, queue, table)
                found = await table.get(META_PARTITION, [META_ROW])
            layout = msgspec.json.decode(found[META_ROW].doc, type=Layout)
            if not layout.history:
                await self._add_history(tables, table, found[META_ROW], layout)
        except AzureError as error:
            raise StoreUnavailable(f"storage: {type(error).__name__}") from error
        self.ledger = Ledger(table, layout.partitions)
        past = tables.get_table_client(HISTORY)
        self.history = History(AzureTable(past, self._clock))
        self.blobs = AzureBlobs(container)
        self.archive = Archive(self.blobs)
        self.queue = AzureQueue(queue)
        return self

    async def close(self) -> None:
        """Close every client."""
        for client in self._closers:
            await client.close()
        self._closers.clear()

    def _clients(self) -> tuple[Any, Any, Any]:
        sdks = _sdks()
        encoding: dict[str, Any] = {"message_encode_policy": sdks.encoding()}
        settings = self._settings
        if settings.connection_string is not None:
            text = settings.connection_string.reveal()
            return (
                sdks.tables.from_connection_string(text, **_PATIENCE),
                sdks.blobs.from_connection_string(text, **_PAUSES),
                sdks.queue.from_connection_string(text, QUEUE, **encoding, **_PAUSES),
            )
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415

        credential = DefaultAzureCredential(
            managed_identity_client_id=settings.client_id or None
        )
        self._closers.append(credential)
        opened: dict[str, Any] = {"credential": credential}
        return (
            sdks.tables(settings.table_uri, **opened, **_PATIENCE),
            sdks.blobs(settings.blob_uri, **opened, **_PAUSES),
            sdks.queue(settings.queue_uri, QUEUE, **encoding, **opened, **_PAUSES),
        )

    async def _create(
        self,
        tables: Any,  # noqa: ANN401  clients are only known once imported
        container: Any,  # noqa: ANN401
        queue: Any,  # noqa: ANN401
        table: AzureTable,
    ) -> None:
        await asyncio.gather(
            _ensure(tables.create_table(TABLE)),
            _ensure(tables.create_table(HISTORY)),
            _ensure(container.create_container()),
            _ensure(queue.create_queue()),
        )
        doc = msgspec.json.encode(Layout(partitions=PARTITIONS, history=True))
        # Another worker may have started at the same moment; its number holds.
        with contextlib.suppress(StoreConflict):
            await table.commit(META_PARTITION, [Put(META_ROW, doc)])

    async def _add_history(
        self,
        tables: Any,  # noqa: ANN401
        table: AzureTable,
        meta: Row,
        layout: Layout,
    ) -> None:
        """Make the second table for an account that began without."""
        await _ensure(tables.create_table(HISTORY))
        doc = msgspec.json.encode(msgspec.structs.replace(layout, history=True))
        with contextlib.suppress(StoreConflict):
            await table.commit(META_PARTITION, [Put(META_ROW, doc, meta.etag)])


class _Sdks(NamedTuple):
    """The classes of the SDKs that are used here."""

    tables: Any
    blobs: Any
    queue: Any
    encoding: Any


@functools.cache
def _sdks() -> _Sdks:
    """Import the three SDKs, which is most of what a new worker does.

    Meanwhile the garbage collector rests. It would look through every module that is
    there, again and again, which takes a seventh of the time to the first event; and no
    module is ever garbage, so it need not look at any of them later either.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        from azure.data.tables.aio import TableServiceClient  # noqa: PLC0415
        from azure.storage.blob.aio import BlobServiceClient  # noqa: PLC0415
        from azure.storage.queue import TextBase64EncodePolicy  # noqa: PLC0415
        from azure.storage.queue.aio import QueueClient  # noqa: PLC0415
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
    return _Sdks(
        TableServiceClient, BlobServiceClient, QueueClient, TextBase64EncodePolicy
    )


async def _ensure(creation: Any) -> None:  # noqa: ANN401
    """Create what may be there already."""
    from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

    with contextlib.suppress(ResourceExistsError):
        await creation
