"""The clients of the storage account, as they are set up."""

from __future__ import annotations

import base64

import pytest

from shared import settings as environment
from shared.clouds.storage import Storage
from tests.factories import NOON

KEY = base64.b64encode(b"k" * 32).decode()
BY_KEY = {
    "AzureWebJobsStorage": f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY}"
}
BY_IDENTITY = {
    f"AzureWebJobsStorage__{service}ServiceUri": f"https://acme.{service}.core.windows.net"
    for service in ("table", "blob", "queue")
}

# A page that waits longer is late.
LONGEST_FIRST_PAUSE_S = 2


@pytest.mark.parametrize("given", [BY_KEY, BY_IDENTITY], ids=["key", "identity"])
async def test_a_hiccup_of_blobs_or_queue_is_no_quarter_minute(
    given: dict[str, str],
) -> None:
    """Their SDKs would wait 15 s before they try again."""
    storage = Storage(environment.from_environment(given), lambda: NOON)
    _, blobs, queue = clients = storage._clients()

    for client in (blobs, queue):
        retry = client._config.retry_policy
        pauses = [retry.get_backoff_time({"count": 0}) for _ in range(50)]
        assert max(pauses) <= LONGEST_FIRST_PAUSE_S
        assert retry.total_retries == 3
    for client in clients:
        await client.close()
    await storage.close()
