"""The host as a process: `python -m devhost`."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from devhost.functions import AppImportError
from devhost.host import Host, Options
from devhost.parent import exit_with_parent
from devhost.settings import SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

STOPPED = 0
APP_BROKEN = 1
SETUP_WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Serve an app until SIGTERM or SIGINT, and return the exit code.

    0 after an orderly stop, 1 when function_app.py cannot be imported, 2 when the app
    or its settings cannot be served. One line on stdout says when it is ready.
    """
    parsed = _parser().parse_args(arguments)
    if parsed.exit_with_parent:
        exit_with_parent()
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    logging.getLogger("azure").setLevel(logging.ERROR)
    options = Options(
        app_dir=parsed.app_dir,
        http_port=parsed.http_port,
        function_key=parsed.function_key,
        consumer_group=parsed.consumer_group,
        timer_interval_s=parsed.timer_interval,
        queue_hold_s=parsed.queue_hold,
        ownership_expiry_s=parsed.ownership_expiry,
        signed_in=parsed.signed_in,
    )
    # What the app prints must not come between the ready line and its reader.
    ready, sys.stdout = sys.stdout, sys.stderr
    try:
        return asyncio.run(_serve(options, ready))
    except AppImportError as error:
        traceback.print_exception(error.__cause__)
        print(
            f"devhost: {error}\nOn Azure every function of the app would vanish.",
            file=sys.stderr,
        )
        return APP_BROKEN
    except SetupError as error:
        print(f"devhost: {error}", file=sys.stderr)
        return SETUP_WRONG


async def _serve(options: Options, ready: TextIO) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopping.set)

    # Not loop.add_signal_handler, which Windows lacks.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    host = Host.load(options)
    await host.start()
    line = {
        "ready": "app",
        "port": host.http.port,
        "function_key": host.function_key,
    }
    print(json.dumps(line), file=ready, flush=True)
    await stopping.wait()
    await host.stop()
    return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devhost",
        description="Serve a function app from its real sources, as Azure would.",
    )
    add = parser.add_argument
    usual = Options()
    add("--app-dir", type=Path, default=Path(), metavar="DIR", help="the app's folder")
    add("--http-port", type=int, default=0, metavar="N", help="0: a free one")
    add("--function-key", metavar="K", help="random unless given")
    add("--consumer-group", metavar="G", help="the group a real hub may be read in")
    add(
        "--timer-interval",
        type=float,
        metavar="S",
        help="seconds between runs of every timer, in place of its schedule; those"
        " that come less often than each hour keep theirs",
    )
    add(
        "--queue-hold",
        type=float,
        default=usual.queue_hold_s,
        metavar="S",
        help="seconds a message is hidden while its function runs",
    )
    add(
        "--ownership-expiry",
        type=float,
        default=usual.ownership_expiry_s,
        metavar="S",
        help="seconds until the partitions of a host that died are free",
    )
    add(
        "--signed-in",
        default=usual.signed_in,
        metavar="ID",
        help="the object id of who is signed in: every request is theirs",
    )
    add("--exit-with-parent", action="store_true", help="stop when the parent dies")
    return parser


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stderr.flush()
    # Threads still inside a function must not hold the process: they had their grace.
    os._exit(code)
