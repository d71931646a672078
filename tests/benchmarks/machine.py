"""What it was measured on: figures of another machine are other figures."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devhost.storage import StorageError, find_azurite, find_node

_PACKAGES = (
    "azure-functions",
    "azure-data-tables",
    "azure-storage-blob",
    "azure-storage-queue",
    "azure-eventhub",
    "azure-core",
    "aiohttp",
    "msgspec",
)


def described() -> dict[str, Any]:
    """The machine, the versions of what is measured, the time, and how busy it is."""
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}Z",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory_kib() / 2**20),
        "system": platform.platform(),
        "load": [round(each, 2) for each in os.getloadavg()],
        "commit": _output("git", "describe", "--always", "--dirty"),
        "versions": {
            "python": platform.python_version(),
            "node": _node(),
            "azurite": _azurite(),
            **{name: importlib.metadata.version(name) for name in _PACKAGES},
        },
    }


def line(machine: dict[str, Any]) -> str:
    """The same, short, for above a table."""
    versions = machine["versions"]
    return (
        f"{machine['at']}, commit {machine['commit']}, {machine['cores']} cores of"
        f" {machine['processor']}, {machine['memory_gib']} GiB, load"
        f" {machine['load'][0]:g}; Python {versions['python']}, Azurite"
        f" {versions['azurite']}, azure-data-tables {versions['azure-data-tables']}"
    )


def _processor() -> str:
    for name in ("model name", "Model"):
        for text in _lines("/proc/cpuinfo"):
            if text.startswith(name):
                return text.partition(":")[2].strip()
    return platform.machine()


def _memory_kib() -> int:
    for text in _lines("/proc/meminfo"):
        if text.startswith("MemTotal"):
            return int(text.split()[1])
    return 0


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _node() -> str:
    try:
        return _output(find_node(), "--version").removeprefix("v")
    except StorageError:
        return "none"


def _azurite() -> str:
    try:
        package = find_azurite().parents[2] / "package.json"
    except StorageError:
        return "none"
    return str(json.loads(package.read_text())["version"])


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
