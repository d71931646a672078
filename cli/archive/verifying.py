"""Holding the archive to the alert rows and to the timelines, and those to it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from cli.archive.getting import holding
from cli.archive.period import LONGEST_BATCH, fetched
from shared import timeline
from shared.model.alert import AlertRow
from shared.store import finding, history, reading, rows
from shared.store.batches import day_of, name_of, read_name, sha256

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import date

    from shared.model.incident import Incident
    from shared.store.archive import Archive
    from shared.store.batches import Line
    from shared.store.history import History
    from shared.store.ledger import Ledger
    from shared.store.ports import Row
    from shared.store.reading import Shelf

_T = TypeVar("_T")

# Incidents read at once.
SIDE_BY_SIDE = 16


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not fit: what it is, which one, and what is wrong with it."""

    what: str
    which: str
    problem: str


class Verified(msgspec.Struct, kw_only=True):
    """What was checked, and what does not fit.

    ``hashed`` are the alerts whose rows name the hash of their event; of the others,
    which 0.1 wrote, the event was found and read again. ``days`` are those of the audit
    trail, and ``told`` the entries in them.
    """

    blobs: int = 0
    events: int = 0
    alerts: int = 0
    hashed: int = 0
    incidents: int = 0
    entries: int = 0
    vouched: int = 0
    days: int = 0
    told: int = 0
    misfits: list[Misfit] = []

    def wrong(self, what: str, which: str, problem: str) -> None:
        """Note what does not fit."""
        self.misfits.append(Misfit(what=what, which=which, problem=problem))


class Told(NamedTuple):
    """An entry of a timeline: whose, which, of what day, and whether of history."""

    incident: str
    number: int
    day: date
    is_past: bool


class _Wanted(NamedTuple):
    """An alert whose event is to be in a blob."""

    alert: str
    sha256: str
    version: str


class Verification:
    """One look at everything: rows first, since what they name was archived before.

    ``kept_since`` is the first day whose blobs are still to be there, for archives that
    are deleted by their age. ``tell`` is told what is being done.
    """

    def __init__(
        self,
        ledger: Ledger,
        past: History,
        archive: Archive,
        *,
        kept_since: date | None,
        tell: Callable[[str], None],
    ) -> None:
        self.found = Verified()
        self._ledger, self._past, self._archive = ledger, past, archive
        self._kept_since = kept_since
        self._tell = tell
        self._wanted: dict[str, list[_Wanted]] = defaultdict(list)
        # What timelines name: hash -> whose timeline, and of which alert.
        self._vouched: dict[str, tuple[str, str]] = {}
        self._known: set[tuple[str, str]] = set()
        # Every entry of a timeline, by its hash.
        self.entries: dict[str, Told] = {}

    async def rows(self) -> None:
        """Every alert and every timeline of both tables."""
        for partition in rows.all_partitions(self._ledger.partitions):
            self._tell(f"rows of partition {partition}")
            async for page in reading.pages(self._ledger, partition, "a"):
                self._alerts(page)
        here = await reading.incidents(self._ledger)
        # Whatever moves meanwhile is found in history.
        known = await self._timelines(self._ledger, [head.id for head in here])
        months = history.months(self._past.now() - finding.FURTHEST, self._past.now())
        for month in months:
            heads = await self._past.month(month)
            if heads:
                self._tell(f"history of {month:%Y-%m}")
            ids = dict.fromkeys(i for head in heads for i in (head.id, *head.absorbed))
            gone = [each for each in ids if each not in known]
            for page in await _side_by_side(self._past.scan(i, "a") for i in gone):
                self._alerts(page)
            await self._timelines(self._past, gone)

    async def blobs(self, names: Iterable[str]) -> None:
        """Every blob of these, and what the rows say of it."""
        async for name, lines in fetched(self._archive, names):
            self.found.blobs += 1
            if self.found.blobs % 100 == 0:
                self._tell(f"{self.found.blobs} blobs")
            wanted = self._wanted.pop(name, [])
            if isinstance(lines, Exception):
                self.found.wrong("blob", name, str(lines))
                continue
            self.found.events += len(lines)
            self._blob(name, lines, wanted)

    def close(self) -> Verified:
        """What is left: blobs that nobody found, hashes that no event has."""
        for name, wanted in self._wanted.items():
            if not self._may_be_gone(name):
                count = f"{len(wanted)} alerts" if len(wanted) > 1 else "an alert"
                self.found.wrong("blob", name, f"is not there, and {count} came in it")
        for digest, (incident, alert) in self._vouched.items():
            problem = f"alert {alert} came in an event {digest} that is not archived"
            self.found.wrong("timeline", incident, problem)
        return self.found

    def _alerts(self, page: Iterable[Row]) -> None:
        for each in page:
            row = rows.decode(each, AlertRow)
            if row.is_expected or not row.archived:
                continue
            self.found.alerts += 1
            self.found.hashed += row.spot is not None
            digest = row.spot.sha256 if row.spot else ""
            self._wanted[row.archived].append(
                _Wanted(row.id, digest, row.version.digest)
            )

    async def _timelines(self, shelf: Shelf, incidents: Sequence[str]) -> set[str]:
        """Take the timelines of these; which of them are there."""
        chains = await _side_by_side(reading.chained(shelf, each) for each in incidents)
        for chain in chains:
            if chain is not None:
                self._timeline(*chain, is_past=shelf.is_history)
        return {i for i, chain in zip(incidents, chains, strict=True) if chain}

    def _timeline(self, head: Incident, found: list[Row], *, is_past: bool) -> None:
        self.found.incidents += 1
        self.found.entries += len(found)
        proof = timeline.prove(head, found)
        if proof.problem:
            self.found.wrong("timeline", head.id, proof.problem)
        for row in found:
            self._entry(head, row, is_past=is_past)

    def _entry(self, head: Incident, row: Row, *, is_past: bool) -> None:
        for entry in timeline.readable([row]):
            told = Told(head.id, entry.sequence, day_of(entry.at), is_past)
            self.entries[sha256(row.doc)] = told
            for fact in entry.facts:
                if fact.sha256:
                    self.found.vouched += 1
                    self._known.add((fact.alert.lower(), fact.sha256))
                    # A batch may have waited that long for its rows.
                    if not self._is_before(day_of(entry.at) - LONGEST_BATCH):
                        self._vouched[fact.sha256] = (head.id, fact.alert)

    def _blob(self, name: str, lines: list[Line], wanted: list[_Wanted]) -> None:
        named = read_name(name)
        if named is not None and named.first is not None and name_of(lines) != name:
            self.found.wrong("blob", name, "does not hold what its name says")
        hashes = {line.sha256 for line in lines}
        for digest in hashes:
            self._vouched.pop(digest, None)
        for each in wanted:
            self._alert(name, lines, hashes, each)

    def _alert(
        self, name: str, lines: list[Line], hashes: set[str], wanted: _Wanted
    ) -> None:
        if not wanted.sha256:
            if holding(lines, wanted.alert, wanted.version) is None:
                self.found.wrong("alert", wanted.alert, f"is not in {name}")
            return
        if wanted.sha256 not in hashes:
            problem = f"{name} does not hold the event with its row's hash"
            self.found.wrong("alert", wanted.alert, problem)
        if (wanted.alert.lower(), wanted.sha256) not in self._known:
            problem = "its row names an event that no timeline knows of"
            self.found.wrong("alert", wanted.alert, problem)

    def _may_be_gone(self, name: str) -> bool:
        named = read_name(name)
        if named is None or named.first is None:
            return self._kept_since is not None
        return self._is_before(named.first)

    def _is_before(self, day: date) -> bool:
        return self._kept_since is not None and day < self._kept_since


async def _side_by_side(work: Iterable[Awaitable[_T]]) -> list[_T]:
    """What each comes to, some at a time, in order."""
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(each: Awaitable[_T]) -> _T:
        async with gate:
            return await each

    return await asyncio.gather(*map(one, work))
