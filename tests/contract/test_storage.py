"""Opening the storage account."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

from shared.clouds.storage import Storage
from shared.settings import from_environment
from shared.wiring.parts import utc_now
from tests.meta.source_tree import ROOT

if TYPE_CHECKING:
    from devhost.storage import Azurite

OPENED = """
import asyncio, sys
from shared.bootstrap import App

async def open_it():
    app = App()
    storage = await app.storage()
    await storage.blobs.put("archive/x", b"x")
    print("azure.storage.blob" in sys.modules, "azure.storage.queue" in sys.modules)
    await app.close()

asyncio.run(open_it())
"""


def test_a_worker_that_has_nothing_to_send_imports_nothing_for_it(
    azurite: Azurite,
) -> None:
    """Of the three SDKs the queue's is not needed by copies, nor before rows are kept."""
    environment = {"AzureWebJobsStorage": azurite.connection_string}
    # What is missing at the very first start is the queue, too.
    asyncio.run(_opened_once(environment))

    found = subprocess.run(
        [sys.executable, "-c", OPENED],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.split() == ["True", "False"]


async def _opened_once(environment: dict[str, str]) -> None:
    storage = await Storage(from_environment(environment), utc_now).open()
    await storage.close()
