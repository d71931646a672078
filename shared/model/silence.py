"""What keeps notices back for a time, on purpose, by somebody who says why."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.model.incident import Mark


class Mode(StrEnum):
    """Whether a silence holds notices back, or only counts what it would hold."""

    ACTIVE = "active"
    MONITOR = "monitor"


class Silence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Incidents that every matcher fits are not told of between ``starts`` and ``until``.

    It is keyed to what it matches, never to an incident's state. One that every matcher
    of ``break_through`` fits is told of all the same; where that is empty, nothing
    breaks through. ``warn`` is how long before the end the owner is reminded; nobody is
    where it is zero. A silence of the policy and one of the API are the same thing.
    """

    name: str
    match: tuple[str, ...]
    reason: str
    owner: str
    until: datetime
    starts: datetime | None = None
    break_through: tuple[str, ...] = ()
    mode: Mode = Mode.ACTIVE
    warn: timedelta = timedelta(hours=1)

    def warns_at(self, made_at: datetime | None) -> datetime:
        """When its owner is reminded: never before half of its time has passed."""
        begun = self.starts or made_at
        warn = self.warn if begun is None else min(self.warn, (self.until - begun) / 2)
        return self.until - warn

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed."""
        return now >= self.until

    def has_begun(self, now: datetime) -> bool:
        """Whether its time has come."""
        return self.starts is None or now >= self.starts


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A silence that somebody made while the app runs, and ended, perhaps."""

    silence: Silence
    made: Mark | None = None
    ended: Mark | None = None
