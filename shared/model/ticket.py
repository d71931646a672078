"""Tickets that stand for incidents at other sides, and what is read of them."""

from __future__ import annotations

from enum import StrEnum

import msgspec


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

    ``version`` rises with each change of it; only its side can read it. ``remarks`` are
    those since the version that it was asked for, the first first, and none of ours.
    """

    version: str
    stage: Stage
    owner: str = ""
    remarks: tuple[Remark, ...] = ()


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that stands for an incident, as far as it was read.

    ``reference`` is what its side calls it, ``dedup_key`` that of the notice that it
    was opened by. ``version``, ``stage`` and ``owner`` are of the last time that it was
    found changed; a ticket that was never read has none.
    """

    incident: str
    responder: str
    dedup_key: str
    reference: str
    version: str = ""
    stage: Stage = Stage.NEW
    owner: str = ""
