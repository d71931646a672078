"""What a head holds of its alerts: the widest of times, the worst, lists of what there is.

Aggregates are taken over everything ever seen, so arrival order cannot show in them
(decision 0004). Lists are the first of all values in sorted order, up to a cap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.model.alert import UNTITLED
from shared.model.incident import (
    MOST_OF_ANY,
    MOST_RESOURCES,
    MOST_TACTICS,
    Problem,
    with_first_page,
)
from shared.model.text import cut, is_link
from shared.triage.involved import involved

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert, AlertRow
    from shared.model.incident import Incident

MOST_LINKS = 5
MOST_ABSORBED = 10_000

_LONGEST_NAME = 100


class Lists(NamedTuple):
    """The lists of a head; their names are the head's."""

    resources: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


_MOST = Lists()._asdict() | {
    **dict.fromkeys(Lists._fields, MOST_OF_ANY),
    "resources": MOST_RESOURCES,
    "tactics": MOST_TACTICS,
    "links": MOST_LINKS,
}


def lists_of(alert: Alert | AlertRow, uri: str = "") -> Lists:
    """What one alert adds to the lists."""
    who = involved(alert.entities)
    return Lists(
        resources=(alert.resource,) if alert.resource else (),
        tactics=alert.tactics,
        links=(uri,) if is_link(uri) else (),
        sources=(alert.kind,),
        products=_named(alert.product),
        plans=_named(alert.plan),
        techniques=alert.techniques,
        accounts=who.accounts,
        addresses=who.addresses,
        hosts=who.hosts,
    )


def with_lists(incident: Incident, more: Lists) -> Incident:
    """The incident with its lists grown; itself where nothing is new."""
    grown = {}
    for name, items in more._asdict().items():
        known: tuple[str, ...] = getattr(incident, name)
        after = first((*known, *items), _MOST[name]) if items else known
        if after != known:
            grown[name] = after
    return replace(incident, **grown) if grown else incident


def widened(incident: Incident, alert: Alert) -> Incident:
    """The incident after any version of one of its alerts."""
    wider = replace(
        incident,
        severity=max(incident.severity, alert.severity, key=lambda s: s.rank),
        first_seen=min(incident.first_seen, alert.started_at),
        last_seen=max(incident.last_seen, alert.ended_at),
    )
    return with_lists(wider, lists_of(alert, alert.uri))


def union(winner: Incident, loser: Incident) -> Incident:
    """The winner with what both hold; their states are not touched."""
    problems = dict(winner.problems)
    for fingerprint, problem in loser.problems.items():
        mine = problems.get(fingerprint)
        problems[fingerprint] = both(mine, problem) if mine else problem
    wider = replace(
        winner,
        severity=max(winner.severity, loser.severity, key=lambda s: s.rank),
        first_seen=min(winner.first_seen, loser.first_seen),
        last_seen=max(winner.last_seen, loser.last_seen),
        earliest=min(winner.earliest, loser.earliest),
        latest=max(winner.latest, loser.latest),
        opened_at=min(winner.opened_at, loser.opened_at),
        heard_at=later(winner.heard_at, loser.heard_at),
        alerts=winner.alerts + loser.alerts,
        active=winner.active + loser.active,
        was_active=winner.was_active or loser.was_active,
        is_sample=winner.is_sample and loser.is_sample,
        problems=problems,
        deeds={**winner.deeds, **loser.deeds},
    )
    wider = with_first_page(wider, loser)
    return with_lists(wider, Lists(**{n: getattr(loser, n) for n in Lists._fields}))


def problem_of(alert: Alert | AlertRow) -> Problem:
    """A problem that has come once."""
    return Problem(
        alert_type=alert.alert_type,
        title=alert.title,
        severity=alert.severity,
        count=1,
        first_seen=alert.started_at,
        last_seen=alert.ended_at,
    )


def both(one: Problem, other: Problem) -> Problem:
    """The same problem, from two incidents or two alerts."""
    return Problem(
        alert_type=_name(one.alert_type, other.alert_type),
        title=_name(one.title, other.title),
        severity=max(one.severity, other.severity, key=lambda s: s.rank),
        count=one.count + other.count,
        first_seen=min(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
    )


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two moments, either of which may be unknown."""
    return max((at for at in (one, other) if at is not None), default=None)


def first(items: tuple[str, ...], most: int) -> tuple[str, ...]:
    """The first of the sorted distinct items: the same whatever came first."""
    return tuple(sorted(set(items)))[:most]


def _named(text: str) -> tuple[str, ...]:
    return (cut(text, _LONGEST_NAME),) if text else ()


def _name(one: str, other: str) -> str:
    """One of two names, the same in any order; a real one if there is one."""
    return min(one, other, key=lambda name: (name.startswith(UNTITLED), name))
