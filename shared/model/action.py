"""What would be done about an incident, and what came of it."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from shared.model.alert import Severity
from shared.model.message import Message

if TYPE_CHECKING:
    from shared.model.deed_status import Gist

    # It is made of rows of this module; no action is ever decoded.
    from shared.model.dossier import Dossier  # noqa: TC004
    from shared.model.incident import Incident


_DEDUP_KEY = re.compile(r"fw-([0-9a-f]{16})-[0-9a-f]{32}")


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
        key=_digest(*notice, verb, occasion),
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


def dedup_key(incident: Incident, responder: str, target: str) -> str:
    """What the other side is given for the notice of this incident as it is now.

    It names the root incident, so that what comes back about it finds its way, and a
    hash of all that makes it this notice.
    """
    notice = (incident.root, str(incident.epoch), responder, target)
    return f"fw-{incident.root}-{_digest(*notice)}"


def forwarding(
    incident: str, responder: str, *, after: int = 0, occasion: Occasion | None = None
) -> Action:
    """The forward of what an incident's timeline has after an entry.

    It is of this very incident, whatever its root is: records are no notices. Its key
    hashes where it begins, so that it stays the same while the timeline grows.
    """
    notice = _digest(incident, responder, Verb.FORWARD)
    occasion = occasion or Occasion.RECORDED
    return Action(
        key=_digest(notice, occasion, str(after)),
        dedup_key=f"fw-{incident}-{notice}",
        incident=incident,
        responder=responder,
        kind=Kind.FORWARD,
        verb=Verb.FORWARD,
        target=responder,
        occasion=occasion,
    )


def named_in(dedup_key: str) -> str | None:
    """The incident that a key of a notice names; None where it is no such key.

    Keys of before 0.2 are the hash alone, and name none.
    """
    found = _DEDUP_KEY.fullmatch(dedup_key)
    return found[1] if found else None


def is_same_notice(one: str, other: str) -> bool:
    """Whether two keys are of one notice, be one of before 0.2 or not."""
    return one.rpartition("-")[2] == other.rpartition("-")[2]


def kept(action: Action, notice: ActionRow | None) -> Action:
    """The action under the key that its notice was opened by, if it was."""
    if notice is None or notice.dedup_key == action.dedup_key:
        return action
    return msgspec.structs.replace(action, dedup_key=notice.dedup_key)


def escalating(
    trigger: Action, *, rung: Rung, target: str, occasion: Occasion = Occasion.ESCALATED
) -> Action:
    """A notice of its own to a target of a step: it rings, whoever was told before."""
    key = _digest(trigger.key, occasion, rung.escalation, str(rung.number), target)
    return msgspec.structs.replace(
        trigger,
        key=key,
        dedup_key=_beside(trigger.dedup_key, key),
        target=target,
        occasion=occasion,
        rung=rung,
    )


def closing(
    resolve: Action, opened: ActionRow, occasion: Occasion, *, is_echo: bool = False
) -> Action:
    """The resolve of a notice of a merged incident, an earlier epoch or a step."""
    return msgspec.structs.replace(
        resolve,
        key=_digest(opened.key, Verb.RESOLVE),
        dedup_key=opened.dedup_key,
        target=opened.target,
        occasion=occasion,
        is_echo=is_echo,
    )


def acknowledging(trigger: Action, notice: ActionRow, *, is_echo: bool) -> Action:
    """Tell who has a notice that somebody works on it."""
    return msgspec.structs.replace(
        trigger,
        verb=Verb.ACKNOWLEDGE,
        key=_digest(notice.key, Verb.ACKNOWLEDGE),
        dedup_key=notice.dedup_key,
        target=notice.target,
        occasion=Occasion.ACKNOWLEDGED,
        is_echo=is_echo,
    )


def reminding(trigger: Action, notice: ActionRow, told: int) -> Action:
    """The notice once more, after it was ``told`` so often and nobody answered."""
    return msgspec.structs.replace(
        trigger,
        verb=Verb.UPDATE,
        key=_digest(notice.key, Verb.UPDATE, Occasion.REMINDER, str(told)),
        dedup_key=notice.dedup_key,
        target=notice.target,
        occasion=Occasion.REMINDER,
    )


def continuing(trigger: Action, opened: ActionRow) -> Action:
    """An unfinished trigger, sent on under the keys it has."""
    return msgspec.structs.replace(
        trigger,
        key=opened.key,
        dedup_key=opened.dedup_key,
        incident=opened.incident,
        target=opened.target,
        occasion=opened.occasion,
        rung=opened.rung,
    )


def updating(
    trigger: Action,
    notice: ActionRow,
    change: Change,
    told: Told,
    news: tuple[str, ...] = (),
) -> Action:
    """The update of a notice that somebody has: what would be sent now, and why.

    What is told is its revision: the same news is told once. Evidence that came late has
    none, so that it is told once however much more comes.
    """
    revision: tuple[str, ...] = ()
    if change is not Change.EVIDENCE:
        revision = (told.severity, *told.tactics, "", *told.resources)
    if change in OF_DEEDS:
        revision = (*revision, "", *told.deeds)
    return msgspec.structs.replace(
        trigger,
        verb=Verb.UPDATE,
        key=_digest(notice.key, Verb.UPDATE, change, *revision),
        dedup_key=notice.dedup_key,
        target=notice.target,
        occasion=Occasion(change),
        news=news,
    )


def as_stuck(trigger: Action, generation: int) -> Action:
    """The notice that Firewatch itself is stuck, once per generation it is stuck on."""
    key = _digest(trigger.key, Occasion.STUCK, str(generation))
    return msgspec.structs.replace(
        trigger,
        key=key,
        dedup_key=_beside(trigger.dedup_key, key),
        occasion=Occasion.STUCK,
    )


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the other side answered to an action that it took.

    ``reference`` is its own name for what came of it, shown to people; no secrets.
    ``traffic`` is what a forward cost.
    """

    reference: str = ""
    traffic: Traffic | None = None


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent to a side that is paid by volume.

    ``bytes`` are those on the wire, compressed as they went. Of forwards that went
    together the first has all the calls and bytes, so that sums are true.
    """

    records: int = 0
    bytes: int = 0
    calls: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            records=self.records + other.records,
            bytes=self.bytes + other.bytes,
            calls=self.calls + other.calls,
        )


@runtime_checkable
class Sink(Protocol):
    """What counts what it sends."""

    @property
    def traffic(self) -> Traffic:
        """What was sent by this process, or tried to be."""
        ...


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


def told_of(incident: Incident, occasion: Occasion = Occasion.OPENED) -> Told:
    """What a notice on that occasion says of the incident as it is.

    One that evidence came late says nothing else, so that nothing else is taken for
    told by it.
    """
    known = incident.evidence
    answered, found = (known.answered, known.found) if known else (0, 0)
    if occasion is Occasion.EVIDENCE:
        return Told(
            severity=Severity.INFORMATIONAL,
            tactics=(),
            resources=(),
            answered=answered,
            found=found,
        )
    return Told(
        severity=incident.severity,
        tactics=incident.tactics,
        resources=incident.resources,
        answered=answered,
        found=found,
        deeds=tuple(deeds_of(incident)),
    )


def deeds_of(incident: Incident) -> dict[str, Gist]:
    """The deeds that people want to hear of, each by a name of it as it stands."""
    return {
        f"{key[:12]} {gist.status} {_asked(gist)}".rstrip(): gist
        for key, gist in sorted(incident.deeds.items())
        if gist.status.is_told
    }


def _asked(gist: Gist) -> str:
    """What is asked, and until when: asked for again, it is news again."""
    if not gist.plan or gist.next_at is None:
        return ""
    return f"{gist.plan[:8]} {gist.next_at:%Y%m%d%H%M}"


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


def _beside(dedup_key: str, key: str) -> str:
    """The key of another notice of the same incident."""
    return f"{dedup_key.rpartition('-')[0]}-{key}"


def _digest(*parts: str) -> str:
    """32 hex digits over length-prefixed parts: ("a", "bc") is not ("ab", "c")."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
