"""Opening the storage account: the async clients of its three services."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Callable, Iterator
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

    ``ledger``, ``history``, ``blobs`` and ``archive`` are there after ``open``; the
    client behind ``queue`` is made when there is something to send.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._closers: list[Any] = []
        self._credential: Any = None
        self.ledger: Ledger
        self.history: History
        self.blobs: AzureBlobs
        self.archive: Archive
        self.queue = AzureQueue(self._queue_client)

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
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        tables = self._tables_client()
        table = AzureTable(tables.get_table_client(TABLE), self._clock)
        try:
            # What a new worker imports for blobs comes in while the first answer does.
            found, _ = await asyncio.gather(
                table.get(META_PARTITION, [META_ROW]), asyncio.to_thread(_blobs_sdk)
            )
            container = self._blobs_client().get_container_client(CONTAINER)
            if not found:
                await self._create(tables, container, table)
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
        return self

    async def close(self) -> None:
        """Close every client."""
        for client in self._closers:
            await client.close()
        self._closers.clear()

    def _tables_client(self) -> Any:  # noqa: ANN401  only known once imported
        return self._client(_tables_sdk(), self._settings.table_uri, **_PATIENCE)

    def _blobs_client(self) -> Any:  # noqa: ANN401
        return self._client(_blobs_sdk(), self._settings.blob_uri, **_PAUSES)

    def _queue_client(self) -> Any:  # noqa: ANN401
        sdk, encoding = _queue_sdk()
        options = _PAUSES | {"message_encode_policy": encoding()}
        return self._client(sdk, self._settings.queue_uri, QUEUE, **options)

    def _client(self, sdk: Any, uri: str, *names: str, **options: Any) -> Any:  # noqa: ANN401
        """A client of one service, closed with the others.

        Raises SettingsError when the connection string is none.
        """
        text = self._settings.connection_string
        try:
            if text is None:
                made = sdk(uri, *names, credential=self._identity(), **options)
            else:
                made = sdk.from_connection_string(text.reveal(), *names, **options)
        except ValueError:
            problem = "AzureWebJobsStorage: is not a storage connection string"
            raise SettingsError([problem]) from None
        self._closers.append(made)
        return made

    def _identity(self) -> Any:  # noqa: ANN401
        if self._credential is None:
            self._credential = _identity_sdk()(
                managed_identity_client_id=self._settings.client_id or None
            )
            self._closers.append(self._credential)
        return self._credential

    async def _create(
        self,
        tables: Any,  # noqa: ANN401
        container: Any,  # noqa: ANN401
        table: AzureTable,
    ) -> None:
        await asyncio.gather(
            _ensure(tables.create_table(TABLE)),
            _ensure(tables.create_table(HISTORY)),
            _ensure(container.create_container()),
            _ensure(self.queue.create()),
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


def _tables_sdk() -> Any:  # noqa: ANN401
    with _importing():
        # Clients import it when they are made.
        from azure.core.pipeline.transport import AioHttpTransport  # noqa: F401, PLC0415
        from azure.data.tables.aio import TableServiceClient  # noqa: PLC0415

    return TableServiceClient


def _blobs_sdk() -> Any:  # noqa: ANN401
    with _importing():
        from azure.storage.blob.aio import BlobServiceClient  # noqa: PLC0415

    return BlobServiceClient


def _queue_sdk() -> tuple[Any, Any]:
    with _importing():
        from azure.storage.queue import TextBase64EncodePolicy  # noqa: PLC0415
        from azure.storage.queue.aio import QueueClient  # noqa: PLC0415

    return QueueClient, TextBase64EncodePolicy


def _identity_sdk() -> Any:  # noqa: ANN401
    with _importing():
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415

    return DefaultAzureCredential


@contextlib.contextmanager
def _importing() -> Iterator[None]:
    """Keep the garbage collector off what is imported here, for good.

    While the SDKs come in it would look through all modules again and again, a seventh
    of the time to the first event; and modules never are garbage.
    """
    known, was_on = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        if was_on:
            gc.enable()


async def _ensure(creation: Any) -> None:  # noqa: ANN401
    """Create what may be there already."""
    from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

    with contextlib.suppress(ResourceExistsError):
        await creation
