"""Every way Firewatch fails, as one tree.

::

    FirewatchError
    ├─ SettingsError            at start; lists every problem, never a secret's value
    ├─ AlertRejected            cannot become an alert           -> dead letter
    ├─ SenderRefused            a webhook nobody vouches for     -> 401, nothing said
    ├─ CommandRefused           what a person asked cannot be done now
    │   └─ CommandStale         what they looked at has changed  -> look again
    ├─ ArchiveBroken            archived bytes are not as written -> somebody looks
    ├─ LogsUnavailable          a workspace gave no answer       -> the page says so
    ├─ StoreError
    │   ├─ StoreConflict        somebody else wrote first        -> read, decide again
    │   │   └─ RowExists        a row to insert was there before
    │   ├─ StoreLimit           the service would refuse it      -> a bug, never retried
    │   └─ StoreUnavailable     the store did not answer         -> the platform retries
    └─ ResponderError           .reason: FailureReason
        ├─ TransientFailure     .retry_after                     -> scheduled retry
        ├─ PermanentFailure                                      -> recorded, shown
        └─ ActionRefused        a guard said no                  -> recorded, shown
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from shared.model.evidence import Lack


class FirewatchError(Exception):
    """The root of everything this app raises on purpose."""


class SettingsError(FirewatchError):
    """The environment or the policy is wrong; every problem is listed at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class AlertRejected(FirewatchError):
    """A unit cannot become an alert.

    ``path`` names the field in JSONPath notation, ``problem`` what is wrong with it and
    what was expected. Neither repeats the unit's own text.
    """

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class SenderRefused(FirewatchError):
    """No sender of the policy vouches for the request; the text is for our own log."""


class CommandRefused(FirewatchError):
    """What a person asked of an incident cannot be done; the text says why, to them."""


class CommandStale(CommandRefused):
    """The incident is not any more what the person looked at; nothing was changed."""


class ArchiveBroken(FirewatchError):
    """What is archived is gone, or is not what was written; the text names the blob."""


class LogsUnavailable(FirewatchError):
    """A query has no answer: ``lack`` is what becomes of its evidence.

    ``retry_after`` is how long the other side asked us to wait, if it said; ``table`` is
    the one that is not there, where that is the reason. The message is for people who
    run a query by hand: it may repeat what the other side says of the query, and is
    never logged.
    """

    def __init__(
        self,
        lack: Lack,
        message: str = "",
        *,
        retry_after: timedelta | None = None,
        table: str = "",
    ) -> None:
        self.lack = lack
        self.retry_after = retry_after
        self.table = table
        super().__init__(message or lack.value)


class StoreError(FirewatchError):
    """Something between us and Table, Blob or Queue Storage."""


class StoreConflict(StoreError):
    """A row changed, appeared or vanished since it was read; nothing was written."""


class RowExists(StoreConflict):
    """A row that was taken to be absent is there; nothing was written."""


class StoreLimit(StoreError):
    """The write breaks a limit of the service; sending it again cannot help."""


class StoreUnavailable(StoreError):
    """The store did not answer, or said that it cannot now."""


class FailureReason(StrEnum):
    """Why an action failed: the closed list that logs, rows and metrics use."""

    INVALID = "invalid"
    AUTH = "auth"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    SERVER = "server"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class ResponderError(FirewatchError):
    """A responder could not do an action.

    ``reason`` is what is recorded; the message names the other side and what to do, and
    holds neither secrets nor bodies. ``reference`` is what the other side calls the part
    of it that is done, where one is: the next attempt is given it and does the rest.
    """

    def __init__(self, reason: FailureReason, message: str) -> None:
        self.reason = reason
        self.reference = ""
        super().__init__(message)


class TransientFailure(ResponderError):
    """The same action may succeed later, with the same key.

    ``retry_after`` is how long the other side asked us to wait, if it said.
    """

    def __init__(
        self,
        reason: FailureReason,
        message: str,
        *,
        retry_after: timedelta | None = None,
    ) -> None:
        self.retry_after = retry_after
        super().__init__(reason, message)


class PermanentFailure(ResponderError):
    """The other side will not take this action, however often it is sent."""


class ActionRefused(ResponderError):
    """A guard of ours said no before anything was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureReason.REFUSED, message)
