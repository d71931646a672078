"""Azure Table Storage as the core's ``Table``."""

from __future__ import annotations

import asyncio
import http.client
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import TableTransactionError, UpdateMode

from shared.model.errors import StoreConflict, StoreLimit, StoreUnavailable
from shared.store import limits
from shared.store.ports import Delete, Put, Row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableClient

    from shared.store.ports import Write

# The version of a row's document; a reader refuses what it does not know.
SCHEMA_VERSION = 1

# More at once were reset by the emulator (review 2), and buy nothing from the service.
IN_FLIGHT = 16

_CONFLICTS = frozenset({404, 409, 412})


class AzureTable:
    """Rows of one table. A row is one JSON document in the columns doc0, doc1, ...

    Give it an open client; it is closed with the client.
    """

    def __init__(self, client: TableClient, clock: Callable[[], datetime]) -> None:
        self._client = client
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
        operations = [_operation(partition, write) for write in writes]
        async with self._gate, _translated():
            answers = await self._client.submit_transaction(
                operations,
                raw_response_hook=self._note_time,
            )
        return {
            write.key: str(answer["etag"])
            for write, answer in zip(writes, answers, strict=True)
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


def _operation(partition: str, write: Write) -> tuple[Any, ...]:
    entity: dict[str, Any] = {"PartitionKey": partition, "RowKey": write.key}
    exact = {"match_condition": MatchConditions.IfNotModified}
    if isinstance(write, Delete):
        return (
            ("delete", entity)
            if write.etag is None
            else ("delete", entity, {"etag": write.etag, **exact})
        )
    entity["v"] = SCHEMA_VERSION
    for number, chunk in enumerate(limits.chunks(write.doc)):
        entity[f"doc{number}"] = chunk
    if write.etag is None:
        return ("create", entity)
    return (
        "update",
        entity,
        {"mode": UpdateMode.REPLACE, "etag": write.etag, **exact},
    )


def _row(entity: TableEntity) -> Row:
    version = entity.get("v")
    if version != SCHEMA_VERSION:
        raise StoreUnavailable(
            f"row of schema version {version}, this app reads {SCHEMA_VERSION}:"
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
    except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError) as error:
        raise StoreConflict(f"{error.status_code}") from error
    except TableTransactionError as error:
        if error.status_code in _CONFLICTS:
            raise StoreConflict(f"{error.status_code}") from error
        raise _failure(error) from error
    except HttpResponseError as error:
        raise _failure(error) from error
    except (AzureError, OSError, http.client.HTTPException) as error:
        raise StoreUnavailable(type(error).__name__) from error


def _failure(error: HttpResponseError) -> StoreLimit | StoreUnavailable:
    status = error.status_code or 0
    if status in {400, 413}:
        return StoreLimit(f"table storage answered {status}")
    return StoreUnavailable(f"table storage answered {status}")
