"""Questions that are put to others than workspaces."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.enrichment.inquiries import WAITS, Round, Topic, answer, asked
from shared.model.evidence import Evidence, EvidenceStatus, Lack
from tests.factories import NOON, make_incident
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from shared.model.incident import Incident

ROUND = Round(make_incident(), {}, (), NOON, is_new=True)


class Asked:
    """An inquiry that is answered by what it is given."""

    def __init__(self, name: str, answers: Callable[[], Awaitable[None]]) -> None:
        self.topic = Topic(name, "What of it?", ("Answer",), place=0)
        self._answers = answers

    def subject(self, _: Incident) -> str:
        return "the incident"

    async def __call__(self, head: Incident, now: datetime) -> Evidence:
        await self._answers()
        return answer(self.topic, self.subject(head), now, rows=(("yes",),))


async def answers() -> None:
    """One that knows."""


async def breaks() -> None:
    """One that is wrong in itself."""
    raise RuntimeError("boom")


async def hangs() -> None:
    """One that never says anything."""
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("other", "lack"), [(breaks, Lack.DEFECT), (hangs, Lack.TIMEOUT)]
)
def test_an_inquiry_that_fails_is_an_answer_that_is_missing(
    other: Callable[[], Awaitable[None]],
    lack: Lack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A page waits so long and no longer, and the others are in it."""

    async def story() -> tuple[list[Evidence], float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await asked(
            [Asked("wrong", other), Asked("right", answers)], ROUND, seconds=60.0
        )
        return [row.evidence for row in found], loop.time() - began

    (wrong, right), took = in_virtual_time(story())

    assert (wrong.status, wrong.reason) == (EvidenceStatus.UNAVAILABLE, lack)
    assert (right.status, right.rows) == (EvidenceStatus.COMPLETE, (("yes",),))
    assert took <= WAITS.total_seconds()
    # What is wrong in us is for us to mend; who is slow is only late.
    assert ("evidence.broke_us" in caplog.text) is (lack is Lack.DEFECT)
