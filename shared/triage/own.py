"""What Firewatch has to say itself, as alerts: it is one more detector.

So it is grouped, told once, tried again and resolved like everything else.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model import resource
from shared.model.alert import (
    ROAD_RANK,
    Alert,
    AlertStatus,
    Road,
    Severity,
    Version,
)
from shared.model.incident import AUDIT, OWN
from shared.model.resource import TENANT_SCOPE
from shared.model.text import cut

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.model.deed import DeedRow

PRODUCT = "Firewatch"

# Alert types; the second has the name of the responder behind it.
STORM = "Firewatch_AlertStorm"
CROWDED = "Firewatch_Crowded_"
DRILL = "Firewatch_PageTest"
POSTURE = "Firewatch_Posture_"
STRANDED = "Firewatch_Stranded_"
TRIPPED = "Firewatch_Budget_"

# Of the names in a title.
MOST_NAMES = 100

MOST_OF_TITLE = 300


def storm(since: datetime, now: datetime, *, is_over: bool) -> Alert:
    """More incidents at once than pages may go out."""
    return _alert(
        STORM,
        str(since),
        "Alert storm: more new incidents than may page at once; those below High page"
        " one after another",
        severity=Severity.HIGH,
        started_at=since,
        now=now,
        is_over=is_over,
    )


def crowded(responder: str, since: datetime, now: datetime, *, is_over: bool) -> Alert:
    """More notices at once than a responder is to be sent."""
    return _alert(
        f"{CROWDED}{responder}",
        f"{responder}|{since}",
        f"More notices for {responder} than its limit; those of incidents below High"
        " go out one after another",
        severity=Severity.MEDIUM,
        started_at=since,
        now=now,
        is_over=is_over,
    )


def silence_ends(
    name: str, owner: str, until: datetime, now: datetime, *, is_over: bool
) -> Alert:
    """A silence is about to end; its owner may want to know."""
    return _alert(
        # A silence is a problem of its own: two that end together are two.
        f"Firewatch_SilenceEnds_{name}",
        f"{name}|{until}",
        f"Silence {name} of {owner} ends at {until:%Y-%m-%d %H:%M} UTC",
        severity=Severity.LOW,
        started_at=now,
        now=now,
        is_over=is_over,
    )


def stranded(row: DeedRow, now: datetime) -> Alert:
    """A deed of an incident that is over, and that could not be taken back."""
    return _alert(
        f"{STRANDED}{row.key[:12]}",
        f"{row.key}|{row.changed_at}",
        f"{row.deed.says}: was not taken back, {row.detail} (incident {row.incident})",
        severity=Severity.HIGH,
        started_at=row.changed_at,
        now=now,
        is_over=False,
    )


def tripped(name: str, said: str, since: datetime, now: datetime) -> Alert:
    """A budget has no room: since when it counts, and what it says of itself."""
    return _alert(
        f"{TRIPPED}{name[:12]}",
        f"{name}|{since}",
        f"Containment has used up a budget: {said}; whatever else would be begun waits"
        " for people, or is refused",
        severity=Severity.HIGH,
        started_at=now,
        now=now,
        is_over=False,
    )


def posture(
    check: str,
    identity: str,
    title: str,
    why: str,
    *,
    severity: Severity,
    subscription: str,
    since: datetime,
    now: datetime,
    is_over: bool,
    again: int = 0,
) -> Alert:
    """Something of logs or detection that is not as it should be.

    ``subscription`` is its path, and empty for the whole estate: what one check finds
    there is one problem, and nothing that is found is an attack on a resource. While
    ``again`` is the same, so is what was heard of it.
    """
    found = _alert(
        f"{POSTURE}{check}",
        identity,
        cut(title, MOST_OF_TITLE),
        severity=severity,
        started_at=since,
        now=now,
        is_over=is_over,
    )
    said = [found.version.digest, severity.value, *([] if is_over else [str(again)])]
    return replace(
        found,
        description=why,
        kind=AUDIT,
        scope=resource.subscription(subscription),
        resource=subscription or None,
        version=replace(found.version, digest=", ".join(said)),
    )


def drill(targets: Sequence[str], by: str, now: datetime, once: str = "") -> Alert:
    """A page test that somebody asked for; under a key of theirs it is one for ever."""
    names = ", ".join(targets)
    found = _alert(
        DRILL,
        f"{by}|{names}|{once or now}",
        f"Page test for {cut(names, MOST_NAMES)}, asked for by {by}",
        severity=Severity.INFORMATIONAL,
        started_at=now,
        now=now,
        is_over=False,
    )
    # Whatever guards against made-up alerts guards against these.
    return replace(found, is_sample=True)


def _alert(
    alert_type: str,
    identity: str,
    title: str,
    *,
    severity: Severity,
    started_at: datetime,
    now: datetime,
    is_over: bool,
) -> Alert:
    name = hashlib.sha256(f"{alert_type}|{identity}".encode()).hexdigest()[:32]
    status = AlertStatus.CLOSED if is_over else AlertStatus.OPEN
    return Alert(
        id=f"firewatch-{name}",
        # What it counts may change from look to look; that is no new version.
        version=Version(at=now, rank=ROAD_RANK[Road.HUB], digest=status.value),
        scope=TENANT_SCOPE,
        alert_type=alert_type,
        title=title,
        description="",
        severity=severity,
        status=status,
        started_at=started_at,
        ended_at=now,
        point=started_at,
        product=PRODUCT,
        kind=OWN,
    )
