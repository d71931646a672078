"""What a detector said, once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


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


class AlertStatus(StrEnum):
    """Whether the detector's side still works on the alert."""

    OPEN = "open"
    CLOSED = "closed"


class Road(StrEnum):
    """How an alert came to us; the better road decides severity and status."""

    HUB = "hub"
    WEBHOOK = "webhook"


# Both carry the detector's own object (wire-formats.md 1 and 2), so they rank alike.
ROAD_RANK = {Road.HUB: 50, Road.WEBHOOK: 50}


class Version(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """The order of an alert's versions: later detector time, better road, then digest.

    The digest breaks ties so that every worker orders two copies alike.
    """

    at: datetime
    rank: int
    digest: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert, whatever road and format it came by.

    ``id`` is SystemAlertId without case. ``resource`` is canonical (see
    ``model.resource``) or None where the alert names none that can be read.
    ``scope`` is the subscription of the resource, or ``tenant``. ``point`` is the
    detector time that correlation uses, held near the time of receipt.
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


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an alert: the claim on its id and the truth about it.

    ``incident`` is where it was put; that incident may have been merged since.
    ``fingerprint`` is that of the first version seen. ``archived`` names the blob with
    the bytes as they came.
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
