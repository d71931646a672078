"""Tickets that stand for incidents at other sides, and what is read of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from shared.model.action import ActionStatus, Kind, Occasion, Verb

if TYPE_CHECKING:
    from shared.model.action import ActionRow


class Stage(StrEnum):
    """How far a ticket is, whatever its side calls its states."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote into a ticket. ``by`` and ``text`` are hostile.

    ``id`` names it for ever within its ticket.
    """

    id: str
    by: str
    text: str


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as its side has it. ``owner`` is hostile, and empty where it has none.

    ``name`` is what people call it, where that is not its reference. ``version`` rises with each change of it; only its side can read it. ``remarks`` are
    those since the version that it was asked for, the first first, and none of ours.
    """

    version: str
    stage: Stage
    name: str = ""
    owner: str = ""
    remarks: tuple[Remark, ...] = ()


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that stands for an incident, as far as it was read.

    ``reference`` is what its side calls it; ``dedup_key`` and ``epoch`` are those of the
    notice that it was opened by. ``version``, ``stage`` and ``owner`` are of the last
    time that it was found changed; a ticket that was never read has no version.
    """

    incident: str
    responder: str
    dedup_key: str
    epoch: int
    reference: str
    version: str = ""
    stage: Stage = Stage.NEW
    owner: str = ""


def opened(row: ActionRow) -> Ticket | None:
    """The ticket that an action has made, if it has.

    That Firewatch is stuck is nothing that a ticket can answer for the incident.
    """
    is_one = (
        row.kind is Kind.TICKET
        and row.verb is Verb.TRIGGER
        and row.status is ActionStatus.APPLIED
        and row.occasion is not Occasion.STUCK
    )
    if not is_one or not row.reference:
        return None
    return Ticket(
        incident=row.incident,
        responder=row.responder,
        dedup_key=row.dedup_key,
        epoch=row.epoch,
        reference=row.reference,
    )
