"""Who the app is to the APIs of Azure: bearer tokens of its identity."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING

from shared.model.errors import FailureReason, PermanentFailure, TransientFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials_async import AsyncTokenCredential

# On a development machine one source of tokens after the other is tried.
TOKEN_TIMEOUT_S = 30.0

# Whom a stand-in on this machine is shown, as a token of Entra says it; nobody signed
# it, and it opens nothing.
LOCAL_ID = "f12e0a7c-0000-4000-8000-000000000001"
LOCAL_TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "none", "typ": "JWT"}, {"oid": LOCAL_ID}, "local")
)


class Credentials:
    """One credential for the whole app, made at first use.

    The SDK keeps each token until shortly before its end.
    """

    def __init__(
        self,
        client_id: str,
        *,
        sign_in: Callable[[str], AsyncTokenCredential] | None = None,
    ) -> None:
        self._client_id = client_id
        self._sign_in = sign_in or _identity
        self._credential: AsyncTokenCredential | None = None

    async def token(self, scope: str) -> str:
        """A bearer token for a scope, such as ``https://management.azure.com/.default``.

        Plain http is spoken to this machine alone, and nothing there may see a token
        of ours: for such a scope it is ``LOCAL_TOKEN``. Raises PermanentFailure where
        nobody vouches for the app, TransientFailure where nobody could be asked.
        """
        if scope.startswith("http://"):
            return LOCAL_TOKEN
        # Imported here: it takes a tenth of a second that only this road pays.
        from azure.core.exceptions import (  # noqa: PLC0415
            AzureError,
            ClientAuthenticationError,
        )

        credential = self.of_sdk()
        try:
            async with asyncio.timeout(TOKEN_TIMEOUT_S):
                return (await credential.get_token(scope)).token
        # Without the cause: its text repeats what the identity's side answered.
        except ClientAuthenticationError as error:
            raise PermanentFailure(
                FailureReason.AUTH,
                f"no token for {scope}: {type(error).__name__}",
            ) from None
        except (AzureError, TimeoutError) as error:
            raise TransientFailure(
                FailureReason.UNAVAILABLE,
                f"no answer about a token for {scope}: {type(error).__name__}",
            ) from None

    def of_sdk(self) -> AsyncTokenCredential:
        """The credential itself, for an SDK that asks for tokens when it needs them."""
        if self._credential is None:
            self._credential = self._sign_in(self._client_id)
        return self._credential

    async def close(self) -> None:
        """Close the credential; the next use makes a new one."""
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()


def _identity(client_id: str) -> AsyncTokenCredential:
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415

    return DefaultAzureCredential(managed_identity_client_id=client_id or None)
