"""What a person does to groups by hand: alerts taken out, incidents made one.

What was taken out does not drift back. Both heads remember it (``apart``), and the
problems that moved whole take their keys with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.model import resource
from shared.model.alert import AlertRow, AlertStatus, Joined
from shared.model.correlation import OpenKey
from shared.model.errors import CommandRefused
from shared.model.incident import Fact, Incident, IncidentStatus, Problem
from shared.store import rows
from shared.store.draft import news
from shared.triage import extent, incidents
from shared.triage.keys import keys_of
from shared.triage.ties import absorb

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from shared.model.correlation import Correlation
    from shared.store.draft import Draft

# What one transaction holds beside two heads with their timeline and due rows.
MOST_MOVED = 40
MOST_KEYS = 50


class Split(NamedTuple):
    """What is to be done, from the rows as they were read.

    ``points`` are when each key that moves was shared; ``kept`` are the keys that what
    remains has too.
    """

    incident: Incident
    moved: tuple[AlertRow, ...]
    remaining: tuple[AlertRow, ...]
    points: dict[str, tuple[datetime, ...]]
    kept: frozenset[str]
    caps: Correlation


def split_of(
    incident: Incident,
    alerts: Iterable[AlertRow],
    names: Collection[str],
    caps: Correlation,
) -> Split:
    """How to take the named alerts out, of all the rows of the partition.

    Names are in lower case. Raises CommandRefused where one is not on the incident,
    where none would be left, or where it is more than one transaction holds.
    """
    if not 1 <= len(names) <= MOST_MOVED:
        raise CommandRefused(f"{len(names)} alerts named, 1 to {MOST_MOVED} may be")
    ours = incidents.names(incident)
    on_it = [r for r in alerts if r.incident in ours and not r.is_expected]
    moved = tuple(row for row in on_it if row.id.lower() in names)
    remaining = tuple(row for row in on_it if row.id.lower() not in names)
    if len(moved) < len(names):
        missing = min(set(names) - {row.id.lower() for row in moved})
        raise CommandRefused(f"alert {missing} is not on incident {incident.id}")
    if not remaining:
        raise CommandRefused(f"no alert would be left on incident {incident.id}")
    points: dict[str, tuple[datetime, ...]] = {}
    for row in moved:
        for key in keys_of(row, incident.scope, caps.never_group):
            points[key.digest] = (*points.get(key.digest, ()), _point(incident, row))
    if len(points) > MOST_KEYS:
        raise CommandRefused(
            f"these alerts share {len(points)} keys and {MOST_KEYS} can move at once;"
            " take fewer alerts out"
        )
    kept = {
        key.digest
        for row in remaining
        for key in keys_of(row, incident.scope, caps.never_group)
    }
    return Split(incident, moved, remaining, points, frozenset(kept), caps)


def identity(incident: Incident, names: Iterable[str]) -> str:
    """What the new incident is, so that saying it twice makes it once."""
    return "|".join(["split", incident.id, *sorted(names)])


def take_out(
    draft: Draft, split: Split, new_id: str, *, by: str, note: str
) -> tuple[Incident, Incident]:
    """Write both heads, the alerts and the keys; what remains, and what was taken."""
    incident, now = split.incident, draft.now
    remains = recounted(incident, incident, split.remaining, now)
    remains = replace(remains, apart=tuple(sorted({*incident.apart, new_id})))
    taken = recounted(incident, _bare(incident, new_id, now), split.moved, now)
    taken = replace(taken, was_active=taken.active > 0, scope=_scope(split))
    said = (Fact(kind="incident.noted", detail=note),) if note else ()
    for row in split.moved:
        because = f"taken out of incident {incident.id} by {by}"
        moved = replace(row, incident=new_id, joined=Joined(because=because))
        draft.put(rows.alert(row.id), moved)
    ids = [row.id for row in split.moved]
    remains = news(incidents.settled(remains, now), now)
    taken = news(incidents.settled(taken, now), now)
    left = [Fact(kind="alert.taken", alert=i, detail=new_id) for i in ids]
    came = [Fact(kind="alert.moved", alert=i, detail=incident.id) for i in ids]
    draft.change(remains, Fact(kind="incident.split", detail=new_id), *left, *said)
    draft.change(taken, Fact(kind="incident.opened", detail=incident.id), *came, *said)
    for digest, points in split.points.items():
        _move_key(draft, split, digest, points, new_id)
    return remains, taken


def unite(
    draft: Draft, one: Incident, other: Incident, *, note: str, caps: Correlation
) -> Incident:
    """Make one of two, whatever keys say and whoever split them; the senior survives.

    Raises CommandRefused where either has ended or a cap would be passed.
    """
    for each in (one, other):
        if each.status.has_ended:
            raise CommandRefused(f"incident {each.id} has ended ({each.status.value})")
    if why := incidents.unfit(one, other, caps):
        raise CommandRefused(f"{one.id} and {other.id} would be one incident {why}")
    winner, loser = sorted((one, other), key=incidents.seniority)
    merged = absorb(draft, winner, loser)
    between = incidents.names(one) | incidents.names(other)
    apart = tuple(i for i in merged.apart if i not in between)
    merged = news(replace(merged, apart=apart), draft.now)
    draft.change(merged, *([Fact(kind="incident.noted", detail=note)] if note else []))
    return merged


def recounted(
    known: Incident, head: Incident, alerts: Sequence[AlertRow], now: datetime
) -> Incident:
    """The head with the aggregates of exactly these alerts, as their rows have them.

    ``known`` is the incident they were counted on. Links are not on the rows: the head
    keeps its own.
    """
    problems: dict[str, Problem] = {}
    for row in alerts:
        mine = problems.get(row.fingerprint)
        counted = extent.problem_of(row)
        problems[row.fingerprint] = extent.both(mine, counted) if mine else counted
    points = [_point(known, row) for row in alerts]
    bare = replace(
        head,
        severity=max((r.severity for r in alerts), key=lambda s: s.rank),
        first_seen=min(r.started_at for r in alerts),
        last_seen=max(r.ended_at for r in alerts),
        earliest=min(points),
        latest=max(points),
        changed_at=now,
        alerts=len(alerts),
        active=sum(r.status is AlertStatus.OPEN for r in alerts),
        is_sample=all(r.is_sample for r in alerts),
        problems=problems,
        **extent.Lists(links=head.links)._asdict(),
    )
    for row in alerts:
        bare = extent.with_lists(bare, extent.lists_of(row))
    return bare


def _bare(incident: Incident, new_id: str, now: datetime) -> Incident:
    """A head of nobody's alerts: news, and told as its own."""
    return Incident(
        id=new_id,
        scope=incident.scope,
        root=new_id,
        status=IncidentStatus.OPEN,
        severity=incident.severity,
        first_seen=incident.first_seen,
        last_seen=incident.last_seen,
        earliest=incident.earliest,
        latest=incident.latest,
        opened_at=now,
        changed_at=now,
        heard_at=now,
        alerts=0,
        active=0,
        was_active=False,
        is_sample=False,
        problems={},
        resources=(),
        tactics=(),
        apart=tuple(sorted({*incident.apart, incident.id})),
        kin=incidents.descent(incident),
    )


def _scope(split: Split) -> str:
    """That of the alerts, where they have one: people merge across scopes."""
    found = {resource.subscription(r.resource) for r in split.moved if r.resource}
    return found.pop() if len(found) == 1 else split.incident.scope


def _move_key(
    draft: Draft,
    split: Split,
    digest: str,
    points: Iterable[datetime],
    new_id: str,
) -> None:
    """Give the key to what was taken out, alone or beside what remains."""
    name = rows.open_key(digest)
    key = draft.read(name, OpenKey) or OpenKey()
    if digest not in split.kept:
        ours = incidents.names(split.incident)
        key = OpenKey(
            intervals=tuple(
                replace(interval, incident=new_id)
                if interval.incident in ours
                else interval
                for interval in key.intervals
            )
        )
    for point in points:
        key = key.extended(
            split.caps.moment(point), new_id, frozenset({new_id}), split.caps.gap
        )
    draft.put(name, key)


def _point(incident: Incident, row: AlertRow) -> datetime:
    """The alert's correlation point: its start, held to where the incident's lie."""
    return min(max(row.started_at, incident.earliest), incident.latest)
