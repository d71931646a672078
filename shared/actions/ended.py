"""Which incidents are over for so long that they need no place among the others. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.model.incident import Incident

# A chain of merges is as long as the incidents it ties; longer is a circle.
_MOST_STEPS = 1_000


class Ended(NamedTuple):
    """An incident with all that was merged into it; when the last of them changed."""

    changed_at: datetime
    winner: str
    losers: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all, that of the winner first."""
        return (self.winner, *self.losers)


class Rest:
    """Finds what is over among the heads of a partition, shown one after another."""

    def __init__(self, before: datetime) -> None:
        self._before = before
        self._merged: dict[str, str] = {}
        self._at_rest: dict[str, datetime] = {}

    def see(self, head: Incident) -> None:
        """Take a head into account; all must be shown before ``found`` is asked."""
        if head.merged_into is not None:
            self._merged[head.id] = head.merged_into
        if is_at_rest(head, self._before):
            self._at_rest[head.id] = _changed_at(head)

    def found(self) -> Iterator[Ended]:
        """Each incident that is at rest with everything that was merged into it."""
        losers: dict[str, list[str]] = defaultdict(list)
        for loser in self._merged:
            losers[self._winner(loser)].append(loser)
        for winner in self._at_rest.keys() - self._merged.keys():
            ids = (winner, *sorted(losers[winner]))
            if all(each in self._at_rest for each in ids):
                at = max(self._at_rest[each] for each in ids)
                yield Ended(at, winner, ids[1:])

    def _winner(self, loser: str) -> str:
        """The incident that goes on; of a circle, which would be a defect, none."""
        winner = loser
        for _ in range(_MOST_STEPS):
            if winner not in self._merged:
                return winner
            winner = self._merged[winner]
        return ""


def is_at_rest(head: Incident, before: datetime) -> bool:
    """Whether it is over, nobody is to look at it, and it did not change since then.

    One that holds something is not.

    One that was merged is over too; whether it may go is its winner's matter.
    """
    is_over = head.status.has_ended or head.merged_into is not None
    is_awaited = head.due is not None or head.is_dirty
    is_awaited |= any(deed.status.may_hold for deed in head.deeds.values())
    return is_over and not is_awaited and _changed_at(head) < before


def _changed_at(head: Incident) -> datetime:
    """When anything of it last changed; a lease that a dead worker left counts too."""
    times = (
        head.changed_at,
        head.heard_at,
        head.resolved.at if head.resolved else None,
        head.lease.until if head.lease else None,
    )
    return max(at for at in times if at is not None)
