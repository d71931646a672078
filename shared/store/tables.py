"""Azure Table Storage as the core's ``Table``."""

from __future__ import annotations

import asyncio
import http.client
import uuid
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.core.rest import HttpRequest

from shared.model.errors import RowExists, StoreConflict, StoreLimit, StoreUnavailable
from shared.store import limits, transactions
from shared.store.ports import Put, Row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableClient

    from shared.store.ports import Write

# More at once were reset by the emulator (review 2), and buy nothing from the service.
IN_FLIGHT = 16

_TAKEN = 202
_EXISTS = 409
_CONFLICTS = frozenset({404, 412})


class AzureTable:
    """Rows of one table. A row is one JSON document in the columns doc0, doc1, ...

    Give it an open client; it is closed with the client.
    """

    def __init__(self, client: TableClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        account = client.url.partition("?")[0].rstrip("/")
        self._batch = f"{account}/$batch"
        self._url = f"{account}/{client.table_name}"
        self._clock = clock
        self._ahead = timedelta(0)
        self._gate = asyncio.Semaphore(IN_FLIGHT)

    async def get(self, partition: str, keys: Collection[str]) -> dict[str, Row]:
        found = await asyncio.gather(*(self._get(partition, key) for key in keys))
        return {row.key: row for row in found if row is not None}

    async def scan(
        self, partition: str, first: str, last: str, *, limit: int | None = None
    ) -> list[Row]:
        for key in (partition, first, last):
            limits.check_key(key)
        query = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        rows: list[Row] = []
        async with self._gate, _translated():
            pages = self._client.query_entities(
                query,
                parameters={"partition": partition, "first": first, "last": last},
                results_per_page=min(limit or 1000, 1000),
                raw_response_hook=self._note_time,
            )
            async for entity in pages:
                rows.append(_row(entity))
                if limit is not None and len(rows) >= limit:
                    break
        return rows

    async def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        limits.check(partition, writes)
        asked = transactions.request(
            self._url, partition, writes, border=uuid.uuid4().hex
        )
        async with self._gate, _translated():
            # The SDK's own pipeline, with its sign-in and retries; what it would make
            # of the rows, and of the answer, is left out.
            answer = await self._client._client.send_request(  # noqa: SLF001
                HttpRequest(
                    "POST",
                    self._batch,
                    headers=dict(asked.headers),
                    content=asked.content,
                ),
                # Else the pipeline would try to decode it, and knows no multipart.
                stream=True,
                raw_response_hook=self._note_time,
            )
            await answer.read()
        if answer.status_code != _TAKEN:
            raise _failure(answer.status_code)
        parts = transactions.answers(answer.content, writes)
        if len(parts) < len(writes) or parts[0].status // 100 != 2:
            raise _failure(parts[0].status)
        return {
            write.key: part.etag
            for write, part in zip(writes, parts, strict=True)
            if isinstance(write, Put)
        }

    def now(self) -> datetime:
        return self._clock() + self._ahead

    async def _get(self, partition: str, key: str) -> Row | None:
        limits.check_key(key)
        async with self._gate, _translated():
            try:
                entity = await self._client.get_entity(
                    partition, key, raw_response_hook=self._note_time
                )
            except ResourceNotFoundError:
                return None
        return _row(entity)

    def _note_time(self, response: Any) -> None:  # noqa: ANN401  the SDK's hook
        """Remember how far ahead of ours the server's clock is (whole seconds)."""
        date = response.http_response.headers.get("Date")
        if date:
            # The header has no fraction: the server's time is up to a second later.
            ahead = parsedate_to_datetime(date) - self._clock()
            self._ahead = timedelta(0) if abs(ahead) < timedelta(seconds=2) else ahead


def _row(entity: TableEntity) -> Row:
    version = entity.get("v")
    if version != transactions.SCHEMA_VERSION:
        raise StoreUnavailable(
            f"row of schema version {version}, this app reads {transactions.SCHEMA_VERSION}:"
            " a newer app wrote it; deploy that version again"
        )
    text, number = [], 0
    while (chunk := entity.get(f"doc{number}")) is not None:
        text.append(str(chunk))
        number += 1
    etag = str(entity.metadata["etag"])
    return Row(str(entity["RowKey"]), "".join(text).encode(), etag)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """No SDK exception leaves this module."""
    try:
        yield
    except HttpResponseError as error:
        raise _failure(error.status_code or 0) from error
    except (AzureError, OSError, http.client.HTTPException) as error:
        raise StoreUnavailable(type(error).__name__) from error


def _failure(status: int) -> StoreConflict | StoreLimit | StoreUnavailable:
    if status == _EXISTS:
        return RowExists(f"{status}")
    if status in _CONFLICTS:
        return StoreConflict(f"{status}")
    if status in {400, 413}:
        return StoreLimit(f"table storage answered {status}")
    return StoreUnavailable(f"table storage answered {status}")
