"""What a detector said, once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.model.entity import Entity
from shared.model.spot import Spot


class Severity(StrEnum):
    """How bad the detector thinks it is; ordered by ``rank``."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for informational, 3 for high."""
        return _SEVERITY_ORDER.index(self)


_SEVERITY_ORDER = tuple(Severity)


# The type and title of an alert of which no record has said either yet; the alert's id
# follows, so that no two such alerts are one problem.
UNTITLED = "XDR_Untitled"


class AlertStatus(StrEnum):
    """Whether the detector's side still works on the alert."""

    OPEN = "open"
    CLOSED = "closed"


class Road(StrEnum):
    """How an alert came to us; the better road decides severity and status."""

    HUB = "hub"
    ARM = "arm"
    SENTINEL = "sentinel"
    LOG_ANALYTICS = "log analytics"
    ACTIVITY_LOG = "activity log"


# Hub and workflow automation carry the detector's own object (wire-formats.md 1 and 2),
# as do detectors that have no other road; the order of the rest is review F18.
ROAD_RANK = {
    Road.HUB: 50,
    Road.ARM: 40,
    Road.SENTINEL: 30,
    Road.LOG_ANALYTICS: 20,
    Road.ACTIVITY_LOG: 10,
}


class Version(msgspec.Struct, frozen=True, order=True, kw_only=True, gc=False):
    """What orders the versions of an alert: detector time, road, and what it says.

    Equal digests are one version. They also break ties, so that every worker orders two
    copies alike (``triage.correlation``).
    """

    at: datetime
    rank: int
    digest: str


# Nothing in it can be part of a cycle, so the collector need not look at it.
class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One alert, whatever road and format it came by.

    ``id`` is SystemAlertId as it came; ids are compared without case. ``resource`` is canonical (see
    ``model.resource``) or None where the alert names none that can be read.
    ``scope`` is the subscription of the resource, or ``tenant``. ``point`` is the
    detector time that correlation uses, held near the time of receipt.

    ``kind`` is the format's name in ``shared.sources.FORMATS``, ``plan`` the Defender
    plan that the catalogue knows for the type. ``members`` are the ids
    of the alerts that a detector's own incident says it is made of. ``is_part`` is said
    of one record of several that are one alert together. ``reported_severity`` and
    ``reported_status`` are the detector's words, ``resource_text`` an ARM id that cannot
    be read. ``sample_hints`` are what anybody could have written (review F15): they
    block automatic containment and make no sample.
    """

    id: str
    version: Version
    scope: str
    alert_type: str
    title: str
    description: str
    severity: Severity
    status: AlertStatus
    started_at: datetime
    ended_at: datetime
    point: datetime
    resource: str | None = None
    compromised_entity: str = ""
    product: str = ""
    tactics: tuple[str, ...] = ()
    uri: str = ""
    is_sample: bool = False
    archived: str = ""
    spot: Spot | None = None
    # What only some formats carry.
    kind: str = "defender"
    plan: str = ""
    techniques: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    members: tuple[str, ...] = ()
    is_part: bool = False
    reported_severity: str = ""
    reported_status: str = ""
    resource_text: str = ""
    sample_hints: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Joined(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an alert is on its incident; ``explain`` shows it.

    ``strategy`` is how it joined (``triage.fingerprint.Strategy``), empty where it
    opened the incident; ``key`` is what was shared, for people. ``also`` are the other
    keys that would have led to an open incident, ``because`` is why one was opened
    although a key matched, ``merged`` are the incidents that it tied together.
    """

    strategy: str = ""
    key: str = ""
    also: tuple[str, ...] = ()
    because: str = ""
    merged: tuple[str, ...] = ()


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an alert: the claim on its id and the truth about it.

    ``incident`` is where it was put; that incident may have been merged since.
    ``fingerprint`` is that of the first version seen. ``archived`` names the blob with
    the bytes as they came, and ``spot`` says where in it; both are empty for what
    Firewatch itself says, and rows of before 0.2 have no spot. ``is_expected`` is said
    of an alert that a detector's incident names and that has not come yet: the row holds
    its place, and nothing else of it is true. ``location`` is where Defender keeps it, in
    the words of its own link.
    """

    id: str
    incident: str
    fingerprint: str
    version: Version
    alert_type: str
    title: str
    severity: Severity
    status: AlertStatus
    started_at: datetime
    ended_at: datetime
    resource: str | None
    is_sample: bool
    archived: str
    spot: Spot | None = None
    kind: str = "defender"
    plan: str = ""
    reported_severity: str = ""
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    is_expected: bool = False
    product: str = ""
    joined: Joined | None = None
    location: str = ""
