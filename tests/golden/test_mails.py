"""The HTML of mails as it is sent, beside what was reviewed: open the files in a browser.

`make golden` writes them anew; the difference is to be reviewed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conformance.kit import FakeWorld
from tests.golden.messages import actions

GOLDEN = Path(__file__).parent / "messages" / "email"
IS_WRITING = os.environ.get("FIREWATCH_GOLDEN") == "write"


@pytest.mark.parametrize("title", ["updated", "resolved", "hostile"])
async def test_the_html_is_as_reviewed(title: str) -> None:
    """Down to its styles; the other notices differ by their words alone."""
    world = FakeWorld("email")
    action = (await actions(world.responder))[title]

    await world.responder.apply(action)

    html = world.sent[0].json["content"]["html"]
    golden = GOLDEN / f"{title}.html"
    if IS_WRITING:
        golden.write_text(html, "utf-8")
    assert html == golden.read_text("utf-8")
