"""Azure Queue Storage as the core's ``Queue``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError

from shared.model.errors import StoreLimit, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from azure.storage.queue.aio import QueueClient

# 64 KiB of base64 (Microsoft Learn, "Scalability targets for Queue Storage").
LONGEST_MESSAGE = 48 * 1024


class AzureQueue:
    """One queue, messages in base64 as the Functions host reads them.

    ``client`` gives an open client with TextBase64EncodePolicy; it is asked for one when
    there is something to send, which many a worker never has.
    """

    def __init__(self, client: Callable[[], QueueClient]) -> None:
        self._client = functools.cache(client)

    async def create(self) -> None:
        """Create the queue; an exception of the SDK where it is there or cannot be."""
        await self._client().create_queue()

    async def send(self, message: bytes, *, delay: timedelta | None = None) -> None:
        if len(message) > LONGEST_MESSAGE:
            raise StoreLimit(f"message of {len(message)} bytes")
        wait = int(delay.total_seconds()) if delay else None
        try:
            await self._client().send_message(message.decode(), visibility_timeout=wait)
        except (AzureError, OSError) as error:
            raise StoreUnavailable(f"queue storage: {type(error).__name__}") from error
