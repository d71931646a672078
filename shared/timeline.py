"""Whether the timeline of an incident is the one that was written. Pure.

Each entry names the hash of the one before, and the head the last one. That shows a
row which was changed, taken out or put in by whoever could not also write the head
(review F11). Where the audit trail has it as well, it is anchored: whoever can write all
rows cannot write what lies where nobody changes it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.model.incident import Entry
from shared.store import rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.model.incident import Incident
    from shared.store.ports import Row

CONSISTENT = "consistent, not anchored"
ANCHORED = "consistent, anchored"
BROKEN = "broken"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What looking at a chain showed; ``problem`` is the first thing that is wrong.

    ``anchored`` is the moment up to which the chain is in the audit trail too.
    """

    verified: bool
    entries: int
    state: str
    anchored: str | None = None
    problem: str | None = None


class Anchor(NamedTuple):
    """What the audit trail says of a chain: it has it, or it has another."""

    until: datetime | None = None
    problem: str | None = None


def prove(head: Incident, found: Sequence[Row], anchor: Anchor | None = None) -> Proof:
    """Hold the rows of a timeline, in the order of their keys, to its head.

    The hashes are of the rows as they are stored, so that nothing which was added to
    one can hide behind how it is read.
    """
    until, elsewhere = anchor or Anchor()
    problem = _problem(head, found) or elsewhere
    holds = ANCHORED if until else CONSISTENT
    return Proof(
        verified=problem is None,
        entries=len(found),
        state=holds if problem is None else BROKEN,
        anchored=f"{until:%Y-%m-%dT%H:%M:%SZ}" if until and not problem else None,
        problem=problem,
    )


def readable(found: Sequence[Row]) -> tuple[Entry, ...]:
    """The entries; rows that hold none are left out, and ``prove`` names the first."""
    read = (_entry(row) for row in found)
    return tuple(entry for entry in read if entry is not None)


def _problem(head: Incident, found: Sequence[Row]) -> str | None:
    """The first thing that is wrong with the chain; None where nothing is."""
    before = ""
    last_at: datetime | None = None
    for place, row in enumerate(found, start=1):
        if row.key > rows.entry(head.id, place):
            return f"entry {place} is missing"
        entry = _entry(row)
        if entry is None:
            return f"entry {place} cannot be read"
        if row.key != rows.entry(head.id, place) or entry.sequence != place:
            return f"entry {place} is another entry's, put in its place"
        if entry.previous != before:
            return f"entry {place} does not follow {_named(place - 1)}"
        before, last_at = hashlib.sha256(row.doc).hexdigest(), entry.at
    return _end_problem(head, len(found), before, last_at)


def _end_problem(
    head: Incident, count: int, last: str, last_at: datetime | None
) -> str | None:
    if head.sequence > count:
        return f"entry {count + 1} is missing"
    if head.sequence < count:
        return f"the head knows of {head.sequence} entries, and there are {count}"
    if head.chain != last:
        when = f", of {last_at.isoformat()}," if last_at else ""
        return f"the head does not follow {_named(count)}{when}"
    return None


def _named(place: int) -> str:
    return f"entry {place}" if place else "the beginning"


def _entry(row: Row) -> Entry | None:
    try:
        return rows.decode(row, Entry)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
