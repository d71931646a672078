"""What docs/webhooks.md tells senders to do."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.unit.senders.kit import BODY, HMAC_SENDER, ROOT, SETTINGS, Door, signature

if TYPE_CHECKING:
    from pathlib import Path


def fenced(language: str) -> str:
    """The first block of that language in the users' page."""
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


async def test_the_fixed_example_verifies() -> None:
    """The example that users compare their own code with is right."""
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| `(.*)` \|$", page, re.MULTILINE))

    expected = signature(rows["secret"], rows["timestamp"], rows["body"].encode())

    assert rows["signature"] == expected


async def run(*command: str, cwd: Path | None = None) -> str:
    def blocking() -> str:
        return subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    return await asyncio.to_thread(blocking)


async def test_the_python_example_signs_as_we_verify() -> None:
    """The lines that users copy make headers that pass."""
    door = Door({"soar": HMAC_SENDER})
    given = {"secret": SETTINGS["SIGN"].encode(), "body": BODY}
    program = f"""
{"; ".join(f"{name} = {value!r}" for name, value in given.items())}
{fenced("python")}
import json
print(json.dumps(headers))
"""

    headers = json.loads(await run(sys.executable, "-c", program))

    stamp = int(headers["x-firewatch-timestamp"])
    door.clock.now = datetime.fromtimestamp(stamp, tz=UTC)
    assert (await door.ask(headers)).name == "soar"


@pytest.mark.skipif(
    not (shutil.which("openssl") and shutil.which("bash")),
    reason="the example is written for bash and openssl, which this machine lacks",
)
async def test_the_shell_example_signs_as_we_verify(tmp_path: Path) -> None:
    """The commands that users copy send headers that pass."""
    door = Door({"soar": HMAC_SENDER})
    (tmp_path / "alert.json").write_bytes(BODY)
    program = f"""
set -euo pipefail
curl() {{ printf '%s\\n' "$@"; }}
SECRET={SETTINGS["SIGN"]}
{fenced("bash")}
"""

    sent = await run("bash", "-c", program, cwd=tmp_path)

    found = re.findall(r"^(x-firewatch-\S+): (\S+)$", sent, re.MULTILINE)
    headers = dict(found)
    stamp = int(headers["x-firewatch-timestamp"])
    door.clock.now = datetime.fromtimestamp(stamp, tz=UTC)
    assert "@alert.json" in sent
    assert (await door.ask(headers)).name == "soar"
