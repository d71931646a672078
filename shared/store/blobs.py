"""Azure Blob Storage as the core's ``Blobs``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from shared.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.storage.blob.aio import ContainerClient


class AzureBlobs:
    """Blobs of one container; give it an open client."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client

    async def put(self, name: str, data: bytes) -> None:
        async with _translated():
            await self._client.upload_blob(name, data, overwrite=True)

    async def get(self, name: str) -> bytes | None:
        async with _translated():
            try:
                stream = await self._client.download_blob(name)
                return await stream.readall()
            except ResourceNotFoundError:
                return None

    async def names(self, prefix: str) -> AsyncIterator[str]:
        async with _translated():
            async for name in self._client.list_blob_names(name_starts_with=prefix):
                yield name


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """No SDK exception leaves this module."""
    try:
        yield
    except (AzureError, OSError) as error:
        raise StoreUnavailable(f"blob storage: {type(error).__name__}") from error
