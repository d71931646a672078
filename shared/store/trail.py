"""One day of the audit trail: a blob of what was done, chained to the day before. Pure.

::

    archive/audit/2026-11-23.ndjson.gz

The first line opens the day: its number, and the hash of the whole text of the day
before. Then every entry of a timeline that was written on the day, as it is stored, and
every deed that changed on it. A day on which nothing was done has a blob too, so that
one which is taken away shows (decision 0035).
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared.model.errors import ArchiveBroken
from shared.store.batches import ARCHIVE, GZIP, GZIP_LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TRAIL = f"{ARCHIVE}audit/"

_NAME = re.compile(r"archive/audit/(\d{4}-\d\d-\d\d)\.ndjson\.gz")


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a day; ``previous`` is empty on the first.

    ``begun`` is the day on which the first one was written: what was in ``history`` by
    then is in no day before it.
    """

    day: date
    number: int
    previous: str
    begun: date


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A line: an entry of an incident's timeline, or a deed, byte for byte as stored.

    ``before`` is what a deed's target was before it was changed, where it is still held.
    """

    incident: str
    entry: msgspec.Raw = msgspec.Raw(b"")
    deed: msgspec.Raw = msgspec.Raw(b"")
    before: dict[str, Any] | None = None

    @property
    def sha256(self) -> str:
        """The hash by which a timeline knows the entry; empty for a deed."""
        doc = bytes(self.entry)
        return hashlib.sha256(doc).hexdigest() if doc else ""


class Day(NamedTuple):
    """A day as it was written."""

    opening: Opening
    records: tuple[Record, ...]
    sha256: str


def name_of(day: date) -> str:
    """The blob of a day."""
    return f"{TRAIL}{day}.ndjson.gz"


def day_of_name(name: str) -> date | None:
    """The day of a blob; None where it is none of a day."""
    found = _NAME.fullmatch(name)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def entry(incident: str, doc: bytes) -> bytes:
    """The line of an entry."""
    return _line({"incident": incident, "entry": msgspec.Raw(doc)})


def deed(incident: str, doc: bytes, before: dict[str, Any] | None) -> bytes:
    """The line of a deed."""
    said: dict[str, Any] = {"incident": incident, "deed": msgspec.Raw(doc)}
    return _line(said if before is None else said | {"before": before})


def pack(opening: Opening, lines: Iterable[bytes]) -> bytes:
    """The bytes of a day's blob: the same for the same day."""
    packer = zlib.compressobj(GZIP_LEVEL, wbits=GZIP)
    packed = [packer.compress(_line(opening))]
    packed += [packer.compress(line) for line in lines]
    return b"".join([*packed, packer.flush()])


def unpack(name: str, data: bytes) -> Day:
    """A day from its blob. Raises ArchiveBroken."""
    said = text(name, data)
    first, *rest = said.removesuffix(b"\n").split(b"\n")
    try:
        opening = msgspec.json.decode(first, type=Opening)
        records = tuple(_DECODER.decode(line) for line in rest)
    except msgspec.MsgspecError as error:
        raise ArchiveBroken(f"{name} cannot be read: {type(error).__name__}") from error
    return Day(opening, records, hashlib.sha256(said).hexdigest())


def text(name: str, data: bytes) -> bytes:
    """The lines of a day. Raises ArchiveBroken."""
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise ArchiveBroken(f"{name} cannot be read: {type(error).__name__}") from error


def problems(days: Sequence[Day]) -> list[tuple[date, str]]:
    """What is wrong with a chain of days in order, by the day that shows it."""
    found: list[tuple[date, str]] = []
    for before, after in pairwise(days):
        gone = (after.opening.day - before.opening.day).days - 1
        if gone or after.opening.number != before.opening.number + 1:
            days_gone = f"{gone} days are" if gone != 1 else "a day is"
            found.append((after.opening.day, f"{days_gone} missing before it"))
        elif after.opening.previous != before.sha256:
            found.append((after.opening.day, "does not follow the day before"))
    return found


_DECODER = msgspec.json.Decoder(Record)


def _line(said: object) -> bytes:
    return msgspec.json.encode(said) + b"\n"
