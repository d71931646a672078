"""Asks put to workspaces: in parallel, never twice, and never longer than one waits.

Nothing here raises over a workspace: what fails is evidence too, and says what is
missing.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared import telemetry
from shared.enrichment.cache import MOST_AGE, Answers, Flight, Given, Key
from shared.enrichment.fitting import ASKED_ROWS, bounded
from shared.enrichment.kql import render
from shared.enrichment.limiter import Limiter
from shared.enrichment.merging import Part, merged, unavailable
from shared.enrichment.refusals import Refusals
from shared.enrichment.started import Started, Where
from shared.model.errors import LogsUnavailable
from shared.model.evidence import Lack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.enrichment.asking import Ask
    from shared.enrichment.started import Find
    from shared.model.evidence import Evidence
    from shared.model.logs import Logs

# One query waits no longer for its workspace, however much of the deadline is left.
QUERY_LIMIT = timedelta(seconds=10)

# After a 429 that does not say how long: 0.25, 0.5, 1, 2 s, each drawn from its upper
# half, so that the five do not come back together.
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 2.0


class Runner:
    """Asks workspaces, as one identity; one for the process.

    ``clock`` tells the time of answers; waiting goes by the event loop's own.
    """

    def __init__(
        self,
        logs: Logs,
        *,
        clock: Callable[[], datetime],
        limiter: Limiter | None = None,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._logs = logs
        self._clock = clock
        self._limiter = limiter or Limiter()
        self._draw = draw
        self._answers = Answers(clock)
        self._refusals = Refusals(clock)

    async def __call__(
        self,
        asks: Sequence[Ask],
        workspaces: Sequence[str] | Find,
        *,
        deadline: timedelta,
        most_age: timedelta = MOST_AGE,
    ) -> list[Evidence]:
        """An evidence for each ask, in their order; see ``start``."""
        return await self.start(
            asks, workspaces, deadline=deadline, most_age=most_age
        ).rest()

    def start(
        self,
        asks: Sequence[Ask],
        workspaces: Sequence[str] | Find,
        *,
        deadline: timedelta,
        most_age: timedelta = MOST_AGE,
    ) -> Started:
        """Put every ask to every workspace, and answer each within the deadline.

        ``workspaces`` are ids as ``Logs`` takes them, or what finds them: the time that
        takes is part of the deadline. Answers that are younger than ``most_age``
        may come from the cache; zero asks afresh.
        """
        ends = asyncio.get_running_loop().time() + deadline.total_seconds()
        where = Where(workspaces, ends, self._clock())
        tasks = [
            asyncio.create_task(self._evidence(ask, where, ends, most_age))
            for ask in asks
        ]
        return Started(asks, tasks, where)

    async def _evidence(
        self, ask: Ask, where: Where, ends: float, most_age: timedelta
    ) -> Evidence:
        now = where.asked_at
        try:
            kql = render(
                ask.query,
                ask.values,
                since=ask.since,
                until=ask.until,
                most_rows=ASKED_ROWS,
            )
        except ValueError:
            return unavailable(ask, Lack.BAD_QUERY, asked_at=now)
        workspaces = await where.found()
        if not workspaces:
            lack = Lack.TIMEOUT if workspaces is None else Lack.NO_WORKSPACE
            return unavailable(ask, lack, asked_at=now)
        digest = hashlib.sha256(kql.encode()).digest()
        keys = [Key(each, ask.query.name, digest) for each in workspaces]
        parts = await asyncio.gather(
            *(self._part(ask, kql, key, ends, most_age) for key in keys)
        )
        return merged(ask, parts, asked_at=now)

    async def _part(
        self, ask: Ask, kql: str, key: Key, ends: float, most_age: timedelta
    ) -> Part:
        """What one workspace says, from the cache if it can be."""
        given = self._answers.find(key, most_age)
        if given is not None:
            return Part(key.workspace, given)
        lack = self._refusals.of(key.workspace, ask.query)
        if lack is not None:
            return Part(key.workspace, lack=lack)
        flight = self._answers.flight(
            key, lambda flight: self._fly(ask, kql, key, flight)
        )
        task = await flight.wait(ends)
        if task is None or task.cancelled():
            late = Lack.THROTTLED if flight.throttled else Lack.TIMEOUT
            return Part(key.workspace, lack=late)
        error = task.exception()
        if error is None:
            return Part(key.workspace, task.result())
        if isinstance(error, LogsUnavailable):
            return Part(key.workspace, lack=error.lack)
        telemetry.emit(telemetry.EVIDENCE_BROKE_US, query=ask.query.name, error=error)
        return Part(key.workspace, lack=Lack.UNREACHABLE)

    async def _fly(self, ask: Ask, kql: str, key: Key, flight: Flight) -> Given:
        """Ask one workspace until it answers, refuses, or nobody waits any more."""
        attempt = 0
        while True:
            if _now() + self._limiter.opens_in() >= flight.ends:
                raise LogsUnavailable(Lack.THROTTLED)
            try:
                given = await self._once(ask, kql, key)
            except LogsUnavailable as error:
                self._refusals.note(key.workspace, ask.query, error)
                if error.lack is not Lack.THROTTLED:
                    raise
                flight.throttled = True
                pause = self._pause(attempt, error.retry_after)
                attempt += 1
                if _now() + pause >= flight.ends:
                    raise
                if error.retry_after is None:
                    await asyncio.sleep(pause)
            else:
                self._refusals.forget(key.workspace)
                return given

    async def _once(self, ask: Ask, kql: str, key: Key) -> Given:
        async with self._limiter.slot():
            asked_at, began = self._clock(), _now()
            try:
                # The whole limit, whoever asks: somebody who has longer may join. And
                # not the client's own alone: this is what frees the slot.
                answer = await asyncio.wait_for(
                    self._logs.query(
                        key.workspace,
                        kql,
                        since=ask.since,
                        until=ask.until,
                        within=QUERY_LIMIT,
                    ),
                    QUERY_LIMIT.total_seconds(),
                )
            except TimeoutError:
                raise LogsUnavailable(Lack.TIMEOUT) from None
            took_ms = round((_now() - began) * 1000)
        small, is_cut = bounded(answer)
        is_cut = is_cut or len(answer.rows) >= ASKED_ROWS
        return Given(small, is_cut, asked_at, took_ms)

    def _pause(self, attempt: int, asked: timedelta | None) -> float:
        """How long a throttled query waits; all others too, where it was said."""
        if asked is not None:
            self._limiter.hold(asked.total_seconds())
            return asked.total_seconds()
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt, 10))
        return self._draw(longest / 2, longest)


def _now() -> float:
    return asyncio.get_running_loop().time()
