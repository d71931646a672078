"""What an alert's keys lead to, and what they are led to by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.model.correlation import OpenKey
from shared.model.incident import Fact, Incident, IncidentStatus
from shared.store import rows
from shared.triage import incidents

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.model.correlation import Correlation
    from shared.store.draft import Draft
    from shared.triage.fingerprint import Key, Strategy

# Incidents that one alert may merge. Past it, and past the intervals that a key keeps,
# order may show in who is with whom.
MOST_MERGES = 8


class Why(NamedTuple):
    """What an alert shares with an incident: how it ties, and the thing for people."""

    strategy: Strategy
    text: str

    def __str__(self) -> str:
        return f"{self.strategy}: {self.text}"


class Tie(NamedTuple):
    """An incident that an alert shares something with; the first reason comes first."""

    incident: Incident
    whys: tuple[Why, ...]


class Gathered(NamedTuple):
    """An incident, the ids it absorbed just now, and why it did not absorb another."""

    incident: Incident
    merged: tuple[str, ...]
    because: str


def ties(
    draft: Draft,
    keys: Iterable[Key],
    point: datetime,
    named: Iterable[tuple[Incident, Why]],
    caps: Correlation,
) -> list[Tie]:
    """Every incident the keys lead to, the most senior first."""
    found: dict[str, tuple[Incident, dict[Why, None]]] = {}
    for key in keys:
        known = draft.read(rows.open_key(key.digest), OpenKey)
        for interval in known.near(point, caps.gap) if known else ():
            incident = draft.incident(interval.incident)
            if incident is not None:
                _, whys = found.setdefault(incident.id, (incident, {}))
                whys[Why(key.strategy, key.text)] = None
    for incident, why in named:
        _, whys = found.setdefault(incident.id, (incident, {}))
        whys[why] = None
    tied = [Tie(incident, tuple(whys)) for incident, whys in found.values()]
    return sorted(tied, key=lambda tie: incidents.seniority(tie.incident))


def extend(
    draft: Draft,
    keys: Iterable[Key],
    point: datetime,
    incident_id: str,
    caps: Correlation,
) -> None:
    """Have the keys' intervals cover the point for the incident.

    Its own that the point ties become one; so do those of what was merged into it.
    """
    for key in keys:
        name = rows.open_key(key.digest)
        known = draft.read(name, OpenKey)
        before = known or OpenKey()
        tied = {incident_id}
        for interval in before.near(point, caps.gap):
            owner = draft.incident(interval.incident)
            if owner is not None and owner.id == incident_id:
                tied.add(interval.incident)
        after = before.extended(point, incident_id, frozenset(tied), caps.gap)
        if known is None or after != before:
            draft.put(name, after)


def gather(
    draft: Draft, incident: Incident, others: Iterable[Incident], caps: Correlation
) -> Gathered:
    """Make one of the incident and what it is tied to, as far as caps and people allow.

    The most senior survives. What ended otherwise than by its source is left alone.
    """
    gone: list[str] = []
    because = ""
    for other in others:
        if not (incidents.is_live(incident) and incidents.is_live(other)):
            continue
        if not incidents.fits(incident, other, caps):
            because = because or _unfit(incident, other, caps)
            continue
        if len(gone) < MOST_MERGES:
            one, two = sorted((incident, other), key=incidents.seniority)
            incident = absorb(draft, one, two)
            gone.append(two.id)
    return Gathered(incident, tuple(gone), because)


def absorb(draft: Draft, winner: Incident, loser: Incident) -> Incident:
    """Fold the loser into the winner, whatever anybody thinks of it.

    The loser's ``merged_into`` is the one point where the merge happens (review F6);
    here it is one transaction with the winner.
    """
    winner = incidents.merged(winner, loser, draft.now)
    gone = replace(
        loser,
        status=IncidentStatus.MERGED,
        merged_into=winner.id,
        changed_at=draft.now,
        # Whatever it had open is the winner's to close.
        observed=loser.generation,
        due=None,
    )
    draft.change(gone, Fact(kind="incident.merged", detail=winner.id))
    draft.change(winner, Fact(kind="incident.absorbed", detail=loser.id))
    return winner


def _unfit(one: Incident, other: Incident, caps: Correlation) -> str:
    if incidents.are_apart(one, other):
        return f"incident {other.id} kept apart from {one.id} by whoever split them"
    return f"incident {other.id} not merged: {incidents.unfit(one, other, caps)}"
