"""Reads the tickets that stand for open incidents, and has heeded what is new there.

::

    find    the rows ``w|``, one for each ticket, written with what opened it  one range
    ask     which of them are newer than the version that is known             the network
    heed    comments, acknowledgement, end, each once                          commands
    note    the version that was read                                          one row

It goes by versions, not by time: what was not read stays newer than what is known, and is
read the next time. A crash between the last two heeds again what was heeded, under the
same keys.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from responders.tickets import Tracker
from shared import telemetry
from shared.heeding import LONGEST_NAME, Heeding
from shared.model.errors import ResponderError, StoreConflict, StoreError
from shared.model.text import plain
from shared.model.ticket import Ticket
from shared.store import rows
from shared.store.ports import Delete, Put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Responder
    from shared.commands import Commands
    from shared.model.ticket import Remote
    from shared.store.ledger import Ledger

# How often it runs; by that, many tickets take turns.
EVERY = timedelta(minutes=5)

# Tickets of one responder that are asked about in one run, and changes that are taken.
MOST_ASKED = 1_000
MOST_TAKEN = 100

# One side that is slow keeps no other waiting, and the platform ends a run after 5 min.
WHOLE_TIMEOUT_S = 200.0


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to for one responder: tickets asked about, changes taken."""

    asked: int
    changed: int


class _Known(NamedTuple):
    """A row of the index as it was read."""

    partition: str
    key: str
    etag: str
    ticket: Ticket


class Ticketing:
    """Reads the tickets of those responders that keep any."""

    def __init__(
        self, ledger: Ledger, commands: Commands, responders: Mapping[str, Responder]
    ) -> None:
        self._ledger = ledger
        self._heed = Heeding(ledger, commands)
        self._responders = responders

    async def __call__(self) -> dict[str, Read]:
        """Take what is new; what came of it, by responder.

        A side that fails is told of, and read the next time. Raises StoreError, once
        every side was asked.
        """
        trackers = {n: r for n, r in self._responders.items() if isinstance(r, Tracker)}
        if not trackers:
            return {}
        known: dict[str, list[_Known]] = defaultdict(list)
        for each in await self._find():
            known[each.ticket.responder].append(each)
        names = [name for name in trackers if known[name]]
        found = await asyncio.gather(
            *(self._guarded(trackers[name], known[name]) for name in names),
            return_exceptions=True,
        )
        done: dict[str, Read] = {}
        for name, result in zip(names, found, strict=True):
            if isinstance(result, BaseException):
                raise result
            done[name] = result
        return done

    async def _find(self) -> list[_Known]:
        """Every ticket that may be open; one range of each partition."""
        partitions = rows.all_partitions(self._ledger.partitions)
        found = await asyncio.gather(
            *(self._ledger.scan(partition, rows.TICKET) for partition in partitions)
        )
        known = []
        for partition, part in zip(partitions, found, strict=True):
            for row in part:
                # Another version of the app may have written what this one cannot read.
                with contextlib.suppress(msgspec.MsgspecError):
                    ticket = rows.decode(row, Ticket)
                    known.append(_Known(partition, row.key, row.etag, ticket))
        return known

    async def _guarded(self, tracker: Tracker, known: Sequence[_Known]) -> Read:
        """Read one side; what it fails by is told of, and is nobody else's trouble."""
        turn = _in_turn(known, self._ledger.now())
        taken: list[str] = []
        try:
            async with asyncio.timeout(WHOLE_TIMEOUT_S):
                await self._read(tracker, turn, taken)
        except StoreError:
            raise
        except TimeoutError:
            _tell_unread(tracker, "timeout")
        except ResponderError as error:
            _tell_unread(tracker, error.reason.value)
        except Exception as error:  # noqa: BLE001  law 5: other sides are heard
            telemetry.emit(
                telemetry.TICKETS_BROKE_US, error=error, responder=tracker.name
            )
        read = Read(asked=len(turn), changed=len(taken))
        if taken:
            telemetry.emit(
                telemetry.TICKETS_READ,
                responder=tracker.name,
                asked=read.asked,
                changed=read.changed,
            )
        return read

    async def _read(
        self, tracker: Tracker, turn: Sequence[_Known], taken: list[str]
    ) -> None:
        """Take what changed; ``taken`` are the references of what was, as it goes."""
        by_name = {each.ticket.reference: each for each in turn}
        versions = {name: each.ticket.version for name, each in by_name.items()}
        async with contextlib.aclosing(tracker.changed(versions)) as changed:
            async for name, remote in changed:
                await self._take(tracker, by_name[name], remote)
                taken.append(name)
                if len(taken) >= MOST_TAKEN:
                    break

    async def _take(self, tracker: Tracker, known: _Known, remote: Remote) -> None:
        """Have it heeded, and note what is known now."""
        stands = await self._heed(tracker, known.ticket, remote)
        read = replace(
            known.ticket,
            version=remote.version,
            stage=remote.stage,
            owner=plain(remote.owner, LONGEST_NAME),
        )
        put = Put(known.key, rows.encode(read), known.etag)
        write = put if stands else Delete(known.key, known.etag)
        # Who wrote the row meanwhile has read the ticket too.
        with contextlib.suppress(StoreConflict):
            await self._ledger.table.commit(known.partition, [write])


def _tell_unread(tracker: Tracker, reason: str) -> None:
    telemetry.emit(telemetry.TICKETS_UNREAD, responder=tracker.name, reason=reason)


def _in_turn(known: Sequence[_Known], now: datetime) -> Sequence[_Known]:
    """As many as are asked about in one run; where there are more, others each time."""
    if len(known) <= MOST_ASKED:
        return known
    run = int(now.timestamp() // EVERY.total_seconds())
    start = run * MOST_ASKED % len(known)
    return [*known[start:], *known[:start]][:MOST_ASKED]
