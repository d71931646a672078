"""What a workspace will not answer, so that it is not asked, or told, over and over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared import telemetry
from shared.model.evidence import Lack

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.enrichment.query import Query
    from shared.model.errors import LogsUnavailable

# A table comes into being when somebody connects a source, which is not often.
MISSING_FOR = timedelta(hours=1)

# A new role takes up to an hour to count (log-analytics.md 4), and nobody should wait
# for the second one.
FORBIDDEN_FOR = timedelta(minutes=5)


# Resources can be asked like workspaces, and there is no end of them.
MOST_KEPT = 5_000


class Refusals:
    """Tables and permissions that a workspace lacked when it was last asked."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._tables = _Until(clock)
        self._queries = _Until(clock)
        self._forbidden = _Until(clock)

    def of(self, workspace: str, query: Query) -> Lack | None:
        """Why the workspace need not be asked this, if there is a reason.

        That it lacks one of several tables is no reason for another query: some do
        without.
        """
        if self._forbidden.holds(workspace):
            return Lack.FORBIDDEN
        if self._queries.holds(workspace, query.name):
            return Lack.MISSING_TABLE
        tables = query.tables
        if tables and all(self._tables.holds(workspace, table) for table in tables):
            return Lack.MISSING_TABLE
        return None

    def note(self, workspace: str, query: Query, error: LogsUnavailable) -> None:
        """Remember what a workspace said; that it refuses us is logged once."""
        if error.lack is Lack.FORBIDDEN:
            if not self._forbidden.is_known(workspace):
                telemetry.emit(telemetry.EVIDENCE_FORBIDDEN, workspace=workspace)
            self._forbidden.put(FORBIDDEN_FOR, workspace)
        elif error.lack is Lack.MISSING_TABLE:
            self._queries.put(MISSING_FOR, workspace, query.name)
            self._tables.put(MISSING_FOR, workspace, error.table)

    def forget(self, workspace: str) -> None:
        """It answered: a refusal after this is a new one, and said again."""
        self._forbidden.drop(workspace)


class _Until:
    """What holds for a time; the oldest are forgotten past ``MOST_KEPT``."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._ends: dict[tuple[str, ...], datetime] = {}

    def holds(self, *key: str) -> bool:
        ends = self._ends.get(key)
        return ends is not None and self._clock() < ends

    def is_known(self, *key: str) -> bool:
        """Whether it held at some time."""
        return key in self._ends

    def put(self, lasts: timedelta, *key: str) -> None:
        self.drop(*key)
        self._ends[key] = self._clock() + lasts
        while len(self._ends) > MOST_KEPT:
            del self._ends[next(iter(self._ends))]

    def drop(self, *key: str) -> None:
        self._ends.pop(key, None)
