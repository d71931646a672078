"""What a look finds: the incident as it is, what holds it back, and what is to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions import escalation, reconcile, rendering
from shared.actions import head as head_of
from shared.model.action import ActionRow, Occasion, Verb
from shared.model.incident import QUIET, Fact, Hold, Incident, IncidentStatus
from shared.model.link import Link
from shared.model.storm import STORM
from shared.store import rows
from shared.store.draft import news

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping
    from datetime import datetime, timedelta

    from responders.base import Responder
    from shared.actions.routing import Rules
    from shared.actions.silencing import Ruling
    from shared.looks.escalating import Escalating
    from shared.model.action import Action
    from shared.model.evidence import Evidence
    from shared.noise import Noise
    from shared.oncall.policy import OnCall
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger


# What the storm breaker may hold back, and what the limit of a responder may.
_FIRST = frozenset({Occasion.OPENED, Occasion.ESCALATED})
_LIMITED = frozenset({Verb.TRIGGER, Verb.UPDATE, Verb.FORWARD})


Offer = Callable[[Incident, str, str], Sequence[Link]]


class Ruled(NamedTuple):
    """What a look goes by: what is held back, and the policy's rules of now."""

    ruling: Ruling
    hold: Hold | None
    rules: Rules


class Assessment:
    """Reads and works out; it writes only what an incident comes to by itself.

    ``links`` gives what somebody can say of an incident from a message: by responder,
    and whom it tells. ``claims_last`` is how long a dead worker's claim stands in the
    way.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        responders: Mapping[str, Responder],
        rules: Callable[[], Awaitable[Rules]],
        noise: Noise,
        escalating: Escalating,
        links: Offer,
        claims_last: timedelta,
        quiet: timedelta | None,
    ) -> None:
        self._ledger = ledger
        self._responders = responders
        self._rules = rules
        self._noise = noise
        self._escalating = escalating
        self._links = links
        self._claims_last = claims_last
        self._quiet = quiet

    async def settled(self, head: Incident, now: datetime) -> bool:
        """Whether it is as it would be by itself; else it is changed to that.

        One of which nothing was heard for long ends, and a successor that is worse than
        its root was told to be speaks for itself.
        """
        return not (await self._end_quiet(head, now) or await self._speak_up(head))

    async def head(self, incident_id: str) -> Incident | None:
        """The incident, or the one it was merged into, as the store has it now."""
        if not rows.is_incident_id(incident_id):
            return None
        partition = rows.partition_of_incident(incident_id)
        await self._ledger.refresh(partition, [rows.incident(incident_id)])
        head, _ = await self._ledger.transact(
            partition, lambda draft: draft.incident(incident_id), by="respond"
        )
        if head is not None and head.id != incident_id:
            return await self.head(head.id)
        return head

    async def rows(self, head: Incident) -> tuple[list[ActionRow], dict[str, str]]:
        """The action rows of the incident and of all it absorbed, and their versions."""
        partition = rows.partition_of_incident(head.id)
        found = await asyncio.gather(
            *(
                self._ledger.scan(partition, f"x|{incident_id}")
                for incident_id in (head.id, *head.absorbed)
            )
        )
        flat = [row for part in found for row in part]
        return [rows.decode(row, ActionRow) for row in flat], {
            row.key: row.etag for row in flat
        }

    async def rules(self, head: Incident, now: datetime) -> Rules:
        """What its notices go by."""
        return await self._escalating.drilled(head, await self._rules(), now)

    async def ruled(
        self, head: Incident, stored: Sequence[ActionRow], now: datetime
    ) -> tuple[Ruled, reconcile.Todo]:
        """What holds its notices back, and what is still to be done under that."""
        rules = await self.rules(head, now)
        ruling = await self._noise.ruling(head)
        hold = ruling.hold
        held = head_of.ruled(head, ruling, hold)[0]
        todo = await self.todo(held, stored, now, rules)
        known = {row.key for row in stored}
        if any(
            action.occasion in _FIRST and action.key not in known
            for action in todo.actions
        ):
            at = await self._noise.turn(head)
            if at is not None:
                hold = Hold(by=STORM, until=at)
                held = head_of.ruled(head, ruling, hold)[0]
                todo = await self.todo(held, stored, now, rules)
        return Ruled(ruling, hold, rules), todo

    async def todo(
        self,
        head: Incident,
        stored: Sequence[ActionRow],
        now: datetime,
        rules: Rules,
        evidence: Sequence[Evidence] = (),
    ) -> reconcile.Todo:
        """What is still to be done, and said with that evidence."""
        called = await self._escalating(head, stored, rules, now)
        wanted: list[Action] = []
        templates: list[Action] = []
        is_open = head.status is IncidentStatus.OPEN
        status = IncidentStatus.MERGED if is_open else head.status
        ended = replace(head, status=status, was_active=True, root=head.id)
        routed = {r.responder: r.route for r in rules.routing(head)}
        told = {row.responder for row in stored} & self._responders.keys()
        # Who was told of it before its route changed is told of its end.
        told |= {c.contact.responder for c in called.calls} & self._responders.keys()
        for name in [*routed, *sorted(told.difference(routed))]:
            responder = self._responders[name]
            plan = await responder.plan(head, evidence)
            ends = {Verb.RESOLVE} if is_open else {Verb.RESOLVE, Verb.FORWARD}
            wanted += [a for a in plan if name in routed or a.verb in ends]
            # Only what was told is told again, or closed.
            if stored or called.calls:
                templates += await responder.plan(ended, evidence)
        todo = reconcile.todo(
            head,
            wanted,
            templates,
            stored,
            now,
            claims_last=self._claims_last,
            routes=routed,
            verbs={name: r.verbs for name, r in self._responders.items()},
            escalated=escalation.actions(called.calls, templates),
            is_held=head.hold is not None,
        )
        times = [at for at in (todo.next_at, called.next_at) if at is not None]
        todo = todo._replace(next_at=min(times, default=None))
        if not todo.actions:
            return todo
        waiting = await self._noise.waiting(head)
        said = rendering.message(head, evidence, waiting)
        return todo._replace(
            actions=tuple(
                each
                if each.verb is Verb.FORWARD
                else rendering.telling(
                    each, said, *self._links(head, each.responder, each.target)
                )
                for each in _addressed(todo.actions, stored, rules.on_call)
            )
        )

    async def admitted(
        self, head: Incident, todo: reconcile.Todo, stored: Sequence[ActionRow]
    ) -> reconcile.Todo:
        """What is left to do now where responders have limits; the rest has its time."""
        known = {row.key for row in stored}
        now: list[Action] = []
        times = [todo.next_at] if todo.next_at else []
        for action in todo.actions:
            is_new = action.verb in _LIMITED and action.key not in known
            at = await self._noise.room(head, action) if is_new else None
            if at is None:
                now.append(action)
            elif not head.status.has_ended:
                # Nobody need hear, later on, of what is over by now.
                times.append(at)
        return todo._replace(actions=tuple(now), next_at=min(times, default=None))

    async def _end_quiet(self, head: Incident, now: datetime) -> bool:
        """Resolve an incident of which nothing was heard for long; whether it is so."""
        at = head_of.quiet_at(head, self._quiet)
        if at is None or at > now:
            return False

        def decide(draft: Draft) -> None:
            known = draft.incident(head.id)
            if known == head:
                ended = news(head_of.quieted(known, draft.now), draft.now)
                draft.change(ended, Fact(kind="incident.resolved", detail=QUIET))

        partition = rows.partition_of_incident(head.id)
        await self._ledger.transact(partition, decide, by="respond")
        return True

    async def _speak_up(self, head: Incident) -> bool:
        """Have a successor that is worse than what its root told speak for itself.

        Or the next burst would be swallowed by a page that nobody minds (keep#5175).
        """
        if head.root == head.id or head.status is not IncidentStatus.OPEN:
            return False

        def decide(draft: Draft) -> bool:
            known, root = draft.incident(head.id), draft.incident(head.root)
            if known != head or (root and root.severity.rank >= head.severity.rank):
                return False
            fact = Fact(kind="incident.speaks", detail="worse than its predecessor")
            draft.change(news(replace(known, root=known.id), draft.now), fact)
            return True

        partition = rows.partition_of_incident(head.id)
        is_changed, _ = await self._ledger.transact(partition, decide, by="respond")
        return is_changed


def _addressed(
    actions: Sequence[Action],
    stored: Sequence[ActionRow],
    on_call: OnCall,
) -> Iterator[Action]:
    """The actions with where they go, and what they are about is called there.

    Somebody who has left the policy is told nothing more, for nobody knows where.
    """
    references = {r.dedup_key: r.reference for r in stored if r.verb is Verb.TRIGGER}
    for action in actions:
        contacts = escalation.contacts(action.target, on_call)
        known = {contact.responder: contact.address for contact in contacts}
        if action.responder in known:
            yield replace(
                action,
                address=known[action.responder],
                reference=references.get(action.dedup_key, ""),
            )
