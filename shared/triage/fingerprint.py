"""What makes two alerts the same problem, and what a key is."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from shared.model.entity import Entity

# Raised when what enters a fingerprint changes, so that old and new never meet.
SCHEMA = "1"


class Strategy(StrEnum):
    """Why an alert joined an incident; also the order in which reasons are named."""

    FINGERPRINT = "same problem"
    RESOURCE = "same resource"
    ACCOUNT = "same account"
    HOST = "same host"
    ADDRESS = "same address"
    FILE = "same file"
    MEMBER = "named by a detector's incident"


class Key(NamedTuple):
    """One thing an alert shares with others: equal digests correlate.

    ``text`` says to people what it is; it is an alert's text, as it came.
    """

    strategy: Strategy
    digest: str
    text: str = ""


class Told(Protocol):
    """What keys are made of: an alert, or what is remembered of one."""

    @property
    def id(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def alert_type(self) -> str: ...
    @property
    def resource(self) -> str | None: ...
    @property
    def tactics(self) -> tuple[str, ...]: ...
    @property
    def entities(self) -> tuple[Entity, ...]: ...


def fingerprint(alert: Told) -> str:
    """The identity of the problem: scope, type and resource (design 5, review F18).

    An alert that names no resource is a problem of its own: two of which neither says
    what it is about need not be about one thing (peers E1).
    """
    return digest(
        schema=SCHEMA,
        scope=alert.scope,
        alert_type=alert.alert_type.lower(),
        resource=alert.resource,
        alert=alert.id.lower() if alert.resource is None else None,
    )


def digest(**pairs: str | None) -> str:
    """SHA-256 over length-prefixed names and values; absent is not empty."""
    said = b"".join(
        b"%d:%b" % (len(part), part)
        for name, value in pairs.items()
        if value is not None
        for part in (name.encode(), value.encode())
    )
    return hashlib.sha256(said).hexdigest()[:32]
