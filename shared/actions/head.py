"""What a look leaves on the heads of incidents."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.incident import (
    QUIET,
    Fact,
    IncidentStatus,
    Mark,
    with_first_page,
)
from shared.model.text import instant
from shared.store.draft import news

if TYPE_CHECKING:
    from datetime import datetime

    from shared.actions.silencing import Ruling
    from shared.model.incident import Hold, Incident
    from shared.store.draft import Draft


# A page test ends by itself, whatever became of who asked for it; nobody is tried to be
# reached for longer. Longer than what has a message of its own, so that none lies about.
DRILL_LASTS = timedelta(minutes=15)


def passed_on(draft: Draft, head: Incident) -> Incident | None:
    """The head, or the winner with news: what a loser sent is the winner's to close."""
    winner = draft.incident(head.id)
    if winner is None or winner.id == head.id:
        return winner
    winner = news(with_first_page(winner, head), draft.now)
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


def ruled(
    head: Incident, ruling: Ruling, hold: Hold | None
) -> tuple[Incident, Fact | None]:
    """The head with what holds its notices back, and the entry that says so, if any."""
    by = {*head.hidden_by, *ruling.hidden_by} | ({hold.by} if hold else set())
    if head.status.has_ended:
        # Nothing is begun about it any more, so there is nothing to hold.
        hold = None
    changed = replace(
        head,
        hold=hold,
        hidden_by=tuple(sorted(by)),
        watched_by=tuple(sorted({*head.watched_by, *ruling.watched_by})),
    )
    if hold == head.hold:
        watched = ", ".join(changed.watched_by)
        is_new = changed.watched_by != head.watched_by
        return changed, Fact(kind="notices.watched", detail=watched) if is_new else None
    if hold is None:
        ended = head.status.has_ended
        return changed, None if ended else Fact(kind="notices.released")
    until = f"{hold.by}, until {instant(hold.until)}"
    return changed, Fact(kind="notices.held", detail=until)


def next_look(
    head: Incident,
    quiet: timedelta | None,
    next_at: datetime | None,
    evidence_at: datetime | None = None,
) -> datetime | None:
    """When the incident is due, what is to be done by itself included."""
    times = [next_at, evidence_at, *(deed.next_at for deed in head.deeds.values())]
    if head.status is IncidentStatus.OPEN:
        times.append(head.hold.until if head.hold else None)
        times.append(quiet_at(head, quiet))
    return min((at for at in times if at is not None), default=None)


def quiet_at(head: Incident, quiet: timedelta | None) -> datetime | None:
    """When nothing will have been heard of an open incident for too long."""
    if head.is_drill:
        quiet = DRILL_LASTS
    if quiet is None or head.status is not IncidentStatus.OPEN:
        return None
    return (head.heard_at or head.changed_at) + quiet


def quieted(head: Incident, now: datetime) -> Incident:
    """The head resolved, for nothing was heard of it."""
    why = "the page test is over" if head.is_drill else "nothing was heard of it"
    mark = Mark(by=QUIET, at=now, note=why)
    return replace(head, status=IncidentStatus.RESOLVED, resolved=mark, changed_at=now)


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
