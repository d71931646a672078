"""A process that starts as a new worker does, and says how long that took.

Usage: python -m tests.benchmarks.starting bare|sdks|app|event [FILE]

``bare`` imports azure.functions, ``sdks`` also the clients of tables, blobs and queues,
and ``app`` function_app; ``event`` does so too and then takes the event in the file until
it is stored in what AzureWebJobsStorage names. Nothing is imported before the clock runs
but what Python itself has.
"""

# ruff: noqa: PLC0415  what is imported when is what is measured

import json
import sys
import time
from pathlib import Path


def _bare() -> None:
    import azure.functions  # noqa: F401


def _sdks() -> None:
    """As the app has them in: none of them goes without."""
    import gc

    import azure.functions

    gc.disable()
    import azure.core.pipeline.transport._aiohttp
    import azure.data.tables.aio
    import azure.storage.blob.aio
    import azure.storage.queue.aio  # noqa: F401


def _app() -> None:
    import function_app  # noqa: F401


def _event(body: bytes) -> None:
    import asyncio

    from azure.functions import EventHubEvent

    import function_app

    async def take() -> None:
        functions = function_app.app.get_functions()
        ingest = next(f for f in functions if f.get_function_name() == "ingest_alerts")
        event = EventHubEvent(body=body, sequence_number=time.time_ns())
        await ingest.get_user_function()([event])
        _say()
        await function_app.firewatch.close()

    asyncio.run(take())


def _say() -> None:
    taken = time.perf_counter() - BEGUN
    status = Path("/proc/self/status").read_text()
    memory = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    found = {
        "ms": taken * 1e3,
        "modules": len(sys.modules) - len(KNOWN),
        "memory_mb": int(memory.split()[1]) * 1024 / 1e6,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    told = Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else b""
    KNOWN = set(sys.modules)
    BEGUN = time.perf_counter()
    match sys.argv[1]:
        case "bare":
            _bare()
            _say()
        case "sdks":
            _sdks()
            _say()
        case "app":
            _app()
            _say()
        case "event":
            _event(told)
