"""What an explanation says: for programs as fields, for people as lines of text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.model.action import ActionStatus, Occasion, Verb
from shared.model.alert import AlertStatus, Joined, Severity
from shared.model.incident import Hold, IncidentStatus


class Bearing(StrEnum):
    """What a silence does to an incident."""

    HOLDS = "holds its notices back"
    BROKEN = "would hold them back, and it breaks through"
    WATCHES = "only counts it"
    HID = "held its notices back before"
    WATCHED = "counted it before"


class Merger(msgspec.Struct, frozen=True, kw_only=True):
    """One incident that was folded into another.

    ``alert`` tied the two; it is empty where a person did, or where nothing says so.
    """

    loser: str
    winner: str
    at: datetime | None = None
    by: str = ""
    alert: str = ""


class SilenceSays(msgspec.Struct, frozen=True, kw_only=True):
    """A silence that has to do with an incident; one that is gone has a name alone."""

    name: str
    bearing: Bearing
    match: tuple[str, ...] = ()
    reason: str = ""
    owner: str = ""
    until: datetime | None = None


class RouteSays(msgspec.Struct, frozen=True, kw_only=True):
    """A route, and whether it takes the incident.

    ``fails_at`` is the first matcher that does not fit; ``is_unknown`` that this cannot
    be told yet. One that is not ``is_reached`` stands below one that ended the search.
    """

    label: str
    to: tuple[str, ...]
    match: tuple[str, ...]
    fits: bool
    is_reached: bool
    fails_at: str | None = None
    is_unknown: bool = False


class ResponderSays(msgspec.Struct, frozen=True, kw_only=True):
    """A responder that a route names, or that was told before; and why it was not."""

    responder: str
    route: str | None
    is_told: bool
    why: str


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An action, as far as it explains anything.

    ``target`` is the person that it went to, or the responder's own name.
    """

    responder: str
    target: str
    verb: Verb
    occasion: Occasion
    status: ActionStatus
    at: datetime
    incident: str
    reason: str
    detail: str
    policy: str


class Upcoming(msgspec.Struct, frozen=True, kw_only=True):
    """What happens next if nothing comes in, and when."""

    at: datetime
    what: str


class ExplainedIncident(msgspec.Struct, frozen=True, kw_only=True):
    """Why an incident is as it is; of a merged one, the incident that goes on.

    ``lines`` is all of it for people, ``otherwise`` what would have been without the
    thing that decided. ``policy`` is false where routes and silences of the policy were
    not at hand.
    """

    incident: str
    asked: str
    status: IncidentStatus
    severity: Severity
    mergers: tuple[Merger, ...]
    silences: tuple[SilenceSays, ...]
    hold: Hold | None
    routes: tuple[RouteSays, ...]
    responders: tuple[ResponderSays, ...]
    actions: tuple[Sent, ...]
    upcoming: tuple[Upcoming, ...]
    otherwise: tuple[str, ...]
    lines: tuple[str, ...]
    in_history: bool = False


class ExplainedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """Why an alert is where it is, and all that is said of its incident.

    ``joined`` is null where its row is of a version that did not write that down.
    ``about`` is null where its incident is not in the store.
    """

    alert: str
    incident: str
    put_on: str
    status: AlertStatus
    severity: Severity
    version_at: datetime
    road: str
    joined: Joined | None
    mergers: tuple[Merger, ...]
    otherwise: tuple[str, ...]
    lines: tuple[str, ...]
    about: ExplainedIncident | None
