"""`python -m devhost.eventhub`: the stand-in as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from typing import TYPE_CHECKING

from devhost.eventhub.broker import Broker
from devhost.eventhub.server import serve
from devhost.parent import exit_with_parent

if TYPE_CHECKING:
    from types import FrameType


def main() -> None:
    """Parse the command line and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="devhost.eventhub")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--hub", action="append", help="may be given several times")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--exit-with-parent", action="store_true")
    options = parser.parse_args()
    try:
        broker = Broker(options.hub or ["alerts"], partitions=options.partitions)
    except ValueError as error:
        parser.error(str(error))
    asyncio.run(
        _run(
            broker,
            host=options.host,
            port=options.port,
            is_bound_to_parent=options.exit_with_parent,
        )
    )


async def _run(
    broker: Broker, *, host: str, port: int, is_bound_to_parent: bool
) -> None:
    """Serve until a signal comes; one line on stdout says when and where."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    # Not loop.add_signal_handler, which Windows lacks.
    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    if is_bound_to_parent:
        exit_with_parent()
    async with serve(broker, host=host, port=port) as server:
        ready = {
            "ready": "eventhub",
            "port": server.port,
            "connection_string": server.connection_string,
        }
        print(json.dumps(ready), flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
