"""How far a deed is, and what the head of its incident knows of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class DeedStatus(StrEnum):
    """The life of a deed."""

    # Nobody will do it while the mode is shadow.
    PLANNED = "planned"
    REFUSED = "refused"
    AWAITING = "awaiting approval"
    # Guards let it pass; it waits for its turn or is tried again.
    GUARDED = "guarded"
    CLAIMED = "claimed"
    APPLIED = "applied"
    VERIFIED = "verified"
    RELEASING = "releasing"
    # It could not be taken back, or not be seen: somebody has to look.
    STRANDED = "stranded"
    UNDONE = "undone"
    EXPIRED = "expired"
    FAILED = "failed"
    DENIED = "denied"
    LAPSED = "lapsed"

    @property
    def has_begun(self) -> bool:
        """Whether anything may have been changed for it."""
        return self not in {
            DeedStatus.PLANNED,
            DeedStatus.REFUSED,
            DeedStatus.AWAITING,
            DeedStatus.GUARDED,
            DeedStatus.DENIED,
            DeedStatus.LAPSED,
        }

    @property
    def may_hold(self) -> bool:
        """Whether a target may be changed because of it now."""
        return self in {
            DeedStatus.CLAIMED,
            DeedStatus.APPLIED,
            DeedStatus.VERIFIED,
            DeedStatus.RELEASING,
            DeedStatus.STRANDED,
        }

    @property
    def is_told(self) -> bool:
        """Whether it is news to whoever was told of the incident."""
        return self in {
            DeedStatus.AWAITING,
            DeedStatus.VERIFIED,
            DeedStatus.STRANDED,
            DeedStatus.UNDONE,
            DeedStatus.EXPIRED,
            DeedStatus.FAILED,
            DeedStatus.DENIED,
        }


class Gist(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A deed as the head of its incident has it; ``incident`` is where its row lies.

    ``says`` is what it is about and ``stands`` how it is, for people. ``next_at`` is when
    somebody is to look at it. ``by_hand`` are the commands that take it back, while it is
    in force; ``plan`` is the hash of what waits for approval. ``contained_at`` is when it
    took effect, where it contains.
    """

    incident: str
    status: DeedStatus
    says: str
    stands: str
    next_at: datetime | None = None
    by_hand: tuple[str, ...] = ()
    plan: str = ""
    contained_at: datetime | None = None

    @property
    def line(self) -> str:
        """Both in one line."""
        return f"{self.says}: {self.stands}"
