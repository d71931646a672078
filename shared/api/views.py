"""What goes out: incidents, alerts and silences without what is only for the app."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.model.action import ActionStatus, Kind, Occasion, Verb
from shared.model.alert import AlertStatus, Joined, Severity
from shared.model.deed import Finding
from shared.model.deed_status import DeedStatus
from shared.model.entity import Entity
from shared.model.evidence import Cost, EvidenceStatus
from shared.model.guards import Mode as GuardMode
from shared.model.incident import (
    Entry,
    Hold,
    IncidentStatus,
    Mark,
    Problem,
    Verdict,
)
from shared.model.risk import Risk
from shared.model.silence import Mode


class IncidentView(msgspec.Struct, frozen=True, kw_only=True):
    """An incident. ``revision`` is its entity tag without the quotes.

    ``merged_from`` is the id that was asked for, where that one was merged into this.
    ``problems`` are the worst first. ``risk`` is null until a worker scored it. ``paged_at`` is when the first notice arrived, and ``paged_by`` the route that it went by. ``drill`` names whom a page test is for. What is ``in_history`` can be read and nothing else.
    """

    id: str
    revision: str
    status: IncidentStatus
    severity: Severity
    title: str
    scope: str
    is_sample: bool
    alerts: int
    active: int
    opened_at: datetime
    changed_at: datetime
    first_seen: datetime
    last_seen: datetime
    heard_at: datetime | None
    problems: tuple[Problem, ...]
    resources: tuple[str, ...]
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    accounts: tuple[str, ...]
    addresses: tuple[str, ...]
    hosts: tuple[str, ...]
    sources: tuple[str, ...]
    products: tuple[str, ...]
    plans: tuple[str, ...]
    links: tuple[str, ...]
    acknowledged: Mark | None
    resolved: Mark | None
    verdict: Verdict | None
    hold: Hold | None
    hidden_by: tuple[str, ...]
    watched_by: tuple[str, ...]
    risk: Risk | None
    paged_at: datetime | None
    paged_by: str
    drill: tuple[str, ...]
    stuck: str
    epoch: int
    root: str
    predecessor: str | None
    successor: str | None
    merged_into: str | None
    absorbed: tuple[str, ...]
    apart: tuple[str, ...]
    merged_from: str | None = None
    in_history: bool = False


class IncidentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some incidents, the latest first; ``next`` is the cursor of those after them."""

    incidents: tuple[IncidentView, ...]
    next: str | None


class SplitView(msgspec.Struct, frozen=True, kw_only=True):
    """An incident after a split, and the one that its alerts went to."""

    incident: IncidentView
    split_off: IncidentView


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """An alert: its version that counts, and the incident that it is on now.

    ``put_on`` is where it was put; that incident may have been merged since.
    """

    id: str
    incident: str
    put_on: str
    alert_type: str
    title: str
    severity: Severity
    reported_severity: str
    status: AlertStatus
    started_at: datetime
    ended_at: datetime
    version_at: datetime
    road: str
    format: str
    product: str
    plan: str
    resource: str | None
    is_sample: bool
    fingerprint: str
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    entities: tuple[Entity, ...]
    joined: Joined | None


class AlertList(msgspec.Struct, frozen=True, kw_only=True):
    """Every alert of an incident and of those merged into it, the first started first."""

    incident: str
    alerts: tuple[AlertView, ...]


class ActionView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was or will be done about an incident, and what came of it."""

    key: str
    incident: str
    responder: str
    kind: Kind
    verb: Verb
    occasion: Occasion
    status: ActionStatus
    attempts: int
    planned_at: datetime
    changed_at: datetime
    not_before: datetime | None
    reason: str
    detail: str
    reference: str
    dedup_key: str
    policy: str


class ActionList(msgspec.Struct, frozen=True, kw_only=True):
    """The actions of an incident and of those merged into it, the first planned first."""

    incident: str
    actions: tuple[ActionView, ...]


class ApprovalView(msgspec.Struct, frozen=True, kw_only=True):
    """Who let a plan pass, and until when that counts."""

    by: str
    at: datetime
    until: datetime


class DeedView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would be, is or was changed to contain an incident.

    ``plan`` is the hash of what would be done: an approval names it. ``findings`` are what
    guards said last that does not let it pass. ``by_hand`` are the commands that take it
    back without Firewatch. ``ending`` is who wants it taken back.
    """

    key: str
    incident: str
    epoch: int
    responder: str
    use: str
    kind: Kind
    target: str
    says: str
    stands: str
    status: DeedStatus
    mode: GuardMode
    rules: tuple[str, ...]
    findings: tuple[Finding, ...]
    plan: str
    alerts: tuple[str, ...]
    resources: tuple[str, ...]
    accounts: tuple[str, ...]
    addresses: tuple[str, ...]
    reversible: bool
    planned_at: datetime
    changed_at: datetime
    not_before: datetime | None
    applied_at: datetime | None
    until: datetime | None
    by_hand: tuple[str, ...]
    approval: ApprovalView | None
    ending: Mark | None
    attempts: int
    reason: str
    detail: str
    reference: str
    policy: str


class DeedList(msgspec.Struct, frozen=True, kw_only=True):
    """The deeds of an incident and of those merged into it, the first planned first."""

    incident: str
    deeds: tuple[DeedView, ...]


class StopView(msgspec.Struct, frozen=True, kw_only=True):
    """Who stopped all deeds from being begun; null where nobody did."""

    stopped: Mark | None


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """What one query said about something in an incident, or why it did not.

    ``rows`` are the first of ``row_count``, each cell a text, in the order of
    ``columns``. ``incident`` is the one that it was asked for.
    """

    incident: str
    query: str
    question: str
    subject: str
    reading: str
    status: EvidenceStatus
    reason: str
    workspace: str
    since: datetime
    until: datetime
    asked_at: datetime
    took_ms: int
    cost: Cost
    row_count: int
    is_truncated: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class EvidenceList(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence of an incident and of those merged into it, the most telling first.

    ``gathered_at`` is when it was last asked for, ``again_at`` when some of it will be;
    null where it was not, or will not be.
    """

    incident: str
    gathered_at: datetime | None
    again_at: datetime | None
    evidence: tuple[EvidenceView, ...]


class TimelineView(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to an incident, in order, by itself and not by what it absorbed.

    ``verified`` and what follows say whether the chain holds; null where that was not
    asked.
    """

    incident: str
    timeline: tuple[Entry, ...]
    entries: int
    verified: bool | None = None
    state: str | None = None
    anchored: str | None = None
    problem: str | None = None


class SilenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A silence, and the incidents that it hid, or would have hidden.

    ``made`` is null for one of the policy. ``warn`` is in seconds.
    """

    name: str
    match: tuple[str, ...]
    reason: str
    owner: str
    starts: datetime | None
    until: datetime
    break_through: tuple[str, ...]
    mode: Mode
    warn: int
    made: Mark | None
    is_in_force: bool
    incidents: tuple[str, ...]


class SilenceList(msgspec.Struct, frozen=True, kw_only=True):
    """Every silence there is: the policy's, then those that people made."""

    silences: tuple[SilenceView, ...]
