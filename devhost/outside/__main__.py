"""The outside world as a process: `python -m devhost.outside`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from devhost.outside.azure.inventory import InventoryError, read
from devhost.outside.server import Outside
from devhost.parent import exit_with_parent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devhost.outside.azure.inventory import Inventory

STOPPED = 0
SETUP_WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code.

    0 after a stop, 2 when a secret or the inventory is malformed or the port is taken.
    One line on stdout says when it is ready, everything else goes to stderr.
    """
    parsed = _parser().parse_args(arguments)
    if parsed.exit_with_parent:
        exit_with_parent()
    try:
        inventory = read(parsed.inventory.read_bytes()) if parsed.inventory else None
        return asyncio.run(_serve(parsed.port, parsed.webhook_secret, inventory))
    except (InventoryError, OSError, ValueError) as error:
        print(f"devhost.outside: {error}", file=sys.stderr)
        return SETUP_WRONG


async def _serve(
    port: int, webhook_secrets: Sequence[str], inventory: Inventory | None
) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with Outside.start(port=port, inventory=inventory) as outside:
        for given in webhook_secrets:
            name, _, secret = given.partition("=")
            outside.webhook.trust(name, secret)
        ready = {
            "ready": "outside",
            "port": outside.port,
            "control_key": outside.control_key,
            "syslog_port": outside.syslog.port,
            "syslog_ca": outside.syslog.ca,
        }
        print(json.dumps(ready), flush=True)
        await stopping.wait()
    return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devhost.outside",
        description="Serve stand-ins of the remote sides that responders talk to.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, metavar="N", help="0: a free one")
    add(
        "--webhook-secret",
        action="append",
        default=[],
        metavar="NAME=whsec_...",
        help="what the receiver /webhook/NAME verifies with",
    )
    add(
        "--inventory",
        type=Path,
        metavar="FILE",
        help="what there is in Azure; what the attack is about unless given",
    )
    add("--exit-with-parent", action="store_true", help="stop when the parent dies")
    return parser


if __name__ == "__main__":
    sys.exit(main())
