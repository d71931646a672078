"""Prometheus Alertmanager with the same events: the field's reference for grouping.

It holds alerts in memory alone, and "accepted" means that they are in there; what it
keeps on disk (silences, its log of notifications) does not hold them. Its notifications
are kept from going out, as ours are.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from tests.benchmarks.bench import cpu_s, memory_mb
from tests.benchmarks.feeds import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.bench import Bench

BINARY = "prometheus-alertmanager"
NOT_INSTALLED = f"no {BINARY} here (Debian has a package of that name)"

# Groups as ours: one for each machine. The wait outlasts the measurement.
_CONFIGURATION = """
route: {receiver: none, group_by: [subscription, resource], group_wait: 1h}
receivers: [{name: none}]
"""
_ENDS_AT = "2099-01-01T00:00:00Z"
_READY_WITHIN_S = 10.0


def is_installed() -> bool:
    """Whether this machine has it."""
    return shutil.which(BINARY) is not None


def version() -> str:
    """What it says of itself; empty where it is not installed."""
    if not is_installed():
        return ""
    done = subprocess.run(
        [BINARY, "--version"], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).splitlines()[0]


def accepted(bench: Bench, feed: Path, batch: int, events: int) -> dict[str, Any]:
    """Give it the events in batches, one after the other as a partition does."""
    with Reader(feed) as reader:
        bodies = [
            b"[" + b",".join(_alert(body) for _, body in part) + b"]"
            for part in reader.batches(batch, range(events))
        ]
    with _started(bench.folder / "alertmanager") as (url, pid, folder):
        used = cpu_s(pid)
        wall = asyncio.run(_post(f"{url}/api/v2/alerts", bodies))
        return {
            "alerts": events,
            "wall_s": wall,
            "cpu_s": cpu_s(pid) - used,
            "memory_mb": memory_mb(pid)["now"],
            "disk_bytes": sum(
                file.stat().st_size for file in folder.rglob("*") if file.is_file()
            ),
        }


def _alert(body: bytes) -> bytes:
    """The event as it takes alerts: what it groups by are labels, the rest is carried."""
    alert = msgspec.json.decode(body)
    return msgspec.json.encode(
        {
            "labels": {
                "alertname": alert["AlertType"],
                "severity": alert["Severity"],
                "subscription": alert["AzureResourceId"].split("/")[2],
                "resource": alert["AzureResourceId"],
                "alert_id": alert["SystemAlertId"],
            },
            "annotations": {"alert": body.decode()},
            "generatorURL": alert["AlertUri"],
            "endsAt": _ENDS_AT,
        }
    )


async def _post(url: str, bodies: list[bytes]) -> float:
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession() as session:
        before = time.perf_counter()
        for body in bodies:
            async with session.post(url, data=body, headers=headers) as answer:
                text = await answer.text()
                if answer.status != 200:
                    raise SystemExit(f"Alertmanager answered {answer.status}: {text}")
        return time.perf_counter() - before


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[tuple[str, int, Path]]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "configuration.yml").write_text(_CONFIGURATION)
    data = folder / "data"
    address = f"127.0.0.1:{_free_port()}"
    process = subprocess.Popen(
        [
            BINARY,
            f"--config.file={folder / 'configuration.yml'}",
            f"--storage.path={data}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
            "--log.level=error",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        asyncio.run(_ready(f"http://{address}/-/ready"))
        yield f"http://{address}", process.pid, data
    finally:
        process.terminate()
        process.wait()


async def _ready(url: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    async with aiohttp.ClientSession() as session:
        for _ in itertools.count():
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            if time.monotonic() > deadline:
                raise SystemExit("Alertmanager did not start")
            await asyncio.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
