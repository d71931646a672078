"""What each notifier sends about one incident, beside what was reviewed.

`make golden` writes the expected files anew; the difference is to be reviewed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from msgspec.structs import replace

from responders import RESPONDERS
from tests.conformance.kit import CASES, FakeWorld
from tests.golden.messages import actions

GOLDEN = Path(__file__).parent / "messages"
IS_WRITING = os.environ.get("FIREWATCH_GOLDEN") == "write"


async def sent_by(name: str) -> dict[str, bytes]:
    """The requests for each of the actions, as JSON, by the name of a file."""
    world = FakeWorld(name)
    found: dict[str, bytes] = {}
    reference = ""
    for title, action in (await actions(world.responder)).items():
        world.sent.clear()
        is_of_opened = title not in {"opened", "sample", "hostile"}
        given = replace(action, reference=reference if is_of_opened else "")
        outcome = await world.responder.apply(given)
        if title == "opened":
            reference = outcome.reference
        requests = [
            {
                "request": f"{sent.method} {urlsplit(sent.url).path}",
                "content": CASES[name].content(sent),
            }
            for sent in world.sent
        ]
        pretty = msgspec.json.format(msgspec.json.encode(requests), indent=1)
        found[f"{title}.json"] = pretty + b"\n"
    return found


@pytest.mark.parametrize("name", sorted(RESPONDERS))
async def test_what_is_sent_is_as_reviewed(name: str) -> None:
    """Every request, field by field."""
    found = await sent_by(name)
    folder = GOLDEN / name

    if IS_WRITING:
        folder.mkdir(parents=True, exist_ok=True)
        for old in {*folder.glob("*.json")} - {folder / file for file in found}:
            old.unlink()
        for file, text in found.items():
            (folder / file).write_bytes(text)
    assert {path.name: path.read_bytes() for path in folder.glob("*.json")} == found


def test_every_folder_has_its_notifier() -> None:
    """Whoever takes a responder away takes its files along."""
    orphans = {path.name for path in GOLDEN.iterdir()} - {*RESPONDERS}

    if IS_WRITING:
        for orphan in orphans:
            shutil.rmtree(GOLDEN / orphan)
        orphans = set()
    assert orphans == set()
