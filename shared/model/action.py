"""What would be done about an incident, and what came of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.action_keys import dedup_key, digest
from shared.model.alert import Severity
from shared.model.message import Message
from shared.model.traffic import Traffic

if TYPE_CHECKING:
    # It is made of rows of this module; no action is ever decoded.
    from shared.model.dossier import Dossier  # noqa: TC004
    from shared.model.incident import Incident


class Kind(StrEnum):
    """What a responder is for."""

    EVIDENCE = "evidence"
    NOTIFY = "notify"
    TICKET = "ticket"
    FORWARD = "forward"
    CONTAIN = "contain"

    @property
    def tells_people(self) -> bool:
        """Whether somebody hears of it by that alone."""
        return self not in {Kind.TICKET, Kind.FORWARD}


class Verb(StrEnum):
    """What an action does at the other side."""

    TRIGGER = "trigger"
    UPDATE = "update"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    FORWARD = "forward"


class Change(StrEnum):
    """What is worth telling again of an incident that somebody knows of; weightiest first."""

    SEVERITY_RAISED = "severity_raised"
    ACTION_FAILED = "action_failed"
    APPROVAL_NEEDED = "approval_needed"
    DEED = "deed"
    NEW_TACTIC = "new_tactic"
    NEW_RESOURCE = "new_resource"
    EVIDENCE = "evidence"


# What is about deeds; each is said as often as one of them comes to something new.
OF_DEEDS = frozenset({Change.ACTION_FAILED, Change.APPROVAL_NEEDED, Change.DEED})


class Occasion(StrEnum):
    """Why a notice goes out; part of its key, so each occasion is told once."""

    OPENED = "opened"
    SEVERITY_RAISED = Change.SEVERITY_RAISED
    NEW_TACTIC = Change.NEW_TACTIC
    NEW_RESOURCE = Change.NEW_RESOURCE
    EVIDENCE = Change.EVIDENCE
    ACTION_FAILED = Change.ACTION_FAILED
    APPROVAL_NEEDED = Change.APPROVAL_NEEDED
    DEED = Change.DEED
    ESCALATED = "escalated"
    FALLBACK = "fallback"
    REMINDER = "reminder"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    MERGED = "merged"
    STUCK = "stuck"
    RECORDED = "recorded"


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """A step of an escalation that was taken, counted over all its rounds from 0."""

    escalation: str
    number: int


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One step a responder plans: ``responder`` does ``verb`` to ``target``.

    ``key`` names the step for ever: planned twice, it is one row. ``dedup_key`` is what
    the other side is given, shared by the trigger and the resolve of one notice.
    ``address`` is where the target is reached by this responder, where the policy names
    people; ``reference`` what the other side called the notice that this is about, or
    what an attempt before did of this action. ``rung`` is the step of an escalation
    that it belongs to. One that ``is_echo`` tells a side what it said itself: it is
    recorded and not sent.

    ``message`` is what it tells, ``news`` what of it nobody was told yet, ``content``
    what else the responder needs to apply it, secrets excepted, and ``dossier`` what a
    forward is made of. These four are made afresh at each look and never stored.
    """

    key: str
    dedup_key: str
    incident: str
    responder: str
    kind: Kind
    verb: Verb
    target: str
    occasion: Occasion
    content: dict[str, Any] = {}
    epoch: int = 1
    address: str = ""
    reference: str = ""
    rung: Rung | None = None
    is_echo: bool = False
    message: Message | None = None
    news: tuple[str, ...] = ()
    dossier: Dossier | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the other side answered to an action that it took.

    ``reference`` is its own name for what came of it, shown to people; no secrets.
    ``traffic`` is what a forward cost.
    """

    reference: str = ""
    traffic: Traffic | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice said of the incident, as far as a later one may say more.

    ``answered`` and ``found`` are of its evidence: see ``Gathered``. ``deeds`` are how
    each stood, as far as people want to hear of it. Of a forward ``sequence`` is the last
    entry of the timeline that was in it.
    """

    severity: Severity
    tactics: tuple[str, ...]
    resources: tuple[str, ...]
    answered: int = 0
    found: int = 0
    sequence: int = 0
    deeds: tuple[str, ...] = ()


class ActionStatus(StrEnum):
    """The life of an action row."""

    CLAIMED = "claimed"
    RETRY = "retry"
    APPLIED = "applied"
    FAILED = "failed"
    DROPPED = "dropped"


class ActionRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an action.

    The row is inserted once, when planned; its key is never sent twice on purpose.
    ``attempts`` counts claims, so a worker that died in between is seen. ``not_before``
    is when a retry is due. ``told`` is what a notice said, ``policy`` the hash of the
    policy that it was planned by, ``epoch`` that of the incident. ``traffic`` is what a
    forward cost.
    """

    key: str
    dedup_key: str
    incident: str
    responder: str
    kind: Kind
    verb: Verb
    target: str
    occasion: Occasion
    status: ActionStatus
    attempts: int
    planned_at: datetime
    changed_at: datetime
    not_before: datetime | None = None
    reason: str = ""
    detail: str = ""
    reference: str = ""
    told: Told | None = None
    policy: str = ""
    epoch: int = 1
    rung: Rung | None = None
    traffic: Traffic | None = None


def planned(
    incident: Incident,
    *,
    responder: str,
    kind: Kind,
    verb: Verb,
    target: str,
    occasion: Occasion,
    content: dict[str, Any] | None = None,
) -> Action:
    """An action of this incident with its keys.

    Both keys hash the root incident and its epoch, so a reopened incident may notify
    again and a successor past the caps does not (law 3).
    """
    notice = (incident.root, str(incident.epoch), responder, target)
    return Action(
        key=digest(*notice, verb, occasion),
        dedup_key=dedup_key(incident, responder, target),
        incident=incident.id,
        responder=responder,
        kind=kind,
        verb=verb,
        target=target,
        occasion=occasion,
        content=content or {},
        epoch=incident.epoch,
    )


def forwarding(
    incident: str, responder: str, *, after: int = 0, occasion: Occasion | None = None
) -> Action:
    """The forward of what an incident's timeline has after an entry.

    It is of this very incident, whatever its root is: records are no notices. Its key
    hashes where it begins, so that it stays the same while the timeline grows.
    """
    notice = digest(incident, responder, Verb.FORWARD)
    occasion = occasion or Occasion.RECORDED
    return Action(
        key=digest(notice, occasion, str(after)),
        dedup_key=f"fw-{incident}-{notice}",
        incident=incident,
        responder=responder,
        kind=Kind.FORWARD,
        verb=Verb.FORWARD,
        target=responder,
        occasion=occasion,
    )
