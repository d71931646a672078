"""What responders that keep tickets have in common.

One ticket stands for an incident. What is opened is searched for first, so that a notice
which is sent again finds its ticket; a comment ends with the key of its action, so that
it is made once and is known as ours when the ticket is read.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import msgspec

from responders.base import Notifier
from shared.model.action import Kind
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from shared.model.action import Action
    from shared.model.http import Reply
    from shared.model.ticket import Remote

# Answers about many tickets, or about all comments of one.
LARGE = 1024 * 1024

# Comments of one ticket that are read, the latest.
MOST_REMARKS = 50

# How much of what was read is read again.
OVERLAP = timedelta(minutes=1)

NEVER = datetime.min.replace(tzinfo=UTC)

_KEY = re.compile(r"[A-Za-z0-9-]{1,100}")
_SIGNED = re.compile(r"Firewatch notice [0-9a-f]{32}")

_T = TypeVar("_T")

# What becomes of a ticket: nothing, the first state that means it, or that of a name.
Goal = bool | str


class Acknowledges(StrEnum):
    """What of a ticket says that somebody works on it; an owner, or progress besides."""

    OWNER = "owner"
    PROGRESS = "progress"
    NEVER = "never"


class TicketConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What a policy says of every kind of ticket.

    ``progress`` and ``close`` say what becomes of a ticket when its incident is
    acknowledged and when it ends. ``acknowledges`` says what of a ticket acknowledges its incident,
    ``resolves`` whether its end ends the incident.
    """

    progress: Goal = False
    close: Goal = False
    acknowledges: Acknowledges = Acknowledges.OWNER
    resolves: bool = False


class Tracker(Notifier, ABC):
    """A responder whose notices are tickets, and which can read them again.

    Where its side ``calls``, it says itself what people write and change, and sooner;
    then no comments are read, and the rest only so that nothing is missed.
    """

    kind = Kind.TICKET
    config: TicketConfig
    calls = False

    @abstractmethod
    def changed(
        self, known: Mapping[str, str]
    ) -> AsyncGenerator[tuple[str, Remote], None]:
        """Each of the tickets that has a newer version than the one that is known.

        ``known`` are versions by reference, empty where a ticket was never read. One
        that is gone, or that the account may not see, is left out. Raises as ``apply``.
        """
        ...


def correlation(action: Action) -> str:
    """The key that the ticket is found by, fit to stand between quotes in any query."""
    if not _KEY.fullmatch(action.dedup_key):
        raise PermanentFailure(FailureReason.INVALID, "the notice has no usable key")
    return action.dedup_key


def reference(text: str, form: re.Pattern[str]) -> str:
    """What a side calls a ticket, fit for URLs and queries of that side.

    Raises PermanentFailure where it is not of the form that the side gives.
    """
    if not form.fullmatch(text):
        raise PermanentFailure(
            FailureReason.INVALID, "what the other side calls the ticket is not usable"
        )
    return text


def answered(reply: Reply, kind: type[_T], *, side: str) -> _T:
    """The answer as what it should be.

    What is no such JSON is transient: a side that sleeps, or a proxy in front of it,
    answers 200 with a page (remote-apis-sinks.md 8).
    """
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TransientFailure(
            FailureReason.UNAVAILABLE, f"{side} answered what its API does not say"
        ) from None


def instant(text: str) -> datetime:
    """A time as a side writes it, in UTC unless it says; ``NEVER`` where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return NEVER
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def since(text: str) -> datetime:
    """From when on comments are new to whoever read the version of that time.

    A little earlier: what is written last need not be seen last. Whoever reads it
    twice knows it by its id.
    """
    at = instant(text)
    return at if at == NEVER else at - OVERLAP


def signature(action: Action) -> str:
    """The last line of each comment of ours: it is made once, and known as ours."""
    return f"Firewatch notice {action.key}"


def is_ours(text: str) -> bool:
    """Whether a comment ends as ours do; one that quotes ours goes on after it."""
    lines = text.strip().splitlines()
    return bool(lines) and _SIGNED.fullmatch(lines[-1].strip()) is not None
