"""One feed: fetched when somebody asks, and the last good one where it cannot be.

::

    memory       for fifteen minutes after a look
    the feed     looked at then, by whoever asks first
    last good    where that fails: in memory, and at a start in our own storage
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.model.errors import ResponderError, StoreError
from shared.oncall.feed import Feed, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.store.ports import Blobs

EVERY = timedelta(minutes=15)

# A page waits no longer than this for the feed, and for its being worked out.
FETCH_S = 10.0
READ_S = 5.0

# How much of a feed is worked out at once, so that most who ask find it done.
BEHIND, AHEAD = timedelta(days=1), timedelta(days=8)

# How often the time of a last good that is still the same is written anew.
SAVE_EVERY = timedelta(hours=1)


class Kept(msgspec.Struct, frozen=True):
    """A feed as it came, and when."""

    at: datetime
    data: bytes


class Ports(NamedTuple):
    """What a feed is read by. ``fetch`` raises ResponderError; the clock is in UTC.

    Without ``blobs`` nothing outlives the process.
    """

    fetch: Callable[[str], Awaitable[bytes]]
    clock: Callable[[], datetime]
    blobs: Blobs | None = None
    read_s: float = READ_S


class Source:
    """The feed of an address, by the clock of a zone; ``place`` is its last good's.

    ``problem`` is what was wrong at the last look, and empty where nothing was.
    """

    def __init__(self, address: str, zone: str, place: str, ports: Ports) -> None:
        self._address = address
        self._zone = zone
        self._place = place
        self._ports = ports
        self._lock = asyncio.Lock()
        self._looked_at: datetime | None = None
        self._kept: Kept | None = None
        self._feed: Feed | None = None
        self._saved: Kept | None = None
        self.problem = ""

    @property
    def age(self) -> timedelta | None:
        """How old what is gone by is; None where nothing is known."""
        return self._ports.clock() - self._kept.at if self._kept else None

    async def look(self) -> bool:
        """Fetch the feed, unless that was done lately; whether this one looked.

        Nothing is raised.
        """
        if not self._is_due() or (self._lock.locked() and self._kept is not None):
            # Somebody else looks; what was good a moment ago is good enough.
            return False
        async with self._lock:
            if not self._is_due():
                return False
            problem = await self._take()
            if self._kept is None:
                problem += await self._recall()
            self.problem = problem or await self._save()
            self._looked_at = self._ports.clock()
            return True

    async def feed(self, start: datetime, end: datetime) -> Feed | None:
        """The shifts of some time, as they were last known; None where nothing is."""
        known = self._feed
        if self._kept is None or known is None:
            return None
        if known.start <= start and end <= known.end:
            return known
        try:
            self._feed = await self._read(
                self._kept.data, start - BEHIND, max(end, start + AHEAD)
            )
        except TimeoutError:
            self.problem = "cannot be read in time"
            return None
        return self._feed

    def _is_due(self) -> bool:
        # A clock that was set back must not end the looking.
        at = self._looked_at
        return at is None or not at <= self._ports.clock() < at + EVERY

    async def _take(self) -> str:
        """Have what is there now be the last good one; or why it is not."""
        at = self._ports.clock()
        try:
            async with asyncio.timeout(FETCH_S):
                data = await self._ports.fetch(self._address)
        except TimeoutError:
            return "did not come in time"
        except ResponderError as error:
            return str(error)
        return await self._keep(Kept(at, data))

    async def _keep(self, kept: Kept) -> str:
        now = self._ports.clock()
        try:
            self._feed = await self._read(kept.data, now - BEHIND, now + AHEAD)
        except TimeoutError:
            return "cannot be read in time"
        except ValueError as error:
            return str(error)
        self._kept = kept
        skipped = self._feed.skipped
        return f"events that cannot be read, and are left out: {skipped}" * bool(
            skipped
        )

    async def _recall(self) -> str:
        """Go by the last good one of an earlier process; or why that is none."""
        if self._ports.blobs is None:
            return ""
        try:
            found = await self._ports.blobs.get(self._place)
            kept = msgspec.json.decode(found, type=Kept) if found else None
        except (StoreError, msgspec.MsgspecError) as error:
            return f"; the last good one cannot be had: {error}"
        said = await self._keep(kept) if kept else ""
        self._saved = self._kept
        return f"; the last good one: {said}" if said else ""

    async def _save(self) -> str:
        """Keep it for a start without the feed; or why that cannot be done."""
        kept, saved = self._kept, self._saved
        if self._ports.blobs is None or kept is None:
            return ""
        if saved and saved.data == kept.data and kept.at < saved.at + SAVE_EVERY:
            return ""
        try:
            await self._ports.blobs.put(self._place, msgspec.json.encode(kept))
        except StoreError as error:
            return f"cannot be stored: {error}"
        self._saved = kept
        return ""

    async def _read(self, data: bytes, start: datetime, end: datetime) -> Feed:
        """Work it out beside everything else. Raises ValueError and TimeoutError."""
        is_given_up = False
        try:
            async with asyncio.timeout(self._ports.read_s):
                return await asyncio.to_thread(
                    read, data, self._zone, start, end, is_given_up=lambda: is_given_up
                )
        finally:
            # A thread cannot be stopped; it looks for itself.
            is_given_up = True
