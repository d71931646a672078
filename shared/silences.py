"""Silences: those of the policy, and those that people make while it runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions import matchers
from shared.commands import Order, carried_out, check
from shared.model.errors import CommandRefused
from shared.model.incident import Incident, Mark
from shared.model.silence import Kept, Silence
from shared.model.text import is_name
from shared.store import messages, reading, rows
from shared.store.draft import news

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# How old a worker's list may be. Silences are read at every look; a new one is heeded
# everywhere after this long, and at once by whoever took it.
FRESH = timedelta(seconds=15)

# Longer than this nobody remembers why; the policy is the place for what lasts.
LONGEST = timedelta(days=90)


class Hidden(NamedTuple):
    """What a silence hid so far, or would have hidden in monitor mode."""

    silence: Silence
    made: Mark | None
    incidents: tuple[Incident, ...]


class Silences:
    """All silences. ``of_policy`` gives those that the policy in force names."""

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        *,
        of_policy: Callable[[], Awaitable[Sequence[Silence]]],
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._of_policy = of_policy
        self._kept: tuple[Kept, ...] = ()
        self._read_at: datetime | None = None

    async def in_force(self) -> list[Silence]:
        """Those whose time is now, the policy's first. Raises StoreError."""
        now = self._ledger.now()
        if self._read_at is None or now - self._read_at > FRESH:
            await self._read()
        every = [*await self._of_policy(), *(kept.silence for kept in self._kept)]
        return [s for s in every if s.has_begun(now) and not s.is_over(now)]

    async def every(self) -> list[tuple[Silence, Mark | None]]:
        """Each that there is, over ones too, and who made it; None for the policy."""
        await self._read()
        named = [(silence, None) for silence in await self._of_policy()]
        return [*named, *((kept.silence, kept.made) for kept in self._kept)]

    async def create(self, silence: Silence, order: Order) -> Silence:
        """Keep a silence from now on. Raises CommandRefused, StoreError.

        Incidents that were told already stay open where they were told; only what
        would be told from now on is held back.
        """
        check(order)
        self._check(silence)
        if silence.name in {s.name for s in await self._of_policy()}:
            raise CommandRefused("the policy has a silence of that name")
        key = rows.silence(silence.name)
        asked = f"silence|{rows.encode(Kept(silence=silence)).decode()}"

        def decide(draft: Draft) -> Silence:
            known = draft.read(key, Kept)
            if carried_out(draft, order, asked):
                return known.silence if known else silence
            if known is not None and not known.silence.is_over(draft.now):
                raise CommandRefused("there is a silence of that name in force")
            made = Mark(by=order.by, at=draft.now, note=order.note)
            draft.put(key, Kept(silence=silence, made=made))
            return silence

        await self._ledger.refresh(rows.SHARED, [key, *order.rows()])
        kept, _ = await self._ledger.transact(rows.SHARED, decide, by=order.by)
        self._read_at = None
        return kept

    async def end(self, name: str, order: Order) -> Silence | None:
        """End one before its time; what it held is looked at again.

        None where there is none of that name. Raises CommandRefused for one of the
        policy, StoreError.
        """
        check(order)
        if name in {s.name for s in await self._of_policy()}:
            raise CommandRefused("the policy has that silence; end it there")
        key = rows.silence(name)

        def decide(draft: Draft) -> Silence | None:
            known = draft.read(key, Kept)
            if known is None:
                return None
            if known.silence.is_over(draft.now):
                return known.silence
            over = replace(known.silence, until=draft.now)
            ended = Mark(by=order.by, at=draft.now, note=order.note)
            draft.put(key, replace(known, silence=over, ended=ended))
            return over

        await self._ledger.refresh(rows.SHARED, [key])
        ended, _ = await self._ledger.transact(rows.SHARED, decide, by=order.by)
        self._read_at = None
        if ended is not None:
            await self._wake(name)
        return ended

    async def report(self) -> list[Hidden]:
        """What each silence hid, in the order of ``every``; reads every incident."""
        heads = await reading.incidents(self._ledger)
        return [
            Hidden(
                silence,
                made,
                tuple(
                    head
                    for head in heads
                    if silence.name in {*head.hidden_by, *head.watched_by}
                ),
            )
            for silence, made in await self.every()
        ]

    async def _wake(self, name: str) -> None:
        """Have everything looked at that a silence holds back."""
        held = [
            head.id
            for head in await reading.incidents(self._ledger)
            if head.hold is not None and head.hold.by == name
        ]
        await asyncio.gather(*(self._stir(incident_id) for incident_id in held))
        for part in messages.split(held):
            await self._queue.send(messages.encode(part))

    async def _stir(self, incident_id: str) -> None:
        def decide(draft: Draft) -> None:
            head = draft.incident(incident_id)
            if head is not None:
                draft.change(news(head, draft.now))

        partition = rows.partition_of_incident(incident_id)
        await self._ledger.transact(partition, decide, by="silences")

    async def _read(self) -> None:
        found = await self._ledger.scan(rows.SHARED, rows.SILENCE)
        self._kept = tuple(rows.decode(row, Kept) for row in found)
        self._read_at = self._ledger.now()

    def _check(self, silence: Silence) -> None:
        now = self._ledger.now()
        starts = silence.starts or now
        for matcher in (*silence.match, *silence.break_through):
            try:
                matchers.parse_of_silence(matcher)
            except ValueError as error:
                raise CommandRefused(f"matcher: {error}") from None
        problems = {
            "name: 1 to 40 letters, digits and hyphens, first a letter": not (
                is_name(silence.name)
            ),
            "match: at least one matcher": not silence.match,
            "reason: say why": not silence.reason.strip(),
            "owner: say who answers for it": not silence.owner.strip(),
            "until: must lie ahead, and after starts": silence.until
            <= max(now, starts),
            f"until: at most {LONGEST.days} days after its start": silence.until
            - starts
            > LONGEST,
        }
        found = [problem for problem, is_there in problems.items() if is_there]
        if found:
            raise CommandRefused("; ".join(found))
