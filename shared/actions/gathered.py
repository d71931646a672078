"""When evidence of an incident is asked for, and what its head then knows of it. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model.evidence import EvidenceStatus, Gathered, Lack
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.model.evidence import EvidenceRow
    from shared.model.incident import Incident

# A first look does not wait for what takes longer than this; by then it is there, or
# asked for once more.
REST = timedelta(seconds=20)

# Answers of this age say what new ones would, so that an alert a second is not a
# round of queries a second.
FRESH = timedelta(minutes=5)

# The first look's, and one more.
MOST_TRIES = 2

# What another try may mend.
_PASSING = frozenset({Lack.TIMEOUT, Lack.THROTTLED, Lack.UNREACHABLE, Lack.PARTIAL})


def is_wanted(head: Incident) -> bool:
    """Whether anybody may be told of the incident, so that evidence is worth asking."""
    is_open = head.status is IncidentStatus.OPEN
    return is_open and head.was_active and head.hold is None


def is_due(head: Incident, now: datetime, *, begins: bool) -> bool:
    """Whether evidence is to be asked for in this look.

    ``begins`` says that a notice is about to be planned for the first time.
    """
    if not is_wanted(head):
        return False
    known = head.evidence
    if known is None:
        return begins
    is_old = now - known.at >= FRESH
    at = next_at(head)
    return (begins and (is_old or has_news(head))) or (at is not None and at <= now)


def next_at(head: Incident) -> datetime | None:
    """When evidence is to be asked for by itself; None where it is not any more."""
    known = head.evidence
    if known is None or not is_wanted(head):
        return None
    times = [known.again, known.at + FRESH if has_news(head) else None]
    return min((at for at in times if at is not None), default=None)


def again_at(row: EvidenceRow, head: Incident) -> datetime | None:
    """When this is to be asked once more; None where it is not.

    What failed in passing is asked a second time. What was asked before rows about the
    alerts could have arrived is asked once when they have.
    """
    lack = row.evidence.reason
    if lack in _PASSING and row.tries < MOST_TRIES:
        return row.at + REST
    if lack and lack not in _PASSING:
        return None
    heard_at = head.heard_at or head.changed_at
    # Detectors' clocks are not ours: no alert is later than its receipt.
    arrived = min(head.latest, heard_at) + row.lag
    return arrived if row.at < arrived else None


def summed(head: Incident, rows: Iterable[EvidenceRow], now: datetime) -> Gathered:
    """What the head is to know once these are all of its evidence."""
    kept = [*rows]
    known = [row.evidence for row in kept]
    answered = [e for e in known if e.status is not EvidenceStatus.UNAVAILABLE]
    times = (again_at(row, head) for row in kept)
    return Gathered(
        at=now,
        alerts=head.alerts,
        asked=len(known),
        answered=len(answered),
        found=sum(1 for each in answered if each.row_count),
        # One that was due now and that nobody asks any more is given up.
        again=min((at for at in times if at is not None and at > now), default=None),
    )


def has_news(head: Incident) -> bool:
    """Whether alerts came since evidence was asked for."""
    return head.evidence is not None and head.alerts != head.evidence.alerts
