"""What one batch of events is in the archive: a blob's name, and its bytes. Pure.

::

    archive/2026-11-23/hub/alerts/0/<first>-<last>-<hash>.ndjson.gz
    archive/2026-11-23/http/portal/<place>-<hash>.ndjson.gz

A line for each event, in members of gzip that can each be read alone (decision 0035).
The name follows from what the blob holds: the day of the earliest event, the source, the
places, a hash over the places and the events; and, where they are of several days,
``-until-2026-11-25`` before the ending. Versions up to 0.1 wrote ``archive/<source>/
<first>-<last>.ndjson.gz``, one member, and no source in a line.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import zlib
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared.model.errors import ArchiveBroken
from shared.model.spot import Spot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.event import Event

ARCHIVE = "archive/"

# Of lines before they are packed. A member an event takes 8 times the room of one
# stream, and 3 times the CPU; members of this size take 1.4 times the room and no more
# CPU, and one is some 5 KB to read (measured: decision 0035).
MEMBER_BYTES = 64 * 1024

# gzip 1 takes 13 us for an alert, 6 takes 32 (review 0); storage is cheap.
GZIP_LEVEL = 1
# What zlib calls a stream with gzip's header, without a time in it.
GZIP = zlib.MAX_WBITS | 16

_ENDING = ".ndjson.gz"
_NAME = re.compile(
    r"archive/(?P<day>\d{4}-\d\d-\d\d)/(?P<source>.+)/(?P<places>[^/]+)-[0-9a-f]{16}"
    r"(?:-until-(?P<until>\d{4}-\d\d-\d\d))?\.ndjson\.gz"
)
_FORMER = re.compile(
    r"archive/(?P<source>(?:arm|http|hub)/.+)/(?P<places>[^/]+)\.ndjson\.gz"
)


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """One event as it is kept; ``body`` is its text, ``base64`` where it is no UTF-8."""

    source: str = ""
    place: str
    received_at: datetime
    body: str | None = None
    base64: str | None = None

    @cached_property
    def raw(self) -> bytes:
        """The bytes as they came."""
        return raw(self.body, self.base64)

    @cached_property
    def sha256(self) -> str:
        """The hash of the bytes, as rows and timelines name it."""
        return sha256(self.raw)


class Batch(NamedTuple):
    """A batch as it is written; ``spots`` says where each event is, in order."""

    name: str
    data: bytes
    spots: tuple[Spot, ...]


class Named(NamedTuple):
    """What the name of a blob says: ``first`` and ``last`` are the days it is about.

    Both are None for a blob of up to 0.1.
    """

    source: str
    places: str
    first: date | None = None
    last: date | None = None


def pack(events: Sequence[Event]) -> Batch:
    """A batch of one source, which must hold an event."""
    members = _Members()
    hashes = [sha256(event.body) for event in events]
    where = [members.add(_encoded(event)) for event in events]
    extents = members.close()
    # An HTTP body that is sent again may be packed to another size: what is whole is
    # found whatever that is.
    if len(extents) == 1:
        extents = [(0, 0)]
    spots = tuple(
        Spot(*extents[member], line, digest)
        for (member, line), digest in zip(where, hashes, strict=True)
    )
    kept = [
        (event.place, event.received_at, digest)
        for event, digest in zip(events, hashes, strict=True)
    ]
    return Batch(_name(events[0].source, kept), members.data, spots)


def unpack(name: str, data: bytes) -> list[Line]:
    """The lines of a blob, or of one of its members. Raises ArchiveBroken."""
    try:
        text = gzip.decompress(data)
        lines = _DECODER.decode_lines(text)
    except (EOFError, OSError, zlib.error, msgspec.MsgspecError) as error:
        raise ArchiveBroken(f"{name} cannot be read: {type(error).__name__}") from error
    if not lines:
        raise ArchiveBroken(f"{name} cannot be read: it is empty")
    named = read_name(name)
    if named is None or all(line.source for line in lines):
        return lines
    return [msgspec.structs.replace(line, source=named.source) for line in lines]


def read_name(name: str) -> Named | None:
    """What a name says; None where it is not that of a batch."""
    if found := _NAME.fullmatch(name):
        try:
            first = date.fromisoformat(found["day"])
            last = date.fromisoformat(found["until"] or found["day"])
        except ValueError:
            return None
        return Named(found["source"], found["places"], first, last)
    if found := _FORMER.fullmatch(name):
        return Named(found["source"], found["places"])
    return None


def name_of(lines: Sequence[Line]) -> str:
    """The name that a blob with these lines has."""
    kept = [(line.place, line.received_at, line.sha256) for line in lines]
    return _name(lines[0].source, kept)


def text_or_base64(body: bytes) -> dict[str, Any]:
    """Bytes as a document keeps them: readable where they are text."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def raw(body: str | None, encoded: str | None) -> bytes:
    """The bytes that a document keeps."""
    if encoded is not None:
        return base64.b64decode(encoded)
    return (body or "").encode()


def sha256(body: bytes) -> str:
    """The hash of an event's bytes."""
    return hashlib.sha256(body).hexdigest()


def day_of(at: datetime) -> date:
    """The day of a moment, in UTC."""
    return at.astimezone(UTC).date()


_DECODER = msgspec.json.Decoder(Line)


def _name(source: str, kept: Sequence[tuple[str, datetime, str]]) -> str:
    first, last = kept[0][0], kept[-1][0]
    places = first if len(kept) == 1 else f"{first}-{last}"
    days = {day_of(at) for _, at, _ in kept}
    until = f"-until-{max(days)}" if len(days) > 1 else ""
    said = "".join(f"{place} {digest}\n" for place, _, digest in kept)
    digest = sha256(said.encode())[:16]
    return f"{ARCHIVE}{min(days)}/{source}/{places}-{digest}{until}{_ENDING}"


def _encoded(event: Event) -> bytes:
    line = Line(
        source=event.source,
        place=event.place,
        received_at=event.received_at,
        **text_or_base64(event.body),
    )
    return msgspec.json.encode(line) + b"\n"


class _Members:
    """Lines as members of gzip; as text, a batch would take the most memory of all."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._extents: list[tuple[int, int]] = []
        self._begin()

    @property
    def data(self) -> bytes:
        return b"".join(self._packed)

    def add(self, line: bytes) -> tuple[int, int]:
        """Pack a line; the number of its member, and its own in that."""
        if self._lines and self._room < len(line):
            self._end()
            self._begin()
        self._packed.append(self._packer.compress(line))
        self._room -= len(line)
        self._lines += 1
        return len(self._extents), self._lines - 1

    def close(self) -> list[tuple[int, int]]:
        """End the last member; offset and length of each."""
        self._end()
        return self._extents

    def _begin(self) -> None:
        self._packer = zlib.compressobj(GZIP_LEVEL, wbits=GZIP)
        self._first = len(self._packed)
        self._room, self._lines = MEMBER_BYTES, 0

    def _end(self) -> None:
        self._packed.append(self._packer.flush())
        before = sum(self._extents[-1]) if self._extents else 0
        length = sum(map(len, self._packed[self._first :]))
        self._extents.append((before, length))
