"""What people say from a message: looked at by a link, and carried out once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.answers import silencing
from shared.answers.state import HOURS, LINK, Sight, State
from shared.answers.token import Refusal, Token, Verb
from shared.commands import Order
from shared.model.deed import DeedRow
from shared.model.deed_status import DeedStatus
from shared.model.errors import CommandRefused
from shared.model.incident import IncidentStatus, Mark
from shared.model.silence import Kept, Silence
from shared.store import rows
from shared.store.history import find

if TYPE_CHECKING:
    from shared.commands import Commands
    from shared.containment.deciding import Deciding
    from shared.model.incident import Incident
    from shared.silences import Silences
    from shared.store.history import History
    from shared.store.ledger import Ledger


class Answering:
    """Looks at what a verified token is for, and does it. All raise StoreError."""

    def __init__(
        self,
        ledger: Ledger,
        history: History,
        commands: Commands,
        silences: Silences,
        deciding: Deciding,
    ) -> None:
        self._ledger = ledger
        self._history = history
        self._commands = commands
        self._silences = silences
        self._deciding = deciding

    async def look(self, token: Token) -> Sight:
        """What the link meets now; changes nothing, however often it is followed."""
        shelf, lineage = await find(self._ledger, self._history, token.inc)
        # Who was told before it was opened again has another incident in mind.
        if not lineage or lineage[0].epoch != token.epoch:
            return Sight(token, Refusal.OTHER)
        head = lineage[-1]
        if token.verb.is_of_deed:
            is_past = shelf.is_history or head.status is not IncidentStatus.OPEN
            return await self._of_deed(token, head, is_past=is_past)
        done = await self._done(token, head)
        if await self._is_used(token):
            return Sight(token, Refusal.USED, head, done)
        if shelf.is_history or head.status is not IncidentStatus.OPEN:
            return Sight(token, Refusal.ENDED, head, head.resolved)
        if done is not None:
            return Sight(token, State.ALREADY, head, done)
        matchers = silencing.matching(head) if token.verb is Verb.SILENCE else ()
        return Sight(token, State.READY, head, matchers=matchers)

    async def act(self, token: Token, by: str = "", hours: int = HOURS[0]) -> Sight:
        """Do what the link is for, if it is ready; what came of it.

        ``by`` is who is signed in; without, it is whom the link was sent to, as far as
        anybody knows. Raises CommandRefused where it cannot be done now.
        """
        sight = await self.look(token)
        if sight.state is not State.READY or sight.head is None:
            return sight
        order = Order(
            by or _hinted(token),
            f"by the link that {token.via} sent",
            once=token.jti,
            whose=LINK,
        )
        match token.verb:
            case Verb.ACKNOWLEDGE:
                head = await self._commands.acknowledge(sight.head.id, order)
                return _done(sight, order, head)
            case Verb.RESOLVE:
                head = await self._commands.resolve(sight.head.id, order)
                return _done(sight, order, head)
            case Verb.SILENCE:
                return await self._silence(sight, sight.head, order, hours)
            case Verb.APPROVE | Verb.DENY:
                return await self._decide(sight, sight.head, order)

    async def _of_deed(self, token: Token, head: Incident, *, is_past: bool) -> Sight:
        """What the link meets now where it is about a deed."""
        gist = head.deeds.get(token.deed)
        if gist is None:
            return Sight(token, Refusal.OTHER, head)
        if is_past:
            return Sight(token, Refusal.ENDED, head, head.resolved)
        partition = rows.partition_of_incident(head.id)
        key = rows.deed(gist.incident, token.deed)
        found = (await self._ledger.table.get(partition, [key])).get(key)
        row = rows.decode(found, DeedRow) if found else None
        if row is None or not row.deed.digest.startswith(token.plan):
            return Sight(token, Refusal.OTHER, head)
        done = _decided(row)
        if done is not None:
            return Sight(token, State.ALREADY, head, done, deed=row)
        if row.status is not DeedStatus.AWAITING:
            return Sight(token, Refusal.OTHER, head)
        return Sight(token, State.READY, head, deed=row)

    async def _decide(self, sight: Sight, head: Incident, order: Order) -> Sight:
        token = sight.token
        if token.verb is Verb.APPROVE:
            row = await self._deciding.approve(
                head.id, token.deed, order, plan=token.plan
            )
        else:
            row = await self._deciding.deny(head.id, token.deed, order)
        mark = _decided(row) if row else None
        if mark is None:
            return sight._replace(state=Refusal.OTHER)
        state = State.DONE if mark.by == order.by else State.ALREADY
        return sight._replace(state=state, mark=mark, deed=row)

    async def _silence(
        self, sight: Sight, head: Incident, order: Order, hours: int
    ) -> Sight:
        if not sight.matchers:
            raise CommandRefused("it holds too much to be silenced from here")
        silence = Silence(
            name=_silence_of(head),
            match=sight.matchers,
            reason=f"silenced from a message about incident {head.id}",
            owner=order.by,
            until=self._ledger.now() + timedelta(hours=hours),
        )
        kept = await self._silences.create(silence, order)
        mark = Mark(by=order.by, at=self._ledger.now(), note=order.note)
        return sight._replace(state=State.DONE, mark=mark, until=kept.until)

    async def _is_used(self, token: Token) -> bool:
        is_silence = token.verb is Verb.SILENCE
        place = rows.SHARED if is_silence else rows.partition_of_incident(token.inc)
        keys = Order(LINK, once=token.jti, whose=LINK).rows()
        return bool(await self._ledger.table.get(place, keys))

    async def _done(self, token: Token, head: Incident) -> Mark | None:
        """Who did it already, by this link or otherwise."""
        match token.verb:
            case Verb.ACKNOWLEDGE:
                return head.acknowledged
            case Verb.RESOLVE:
                return head.resolved
            case Verb.APPROVE | Verb.DENY:
                return None
            case Verb.SILENCE:
                key = rows.silence(_silence_of(head))
                found = (await self._ledger.table.get(rows.SHARED, [key])).get(key)
                kept = rows.decode(found, Kept) if found else None
                is_over = kept is None or kept.silence.is_over(self._ledger.now())
                return None if kept is None or is_over else kept.made


def _decided(row: DeedRow) -> Mark | None:
    """Who decided about a deed, whichever way."""
    if row.status is DeedStatus.DENIED:
        return row.ending
    given = row.approval
    return Mark(by=given.by, at=given.at) if given is not None else None


def _done(sight: Sight, order: Order, head: Incident | None) -> Sight:
    """What came of a command; somebody else may have said so in the meantime."""
    if head is None:
        return sight._replace(state=Refusal.OTHER, head=None)
    is_end = sight.token.verb is Verb.RESOLVE
    mark = head.resolved if is_end else head.acknowledged
    is_ours = mark is not None and (mark.by, mark.note) == (order.by, order.note)
    state = State.DONE if is_ours else State.ALREADY
    return sight._replace(state=state, head=head, mark=mark)


def _hinted(token: Token) -> str:
    return f"{LINK}:{token.hint}" if token.hint else LINK


def _silence_of(head: Incident) -> str:
    return f"incident-{head.id}"
