"""Azure Blob Storage as the core's ``Blobs``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)

from shared.model.errors import StoreConflict, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.storage.blob.aio import ContainerClient

# Why a blob that is there cannot be written (Azure: "Blob service error codes"). In a
# container with a policy of its own, the second comes even for what only asked to be new.
_THERE = frozenset(
    {"BlobAlreadyExists", "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"}
)
_PAST_THE_END = 416


class AzureBlobs:
    """Blobs of one container; give it an open client."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client

    async def put(self, name: str, data: bytes) -> None:
        async with _translated():
            await self._client.upload_blob(name, data, overwrite=True)

    async def keep(self, name: str, data: bytes) -> bool:
        try:
            async with _translated():
                await self._client.upload_blob(name, data, overwrite=False)
        except StoreConflict:
            return False
        return True

    async def get(self, name: str, *, offset: int = 0, length: int = 0) -> bytes | None:
        # Without a range the SDK knows what to make of an empty blob.
        asked = offset or length
        extent: dict[str, Any] = (
            {"offset": offset, "length": length or None} if asked else {}
        )
        async with _translated():
            try:
                stream = await self._client.download_blob(name, **extent)
                data: bytes = await stream.readall()
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                if error.status_code == _PAST_THE_END:
                    return b""
                raise
        return data

    async def names(self, prefix: str) -> AsyncIterator[str]:
        async with _translated():
            async for name in self._client.list_blob_names(name_starts_with=prefix):
                yield name

    async def sizes(self, prefix: str) -> AsyncIterator[tuple[str, int]]:
        async with _translated():
            async for found in self._client.list_blobs(name_starts_with=prefix):
                yield found.name, found.size


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """No SDK exception leaves this module."""
    try:
        yield
    except ResourceExistsError as error:
        if _code(error) in _THERE:
            raise StoreConflict(
                "the blob is there, and is not to be changed"
            ) from error
        raise StoreUnavailable(f"blob storage: {_code(error)}") from error
    except (AzureError, OSError) as error:
        raise StoreUnavailable(f"blob storage: {type(error).__name__}") from error


def _code(error: AzureError) -> str:
    """What the service calls the reason; the SDK knows some by names of its own."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code))
