"""What another side says of a notice, once it is proved that the side says it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from shared.model.secret import Secret

# PagerDuty tries for two days to be heard (remote-apis-sinks.md 1.2), and clocks differ.
# What is older was heard before, or is somebody's recording of it.
LONGEST_WAY = timedelta(hours=49)

WHO, NOTE = 80, 500

# So that a name cannot close the brackets that it stands in.
_BRACKETS = str.maketrans("()", "[]")


class Does(StrEnum):
    """What it comes to for the incident."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    COMMENT = "comment"


class Said(NamedTuple):
    """One thing that was said of the notice with that ``key``.

    ``name`` is its own for ever, and signed: said again, it is the same. ``who`` and
    ``note`` are plain and hostile. Of two that change the same ``thing`` the one with the
    later ``at`` counts, whichever comes first.
    """

    name: str
    key: str
    does: Does
    who: str = ""
    note: str = ""
    thing: str = ""
    at: datetime | None = None


class Nothing(NamedTuple):
    """It was proved, and there is nothing to do: why, in words of ours."""

    reason: str


class Call(NamedTuple):
    """A request of the other side; header names in lower case.

    ``secrets`` are those in force. ``acknowledges`` is what of a ticket acknowledges its
    incident: ``owner``, ``progress`` or ``never``.
    """

    headers: Mapping[str, str]
    body: bytes
    secrets: tuple[Secret, ...]
    now: datetime
    acknowledges: str = "owner"

    @property
    def digest(self) -> str:
        """A name for the very bytes."""
        return hashlib.sha256(self.body).hexdigest()[:32]

    def is_signed(self, message: bytes, signatures: Iterable[str]) -> bool:
        """Whether any is the HMAC-SHA256 of the message by a secret, in hex.

        All are compared, in constant time.
        """
        wanted = [
            hmac.new(secret.reveal().encode(), message, hashlib.sha256).hexdigest()
            for secret in self.secrets
        ]
        given = [text.encode("utf-8", "replace") for text in signatures]
        fits = [
            hmac.compare_digest(one.encode(), text) for one in wanted for text in given
        ]
        return any(fits)

    def is_late(self, at: datetime) -> bool:
        """Whether it was said longer ago than anybody tries to say it."""
        return self.now - at > LONGEST_WAY


def somebody(name: str) -> str:
    """A name from the other side, fit to stand in brackets."""
    return plain(name, WHO).translate(_BRACKETS)


def words(text: str) -> str:
    """Words from the other side, as one plain line."""
    return plain(text, NOTE)
