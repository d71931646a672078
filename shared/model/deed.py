"""What would be changed to contain an incident, what was, and what it was before.

A deed is an action that changes or copies something outside; one that tells somebody is
a notice (``shared.model.action``). Decision 0031.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.action import Kind
from shared.model.deed_status import DeedStatus
from shared.model.guards import Mode
from shared.model.incident import Lease, Mark

if TYPE_CHECKING:
    from shared.model.incident import Incident


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One change that a doer would make, whole: what is approved is this and no other.

    ``responder`` is the doer's name in the policy and ``use`` what it is; of one use
    nothing is done twice to one ``target``, which is the canonical name of what is
    changed. ``says`` is one sentence for people. ``resources`` are the ARM ids of all
    that it touches, whole and canonical, first the one that it is about; ``accounts`` the
    object ids, ``addresses`` the addresses, ``machines`` the ids of Defender for Endpoint,
    ``names`` digests, domains and URLs, which are the same everywhere. Guards go by these. ``alerts`` are the ids of those that it goes by.
    ``content`` is what else the doer needs to do it, secrets excepted.

    One that is not ``reversible`` is never taken back, and says so. One that ``wipes``
    loses what was not kept before, such as what is in memory. ``obstacle`` is why it
    cannot be done, where that shows already.
    """

    responder: str
    use: str
    kind: Kind
    target: str
    says: str
    alerts: tuple[str, ...]
    resources: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    reversible: bool = True
    wipes: bool = False
    obstacle: str = ""
    content: dict[str, Any] = {}

    @property
    def digest(self) -> str:
        """The hash of the whole plan but for the alerts: more of them are no other plan."""
        plan = msgspec.structs.replace(self, alerts=())
        encoded = msgspec.json.encode(plan, order="sorted")
        return hashlib.sha256(encoded).hexdigest()[:32]


def key_of(incident: Incident, deed: Deed) -> str:
    """The name of the deed for ever: 32 hex digits.

    Of the incident and not of its root: what grew past the caps is guarded and counted
    as any other is.
    """
    parts = (
        incident.id,
        str(incident.epoch),
        deed.responder,
        deed.use,
        deed.target,
    )
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(f"deed|{text}".encode()).hexdigest()[:32]


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What a target was before it was changed: all that is needed to put it back.

    ``by_hand`` are commands that do so without Firewatch, in order; nothing in them but
    what an administrator could type.
    """

    state: dict[str, Any]
    by_hand: tuple[str, ...]


class State(StrEnum):
    """How a target stands to a deed."""

    AS_BEFORE = "as before"
    IN_FORCE = "in force"
    # Some of it is in force and the rest as before: a worker died over it.
    PARTLY = "partly"
    UNDER_WAY = "under way"
    # Taken, and done when the target can: a machine that is off may take days.
    AWAITED = "awaited"
    # Neither as it was nor as we left it: somebody else changed it.
    OTHERWISE = "otherwise"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a doer read of a target.

    ``difference`` says in words what is otherwise. ``retry_after`` is when the other
    side wants to be asked again.
    """

    state: State
    difference: str = ""
    retry_after: timedelta | None = None


class Guard(StrEnum):
    """What may stand in the way of a deed: the closed list that rows and pages use."""

    OBSTACLE = "obstacle"
    SAMPLE = "sample"
    IDENTITY = "identity"
    PROTECTED = "protected"
    CONFIRMED = "confirmed"
    AGE = "age"
    SEVERITY = "severity"
    RISK = "risk"
    PROBLEMS = "problems"
    HOURS = "hours"
    MODE = "mode"
    EVIDENCE = "evidence"
    RIGHTS = "rights"
    BUDGET = "budget"
    STOP = "stop"


class Says(StrEnum):
    """What a guard says, the worse the later; a note alone lets the deed pass."""

    NOTE = "note"
    WAIT = "wait"
    ASK = "ask"
    REFUSE = "refuse"

    @property
    def rank(self) -> int:
        """0 for note, 3 for refuse."""
        return _SAYS_ORDER.index(self)


_SAYS_ORDER = tuple(Says)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one guard found, and why, for people."""

    guard: Guard
    says: Says
    why: str


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody let a plan pass: ``plan`` is its digest.

    ``mac`` proves it by a key that is not in the store, so that whoever can write rows
    cannot approve (review F14). It counts until ``until``.
    """

    by: str
    at: datetime
    plan: str
    until: datetime
    mac: str


class Undo(StrEnum):
    """How a person wants a deed taken back.

    Carefully: where somebody changed the target since, it is left alone. By force: it is
    put back all the same. Leave it: it is as it should be, and nothing is sent.
    """

    CAREFUL = "careful"
    FORCE = "force"
    LEAVE = "leave"


class DeedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a deed: its row is inserted once, when planned.

    ``rules`` are those of the policy that want it, and ``mode`` what they come to.
    ``findings`` are what guards said last. It is to hold for ``lasts``, which is None
    for always, and so ``until`` once it does. ``attempts`` counts claims since it last
    got anywhere, ``not_before`` is when to go on. ``ending`` is who wants it taken back,
    where it is not its time, and ``how``; ``ends`` what it will then be. ``by_hand`` are
    the commands that take it back. ``reason`` is a FailureReason where it failed, and
    ``is_told`` whether somebody hears that it is stranded.
    """

    key: str
    incident: str
    epoch: int
    deed: Deed
    status: DeedStatus
    mode: Mode
    planned_at: datetime
    changed_at: datetime
    rules: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    lasts: timedelta | None = None
    policy: str = ""
    attempts: int = 0
    not_before: datetime | None = None
    applied_at: datetime | None = None
    until: datetime | None = None
    by_hand: tuple[str, ...] = ()
    approval: Approval | None = None
    ending: Mark | None = None
    how: Undo = Undo.CAREFUL
    ends: DeedStatus | None = None
    reason: str = ""
    detail: str = ""
    reference: str = ""
    is_told: bool = False


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A deed that needs a target changed; ``until`` is None for until it is undone."""

    incident: str
    since: datetime
    until: datetime | None = None


class TargetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One target, and every deed of one use that holds it (review F4).

    ``deed`` and ``before`` are the first holder's: it is changed once and put back once.
    ``before`` is None until anything may have been sent. ``lease`` is of the worker that
    changes it now, and ``sent_at`` when something may have been sent of which nobody
    knows what came. A target that nobody holds and that has no ``before`` is free.
    """

    deed: Deed
    holders: dict[str, Holder] = {}
    before: Before | None = None
    lease: Lease | None = None
    sent_at: datetime | None = None
    changed_at: datetime

    @property
    def is_free(self) -> bool:
        """Whether it is, for all that we did, as it was."""
        return not self.holders and self.before is None


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """That no new deed is begun, by whom; None where somebody ended that."""

    stopped: Mark | None
