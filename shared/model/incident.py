"""What people work on: many alerts about one thing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.model.alert import Severity
from shared.model.deed_status import Gist
from shared.model.evidence import Gathered
from shared.model.risk import Risk


class IncidentStatus(StrEnum):
    """The life of an incident; acknowledged and contained are marks beside it.

    Resolved is over as far as anybody knows, closed is over with a verdict.
    """

    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"

    @property
    def has_ended(self) -> bool:
        """Whether it is over for good or for now; a merged one goes on in another."""
        return self in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}


class Classification(StrEnum):
    """What an ended incident turned out to be: the words of Microsoft Sentinel."""

    TRUE_POSITIVE = "true_positive"
    BENIGN_POSITIVE = "benign_positive"
    FALSE_POSITIVE = "false_positive"
    UNDETERMINED = "undetermined"


class ClosingReason(StrEnum):
    """Why that, as Sentinel offers it (Incidents - CreateOrUpdate, 2023-02-01)."""

    SUSPICIOUS_ACTIVITY = "suspicious_activity"
    SUSPICIOUS_BUT_EXPECTED = "suspicious_but_expected"
    INCORRECT_ALERT_LOGIC = "incorrect_alert_logic"
    INACCURATE_DATA = "inaccurate_data"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says that the incident was; who and when is its mark."""

    classification: Classification
    reason: ClosingReason | None = None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that somebody closed, as far as another one may learn from it."""

    incident: str
    classification: Classification
    by: str
    at: datetime


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One fingerprint inside an incident: the same thing, ``count`` alerts of it."""

    alert_type: str
    title: str
    severity: Severity
    count: int
    first_seen: datetime
    last_seen: datetime


# Who resolves an incident whose alerts are all closed where they came from, and one
# that nothing was heard of for long. No person may go by these names.
SOURCE = "source"
QUIET = "quiet"

# The source of what Firewatch has to say itself.
OWN = "firewatch"

# The source of what its posture audit finds: of others, and no more urgent than theirs.
AUDIT = "firewatch-posture"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something to the incident, when, and what they said.

    ``via`` is the responder through whose side they said it, if any: it is not told
    there again.
    """

    by: str
    at: datetime
    note: str = ""
    via: str = ""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The worker that looks at the incident now, by the store's clock."""

    owner: str
    until: datetime


# What a head holds of a list; the rest is on the alert rows.
MOST_RESOURCES = 50
MOST_TACTICS = 30
MOST_OF_ANY = 20
MOST_TAGS = 100


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps the notices of an incident back, and until when."""

    by: str
    until: datetime


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The head of an incident.

    Aggregates (severity, first_seen, last_seen, problems) are taken over every version
    of every alert, so that the order of arrival cannot show in them. ``generation``
    rises with each change that a worker must look at; ``observed`` is the generation
    last looked at in full. ``earliest`` and ``latest`` bound the correlation points.
    ``root`` is the incident whose notices speak for this one: itself, unless it is the
    ``successor`` of an incident that grew past its caps and has not ended.

    ``heard_at`` is when the last alert was received, by our clock. ``apart`` are the
    incidents it was split from: they are never merged with it again. ``kin`` are those
    that it came out of, or goes on from, where people split any. ``hold`` is in
    force now; ``hidden_by`` names every silence that ever hid it, ``watched_by`` those
    that only count. The lists of what is involved are the first of all values in
    sorted order, up to a cap, as resources and tactics are. ``evidence`` is None until
    any was asked for, ``risk`` until a look has what it goes by. ``paged_at`` is when the
    first notice of the first epoch arrived, and ``paged_by`` the route it went by, as
    people know it. ``tags`` are those that matchers ask for, by whole resource and by
    name in lower case: empty where the resource does not have one, and missing where
    that is not known. ``drill`` names whom a page test is for. ``deeds`` are all that
    were planned, by their keys, and ``planned`` is the generation that they were planned
    for.
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
    heard_at: datetime | None = None
    verdict: Verdict | None = None
    apart: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()
    hold: Hold | None = None
    hidden_by: tuple[str, ...] = ()
    watched_by: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    evidence: Gathered | None = None
    risk: Risk | None = None
    paged_at: datetime | None = None
    paged_by: str = ""
    tags: dict[str, dict[str, str]] = {}
    drill: tuple[str, ...] = ()
    deeds: dict[str, Gist] = {}
    planned: int = 0

    @property
    def is_drill(self) -> bool:
        """Whether it is a page test and nothing else: no other alert is on it."""
        return bool(self.drill) and self.alerts == 1

    @property
    def title(self) -> str:
        """The worst problem's title, the earliest of equals; the same in any order."""
        return self.worst_first[0].title

    @property
    def worst_first(self) -> list[Problem]:
        """The problems, the worst first and the earliest of equals."""
        ranked = sorted(
            self.problems.items(),
            key=lambda item: (-item[1].severity.rank, item[1].first_seen, item[0]),
        )
        return [problem for _, problem in ranked]

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it goes on, be it in another."""
        if not self.status.has_ended:
            return None
        return self.resolved.at if self.resolved else self.changed_at

    @property
    def judged(self) -> Judged | None:
        """What whoever closed it said that it was; None where nobody did."""
        if self.status is not IncidentStatus.CLOSED or not (
            self.verdict and self.resolved
        ):
            return None
        return Judged(
            incident=self.id,
            classification=self.verdict.classification,
            by=self.resolved.by,
            at=self.resolved.at,
        )

    @property
    def revision(self) -> str:
        """Changes with every entry of the timeline, and names no other state."""
        return f"{self.sequence}-{self.chain[:12]}"

    @property
    def is_dirty(self) -> bool:
        """Whether something happened that no worker has looked at yet."""
        return self.generation > self.observed


def with_first_page(incident: Incident, other: Incident) -> Incident:
    """The incident with the earlier first notice of the two, if there was any."""
    if other.paged_at is None or (
        incident.paged_at is not None and incident.paged_at <= other.paged_at
    ):
        return incident
    return msgspec.structs.replace(
        incident, paged_at=other.paged_at, paged_by=other.paged_by
    )


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a timeline entry records.

    ``sha256`` is of the event that an alert came in, byte for byte: so the chain of the
    timeline vouches for the archive.
    """

    kind: str
    alert: str = ""
    detail: str = ""
    sha256: str = ""


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
