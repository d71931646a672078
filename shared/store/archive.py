"""The bytes as they came: every batch, and what could not become an alert."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.model.errors import ArchiveBroken, StoreConflict
from shared.store import batches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from shared.model.event import Event
    from shared.model.spot import Spot
    from shared.store.ports import Blobs

DEAD_LETTER = "dead-letter/"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a unit was given up, and where in the body it stood."""

    path: str
    problem: str


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that held something which could not become an alert, kept whole.

    ``body`` is the text as it came, or ``base64`` where it is no UTF-8. ``source`` and
    ``place`` are the event's; for a hub, its partition and sequence number.
    """

    source: str
    place: str
    received_at: datetime
    problems: tuple[Problem, ...]
    body: str | None = None
    base64: str | None = None
    replayed_at: datetime | None = None

    @property
    def raw(self) -> bytes:
        """The bytes as they came."""
        return batches.raw(self.body, self.base64)


class Kept(NamedTuple):
    """Where a batch was archived: its blob, and in it each event, in order."""

    name: str
    spots: tuple[Spot, ...]


class Archive:
    """The archive and the dead letters.

    Names follow from what they hold, so a batch that is given again after a crash finds
    its blob there: it is written once, and may lie where nothing can be overwritten.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def batch(self, events: Sequence[Event]) -> Kept:
        """Keep a batch of one source: one write, whatever it holds."""
        packed = batches.pack(events)
        await self._blobs.keep(packed.name, packed.data)
        return Kept(packed.name, packed.spots)

    async def lines(self, name: str) -> list[batches.Line] | None:
        """Every event of a blob; None where there is none of that name.

        Raises ArchiveBroken where it cannot be read.
        """
        data = await self._blobs.get(name)
        return None if data is None else batches.unpack(name, data)

    async def line(self, name: str, spot: Spot) -> batches.Line:
        """One event: one ranged read.

        Raises ArchiveBroken where the blob does not have the bytes that were written.
        """
        data = await self._blobs.get(name, offset=spot.offset, length=spot.length)
        if data is None:
            raise ArchiveBroken(f"{name} is not there")
        with contextlib.suppress(ArchiveBroken):
            found = batches.unpack(name, data)[spot.line : spot.line + 1]
            if found and found[0].sha256 == spot.sha256:
                return found[0]
        # The batch was given again and packed anew by another zlib, perhaps.
        for line in await self.lines(name) or ():
            if line.sha256 == spot.sha256:
                return line
        raise ArchiveBroken(f"{name} does not hold the bytes that were archived in it")

    async def dead_letters(self, problems: Mapping[Event, Sequence[Problem]]) -> None:
        """Keep each event with what was wrong in it."""
        await asyncio.gather(
            *(self._dead_letter(event, found) for event, found in problems.items())
        )

    async def _dead_letter(self, event: Event, problems: Sequence[Problem]) -> None:
        letter = DeadLetter(
            source=event.source,
            place=event.place,
            received_at=event.received_at,
            problems=tuple(problems),
            **batches.text_or_base64(event.body),
        )
        name = f"{DEAD_LETTER}{event.source}/{event.place}.json"
        # Where nothing can be overwritten, the letter stays as it came first.
        with contextlib.suppress(StoreConflict):
            await self._blobs.put(name, msgspec.json.encode(letter))

    async def letters(self) -> AsyncIterator[tuple[str, DeadLetter]]:
        """Every dead letter with its name, in order of source and place."""
        async for name in self._blobs.names(DEAD_LETTER):
            letter = await self.letter(name)
            if letter is not None:
                yield name, letter

    async def letter(self, name: str) -> DeadLetter | None:
        """One dead letter; None where there is none of that name."""
        data = await self._blobs.get(name)
        return None if data is None else msgspec.json.decode(data, type=DeadLetter)

    async def mark_replayed(self, name: str, letter: DeadLetter, at: datetime) -> None:
        """Note that a dead letter was put back on its road.

        Raises StoreConflict where nothing can be overwritten.
        """
        marked = msgspec.structs.replace(letter, replayed_at=at)
        await self._blobs.put(name, msgspec.json.encode(marked))


def content_place(body: bytes) -> str:
    """The place of an event that has no number: the hash of what it says."""
    return batches.sha256(body)
