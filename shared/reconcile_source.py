"""The fourth verb: ask the source itself what its export may have left out.

Defender's own list of a subscription's alerts is one more road into ``ingest``. What
the other roads brought is a duplicate there; what they did not is stored, and said to
be a gap.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from shared import sources, telemetry
from shared.model.alert import Alert, AlertRow
from shared.model.books import Books
from shared.model.errors import FirewatchError
from shared.model.event import Event
from shared.store import rows
from shared.store.archive import content_place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from shared.ingest import Taken
    from shared.store.ledger import Ledger

# Younger alerts may still be on their way through the export.
GRACE = timedelta(minutes=30)

# Subscriptions read at once: a page takes megabytes of memory.
AT_ONCE = 4

# The platform ends the whole worker after five minutes of one function.
WHOLE_TIMEOUT_S = 240.0


class Reconciled(msgspec.Struct, kw_only=True):
    """What one run found in one subscription.

    ``gaps`` are the stored ones that the export had time enough to deliver.
    ``failure`` says why the list was not read to its end; empty where it was.
    """

    subscription: str
    listed: int = 0
    stored: int = 0
    updated: int = 0
    gaps: int = 0
    failure: str = ""


class ReconcileSource:
    """Lists the alerts of subscriptions and gives each page to ``ingest``.

    ``alerts`` gives the pages of a subscription. ``last_run`` is when this process last
    came to the end of a run.
    """

    def __init__(
        self,
        subscriptions: Sequence[str],
        *,
        alerts: Callable[[str], AsyncIterator[bytes]],
        ingest: Callable[[Sequence[Event]], Awaitable[Taken]],
        ledger: Ledger,
        clock: Callable[[], datetime],
    ) -> None:
        self.subscriptions = tuple(dict.fromkeys(s.lower() for s in subscriptions))
        self.last_run: datetime | None = None
        self._alerts = alerts
        self._ingest = ingest
        self._ledger = ledger
        self._clock = clock

    async def __call__(self) -> tuple[Reconciled, ...]:
        """Read every subscription's list; what cannot be read waits for the next run.

        Never raises for what a subscription or the store says: it is in the result,
        and in the log.
        """
        if not self.subscriptions:
            telemetry.emit(telemetry.RECONCILE_OFF)
            return ()
        deadline = asyncio.get_running_loop().time() + WHOLE_TIMEOUT_S
        gate = asyncio.Semaphore(AT_ONCE)
        found = tuple(Reconciled(subscription=s) for s in self.subscriptions)
        results = await asyncio.gather(
            *(self._reconcile(each, deadline, gate) for each in found),
            return_exceptions=True,
        )
        self.last_run = self._clock()
        for result in results:
            if result is not None:
                raise result
        return found

    async def totals(self) -> dict[str, Books]:
        """The books of each subscription over all runs."""
        if not self.subscriptions:
            return {}
        keys = {rows.books(source_of(s)): s for s in self.subscriptions}
        found = dict.fromkeys(self.subscriptions, Books())
        # Books lie with whatever partition closed a batch.
        for part in await asyncio.gather(
            *(
                self._ledger.table.get(partition, keys)
                for partition in rows.all_partitions(self._ledger.partitions)
            )
        ):
            for key, row in part.items():
                found[keys[key]] += rows.decode(row, Books)
        return found

    async def _reconcile(
        self, found: Reconciled, deadline: float, gate: asyncio.Semaphore
    ) -> None:
        try:
            async with asyncio.timeout_at(deadline), gate:
                async for page in self._alerts(found.subscription):
                    await self._take(found, page)
        except FirewatchError as error:
            found.failure = str(error)
        except TimeoutError:
            found.failure = "the time of a run was over"
        _tell(found)

    async def _take(self, found: Reconciled, page: bytes) -> None:
        event = Event(
            body=page,
            source=source_of(found.subscription),
            place=content_place(page),
            received_at=self._clock(),
        )
        books = (await self._ingest([event])).books
        found.listed += books.received
        found.stored += books.stored
        found.updated += books.updated
        if books.stored:
            found.gaps += min(books.stored, await self._overdue(event))

    async def _overdue(self, event: Event) -> int:
        """How many alerts have such a page as their origin, and are past the grace.

        An alert that the page updated counts as well, so ``stored`` is the limit.
        """
        latest = event.received_at - GRACE
        old: dict[str, set[str]] = defaultdict(set)
        for unit in sources.read(event.body, received_at=event.received_at):
            if isinstance(unit, Alert) and unit.version.at < latest:
                partition = rows.partition_of(unit.scope, self._ledger.partitions)
                old[partition].add(rows.alert(unit.id))
        count = 0
        for partition, keys in old.items():
            known = await self._ledger.table.get(partition, keys)
            spots = (rows.decode(row, AlertRow).spot for row in known.values())
            # Its place is the hash of what it says.
            count += sum(s is not None and s.sha256 == event.place for s in spots)
        return count


def source_of(subscription: str) -> str:
    """What the events of a subscription's list have for a source."""
    return f"arm/{subscription}"


def _tell(found: Reconciled) -> None:
    """One line for a list that was read, one for a gap, one for a failure."""
    subscription = found.subscription
    if found.gaps:
        telemetry.emit(
            telemetry.EXPORT_GAP, subscription=subscription, alerts=found.gaps
        )
    if found.failure:
        telemetry.emit(
            telemetry.RECONCILE_FAILED, subscription=subscription, reason=found.failure
        )
        return
    telemetry.emit(
        telemetry.RECONCILE_DONE,
        subscription=subscription,
        listed=found.listed,
        stored=found.stored,
        updated=found.updated,
    )
