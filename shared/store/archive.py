"""The bytes as they came: every batch, and what could not become an alert."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from shared.model.event import Event
    from shared.store.ports import Blobs

ARCHIVE = "archive/"
DEAD_LETTER = "dead-letter/"

# gzip 1 takes 13 us for an alert, 6 takes 32 (review 0); storage is cheap.
GZIP_LEVEL = 1
# What zlib calls a stream with gzip's header, without a time in it.
_GZIP = zlib.MAX_WBITS | 16


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
        if self.base64 is not None:
            return base64.b64decode(self.base64)
        return (self.body or "").encode()


class Archive:
    """Writes of the archive and the dead letters, and the reading of the latter.

    Names follow from what they hold, so writing again after a crash overwrites a blob
    with itself.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def batch(self, events: Sequence[Event]) -> str:
        """Keep a batch of one source; the name of its blob."""
        first, last = events[0], events[-1]
        places = first.place if first == last else f"{first.place}-{last.place}"
        name = f"{ARCHIVE}{first.source}/{places}.ndjson.gz"
        await self._blobs.put(name, _packed(events))
        return name

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
            **_body(event.body),
        )
        name = f"{DEAD_LETTER}{event.source}/{event.place}.json"
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
        """Note that a dead letter was put back on its road."""
        marked = msgspec.structs.replace(letter, replayed_at=at)
        await self._blobs.put(name, msgspec.json.encode(marked))


def content_place(body: bytes) -> str:
    """The place of an event that has no number: the hash of what it says."""
    return hashlib.sha256(body).hexdigest()


def _packed(events: Sequence[Event]) -> bytes:
    """A line for each event; as text, a batch would take the most memory of all."""
    packer = zlib.compressobj(GZIP_LEVEL, wbits=_GZIP)
    lines = (
        msgspec.json.encode(
            {"place": event.place, "received_at": event.received_at} | _body(event.body)
        )
        for event in events
    )
    packed = [packer.compress(line + b"\n") for line in lines]
    return b"".join([*packed, packer.flush()])


def _body(body: bytes) -> dict[str, Any]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
