"""What makes two alerts the same problem, and what may tie two problems together."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from shared.model import resource

if TYPE_CHECKING:
    from shared.model.alert import Alert

# Raised when what enters a fingerprint changes, so that old and new never meet.
SCHEMA = "1"


class Strategy(StrEnum):
    """Why an alert joined an incident; also the order in which reasons are named."""

    FINGERPRINT = "same problem"
    RESOURCE = "same resource"
    MEMBER = "named by a detector's incident"


class Key(NamedTuple):
    """One thing an alert shares with others: equal keys correlate."""

    strategy: Strategy
    digest: str


def fingerprint(alert: Alert) -> str:
    """The identity of the problem: scope, type and resource (design 5, review F18)."""
    return _digest(
        schema=SCHEMA,
        scope=alert.scope,
        alert_type=alert.alert_type.lower(),
        resource=alert.resource,
    )


def keys(alert: Alert) -> tuple[Key, ...]:
    """Every key of the alert; it joins through all that match at once."""
    found = [Key(Strategy.FINGERPRINT, fingerprint(alert))]
    if alert.resource is not None and (one := resource.whole(alert.resource)):
        digest = _digest(schema=SCHEMA, strategy="resource", resource=one)
        found.append(Key(Strategy.RESOURCE, digest))
    return tuple(found)


def _digest(**pairs: str | None) -> str:
    """SHA-256 over length-prefixed names and values; absent is not empty."""
    hasher = hashlib.sha256()
    for name, value in pairs.items():
        if value is not None:
            for part in (name.encode(), value.encode()):
                hasher.update(b"%d:%b" % (len(part), part))
    return hasher.hexdigest()[:32]
