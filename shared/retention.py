"""The fifth verb: what ended long ago leaves table ``work``, so that it stays small.

::

    choose      incidents at rest for longer than the keep time        reads heads
    copy        all of their rows to ``history``, then its indexes      ends in itself
    let go      all of their rows from ``work``, the heads first        the turning point

A crash before the turning point leaves an incident whole in ``work``, and the next run
copies it over itself. Afterwards it is whole in ``history``; where its rows are more
than one transaction holds, a row ``r|`` says that some are left, until none is.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from shared import telemetry
from shared.actions.ended import Ended, Rest, is_at_rest
from shared.model.alert import AlertRow
from shared.model.errors import StoreConflict, StoreLimit
from shared.model.incident import Entry, Incident
from shared.store import limits, reading, rows
from shared.store.ports import Delete, Put

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Collection,
        Iterable,
        Mapping,
        Sequence,
    )
    from datetime import datetime

    from shared.purge import Purge
    from shared.store.history import History
    from shared.store.ledger import Ledger
    from shared.store.ports import Row, Write

# Incidents of one run, those that rested longest first; the rest waits for the next.
MOST_PER_RUN = 2_000

# Incidents moved at once, each in requests one after the other.
SIDE_BY_SIDE = 8

# The platform ends the whole worker after five minutes of one function.
WHOLE_TIMEOUT_S = 240.0

# Defender lists an alert for 90 days. While ``reconcile`` reads that list, an alert
# that left the table before would be a new one there.
LISTED = timedelta(days=97)


class Came(Enum):
    """What came of an incident that was to be moved."""

    MOVED = "moved"
    # It is not at rest any more.
    STAYS = "stays"
    # It waits for the next run: the time was over, or it could not be moved.
    WAITS = "waits"


class Retired(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to: incidents moved, those still to move, rows purged.

    An incident counts once, with all that was merged into it.
    """

    moved: int
    remaining: int
    purged: int


class Retention:
    """Moves what was at rest for longer than ``keep``.

    ``told`` gives the moment up to which everything is in the audit trail, which reads
    ``work`` alone: what happened later stays.
    """

    def __init__(
        self,
        ledger: Ledger,
        history: History,
        purge: Purge,
        *,
        keep: timedelta,
        told: Callable[[], Awaitable[datetime]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._history = history
        self._purge = purge
        self._keep = keep
        self._told = told

    async def __call__(self) -> Retired:
        """Move what is to be moved, as far as one run may, then purge.

        What changes while it moves stays. Raises StoreUnavailable, with everything
        that was begun ended.
        """
        deadline = asyncio.get_running_loop().time() + WHOLE_TIMEOUT_S
        before = self._ledger.now() - self._keep
        if self._told is not None:
            before = min(before, await self._told())
        partitions = rows.all_partitions(self._ledger.partitions)
        due = [each for p in partitions for each in await self._due(p, before)]
        chosen: dict[str, list[Ended]] = defaultdict(list)
        for ended, partition in sorted(due)[:MOST_PER_RUN]:
            chosen[partition].append(ended)
        came: Counter[Came] = Counter()
        purged = 0
        try:
            for partition in partitions:
                came += await self._move(partition, chosen[partition], before, deadline)
            for partition in partitions:
                if not _is_over(deadline):
                    purged += await self._purge(partition, before)
        finally:
            done = Retired(
                moved=came[Came.MOVED],
                remaining=len(due) - came[Came.MOVED] - came[Came.STAYS],
                purged=purged,
            )
            telemetry.emit(telemetry.RETIRE_DONE, **msgspec.structs.asdict(done))
        return done

    async def _due(self, partition: str, before: datetime) -> list[tuple[Ended, str]]:
        """What of a partition is to be moved."""
        rest = Rest(before)
        async for page in reading.pages(self._ledger, partition, "h"):
            for row in page:
                rest.see(rows.decode(row, Incident))
        return [(ended, partition) for ended in rest.found()]

    async def _move(
        self,
        partition: str,
        found: Sequence[Ended],
        before: datetime,
        deadline: float,
    ) -> Counter[Came]:
        """Move incidents of a partition, and end what a former run began."""
        left = await self._ledger.scan(partition, rows.LEAVING)
        if not found and not left:
            return Counter()
        # Before any other row: whatever changes one of them writes the head too, so
        # rows read after a head are its own while its version stands.
        heads = await self._ledger.table.get(
            partition, [rows.incident(i) for each in found for i in each.ids]
        )
        begun = {row: rows.decode(row, rows.Leaving).incidents for row in left}
        wanted = {i for ids in begun.values() for i in ids}
        wanted |= {i for each in found for i in each.ids}
        alerts = await self._alerts(partition, wanted)
        for marker, ids in begun.items():
            await _guarded(ids[0], self._finish(partition, marker, ids, alerts))
        gate = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(ended: Ended) -> Came:
            async with gate:
                if _is_over(deadline):
                    return Came.WAITS
                moving = self._retire(partition, ended, heads, alerts, before)
                return await _guarded(ended.winner, moving)

        # All to their end, so that the next run has little to do over.
        results = await asyncio.gather(*map(one, found), return_exceptions=True)
        came: Counter[Came] = Counter()
        for result in results:
            if isinstance(result, BaseException):
                raise result
            came[result] += 1
        return came

    async def _alerts(
        self, partition: str, incidents: Collection[str]
    ) -> dict[str, list[Row]]:
        """The alert rows of these incidents, the places they hold for others too."""
        found: dict[str, list[Row]] = defaultdict(list)
        async for page in reading.pages(self._ledger, partition, "a"):
            for row in page:
                incident = rows.decode(row, AlertRow).incident
                if incident in incidents:
                    found[incident].append(row)
        return found

    async def _retire(
        self,
        partition: str,
        ended: Ended,
        heads: Mapping[str, Row],
        alerts: Mapping[str, Sequence[Row]],
        before: datetime,
    ) -> Came:
        """Move one incident with what it absorbed."""
        whole: dict[str, list[Row]] = {}
        for incident_id in ended.ids:
            head = heads.get(rows.incident(incident_id))
            if head is None or not is_at_rest(rows.decode(head, Incident), before):
                return Came.STAYS
            others = await self._others(partition, incident_id)
            if any(_is_entry_since(row, before) for row in others):
                return Came.STAYS
            whole[incident_id] = [head, *alerts.get(incident_id, ()), *others]
        await self._history.keep(whole)
        return await self._let_go(partition, ended, whole)

    async def _others(self, partition: str, incident_id: str) -> list[Row]:
        """The deeds, evidence, timeline, tickets and actions of an incident."""
        found = await asyncio.gather(
            *(self._ledger.scan(partition, f"{kind}|{incident_id}") for kind in "cetwx")
        )
        return [row for part in found for row in part]

    async def _let_go(
        self, partition: str, ended: Ended, whole: Mapping[str, Sequence[Row]]
    ) -> Came:
        """Take the rows out of ``work``, or none of them where one changed."""
        flat = [row for found in whole.values() for row in found]
        # That of the winner before all others: what changes a loser changes it too.
        flat.sort(key=lambda row: row.key[0] != "h")
        first: list[Write] = [Delete(row.key, row.etag) for row in flat]
        rest: list[Write] = []
        marker = rows.leaving(ended.winner)
        if len(first) > limits.OPERATIONS:
            first, rest = first[: limits.OPERATIONS - 1], first[limits.OPERATIONS - 1 :]
            first.append(Put(marker, rows.encode(rows.Leaving(incidents=ended.ids))))
        try:
            etags = await self._ledger.table.commit(partition, first)
        except StoreConflict:
            return Came.STAYS
        self._ledger.memory.forget(partition, [row.key for row in flat])
        if rest:
            rest.append(Delete(marker, etags[marker]))
            await _guarded(ended.winner, self._sweep(partition, rest))
        return Came.MOVED

    async def _finish(
        self,
        partition: str,
        marker: Row,
        ids: Sequence[str],
        alerts: Mapping[str, Sequence[Row]],
    ) -> Came:
        """Take out what a former run left of incidents that are in ``history``."""
        heads = await self._ledger.table.get(partition, [rows.incident(i) for i in ids])
        if rows.incident(ids[0]) in heads:
            raise StoreConflict(f"work has another incident {ids[0]}")
        found = [*heads.values()]
        for incident_id in ids:
            found += alerts.get(incident_id, ())
            found += await self._others(partition, incident_id)
        gone = [Delete(row.key, row.etag) for row in (*found, marker)]
        return await self._sweep(partition, gone)

    async def _sweep(self, partition: str, gone: Iterable[Write]) -> Came:
        for part in limits.transactions(partition, gone):
            await self._ledger.table.commit(partition, part)
        return Came.MOVED


async def _guarded(incident: str, work: Awaitable[Came]) -> Came:
    """What came of it; one that cannot be moved is told of, and keeps no other waiting."""
    try:
        return await work
    except (StoreConflict, StoreLimit) as error:
        telemetry.emit(telemetry.RETIRE_FAILED, incident=incident, reason=str(error))
        return Came.WAITS


def _is_entry_since(row: Row, before: datetime) -> bool:
    """Whether a row is an entry of a timeline, of then or later: a comment, perhaps."""
    return row.key[0] == "t" and rows.decode(row, Entry).at >= before


def _is_over(deadline: float) -> bool:
    return asyncio.get_running_loop().time() >= deadline
