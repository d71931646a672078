"""The whole of Firewatch on this machine: storage, Event Hub, outside world, app.

Each is a process of its own on a free loopback port, so the app can be killed and
started again while the rest stands, as on Azure.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from devhost.parent import STARTED_BY
from devhost.rehearsal import FORWARD_HUB, NO_HUB, Receiver, rehearse
from devhost.storage import Azurite

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType
    from typing import IO, Self

ROOT = Path(__file__).parent.parent
HUB = "alerts"
PARTITIONS = 4
CONSUMER_GROUP = "firewatch"
READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 8.0


class LocalError(Exception):
    """Something could not be started; the message says what, and what it printed."""


class Pace(NamedTuple):
    """How fast the platform's slow clocks run here, in seconds.

    On Azure a worker's lease is 120 s, a dead worker's message stays hidden for 10
    minutes and its partitions for a few; nobody waits that long at a terminal.
    """

    lease: int = 20
    timer: float = 5.0
    queue_hold: float = 25.0
    ownership: float = 5.0


class RealHub(NamedTuple):
    """An Event Hub to read from instead of the stand-in."""

    connection_string: str
    name: str
    consumer_group: str


class Local:
    """Starts everything in the constructor's order and stops it in reverse.

    A context manager. Raises LocalError, RehearsalError and StorageError when
    something cannot be started, with nothing left running.
    """

    def __init__(
        self,
        policy: bytes,
        *,
        live: Collection[str] = (),
        environment: Mapping[str, str] | None = None,
        hub: RealHub | None = None,
        pace: Pace | None = None,
        http_port: int = 0,
        inventory: Path | None = None,
    ) -> None:
        self.pace = pace or Pace()
        self.folder = Path(tempfile.mkdtemp(prefix="firewatch-"))
        self.hub_name = hub.name if hub else HUB
        self.consumer_group = hub.consumer_group if hub else CONSUMER_GROUP
        self._http_port = http_port
        self._link_key = secrets.token_hex(32)
        self._processes: list[_Process] = []
        self._storage: Azurite | None = None
        self.app: _Process | None = None
        try:
            self._start(policy, live, environment or {}, hub, inventory)
        except BaseException:
            self.stop()
            raise

    def _start(
        self,
        policy: bytes,
        live: Collection[str],
        environment: Mapping[str, str],
        hub: RealHub | None,
        inventory: Path | None,
    ) -> None:
        self._storage = Azurite.start()
        self.storage = self._storage.connection_string
        # Of a real namespace nothing but the hub that is read is touched.
        self.forward_hub = "" if hub else self._start_hub()
        self.hub = hub.connection_string if hub else self.forward_hub
        known = ["--inventory", str(inventory.resolve())] if inventory else []
        outside = self._launch("outside", "devhost.outside", *known)
        self.outside_url = f"http://127.0.0.1:{outside.ready['port']}"
        self.control_key = str(outside.ready["control_key"])
        rehearsal = rehearse(
            policy,
            outside=self.outside_url,
            live=live,
            environment=environment,
            syslog=Receiver(outside.ready["syslog_port"], outside.ready["syslog_ca"]),
            hub=self.forward_hub or NO_HUB,
        )
        self.secrets = rehearsal.environment
        self.approver = rehearsal.approver
        (self.folder / "policy.yaml").write_bytes(rehearsal.policy)
        for name, secret in rehearsal.webhook_secrets.items():
            self.control("POST", "webhook-secret", {"name": name, "secret": secret})

    def control(self, method: str, what: str, content: object = None) -> Any:  # noqa: ANN401  JSON
        """Ask the outside world what it saw, or tell it how to behave."""
        request = urllib.request.Request(  # noqa: S310  always our own http
            f"{self.outside_url}/control/{what}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={"x-control-key": self.control_key},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            body = answer.read()
        return json.loads(body) if body else None

    def _start_hub(self) -> str:
        process = self._launch(
            "eventhub",
            "devhost.eventhub",
            "--hub",
            HUB,
            "--hub",
            FORWARD_HUB,
            "--partitions",
            str(PARTITIONS),
        )
        return str(process.ready["connection_string"])

    @property
    def url(self) -> str:
        """Where the app answers, such as ``http://127.0.0.1:7071``."""
        return f"http://127.0.0.1:{self._http_port}"

    @property
    def logs_url(self) -> str:
        """Where the stand-in of Log Analytics is."""
        return f"{self.outside_url}/log-analytics"

    @property
    def function_key(self) -> str:
        """What opens the functions that want a key."""
        return str(self.app.ready["function_key"]) if self.app else ""

    def start_app(self) -> None:
        """Start the app, under the same address as before."""
        # Its links name the address, so it is known beforehand.
        self._http_port = self._http_port or _free_port()
        arguments = [
            "--http-port",
            str(self._http_port),
            "--consumer-group",
            self.consumer_group,
            "--timer-interval",
            str(self.pace.timer),
            "--queue-hold",
            str(self.pace.queue_hold),
            "--ownership-expiry",
            str(self.pace.ownership),
            "--signed-in",
            self.approver,
        ]
        settings = {
            "AzureWebJobsStorage": self.storage,
            "AlertsHub": self.hub,
            "ALERTS_HUB": self.hub_name,
            "ALERTS_CONSUMER_GROUP": self.consumer_group,
            "FIREWATCH_POLICY": str(self.folder / "policy.yaml"),
            "FIREWATCH_LEASE_SECONDS": str(self.pace.lease),
            "FIREWATCH_ARM_URL": f"{self.outside_url}/arm",
            "FIREWATCH_LOGS_URL": self.logs_url,
            "FIREWATCH_GRAPH_URL": f"{self.outside_url}/graph",
            "FIREWATCH_ENDPOINT_URL": f"{self.outside_url}/defender-endpoint",
            "FIREWATCH_VAULT_URL": f"{self.outside_url}/vault",
            "FIREWATCH_BLOB_URL": f"{self.outside_url}/blob",
            "FIREWATCH_POLICY_BLOB": "",
            "FIREWATCH_LINK_KEY": self._link_key,
            "FIREWATCH_PUBLIC_URL": self.url,
            "EASY_AUTH": "1" if self.approver else "0",
            **self.secrets,
        }
        self.app = self._launch("app", "devhost", *arguments, settings=settings)
        self._http_port = int(self.app.ready["port"])

    def kill_app(self) -> None:
        """End the app as a power cut would (kill -9)."""
        if self.app is not None:
            self.app.kill()
            self._processes.remove(self.app)
            self.app = None

    @property
    def is_app_running(self) -> bool:
        """Whether the app is there; it may end itself when its settings are wrong."""
        return self.app is not None and self.app.is_running

    def stop(self) -> None:
        """Stop whatever runs, the last started first, and leave nothing behind."""
        while self._processes:
            self._processes.pop().stop()
        if self._storage is not None:
            self._storage.stop()
            self._storage = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(
        self,
        name: str,
        module: str,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
    ) -> _Process:
        process = _Process(
            name,
            [sys.executable, "-m", module, *arguments, "--exit-with-parent"],
            log=self.folder / f"{name}.log",
            settings=settings or {},
        )
        self._processes.append(process)
        process.wait_until_ready()
        return process


class _Process:
    """A child in a session of its own, so that Ctrl-C reaches us alone."""

    def __init__(
        self, name: str, command: list[str], *, log: Path, settings: Mapping[str, str]
    ) -> None:
        self._name = name
        self._log = log
        self.ready: dict[str, Any] = {}
        with log.open("ab") as stderr:
            self._popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env={
                    **os.environ,
                    "PYTHONUNBUFFERED": "1",
                    STARTED_BY: str(os.getpid()),
                    **settings,
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        out = self._popen.stdout
        if out is not None:
            threading.Thread(target=self._read, args=(out,), daemon=True).start()

    def _read(self, out: IO[bytes]) -> None:
        with out:
            for line in out:
                self._lines.put(line)
        self._lines.put(b"")

    def wait_until_ready(self) -> None:
        try:
            line = self._lines.get(timeout=READY_TIMEOUT_S)
            self.ready = json.loads(line)
        except (queue.Empty, ValueError):
            self.kill()
            said = self._log.read_text(errors="replace").strip()[-2_000:]
            raise LocalError(f"{self._name} did not start:\n{said}") from None

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def stop(self) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()


def _free_port() -> int:
    """A port that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
