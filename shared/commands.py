"""What a person says about an incident: written into it, then looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.model.errors import CommandRefused, CommandStale
from shared.model.incident import (
    QUIET,
    SOURCE,
    Fact,
    Incident,
    IncidentStatus,
    Mark,
    Verdict,
)
from shared.store import messages, rows
from shared.store.draft import news

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# What a note or a comment may hold; an entry of the timeline must fit its row.
LONGEST_NOTE = 4_000


class Newest(NamedTuple):
    """When something was changed elsewhere, where news of it may come in any order."""

    thing: str
    at: datetime

    @property
    def row(self) -> str:
        """The row that says when the latest change was that was heard of."""
        return rows.once(f"newest|{self.thing}")


class Order(NamedTuple):
    """Who says it and why, and what they take for granted.

    ``expected`` is the revision of the incident that they looked at; where it has
    changed since, CommandStale is raised. ``once`` is a key of their own: the same
    command under the same key is carried out once. Where such a key is not theirs alone,
    ``whose`` says whose it is. ``via`` is as in ``Mark``. An order that is older than
    the ``newest`` of its thing is not carried out.
    """

    by: str
    note: str = ""
    expected: str | None = None
    once: str | None = None
    whose: str = ""
    via: str = ""
    newest: Newest | None = None

    def rows(self) -> list[str]:
        """The rows that say whether it was carried out, or is past being so."""
        mine = [rows.once(f"{self.whose or self.by}|{self.once}")] if self.once else []
        return [*mine, *([self.newest.row] if self.newest else [])]


class Commands:
    """Commands on incidents; each is one transaction and a message.

    Each gives the incident as it then is, or None where there is none of that id; that
    of a merged incident is its winner's. All raise CommandRefused, CommandStale and
    StoreError.
    """

    def __init__(self, ledger: Ledger, queue: Queue) -> None:
        self._ledger = ledger
        self._queue = queue

    async def acknowledge(self, incident_id: str, order: Order) -> Incident | None:
        """Mark that somebody works on it; the first mark stands."""

        def change(head: Incident, mark: Mark) -> Incident:
            return replace(head, acknowledged=head.acknowledged or mark)

        return await self._say(incident_id, "incident.acknowledged", order, change)

    async def resolve(
        self, incident_id: str, order: Order, verdict: Verdict | None = None
    ) -> Incident | None:
        """End it; with a verdict it is closed, and nothing but a person reopens it.

        Who resolves what its source or quiet resolved takes it over.
        """

        def change(head: Incident, mark: Mark) -> Incident:
            if head.status is IncidentStatus.CLOSED:
                if verdict in {None, head.verdict}:
                    return head
                raise CommandRefused("it is closed with another verdict; reopen it")
            if verdict is not None:
                return replace(
                    head, status=IncidentStatus.CLOSED, resolved=mark, verdict=verdict
                )
            if head.resolved is not None and head.resolved.by not in {SOURCE, QUIET}:
                return head
            return replace(head, status=IncidentStatus.RESOLVED, resolved=mark)

        kind = "incident.closed" if verdict else "incident.resolved"
        return await self._say(incident_id, kind, order, change, said=_said(verdict))

    async def reopen(self, incident_id: str, order: Order) -> Incident | None:
        """Open it again, as a new epoch: whoever was told of its end is told anew."""

        def change(head: Incident, mark: Mark) -> Incident:
            if head.status is IncidentStatus.OPEN:
                return head
            return replace(
                head,
                status=IncidentStatus.OPEN,
                resolved=None,
                verdict=None,
                acknowledged=None,
                was_active=True,
                epoch=head.epoch + 1,
                # Quiet is counted from here; else it would end at once.
                heard_at=mark.at,
            )

        return await self._say(incident_id, "incident.reopened", order, change)

    async def comment(self, incident_id: str, order: Order) -> Incident | None:
        """Add to its timeline; nothing else changes, and nobody is told."""
        if not order.note.strip():
            raise CommandRefused("a comment says something")
        return await self._say(incident_id, "comment", order, None)

    async def _say(
        self,
        incident_id: str,
        kind: str,
        order: Order,
        change: Callable[[Incident, Mark], Incident] | None,
        said: str = "",
    ) -> Incident | None:
        check(order)
        if not rows.is_incident_id(incident_id):
            return None
        asked = f"{kind}|{incident_id}|{said}|{order.note}"
        detail = ": ".join(part for part in (said, order.note) if part)

        def decide(draft: Draft) -> tuple[Incident | None, bool]:
            head = draft.incident(incident_id)
            if head is None or carried_out(draft, order, asked):
                return head, False
            agreed(order, head)
            fact = Fact(kind=kind, detail=detail)
            if change is None:
                draft.change(head, fact)
                return head, False
            mark = Mark(by=order.by, at=draft.now, note=order.note, via=order.via)
            changed = change(head, mark)
            if changed == head:
                return head, False
            changed = news(replace(changed, changed_at=draft.now), draft.now)
            draft.change(changed, fact)
            return changed, True

        partition = rows.partition_of_incident(incident_id)
        await self._ledger.refresh(
            partition, [rows.incident(incident_id), *order.rows()]
        )
        (head, is_news), _ = await self._ledger.transact(partition, decide, by=order.by)
        if head is None:
            return None
        if is_news:
            await self._queue.send(messages.encode([head.id]))
        # As it was written: with the entry that tells of the command.
        return self._ledger.remembered(head)


def check(order: Order) -> None:
    """Refuse what nobody may say; raises CommandRefused."""
    if order.by in {SOURCE, QUIET} or not order.by:
        raise CommandRefused("somebody must say it, by a name of their own")
    if len(order.note) > LONGEST_NOTE:
        raise CommandRefused(f"a note is at most {LONGEST_NOTE} characters")


def carried_out(draft: Draft, order: Order, asked: str) -> bool:
    """Whether the command was carried out under its key before, or came too late.

    Else it is noted that it is.
    """
    newest = order.newest
    for key in order.rows():
        is_newest = newest is not None and key == newest.row
        before = draft.read(key, rows.Once)
        if newest is not None and is_newest:
            if before is not None and before.at > newest.at:
                return True
            draft.put(key, rows.Once(asked="", at=newest.at))
        elif before is None:
            draft.put(key, rows.Once(asked=rows.digest(asked), at=draft.now))
        elif before.asked != rows.digest(asked):
            raise CommandRefused("that idempotency key was used for another command")
        else:
            return True
    return False


def agreed(order: Order, head: Incident) -> None:
    """Raise CommandStale where the incident is not what was looked at."""
    if order.expected is not None and order.expected != head.revision:
        raise CommandStale(f"incident {head.id} has changed; look at it again")


def _said(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    why = f", {verdict.reason}" if verdict.reason else ""
    return f"{verdict.classification}{why}"
