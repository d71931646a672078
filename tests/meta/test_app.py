"""What loading the app does: nothing but say which functions there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.api.routes import ROUTES

ROOT = Path(__file__).parents[2]
LONGEST_APP = 150

# What the platform binds each function to. A change here changes what runs in Azure.
TRIGGERS: dict[str, dict[str, object]] = {
    "ingest_alerts": {
        "type": "eventHubTrigger",
        "connection": "AlertsHub",
        "eventHubName": "%ALERTS_HUB%",
        "consumerGroup": "%ALERTS_CONSUMER_GROUP%",
        "cardinality": "MANY",
        "dataType": "BINARY",
    },
    "receive_alerts": {
        "type": "httpTrigger",
        "route": "alerts",
        "methods": ["POST", "OPTIONS"],
        "authLevel": "ANONYMOUS",
    },
    "respond": {
        "type": "queueTrigger",
        "queueName": "respond",
        "connection": "AzureWebJobsStorage",
    },
    "respond_poison": {
        "type": "queueTrigger",
        "queueName": "respond-poison",
        "connection": "AzureWebJobsStorage",
    },
    "tick": {
        "type": "timerTrigger",
        "schedule": "0 * * * * *",
        "runOnStartup": False,
    },
    "reconcile_source": {
        "type": "timerTrigger",
        "schedule": "0 17 * * * *",
        "runOnStartup": False,
    },
    "sync_tickets": {
        "type": "timerTrigger",
        "schedule": "30 */5 * * * *",
        "runOnStartup": False,
    },
    "audit_posture": {
        "type": "timerTrigger",
        "schedule": "0 13 5 * * *",
        "runOnStartup": False,
    },
    "export_audit": {
        "type": "timerTrigger",
        "schedule": "0 13 1 * * *",
        "runOnStartup": False,
    },
    "retire_incidents": {
        "type": "timerTrigger",
        "schedule": "0 43 3 * * *",
        "runOnStartup": False,
    },
    "health": {
        "type": "httpTrigger",
        "route": "health",
        "methods": ["GET"],
        "authLevel": "FUNCTION",
    },
}

# The page of a link, and its button. Whoever has the link may; the platform guards the
# second route where people sign in.
TRIGGERS |= {
    f"{does}_answer{end}": {
        "type": "httpTrigger",
        "route": route,
        "methods": methods,
        "authLevel": "ANONYMOUS",
    }
    for end, route in (("", "a"), ("_signed_in", "s"))
    for does, methods in (("show", ["GET", "HEAD", "OPTIONS"]), ("give", ["POST"]))
}

TRIGGERS["hear_callback"] = {
    "type": "httpTrigger",
    "route": "callbacks/{responder}",
    "methods": ["POST"],
    "authLevel": "ANONYMOUS",
}

# A function for each operation of the API; the table of them is the API's own.
TRIGGERS |= {
    name: {
        "type": "httpTrigger",
        "route": route,
        "methods": [method],
        "authLevel": "FUNCTION",
    }
    for name, (method, route) in ROUTES.items()
}

# Each costs every cold start a tenth of a second or more (platform.md 2), for functions
# that may not need it.
HEAVY = (
    "aiohttp",
    "azure.core",
    "azure.data",
    "azure.eventhub",
    "azure.identity",
    "azure.monitor",
    "azure.storage",
    "cryptography",
    "httpx",
    "jwt",
    "re2",
    "yaml",
)

# Development machines have these; Azure does not.
NOT_DEPLOYED = ("cli", "devhost", "tests", "typer", "rich", "croniter", "pytest")

IMPORT = """
import json, sys

def watch(event, details):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec")):
        raise RuntimeError(f"importing the app did {event}")
    if event == "open" and isinstance(details[1], str) and set("wax+") & set(details[1]):
        raise RuntimeError(f"importing the app writes {details[0]}")

sys.dont_write_bytecode = True
sys.addaudithook(watch)
before = set(sys.modules)

import function_app

loaded = sorted(set(sys.modules) - before)
functions = {
    f.get_function_name(): json.loads(f.get_function_json())["bindings"][0]
    for f in function_app.app.get_functions()
}
json.dump({"functions": functions, "loaded": loaded}, sys.stdout)
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, Any]:
    """What `import function_app` brings, in a process that has no settings at all."""
    found = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


def test_the_app_is_these_functions(imported: dict[str, Any]) -> None:
    """With an empty environment every function registers, bound as written here."""
    found = {
        name: {key: trigger.get(key) for key in TRIGGERS.get(name, trigger)}
        for name, trigger in imported["functions"].items()
    }

    assert found == TRIGGERS


@pytest.mark.parametrize("library", [*HEAVY, *NOT_DEPLOYED])
def test_loading_the_app_is_light(imported: dict[str, Any], library: str) -> None:
    """Nothing that a cold start need not pay for is loaded with the app."""
    loaded = imported["loaded"]

    found = [name for name in loaded if f"{name}.".startswith(f"{library}.")]

    assert found == []


def test_loading_the_app_prints_nothing() -> None:
    """No log line, warning or print comes out of the import, not even as warnings."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import function_app"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_the_app_stays_small() -> None:
    """function_app.py is triggers and bindings, which need no more room than this."""
    lines = (ROOT / "function_app.py").read_text().splitlines()

    assert len(lines) <= LONGEST_APP
