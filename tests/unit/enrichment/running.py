"""A runner over workspaces that answer as a test says, and its evidence."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.enrichment.runner import Runner
from tests.fakes.logs import (
    WORKSPACE,
    FakeLogs,
    wall,
)
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.enrichment.asking import Ask
    from shared.enrichment.limiter import Limiter
    from shared.model.evidence import Evidence
    from shared.model.logs import Answer

DEADLINE = timedelta(seconds=20)
SECOND = timedelta(seconds=1)


def a_runner(logs: FakeLogs, *, limiter: Limiter | None = None) -> Runner:
    return Runner(logs, clock=wall, limiter=limiter, draw=lambda _, most: most)


def now() -> float:
    return asyncio.get_running_loop().time()


def gathered(
    logs: FakeLogs,
    asked: Sequence[Ask],
    *workspaces: str,
    deadline: timedelta = DEADLINE,
) -> tuple[list[Evidence], float]:
    """The evidence, and how many seconds it took."""

    async def scenario() -> tuple[list[Evidence], float]:
        found = await a_runner(logs)(
            asked, workspaces or (WORKSPACE,), deadline=deadline
        )
        return found, now()

    return in_virtual_time(scenario())


class Stubborn(FakeLogs):
    """Takes half a minute to be cancelled."""

    async def _answer(self, workspace: str, name: str) -> Answer:
        try:
            return await super()._answer(workspace, name)
        except asyncio.CancelledError:
            await asyncio.sleep(30)
            raise
