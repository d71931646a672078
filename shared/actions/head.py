"""What a look leaves on the heads of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.incident import Fact, IncidentStatus
from shared.store.draft import news

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.incident import Incident
    from shared.store.draft import Draft


def passed_on(draft: Draft, head: Incident) -> Incident | None:
    """The head, or the winner with news: what a loser sent is the winner's to close."""
    winner = draft.incident(head.id)
    if winner is None or winner.id == head.id:
        return winner
    winner = news(winner, draft.now)
    draft.change(winner)
    return winner


def heard(draft: Draft, head: Incident) -> None:
    """Have the successor of an ended incident speak for itself.

    Until then its notices were this one's (design 5); nobody else would tell of it.
    """
    if not head.status.has_ended or head.root != head.id:
        return
    heir = draft.incident(head.successor) if head.successor else None
    while (
        heir is not None and heir.status is not IncidentStatus.OPEN and heir.successor
    ):
        heir = draft.incident(heir.successor)
    if heir is None or heir.status is not IncidentStatus.OPEN:
        return
    if heir.root != heir.id:
        fact = Fact(kind="incident.speaks", detail=head.id)
        draft.change(news(replace(heir, root=heir.id), draft.now), fact)


def failures(head: Incident) -> int:
    """How often in a row its worker failed, this time included; a claim counts."""
    return head.attempts + (head.lease is None)


def rested(head: Incident, next_at: datetime | None) -> Incident:
    """The head with everything looked at, due when there is more to do."""
    return replace(
        head,
        observed=head.generation,
        due=next_at,
        lease=None,
        attempts=0,
        stuck="",
    )
