"""How many notices may go out, and which did: what the storm breaker and limits go by."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

# What holds a notice back while there is a storm; no silence can be named so.
STORM = "the storm breaker"


class Storm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many first pages may go out in how long; past it, all but High wait.

    As the limit of a responder it counts every notice.
    """

    pages: int = 30
    within: timedelta = timedelta(minutes=10)


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """When a notice goes out, or went, and what is ``said`` of it to who waits."""

    key: str
    at: datetime
    said: str = ""


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """Every slot of the last stretch and of those to come, in order of time.

    ``since`` is when the storm began, if there is one.
    """

    slots: tuple[Slot, ...] = ()
    since: datetime | None = None
