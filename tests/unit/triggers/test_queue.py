"""Messages that failed as often as they may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.store import messages
from shared.triggers import queue
from tests.alerts import event
from tests.fakes.app import FakeApp

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def app(tmp_path: Path) -> FakeApp:
    """An app with one incident that nobody looked at."""
    app = FakeApp(tmp_path)
    await app.world.worker.ingest([event()])
    return app


async def test_each_incident_of_a_poisoned_message_counts_a_failure(
    app: FakeApp,
) -> None:
    """It rests and stays due, so the timer brings it back."""
    head = await app.world.head()

    await queue.give_up(app, messages.encode([head.id, "0a" * 8]))

    after = await app.world.head()
    assert after.attempts == 1
    assert after.is_dirty
    assert after.due is not None
    assert after.due > app.world.clock()
    assert not [name for name in app.world.blobs.blobs if "dead-letter" in name]


@pytest.mark.parametrize(
    "body", [b"", b"junk", b"\xff", b"{}", b'{"incidents": 1}', b"[" * 100_000]
)
async def test_a_message_that_is_not_ours_is_kept(app: FakeApp, body: bytes) -> None:
    """Whole, as a dead letter; nothing raises, or it would come back for ever."""
    await queue.give_up(app, body)

    (letter,) = [x async for _, x in app.world.worker.archive.letters()]
    assert letter.source == "queue/respond"
    assert letter.raw == body
