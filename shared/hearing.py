"""What other sides say of our notices, written into the incidents they are about.

It is taken by state, not by event: what is so already changes nothing, and so there is
no loop. Nothing that we did ourselves comes back as something that somebody said.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from shared.answers.said import Does
from shared.commands import Newest, Order
from shared.model.action import Verb
from shared.model.action_keys import named_in
from shared.model.errors import CommandRefused
from shared.model.incident import IncidentStatus
from shared.store import reading
from shared.store.history import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.answers.said import Said
    from shared.answers.sides import Listener
    from shared.commands import Commands
    from shared.model.action import ActionRow
    from shared.model.incident import Incident
    from shared.store.history import History
    from shared.store.ledger import Ledger


class Came(StrEnum):
    """What came of it."""

    TAKEN = "taken"
    # No notice of ours that this responder sent has that key.
    UNKNOWN = "unknown"
    # The notice is over on our side: that is our own word coming back, or comes late.
    OVER = "over"
    REFUSED = "refused"


class Result(NamedTuple):
    """What came of what was said, and the incident that it was about."""

    came: Came
    incident: str = ""


class Hearing:
    """Takes what a side says. Raises StoreError."""

    def __init__(self, ledger: Ledger, history: History, commands: Commands) -> None:
        self._ledger = ledger
        self._history = history
        self._commands = commands

    async def __call__(self, name: str, listener: Listener, said: Said) -> Result:
        """Do what it comes to; said again, it is done once."""
        incident = named_in(said.key)
        if incident is None:
            return Result(Came.UNKNOWN)
        shelf, lineage = await find(self._ledger, self._history, incident)
        if not lineage or shelf.is_history:
            return Result(Came.OVER if lineage else Came.UNKNOWN)
        first, head = lineage[0], lineage[-1]
        rows = await reading.actions_of(self._ledger, {each.id for each in lineage})
        notice = _notice(rows, name, said.key)
        if notice is None:
            return Result(Came.UNKNOWN)
        if _is_over(notice, first, rows) and not _is_mark(said, head):
            return Result(Came.OVER, head.id)
        # What a side says of one notice it does not know of another.
        is_known = first is head and _is_alone(notice, rows)
        order = Order(
            _by(name, listener, said),
            said.note,
            once=said.name,
            whose=f"callback:{name}",
            via=name if listener.side.keeps and is_known else "",
            newest=Newest(f"{name}|{said.thing}", said.at)
            if said.thing and said.at
            else None,
        )
        try:
            await self._do(said, head.id, order, resolves=listener.resolves)
        except CommandRefused:
            return Result(Came.REFUSED, head.id)
        return Result(Came.TAKEN, head.id)

    async def _do(
        self, said: Said, incident: str, order: Order, *, resolves: bool
    ) -> None:
        if said.does is Does.ACKNOWLEDGE:
            await self._commands.acknowledge(incident, order)
        elif said.does is Does.RESOLVE and resolves:
            await self._commands.resolve(incident, order)
        else:
            note = order.note or "resolved on their side"
            await self._commands.comment(incident, order._replace(note=note))


def _notice(rows: Sequence[ActionRow], name: str, key: str) -> ActionRow | None:
    """The notice of that key that this responder opened."""
    return next(
        (
            row
            for row in rows
            if row.verb is Verb.TRIGGER
            and row.responder == name
            and row.dedup_key == key
        ),
        None,
    )


def _is_over(notice: ActionRow, first: Incident, rows: Sequence[ActionRow]) -> bool:
    """Whether we closed it ourselves, or it is of an epoch that is over."""
    return notice.epoch != first.epoch or _is_closed(notice, rows)


def _is_closed(notice: ActionRow, rows: Sequence[ActionRow]) -> bool:
    """Whether its end is on record, which is before it is sent."""
    return any(
        row.verb is Verb.RESOLVE and row.dedup_key == notice.dedup_key for row in rows
    )


def _is_alone(notice: ActionRow, rows: Sequence[ActionRow]) -> bool:
    """Whether the responder has no other notice of it open, such as another person's."""
    return not any(
        row.verb is Verb.TRIGGER
        and row.responder == notice.responder
        and row.key != notice.key
        and not _is_closed(row, rows)
        for row in rows
    )


def _is_mark(said: Said, head: Incident) -> bool:
    """Whether it does no more than mark what has ended: late, and right all the same."""
    is_open = head.status is IncidentStatus.OPEN
    return said.does is Does.ACKNOWLEDGE and not is_open


def _by(name: str, listener: Listener, said: Said) -> str:
    """Who said it, as far as the side knows: never by a name that stands for more."""
    who = f" ({said.who})" if said.who else ""
    return f"{listener.use}:{name}{who}"
