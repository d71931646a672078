"""What people work on: many alerts about one thing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.model.alert import Severity


class IncidentStatus(StrEnum):
    """The life of an incident; acknowledged and contained are marks beside it."""

    OPEN = "open"
    RESOLVED = "resolved"
    MERGED = "merged"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One fingerprint inside an incident: the same thing, ``count`` alerts of it."""

    alert_type: str
    title: str
    severity: Severity
    count: int
    first_seen: datetime
    last_seen: datetime


# Who resolves an incident whose alerts are all closed where they came from.
SOURCE = "source"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something to the incident, when, and what they said."""

    by: str
    at: datetime
    note: str = ""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The worker that looks at the incident now, by the store's clock."""

    owner: str
    until: datetime


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The head of an incident.

    Aggregates (severity, first_seen, last_seen, problems) are taken over every version
    of every alert, so that the order of arrival cannot show in them. ``generation``
    rises with each change that a worker must look at; ``observed`` is the generation
    last looked at in full. ``earliest`` and ``latest`` bound the correlation points.
    ``root`` is the incident whose notices speak for this one: itself, unless it is the
    ``successor`` of an incident that grew past its caps and has not ended.
    """

    id: str
    scope: str
    root: str
    status: IncidentStatus
    severity: Severity
    first_seen: datetime
    last_seen: datetime
    earliest: datetime
    latest: datetime
    opened_at: datetime
    changed_at: datetime
    alerts: int
    active: int
    was_active: bool
    is_sample: bool
    problems: dict[str, Problem]
    resources: tuple[str, ...]
    tactics: tuple[str, ...]
    links: tuple[str, ...] = ()
    epoch: int = 1
    generation: int = 1
    observed: int = 0
    due: datetime | None = None
    sequence: int = 0
    chain: str = ""
    merged_into: str | None = None
    absorbed: tuple[str, ...] = ()
    predecessor: str | None = None
    successor: str | None = None
    acknowledged: Mark | None = None
    resolved: Mark | None = None
    lease: Lease | None = None
    attempts: int = 0
    stuck: str = ""

    @property
    def title(self) -> str:
        """The worst problem's title, the earliest of equals; the same in any order."""
        worst = min(
            self.problems.items(),
            key=lambda item: (-item[1].severity.rank, item[1].first_seen, item[0]),
        )
        return worst[1].title

    @property
    def is_dirty(self) -> bool:
        """Whether something happened that no worker has looked at yet."""
        return self.generation > self.observed


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a timeline entry records."""

    kind: str
    alert: str = ""
    detail: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an incident's timeline: everything one transaction did to it.

    ``previous`` is the hash of the entry before, so that a row which was taken out or
    rewritten shows.
    """

    sequence: int
    at: datetime
    by: str
    facts: tuple[Fact, ...]
    previous: str


def stripped(incident: Incident) -> Incident:
    """The incident with nothing in it that could break whoever renders it."""
    problem = Problem(
        alert_type="Firewatch",
        title=f"Firewatch is stuck on incident {incident.id}: {incident.stuck}",
        severity=Severity.HIGH,
        count=incident.alerts,
        first_seen=incident.opened_at,
        last_seen=incident.changed_at,
    )
    return msgspec.structs.replace(
        incident,
        root=incident.id,
        status=IncidentStatus.OPEN,
        severity=Severity.HIGH,
        was_active=True,
        problems={"stuck": problem},
        resources=(),
        tactics=(),
        links=(),
    )
