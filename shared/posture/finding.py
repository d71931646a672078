"""A finding: what is not as it should be, why that matters, and what mends it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.model.alert import Severity
from shared.model.posture import CheckName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.posture.estate import Estate, Part
    from shared.posture.wanted import Wanted

# A finding is known by so much of its digest: 64 bits for some thousands.
ID_DIGITS = 16


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """How it is mended: as Bicep and as a line of a shell; empty where only people can."""

    bicep: str = ""
    cli: str = ""


NO_FIX = Fix()


class Found(NamedTuple):
    """What a check says of one resource, and of ``subject`` if only of a part of it.

    ``severity`` is said where it is not the check's own.
    """

    resource: str
    title: str
    fix: Fix = NO_FIX
    subject: str = ""
    severity: Severity | None = None


class Check(NamedTuple):
    """One thing that is looked at: ``look`` is pure, and goes by what was read.

    ``clause`` is the point of Microsoft's page that it comes from, ``needs`` what it goes
    by: where some of that could not be read, what it found before stands.
    """

    name: CheckName
    severity: Severity
    clause: str
    why: str
    needs: frozenset[Part]
    look: Callable[[Estate, Wanted], Iterator[Found]]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding and its history.

    ``id`` follows from check, resource and subject. ``excused`` is the reason of the
    policy for letting it be. ``is_seen`` is false where what it goes by could not be
    read the last time, so that it stands as it was.
    """

    id: str
    check: CheckName
    severity: Severity
    resource: str
    subject: str
    title: str
    clause: str
    why: str
    fix: Fix
    first_seen: datetime
    last_seen: datetime
    closed_at: datetime | None = None
    excused: str = ""
    is_seen: bool = True

    @property
    def is_open(self) -> bool:
        """Whether somebody is to mend it."""
        return self.closed_at is None and not self.excused


def identity(check: CheckName, resource: str, subject: str) -> str:
    """What a finding is known by for ever."""
    parts = (check.value, resource, subject)
    said = b"".join(b"%d:%b" % (len(p), p) for p in (each.encode() for each in parts))
    return hashlib.sha256(said).hexdigest()[:ID_DIGITS]
