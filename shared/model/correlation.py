"""How alerts share a key over time: intervals of detector time, and the gap between.

The gap is measured per key, never on the incident: only so does the order in which
alerts arrive not decide who joins whom (review F7, run over all permutations).
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

# The latest of them; an interval this far back can no longer be within a gap.
MOST_INTERVALS = 40

_STEPS = 50
_START = datetime(2000, 1, 1, tzinfo=UTC)


class AfterResolve(StrEnum):
    """What a recurrence does to an incident that a person or quiet resolved."""

    SUCCESSOR = "successor"
    REOPEN = "reopen"


class NeverGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entities that half the estate shares: they tie no incidents together.

    Accounts by UPN, SID or object id, addresses by address or CIDR, hosts by device id
    or ARM id, hashes by digest; compared without case.
    """

    accounts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for a text that is neither an address nor a network."""
        for place, text in enumerate(self.addresses):
            try:
                ipaddress.ip_network(text.strip(), strict=False)
            except ValueError:
                raise ValueError(
                    f"addresses[{place}] is no address or network such as 192.0.2.0/24"
                ) from None


class Correlation(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """The caps of design 5: how far apart in time, how long and how wide.

    ``quiet`` is how long nothing may be heard of an open incident before it resolves by
    itself, counted from receipt; None is for ever.
    """

    gap: timedelta = timedelta(hours=5)
    max_age: timedelta = timedelta(hours=24)
    max_problems: int = 150
    after_resolve: AfterResolve = AfterResolve.SUCCESSOR
    quiet: timedelta | None = timedelta(days=7)
    never_group: NeverGroup = NeverGroup()

    def moment(self, point: datetime) -> datetime:
        """A point as keys have it: the start of its step, of which 50 are a gap.

        So a burst of alerts writes each of its keys once, not with every alert; and two
        points no further apart than the gap still are (a gap is of whole seconds).
        """
        step = self.gap / _STEPS
        return point - (point - _START) % step if step else point


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of detector time in which a key belonged to an incident."""

    start: datetime
    end: datetime
    incident: str

    def reaches(self, point: datetime, gap: timedelta) -> bool:
        """Whether the point lies inside, or within a gap of either end."""
        return self.start - gap <= point <= self.end + gap


class OpenKey(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of one correlation key: the row ``k|key``."""

    intervals: tuple[Interval, ...] = ()

    def near(self, point: datetime, gap: timedelta) -> tuple[Interval, ...]:
        """The intervals an alert at this point is close enough to join."""
        return tuple(i for i in self.intervals if i.reaches(point, gap))

    def extended(
        self, point: datetime, incident: str, tied: frozenset[str], gap: timedelta
    ) -> OpenKey:
        """The key after an alert at ``point`` joined ``incident``.

        Intervals in reach that belong to ``tied`` incidents become one with it.
        """
        near = [i for i in self.near(point, gap) if i.incident in tied]
        joined = Interval(
            start=min([point, *(i.start for i in near)]),
            end=max([point, *(i.end for i in near)]),
            incident=incident,
        )
        if near == [joined]:
            return self
        rest = [i for i in self.intervals if i not in near]
        kept = sorted([*rest, joined], key=lambda i: (i.end, i.start, i.incident))
        return OpenKey(intervals=tuple(kept[-MOST_INTERVALS:]))
