"""How long a worker has an incident to itself, and how it gives it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.actions import head as head_of
from shared.model.incident import Lease

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from shared.model.incident import Incident

# Our own answer must be recorded before the lease ends (review F5).
MARGIN = 1 / 8
# Others wait this much longer, since clocks are read to the second.
GRACE = 1 / 4


class Leasing:
    """Leases of ``lasts``, and when an incident that was let go is due again.

    ``quiet`` is how long nothing may be heard of one before it is resolved,
    ``evidence_at`` when its evidence is to be asked for by itself.
    """

    def __init__(
        self,
        lasts: timedelta,
        *,
        quiet: timedelta | None,
        evidence_at: Callable[[Incident], datetime | None],
    ) -> None:
        self._lasts = lasts
        self._quiet = quiet
        self._evidence_at = evidence_at

    @property
    def seconds(self) -> float:
        """How long anything may take that is done under a lease."""
        return self._lasts.total_seconds() * (1 - MARGIN)

    @property
    def claims_last(self) -> timedelta:
        """How long the claim of a worker that died stands in the way."""
        return self._lasts * (1 + GRACE)

    def is_held(self, head: Incident, now: datetime) -> bool:
        """Whether a worker may still have it."""
        return head.lease is not None and self._past(head.lease.until) > now

    def taken(self, head: Incident, owner: str, now: datetime) -> Incident:
        """The head as that worker has it; due for others once it may be dead."""
        until = now + self._lasts
        return replace(
            head,
            lease=Lease(owner=owner, until=until),
            attempts=head.attempts + 1,
            due=self._past(until),
        )

    def rested(self, head: Incident, next_at: datetime | None) -> Incident:
        """The head with everything looked at, due when there is more to do."""
        at = head_of.next_look(head, self._quiet, next_at, self._evidence_at(head))
        return head_of.rested(head, at)

    def _past(self, until: datetime) -> datetime:
        return until + self._lasts * GRACE
