"""The clients of the storage account, as they are set up."""

from __future__ import annotations

import base64
import gc
import sys

import pytest

from shared import settings as environment
from shared.clouds.storage import Storage, _importing
from shared.model.errors import SettingsError
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

    for client in (storage._blobs_client(), storage._queue_client()):
        retry = client._config.retry_policy
        pauses = [retry.get_backoff_time({"count": 0}) for _ in range(50)]
        assert max(pauses) <= LONGEST_FIRST_PAUSE_S
        assert retry.total_retries == 3
    await storage.close()


async def test_what_is_no_connection_string_is_a_mistake_of_the_settings() -> None:
    """Named without what it holds, and before anything is asked."""
    settings = environment.from_environment({"AzureWebJobsStorage": "hunter2"})

    with pytest.raises(SettingsError) as refused:
        await Storage(settings, lambda: NOON).open()

    assert refused.value.problems == (
        "AzureWebJobsStorage: is not a storage connection string",
    )


@pytest.mark.parametrize("was_on", [True, False])
def test_the_collector_rests_while_sdks_are_imported(*, was_on: bool) -> None:
    """It goes on afterwards where it did before, and leaves alone what came in."""
    (gc.enable if was_on else gc.disable)()
    frozen = gc.get_freeze_count()
    try:
        with _importing():
            assert not gc.isenabled()
        assert gc.isenabled() == was_on
        assert gc.get_freeze_count() == frozen

        with _importing():
            sys.modules["a_module_that_came_in"] = sys
        assert gc.isenabled() == was_on
        assert gc.get_freeze_count() > frozen
    finally:
        sys.modules.pop("a_module_that_came_in", None)
        gc.enable()


def test_the_collector_goes_on_after_an_import_that_failed() -> None:
    """Or nothing would ever be collected in this process."""
    with pytest.raises(ImportError), _importing():
        raise ImportError

    assert gc.isenabled()
