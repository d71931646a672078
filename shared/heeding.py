"""What a ticket comes to for the incident that it stands for.

Each thing is written once, under a key of its own, whoever reads the ticket how often.
What comes from a ticket is marked so, and is not told to it again.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from responders.tickets import Acknowledges
from shared.commands import Order
from shared.model.action import Verb
from shared.model.errors import CommandRefused
from shared.model.incident import Incident, IncidentStatus
from shared.model.text import plain
from shared.model.ticket import Stage
from shared.store import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.tickets import Tracker
    from shared.commands import Commands
    from shared.model.action import ActionRow
    from shared.model.ticket import Remote, Ticket
    from shared.store.ledger import Ledger

# What people wrote, and who they are.
LONGEST_TEXT, LONGEST_NAME = 3_800, 100


class _Standing(NamedTuple):
    """The incident that a ticket stands for, and whether it is its responder's only one."""

    head: Incident
    is_alone: bool


class Heeding:
    """Writes into incidents what their tickets say. Raises StoreError."""

    def __init__(self, ledger: Ledger, commands: Commands) -> None:
        self._ledger = ledger
        self._commands = commands

    async def __call__(self, tracker: Tracker, ticket: Ticket, remote: Remote) -> bool:
        """Do what it comes to; whether the ticket stands for the incident from now on.

        ``ticket`` is as it was known until now, ``remote`` as it is.
        """
        standing = await self._standing(ticket)
        if standing is None:
            return False
        writing = _Writing(self._commands, ticket, remote, standing)
        if not tracker.calls:
            await writing.comment_on_remarks()
        is_closed = remote.stage is Stage.CLOSED
        if is_closed and tracker.config.resolves:
            await writing.resolve()
            return False
        if _acknowledges(tracker.config.acknowledges, remote):
            await writing.acknowledge()
        if not tracker.calls:
            await writing.comment_on_changes()
        return True

    async def _standing(self, ticket: Ticket) -> _Standing | None:
        """What the ticket stands for; None where that is over.

        It is where we have closed the ticket, or were about to: then what is new there
        is our own doing, or comes too late.
        """
        lineage = await reading.lineage(self._ledger, ticket.incident)
        if not lineage or lineage[-1].status is not IncidentStatus.OPEN:
            return None
        first, head = lineage[0], lineage[-1]
        if first is head and head.epoch != ticket.epoch:
            return None
        family = {head.id, *head.absorbed, *(each.id for each in lineage)}
        actions = await reading.actions_of(self._ledger, family)
        if _is_ended(ticket.dedup_key, actions):
            return None
        others = [
            row
            for row in actions
            if row.verb is Verb.TRIGGER
            and row.responder == ticket.responder
            and row.dedup_key != ticket.dedup_key
            and not _is_ended(row.dedup_key, actions)
        ]
        return _Standing(head, is_alone=not others)


class _Writing:
    """Commands on behalf of one version of a ticket; each is carried out once."""

    def __init__(
        self, commands: Commands, ticket: Ticket, remote: Remote, standing: _Standing
    ) -> None:
        self._commands = commands
        self._ticket = ticket
        self._remote = remote
        self._head = standing.head
        # What a side says of one of several tickets it does not know of the others.
        self._via = ticket.responder if standing.is_alone else ""
        self._owner = plain(remote.owner, LONGEST_NAME)

    async def comment_on_remarks(self) -> None:
        """Add what people wrote there; a remark is one whatever version it is read in."""
        for remark in self._remote.remarks:
            by = plain(remark.by, LONGEST_NAME) or "somebody"
            if text := plain(remark.text, LONGEST_TEXT):
                await self._comment(f"remark|{remark.id}", f"{by}: {text}")

    async def comment_on_changes(self) -> None:
        """Add what changed besides, where it changes nothing here."""
        ticket, version = self._ticket, self._remote.version
        is_marked = self._head.acknowledged is not None
        if is_marked and self._owner and self._owner != ticket.owner:
            await self._comment(f"owner|{version}", self._assigned)
        if self._remote.stage is Stage.CLOSED and ticket.stage is not Stage.CLOSED:
            await self._comment(f"closed|{version}", self._closed)

    async def acknowledge(self) -> None:
        """Mark that somebody has it, unless somebody has it already.

        Under the key of the comment that says so otherwise: it is said once, however.
        """
        if self._head.acknowledged is not None:
            return
        note = self._assigned if self._owner else f"{self._named} is in progress"
        order = self._order(f"owner|{self._remote.version}", note)
        with contextlib.suppress(CommandRefused):
            await self._commands.acknowledge(self._head.id, order)

    async def resolve(self) -> None:
        """End the incident."""
        order = self._order(f"resolve|{self._remote.version}", self._closed)
        with contextlib.suppress(CommandRefused):
            await self._commands.resolve(self._head.id, order)

    async def _comment(self, what: str, note: str) -> None:
        # One that was changed there after it was read stays as it was read.
        with contextlib.suppress(CommandRefused):
            await self._commands.comment(self._head.id, self._order(what, note))

    def _order(self, what: str, note: str) -> Order:
        responder = self._ticket.responder
        return Order(
            f"ticket:{responder}",
            note,
            once=f"{responder}|{self._ticket.reference}|{what}",
            via=self._via,
        )

    @property
    def _named(self) -> str:
        return plain(self._remote.name or self._ticket.reference, LONGEST_NAME)

    @property
    def _assigned(self) -> str:
        return f"{self._named} is assigned to {self._owner}"

    @property
    def _closed(self) -> str:
        return f"{self._named} was closed"


def _acknowledges(what: Acknowledges, remote: Remote) -> bool:
    is_under_way = remote.stage is Stage.IN_PROGRESS
    match what:
        case Acknowledges.OWNER:
            return is_under_way or bool(remote.owner)
        case Acknowledges.PROGRESS:
            return is_under_way
        case Acknowledges.NEVER:
            return False


def _is_ended(dedup_key: str, actions: Sequence[ActionRow]) -> bool:
    """Whether the end of a notice is on record, which is before it is sent."""
    return any(
        row.verb is Verb.RESOLVE and row.dedup_key == dedup_key for row in actions
    )
