"""What keeps notices back, read and kept: silences, and the slots of storm and limits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared import telemetry
from shared.actions import matchers, silencing
from shared.actions import storm as breaker
from shared.actions.rendering import headline
from shared.actions.silencing import Ruling
from shared.model.alert import AlertRow, AlertStatus, Severity
from shared.model.errors import StoreError
from shared.model.incident import OWN
from shared.model.storm import Slots
from shared.store import messages, rows
from shared.triage import own
from shared.triage.correlation import fold

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from shared.actions.routing import Route
    from shared.model.action import Action
    from shared.model.alert import Alert
    from shared.model.correlation import Correlation
    from shared.model.incident import Incident
    from shared.model.storm import Storm
    from shared.silences import Silences
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# The timer looks each minute; for this long after its end it closes a reminder.
CLOSES_FOR = timedelta(days=1)


class Noise:
    """Rules on incidents for respond, and speaks for itself at each tick."""

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        silences: Silences,
        *,
        storm: Storm,
        limits: Mapping[str, Storm],
        caps: Correlation,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._silences = silences
        self._rates = {rows.STORM: storm} | {
            f"{rows.LIMIT}{name}": limit for name, limit in limits.items()
        }
        self._caps = caps

    async def ruling(self, incident: Incident) -> Ruling:
        """What silences say of it now; one that cannot be read holds nothing (law 6)."""
        try:
            return silencing.ruling(incident, await self._silences.in_force())
        except StoreError as error:
            telemetry.emit(telemetry.SILENCES_UNREAD, error=error)
            return Ruling()

    async def tags(self, routes: Sequence[Route]) -> frozenset[str]:
        """The names of the tags that these routes, and silences now, ask for."""
        asked = [matcher for route in routes for matcher in route.match]
        try:
            silences = await self._silences.in_force()
        except StoreError as error:
            telemetry.emit(telemetry.SILENCES_UNREAD, error=error)
            silences = []
        for silence in silences:
            asked += [*silence.match, *silence.break_through]
        return matchers.tags_in(asked)

    async def turn(self, incident: Incident) -> datetime | None:
        """When the first page of the incident may go; None is now, but for a storm.

        Always now for High, for what Firewatch says itself, and where the slots cannot
        be read (law 6). A page test has no part in storms.
        """
        if incident.is_drill:
            return None
        key = f"{incident.root[:12]}.{incident.epoch}"
        return await self._slot(rows.STORM, key, incident)

    async def room(self, incident: Incident, action: Action) -> datetime | None:
        """When the notice may go by the limit of its responder; None is now, as above.

        What an escalation sends never waits.
        """
        row = f"{rows.LIMIT}{action.responder}"
        if row not in self._rates or action.rung is not None:
            return None
        return await self._slot(row, action.key, incident)

    async def waiting(self, incident: Incident) -> list[str]:
        """What waits for its turn, where the incident is what Firewatch says of that."""
        if OWN not in incident.sources:
            return []
        row = _row_of(incident)
        if row not in self._rates:
            return []
        try:
            await self._ledger.refresh(rows.SHARED, [row])
        except StoreError as error:
            telemetry.emit(telemetry.STORM_UNREAD, error=error)
            return []
        slots = self._ledger.recall(rows.SHARED, row, Slots) or Slots()
        return breaker.waiting(slots, self._ledger.now())

    async def _slot(self, row: str, key: str, incident: Incident) -> datetime | None:
        may_wait = incident.severity is not Severity.HIGH and (
            OWN not in incident.sources
        )
        said = headline(incident)

        def decide(draft: Draft) -> datetime | None:
            before = draft.read(row, Slots) or Slots()
            after, at = breaker.reserve(
                before, key, draft.now, self._rates[row], may_wait=may_wait, said=said
            )
            if after != before:
                draft.put(row, after)
            return at if at > draft.now else None

        try:
            at, _ = await self._ledger.transact(rows.SHARED, decide, by="respond")
        except StoreError as error:
            telemetry.emit(telemetry.STORM_UNREAD, error=error)
            return None
        return at

    async def tend(self) -> list[str]:
        """Say that there is a storm or that a silence is about to end, and when it is over.

        The incidents that have news by that. Told again at each tick, until it is
        over, which costs nothing: it is one alert. A storm is told of within a minute of
        its beginning, so that what waits can be listed. Raises StoreError.
        """
        dirty: list[str] = []
        async for alert in self._to_say():
            dirty += await self._say(alert)
        return dirty

    async def _to_say(self) -> AsyncIterator[Alert]:
        now = self._ledger.now()
        await self._ledger.refresh(rows.SHARED, [*self._rates])
        for row, rate in self._rates.items():
            slots = self._ledger.recall(rows.SHARED, row, Slots)
            if slots is not None and slots.since is not None:
                over = breaker.is_over(slots, now, rate)
                yield _said_of(row, slots.since, now, is_over=over)
                if over:
                    await self._end(row, slots)
        for silence, made in await self._silences.every():
            is_over = silence.is_over(now)
            warns_at = silence.warns_at(made.at if made else None)
            if warns_at <= now < silence.until + CLOSES_FOR:
                yield own.silence_ends(
                    silence.name, silence.owner, silence.until, now, is_over=is_over
                )

    async def _end(self, row: str, before: Slots) -> None:
        def decide(draft: Draft) -> None:
            if draft.read(row, Slots) == before:
                draft.put(row, breaker.ended(before))

        await self._ledger.transact(rows.SHARED, decide, by="tick")

    async def say(self, *alerts: Alert) -> None:
        """Have people told, as of any alert; said again, it is one. Raises StoreError."""
        dirty: dict[str, None] = {}
        try:
            for alert in alerts:
                dirty |= dict.fromkeys(await self._say(alert))
        finally:
            # What was written is told, whatever became of the rest.
            for part in messages.split([*dirty]):
                await self._queue.send(messages.encode(part))

    async def _say(self, alert: Alert) -> list[str]:
        partition = rows.partition_of(alert.scope, self._ledger.partitions)
        key = rows.alert(alert.id)
        if self._ledger.recall(partition, key, AlertRow) is None:
            await self._ledger.refresh(partition, [key])

        def decide(draft: Draft) -> list[str]:
            is_known = draft.read(key, AlertRow) is not None
            # The end of what was never said is nobody's news.
            if is_known or alert.status is AlertStatus.OPEN:
                fold(draft, alert, self._caps)
            return draft.dirty

        dirty, _ = await self._ledger.transact(partition, decide, by="tick")
        return dirty


def _said_of(row: str, since: datetime, now: datetime, *, is_over: bool) -> Alert:
    if row == rows.STORM:
        return own.storm(since, now, is_over=is_over)
    return own.crowded(row.removeprefix(rows.LIMIT), since, now, is_over=is_over)


def _row_of(incident: Incident) -> str:
    """The slots that an incident of our own is about; of no row where it is not."""
    kind = incident.worst_first[0].alert_type
    if kind == own.STORM:
        return rows.STORM
    return f"{rows.LIMIT}{kind.removeprefix(own.CROWDED)}"
