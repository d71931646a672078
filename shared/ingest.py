"""The first verb: events become incidents.

::

    read        bytes -> alerts, ignored, rejected         pure
    archive     the batch as it came; dead letters         before anything else
    settle      one transaction per partition touched      claim, incident, due row
    announce    one message: the incidents that are news

A crash anywhere leaves nothing half done: the archive has what the batch would write
again, a transaction is all or nothing, and an incident whose message was lost is found
by the timer through its due row.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from shared import sources, telemetry
from shared.model.alert import Alert
from shared.model.books import Booking, Books, booked
from shared.model.errors import StoreConflict, StoreUnavailable
from shared.store import messages, rows
from shared.store.archive import Problem
from shared.triage import catalogue
from shared.triage.correlation import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.correlation import Correlation
    from shared.model.event import Event
    from shared.model.spot import Spot
    from shared.store.archive import Archive
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# A decision that lost this often to other workers is made one alert at a time.
CROWDED = 3


class Taken(NamedTuple):
    """What became of a batch; ``malformed`` are problems of bodies that are no JSON."""

    books: Books
    malformed: tuple[Problem, ...]


class _Placed(NamedTuple):
    """An alert and the event it came in."""

    event: Event
    alert: Alert


class Ingest:
    """Takes batches of events, each batch from one source."""

    def __init__(
        self, ledger: Ledger, archive: Archive, queue: Queue, caps: Correlation
    ) -> None:
        self._ledger = ledger
        self._archive = archive
        self._queue = queue
        self._caps = caps

    async def __call__(self, events: Sequence[Event]) -> Taken:
        """Take one batch, in order.

        Returns only when every alert is on an incident and everything else is in a
        dead letter or ignored. Raises StoreUnavailable or StoreConflict when the store
        cannot take it now; the whole batch may then be given again.
        """
        if not events:
            return Taken(Books(), ())
        kept = await self._archive.batch(events)
        attempt = _Attempt(events[0].source, kept.name)
        for event, spot in zip(events, kept.spots, strict=True):
            attempt.read(event, spot)
        await self._archive.dead_letters(attempt.problems)
        await self._settle_all(attempt)
        await self._announce(attempt.dirty)
        books = booked(attempt.bookings)
        telemetry.emit(
            telemetry.BATCH_TAKEN, source=attempt.source, **msgspec.to_builtins(books)
        )
        return Taken(books, tuple(attempt.malformed))

    async def _settle_all(self, attempt: _Attempt) -> None:
        """Put every alert on its incident; the last transaction carries the books."""
        by_partition: dict[str, list[_Placed]] = defaultdict(list)
        for placed in attempt.alerts:
            by_partition[self._partition(placed.alert.scope)].append(placed)
        last = max(by_partition, default=self._partition(attempt.source))
        final = by_partition.pop(last, [])
        # All to their end: a batch that is given again must not meet its former self.
        results = await asyncio.gather(
            *(self._settle(attempt, p, part) for p, part in by_partition.items()),
            return_exceptions=True,
        )
        for result in results:
            if result is not None:
                raise result
        await self._settle(attempt, last, final, closing=True)

    async def _settle(
        self,
        attempt: _Attempt,
        partition: str,
        rest: list[_Placed],
        *,
        closing: bool = False,
    ) -> None:
        """Fold alerts of one partition, as many at once as a transaction holds."""
        most = len(rest)
        while rest or closing:
            part = rest[:most]
            decide = partial(
                self._decide,
                attempt=attempt,
                part=part,
                closing=closing and len(part) == len(rest),
            )
            try:
                (bookings, dirty, closed), _ = await self._ledger.transact(
                    partition, decide, by="ingest"
                )
            except (StoreConflict, StoreUnavailable):
                raise
            except Exception as error:  # law 5: kept with its reason, to be replayed
                if not part:
                    raise
                if most > 1:
                    most = 1
                    continue
                await self._give_up(attempt, part[0], error)
                bookings, dirty, closed = [Booking.DEAD_LETTERED], [], False
            attempt.bookings += bookings
            attempt.dirty += dirty
            rest = rest[len(bookings) :]
            closing = closing and not closed

    def _decide(
        self, draft: Draft, attempt: _Attempt, part: list[_Placed], *, closing: bool
    ) -> tuple[list[Booking], list[str], bool]:
        """What one transaction takes of the alerts, and whether it closes the books."""
        bookings: list[Booking] = []
        for placed in part[:1] if draft.conflicts >= CROWDED else part:
            booking = fold(draft, placed.alert, self._caps)
            if booking is None:
                break
            bookings.append(booking)
        closes = closing and len(bookings) == len(part)
        if closes:
            key = rows.books(attempt.source)
            added = booked(attempt.bookings + bookings)
            draft.put(key, (draft.read(key, Books) or Books()) + added)
        return bookings, draft.dirty, closes

    async def _give_up(
        self, attempt: _Attempt, placed: _Placed, error: Exception
    ) -> None:
        """Keep an alert that broke us where it can be replayed once we are mended."""
        attempt.broke(placed.event, error)
        await self._archive.dead_letters({placed.event: attempt.problems[placed.event]})

    async def _announce(self, dirty: list[str]) -> None:
        for part in messages.split(sorted(set(dirty))):
            await self._queue.send(messages.encode(part))

    def _partition(self, scope: str) -> str:
        return rows.partition_of(scope, self._ledger.partitions)


class _Attempt:
    """Everything one batch has come to so far."""

    def __init__(self, source: str, archived: str) -> None:
        self.source = source
        self.archived = archived
        self.alerts: list[_Placed] = []
        self.bookings: list[Booking] = []
        self.dirty: list[str] = []
        self.problems: dict[Event, list[Problem]] = {}
        self.malformed: list[Problem] = []

    def read(self, event: Event, spot: Spot) -> None:
        """Sort the units of one event into alerts, bookings and problems."""
        try:
            found = sources.read(
                event.body,
                received_at=event.received_at,
                formats=event.formats,
            )
        except Exception as error:  # noqa: BLE001  law 5: or it blocks its partition
            self.broke(event, error)
            self.bookings.append(Booking.DEAD_LETTERED)
            return
        for unit in found:
            if isinstance(unit, Alert):
                alert = catalogue.completed(
                    replace(unit, archived=self.archived, spot=spot)
                )
                self.alerts.append(_Placed(event, alert))
            elif isinstance(unit, sources.Ignored):
                self.bookings.append(Booking.IGNORED)
            else:
                self.bookings.append(Booking.DEAD_LETTERED)
                problem = self.blame(event, unit.path, unit.problem)
                if unit.is_malformed:
                    self.malformed.append(problem)

    def broke(self, event: Event, error: Exception) -> None:
        """Note that something in the event is too much for us."""
        telemetry.emit(
            telemetry.UNIT_BROKE_US,
            error=error,
            source=event.source,
            place=event.place,
        )
        self.blame(event, "$", f"a defect of Firewatch: {type(error).__name__}")

    def blame(self, event: Event, path: str, problem: str) -> Problem:
        """Note why a unit of the event goes to a dead letter."""
        telemetry.emit(
            telemetry.UNIT_REJECTED,
            source=event.source,
            place=event.place,
            path=path,
            problem=problem,
        )
        found = Problem(path=path, problem=problem)
        self.problems.setdefault(event, []).append(found)
        return found
