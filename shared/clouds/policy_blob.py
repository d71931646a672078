"""The blob that the reloading parts of the policy are read from, and never written to."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from shared.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from shared.settings import Settings

# Somebody waits for it at each start, and it is asked again in a minute.
TIMEOUT_S = 10.0

# More than a policy may have.
MOST_BYTES = 600 * 1024

_PATIENCE: dict[str, Any] = {"retry_total": 0, "max_single_get_size": MOST_BYTES}


class PolicyBlob:
    """``live_policy.Fetch`` by the SDK; the client is opened at first use.

    The app's identity reads it. A blob on this machine is opened with the connection
    string of the app's own storage, where it lies in that account: an emulator knows no
    identities.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closers: list[Any] = []
        self._client: Any = None

    async def __call__(self, etag: str) -> tuple[str, bytes] | None:
        # Imported here, as in storage.py.
        from azure.core import MatchConditions  # noqa: PLC0415
        from azure.core.exceptions import (  # noqa: PLC0415
            AzureError,
            ResourceNotFoundError,
        )

        conditions: dict[str, Any] = {}
        if etag:
            conditions = {"etag": etag, "match_condition": MatchConditions.IfModified}
        try:
            async with asyncio.timeout(TIMEOUT_S):
                stream = await self._opened().download_blob(**conditions)
                if stream.size > MOST_BYTES:
                    raise StoreUnavailable(f"is longer than {MOST_BYTES} bytes")
                return str(stream.properties.etag), await stream.readall()
        except ResourceNotFoundError as error:
            raise StoreUnavailable("there is no such blob") from error
        except TimeoutError as error:
            raise StoreUnavailable("did not answer in time") from error
        except (AzureError, OSError, ValueError) as error:
            # The SDK has no class of its own for "not modified".
            if getattr(error, "status_code", None) == HTTPStatus.NOT_MODIFIED:
                return None
            raise StoreUnavailable(f"cannot be read: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close what was opened; the next use opens it again."""
        closers, self._closers, self._client = self._closers, [], None
        for closer in closers:
            await closer.close()

    def _opened(self) -> Any:  # noqa: ANN401  clients are only known once imported
        if self._client is None:
            self._client = self._local() or self._by_identity()
            self._closers.append(self._client)
        return self._client

    def _local(self) -> Any:  # noqa: ANN401
        """The client of a blob in the emulator that is the app's own storage."""
        from azure.storage.blob.aio import BlobServiceClient  # noqa: PLC0415

        url, connection = self._settings.policy_blob, self._settings.connection_string
        if not url.startswith("http://"):
            return None
        service = connection and BlobServiceClient.from_connection_string(
            connection.reveal(), **_PATIENCE
        )
        account = f"{service.url.rstrip('/')}/" if service else ""
        if not service or not url.startswith(account):
            raise StoreUnavailable("is not in the app's own storage on this machine")
        self._closers.append(service)
        container, _, blob = unquote(url.removeprefix(account)).partition("/")
        return service.get_blob_client(container, blob)

    def _by_identity(self) -> Any:  # noqa: ANN401
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415
        from azure.storage.blob.aio import BlobClient  # noqa: PLC0415

        credential = DefaultAzureCredential(
            managed_identity_client_id=self._settings.client_id or None
        )
        self._closers.append(credential)
        return BlobClient.from_blob_url(
            self._settings.policy_blob, credential=credential, **_PATIENCE
        )
