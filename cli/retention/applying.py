"""Bringing tables to what they are to keep, and waiting until they do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.model.errors import (
    CommandStale,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.rest import Pending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.log_retention.table import Kept
    from shared.log_retention.workspace import Workspace

# A table is Updating for seconds to minutes.
WITHIN = timedelta(minutes=10)
PAUSE = timedelta(seconds=5)

# Changes that were sent and do not show: more of the same would not either.
MOST_SENT = 5


class Target(NamedTuple):
    """What a table is to become, by ``properties``; from ``before``, or from anything."""

    table: str
    before: Kept | None
    after: Kept
    properties: Mapping[str, int]


def _now() -> datetime:
    return datetime.now(UTC)


async def _sleep(span: timedelta) -> None:
    await asyncio.sleep(span.total_seconds())


class Pace(NamedTuple):
    """The clock, how to let time go by, and how long a table may take."""

    clock: Callable[[], datetime] = _now
    sleep: Callable[[timedelta], Awaitable[None]] = _sleep
    within: timedelta = WITHIN


class _Wait(NamedTuple):
    """How long to let time go by, and why."""

    span: timedelta
    why: str


class Bringer:
    """Brings tables of one workspace to their targets, one after another.

    Each step reads first: whatever of a change arrived before a failure is not asked for
    again. ``told`` is given a line for whoever waits.
    """

    def __init__(
        self, workspace: Workspace, pace: Pace, told: Callable[[str], None]
    ) -> None:
        self._workspace = workspace
        self._pace = pace
        self._told = told

    async def __call__(self, target: Target) -> bool:
        """Whether anything had to be changed; it is so now, as was read again.

        Raises CommandStale where somebody changed it meanwhile, TransientFailure where
        it took too long, and PermanentFailure.
        """
        until = self._pace.clock() + self._pace.within
        way = _Way(self._workspace, target)
        while True:
            try:
                wait = await way.step()
            except TransientFailure as failure:
                wait = _Wait(failure.retry_after or PAUSE, str(failure))
            if wait is None:
                return way.sent > 0
            if self._pace.clock() + wait.span > until:
                raise TransientFailure(FailureReason.TIMEOUT, wait.why)
            if wait.span:
                self._told(f"{wait.why}; again in {round(wait.span.total_seconds())} s")
                await self._pace.sleep(wait.span)


class _Way:
    """A table on its way to a target."""

    def __init__(self, workspace: Workspace, target: Target) -> None:
        self.sent = 0
        self._workspace = workspace
        self._target = target
        self._pending: Pending | None = None

    async def step(self) -> _Wait | None:
        """Do what is next, and say what to wait for; None once it is there."""
        target, pending = self._target, self._pending
        table = await self._workspace.table(target.table)
        if table.is_settled and table.keeps(target.after):
            return None
        if pending is not None:
            # Whatever it says: the table tells the rest.
            self._pending = None
            self._pending = await self._look(pending)
        if self._pending is not None or not table.is_settled:
            span = self._pending.retry_after if self._pending else PAUSE
            return _Wait(span, "is being changed")
        if target.before is not None and not table.keeps(target.before):
            raise CommandStale(f"somebody else changed it: it keeps {table.kept.said}")
        if self.sent == MOST_SENT:
            raise PermanentFailure(
                FailureReason.CONFLICT, f"took {self.sent} changes, and shows none"
            )
        self.sent += 1
        changed = await self._workspace.change(target.table, target.properties)
        self._pending = changed if isinstance(changed, Pending) else None
        return _Wait(timedelta(0), "was changed")

    async def _look(self, pending: Pending) -> Pending | None:
        """How far the change is, for whoever may know; who may not reads the table."""
        try:
            found = await self._workspace.look(pending)
        except PermanentFailure as failure:
            if failure.reason is FailureReason.AUTH:
                return None
            raise
        return found if isinstance(found, Pending) else None


def is_hopeless(failure: Exception) -> bool:
    """Whether no other table would fare better."""
    return (
        isinstance(failure, PermanentFailure) and failure.reason is FailureReason.AUTH
    )
