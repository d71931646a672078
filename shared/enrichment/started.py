"""Asks under way: what has come of them so far, and what comes until the deadline."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from shared import telemetry
from shared.enrichment.merging import unavailable
from shared.model.evidence import EvidenceStatus, Lack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from shared.enrichment.asking import Ask
    from shared.model.evidence import Evidence

    # Finds the workspaces; it is called once, when the first ask needs them.
    Find: TypeAlias = Callable[[], Awaitable[Sequence[str]]]


class Early(NamedTuple):
    """What had come when somebody could not wait longer, and what had not."""

    evidence: list[Evidence]
    missing: list[Ask]


class Started:
    """Asks under way.

    ``until`` may be called, and cancelled, as often as one likes: the asks go on.
    ``rest`` ends them; so do ``cancel``, and ``rest`` cancelled.
    """

    def __init__(
        self,
        asks: Sequence[Ask],
        tasks: Sequence[asyncio.Task[Evidence]],
        where: Where,
    ) -> None:
        self._asks = tuple(asks)
        self._tasks = tuple(tasks)
        self._where = where
        self._began = _now()
        _tell_at_the_end(self._tasks)

    async def until(self, seconds: float) -> Early:
        """What has come ``seconds`` after the start, in the order of the asks.

        Returns at once where all has come, or where that time has passed.
        """
        left = self._began + seconds - _now()
        pending = [task for task in self._tasks if not task.done()]
        if pending and left > 0:
            await asyncio.wait(pending, timeout=left)
        over = [task.done() for task in self._tasks]
        return Early(
            [
                self._of(ask, task)
                for ask, task, is_over in zip(
                    self._asks, self._tasks, over, strict=True
                )
                if is_over
            ],
            [ask for ask, is_over in zip(self._asks, over, strict=True) if not is_over],
        )

    async def rest(self) -> list[Evidence]:
        """All evidence, in the order of the asks; the deadline bounds the wait."""
        try:
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self.cancel()
        return [
            self._of(ask, task)
            for ask, task in zip(self._asks, self._tasks, strict=True)
        ]

    def cancel(self) -> None:
        """Give up what has not come; it is then a timeout to whoever asks again."""
        self._where.cancel()
        for task in self._tasks:
            task.cancel()

    def _of(self, ask: Ask, task: asyncio.Task[Evidence]) -> Evidence:
        if not task.cancelled() and task.exception() is None:
            return task.result()
        lack = Lack.TIMEOUT if task.cancelled() else Lack.UNREACHABLE
        return unavailable(ask, lack, asked_at=self._where.asked_at)


class Where:
    """The workspaces of one start: found once, and waited for by each of its asks."""

    def __init__(
        self, workspaces: Sequence[str] | Find, ends: float, asked_at: datetime
    ) -> None:
        self.asked_at = asked_at
        self._given = workspaces
        self._ends = ends
        self._finding: asyncio.Future[Sequence[str]] | None = None

    async def found(self) -> list[str] | None:
        """Each workspace once; None where they were not found in time."""
        if not callable(self._given):
            return list(dict.fromkeys(self._given))
        if self._finding is None:
            self._finding = asyncio.ensure_future(self._given())
        left = max(0.0, self._ends - _now())
        await asyncio.wait({self._finding}, timeout=left)
        if not self._finding.done():
            self._finding.cancel()
            return None
        return list(dict.fromkeys(self._finding.result()))

    def cancel(self) -> None:
        """Stop looking."""
        if self._finding is not None:
            self._finding.cancel()


def _tell_at_the_end(tasks: Sequence[asyncio.Task[Evidence]]) -> None:
    """One log line once the last is over; none where somebody gave them up."""
    flying = set(tasks)

    def landed(task: asyncio.Task[Evidence]) -> None:
        flying.discard(task)
        if not task.cancelled() and (error := task.exception()):
            telemetry.emit(telemetry.EVIDENCE_BROKE_US, error=error)
        if flying or any(each.cancelled() or each.exception() for each in tasks):
            return
        found = Counter(each.result().status for each in tasks)
        telemetry.emit(
            telemetry.EVIDENCE_GATHERED,
            complete=found[EvidenceStatus.COMPLETE],
            partial=found[EvidenceStatus.PARTIAL],
            unavailable=found[EvidenceStatus.UNAVAILABLE],
        )

    for task in tasks:
        task.add_done_callback(landed)


def _now() -> float:
    return asyncio.get_running_loop().time()
