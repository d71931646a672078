"""What comes in: the parameters of queries and the bodies of commands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.drills import MOST_TARGETS
from shared.measures import By
from shared.model.deed import Undo
from shared.model.incident import Classification, ClosingReason, IncidentStatus
from shared.model.silence import Mode

MOST_LISTED = 200
USUALLY_LISTED = 50

# A request to history for each month of them.
MOST_DAYS = 366

# An incident holds no more than this many alerts by hand; a transaction has 100 rows.
MOST_SPLIT = 50

Instant = Annotated[datetime, Meta(tz=True)]
Note = Annotated[str, Meta(max_length=4_000)]
Matcher = Annotated[str, Meta(min_length=1, max_length=2_000)]
Matchers = Annotated[tuple[Matcher, ...], Meta(max_length=50)]
IncidentId = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
AlertId = Annotated[str, Meta(min_length=1, max_length=256)]
# Between the years that Python's own clocks and Table Storage's reach.
Month = Annotated[str, Meta(pattern="^(19[7-9]|20[0-9]|21[0-9])[0-9]-(0[1-9]|1[0-2])$")]
Name = Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9-]{0,39}$")]
Words = Annotated[str, Meta(min_length=1, max_length=500)]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents: all that every one of these fits. Merged ones only by name.

    ``filter`` is a matcher as in routes, and may be repeated, as may ``status``.
    ``since`` and ``until`` bound when it was opened; until is not included. With
    ``ended_in`` (a month) or ``fingerprint`` what is in history is listed too.
    """

    status: tuple[IncidentStatus, ...] = ()
    filter: Matchers = ()
    since: Instant | None = None
    until: Instant | None = None
    ended_in: Month | None = None
    fingerprint: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST_LISTED)] = USUALLY_LISTED
    cursor: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,100}$")] | None = None


class TimelineQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the chain of hashes is to be proved."""

    verify: bool = False


class MeasuresQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of what was opened in so many days until now; ``by`` what it is put together."""

    days: Annotated[int, Meta(ge=1, le=MOST_DAYS)] = 30
    by: By = By.SEVERITY


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A note that is kept in the timeline."""

    note: Note = ""


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment; it has a character that shows."""

    note: Annotated[str, Meta(max_length=4_000, pattern=r"[^\s]")]


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. With a classification it is closed, and only a person reopens it.

    ``reason`` goes with a classification.
    """

    note: Note = ""
    classification: Classification | None = None
    reason: ClosingReason | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at: the hash of the plan, as the deed shows it."""

    plan: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    note: Note = ""


class Undoing(msgspec.Struct, frozen=True, kw_only=True):
    """How it is taken back: ``force`` whatever was changed since, ``leave`` as it is."""

    how: Undo = Undo.CAREFUL
    note: Note = ""


class Extending(msgspec.Struct, frozen=True, kw_only=True):
    """Until when it holds, at most 30 days from now."""

    until: Instant
    note: Note = ""


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """The incident that it is one with; the senior of the two goes on."""

    into: IncidentId
    note: Note = ""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts that go to an incident of their own."""

    alerts: Annotated[tuple[AlertId, ...], Meta(min_length=1, max_length=MOST_SPLIT)]
    note: Note = ""


class NewPageTest(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to page with a test: people, schedules and responders, and whom routes tell.

    At least one of either.
    """

    targets: Annotated[tuple[Name, ...], Meta(max_length=MOST_TARGETS)] = ()
    routes: Annotated[tuple[Words, ...], Meta(max_length=MOST_TARGETS)] = ()


class NewSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence from now, or from ``starts``, to ``until``.

    ``warn`` is how many seconds before its end the owner is reminded; 0 for never.
    """

    name: Name
    match: Annotated[tuple[Matcher, ...], Meta(min_length=1, max_length=50)]
    reason: Words
    owner: Words
    until: Instant
    starts: Instant | None = None
    break_through: Matchers = ()
    mode: Mode = Mode.ACTIVE
    warn: Annotated[int, Meta(ge=0, le=90 * 24 * 3600)] = int(
        timedelta(hours=1).total_seconds()
    )
