"""The sides of a development machine as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.devhost.sending import SECRET, make_event

ROOT = Path(__file__).parents[3]


def start_process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "devhost.outside", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def ready_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_when_it_is_ready_and_stops_at_once(
    number: signal.Signals,
) -> None:
    """One line on stdout, exit code 0, even while a request is being delayed."""
    with start_process("--webhook-secret", f"portal={SECRET}") as process:
        ready = ready_line(process)
        url = f"http://127.0.0.1:{ready['port']}"
        control = {"x-control-key": ready["control_key"]}
        with httpx.Client(base_url=url, trust_env=False) as client:
            slow = {"side": "pagerduty", "delay_s": 3600}
            client.post("/control/faults", json=slow, headers=control)
            with pytest.raises(httpx.ReadTimeout):
                client.post("/pagerduty/v2/enqueue", json=make_event(), timeout=0.1)

        process.send_signal(number)
        rest, errors = process.communicate(timeout=5)

    assert ready["ready"] == "outside"
    assert (process.returncode, rest, errors) == (0, "", "")


def test_the_process_goes_with_its_parent() -> None:
    """A stand-in that nobody stops does not stay."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'devhost.outside',"
        " '--exit-with-parent'], stdout=subprocess.PIPE)\n"
        "sys.stdout.write(child.stdout.readline().decode())\n"
    )
    # This returns once nobody holds stderr any more: the child has it too.
    parent = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        cwd=ROOT,
    )

    port = json.loads(parent.stdout)["port"]
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)


@pytest.mark.parametrize(
    "arguments", [("--webhook-secret", "portal"), ("--webhook-secret", "p=whsec_x")]
)
def test_a_malformed_secret_stops_the_start(arguments: tuple[str, ...]) -> None:
    """Exit code 2, with the reason on stderr and not the secret."""
    with start_process(*arguments) as process:
        output, errors = process.communicate(timeout=10)

    assert (process.returncode, output) == (2, "")
    assert "whsec_<" in errors
    assert "Traceback" not in errors
