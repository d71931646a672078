"""Azure's own runtime finds the functions of this app, and can call them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shared.api.routes import ROUTES
from shared.triggers import answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
DRIVER = Path(__file__).parent / "runtime_driver.py"
RUNTIME = "azure_functions_runtime"
OTHER_PYTHON = ROOT / ".venv-runtime/bin/python"

TICK = {"function": "tick", "parameter": "timer", "data": {"json": '{"IsPastDue": 0}'}}

POLICY = """
senders:
  logic-app:
    method: key
    secret: {setting: LOGIC_APP_KEY}
    formats: [defender]
responders:
  soc:
    use: webhook
    url: https://soc.example.com/firewatch
    secret: {setting: SOC_WEBHOOK_SECRET}
routes:
  - to: [soc]
"""


def http_call(
    function: str, method: str, *, headers: Mapping[str, str], body: str = ""
) -> dict[str, object]:
    """A call of an HTTP function, as the host sends it."""
    request = {
        "method": method,
        "url": "https://firewatch.example.com/api",
        "headers": dict(headers),
        "body": body,
    }
    return {"function": function, "parameter": "req", "data": {"http": request}}


@pytest.fixture(scope="module")
def python() -> str:
    """A Python that has the runtime: it is offered to 3.13 and newer only."""
    if importlib.util.find_spec(RUNTIME):
        return sys.executable
    if OTHER_PYTHON.exists():
        return str(OTHER_PYTHON)
    version = ".".join(map(str, sys.version_info[:2]))
    pytest.skip(
        f"azure-functions-runtime needs Python 3.13, this is {version}, and there is no"
        " .venv-runtime: `make .venv-runtime/.ready` makes it where a 3.13 is found"
    )


def run(
    python: str, calls: Sequence[Mapping[str, object]], **settings: str
) -> dict[str, Any]:
    """Index the app in a process with these settings and no others, and make the calls."""
    found = subprocess.run(
        [python, "-W", "ignore", str(DRIVER)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


@pytest.fixture(scope="module")
def indexed(python: str) -> dict[str, Any]:
    """What the runtime makes of the app where nothing is set."""
    return run(
        python,
        [
            TICK,
            *(
                http_call(name, "GET", headers={})
                for name in ("health", "list_silences")
            ),
        ],
    )


@pytest.fixture(scope="module")
def guarded(
    python: str, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """The answers to two strangers, by an app that knows its senders and has no store."""
    policy = tmp_path_factory.mktemp("policy") / "policy.yaml"
    policy.write_text(POLICY)
    strangers: list[dict[str, str]] = [{}, {"x-firewatch-key": "not the key at all"}]
    answers: list[dict[str, Any]] = run(
        python,
        [
            http_call("receive_alerts", "POST", headers=headers, body="{}")
            for headers in strangers
        ],
        AzureWebJobsStorage="UseDevelopmentStorage=true",
        FIREWATCH_POLICY=str(policy),
        LOGIC_APP_KEY="0123456789abcdef",
    )["answers"]
    return answers


def test_azures_runtime_indexes_the_functions(indexed: dict[str, Any]) -> None:
    """The runtime that Azure runs finds every function, each with its trigger."""
    triggers = {
        name: bindings[0]["type"] for name, bindings in indexed["functions"].items()
    }

    assert triggers == {
        "ingest_alerts": "eventHubTrigger",
        "receive_alerts": "httpTrigger",
        "respond": "queueTrigger",
        "respond_poison": "queueTrigger",
        "tick": "timerTrigger",
        "reconcile_source": "timerTrigger",
        "sync_tickets": "timerTrigger",
        "export_audit": "timerTrigger",
        "retire_incidents": "timerTrigger",
        "audit_posture": "timerTrigger",
        "health": "httpTrigger",
        **dict.fromkeys([*ROUTES, *answers.FUNCTIONS, answers.CALLBACK], "httpTrigger"),
    }


def test_azures_runtime_understands_the_retry_policy(indexed: dict[str, Any]) -> None:
    """A batch of the hub is run again for ever, at least once a minute."""
    retries = {name: policy for name, policy in indexed["retries"].items() if policy}

    assert retries == {
        "ingest_alerts": {
            "max_retry_count": "-1",
            "retry_strategy": "exponential_backoff",
            "minimum_interval": "0:00:01",
            "maximum_interval": "0:01:00",
        }
    }


def test_azures_runtime_calls_the_timer(indexed: dict[str, Any]) -> None:
    """The timer's argument is converted, and a missing setting is named by the failure."""
    error = indexed["answers"][0]["error"]

    assert error.startswith(
        "SettingsError: AzureWebJobsStorage: set a connection string"
    )


def test_azures_runtime_answers_a_health_check(indexed: dict[str, Any]) -> None:
    """An app without settings is asked by HTTP, and says what it lacks."""
    answer = indexed["answers"][1]

    assert answer["status"] == "503"
    assert answer["headers"]["cache-control"] == "no-store"
    content = json.loads(answer["body"])
    assert content["status"] == "unhealthy"
    assert "AzureWebJobsStorage" in content["problems"][0]


def test_azures_runtime_answers_a_question_of_the_api(indexed: dict[str, Any]) -> None:
    """A function of the blueprint is called, and its answer goes back whole."""
    answer = indexed["answers"][2]

    assert answer["status"] == "503"
    assert answer["headers"]["content-type"].startswith("application/problem+json")
    assert answer["headers"]["retry-after"] == "5"
    assert json.loads(answer["body"])["status"] == 503


def test_azures_runtime_refuses_strangers(guarded: list[dict[str, Any]]) -> None:
    """A webhook nobody vouches for gets 401 and not a word, before any storage is opened."""
    assert [(answer["status"], answer["body"]) for answer in guarded] == [
        ("401", ""),
        ("401", ""),
    ]
