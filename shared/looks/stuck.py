"""Incidents that break their worker: they rest, longer each time, and somebody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared import telemetry
from shared.actions import backoff, delivery, rendering
from shared.actions import head as head_of
from shared.actions.follow_ups import as_stuck
from shared.model.action import Occasion, Verb
from shared.model.incident import Fact, stripped
from shared.store import rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from responders.base import Responder
    from shared.actions.routing import Rules
    from shared.model.action import Action, Outcome
    from shared.model.incident import Incident
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger


class Stuck:
    """Counts failures of incidents. ``read`` gives one as it is, ``send`` an action."""

    def __init__(
        self,
        ledger: Ledger,
        responders: Mapping[str, Responder],
        *,
        rules: Callable[[], Awaitable[Rules]],
        read: Callable[[str], Awaitable[Incident | None]],
        send: Callable[[Action], Awaitable[Outcome]],
    ) -> None:
        self._ledger = ledger
        self._responders = responders
        self._rules = rules
        self._read = read
        self._send = send

    async def failed(self, incident_id: str, reason: str) -> None:
        """Let a broken incident rest, longer each time; at last, tell somebody."""
        head = await self._read(incident_id)
        if head is None:
            return
        # Told before it is written down that it was: a worker that dies in between
        # tells it again under the same key.
        is_told = bool(head.stuck)
        if not is_told and head_of.failures(head) >= backoff.STUCK_AFTER:
            is_told = await self._tell_stuck(replace(head, stuck=reason))

        def decide(draft: Draft) -> None:
            head = draft.incident(incident_id)
            if head is None:
                return
            failures = head_of.failures(head)
            rested = replace(
                head,
                lease=None,
                attempts=failures,
                due=draft.now + backoff.rest_for(failures),
                stuck=reason if is_told else "",
            )
            draft.change(rested, Fact(kind="incident.failed", detail=reason))

        partition = rows.partition_of_incident(incident_id)
        await self._ledger.transact(partition, decide, by="respond")

    async def _tell_stuck(self, head: Incident) -> bool:
        """Page that we cannot handle this incident, with nothing of it in the page.

        By the fallback; where there is none, or it takes nothing, by whatever there is.
        Whether anybody took it.
        """
        telemetry.emit(telemetry.INCIDENT_STUCK, incident=head.id, reason=head.stuck)
        fallback = (await self._rules()).on_call.fallback
        first = [r for name, r in self._responders.items() if name in fallback]
        others = [r for name, r in self._responders.items() if name not in fallback]
        if any([await self._tell_one(responder, head) for responder in first]):
            return True
        return any([await self._tell_one(responder, head) for responder in others])

    async def _tell_one(self, responder: Responder, head: Incident) -> bool:
        told = False
        try:
            shown = stripped(head)
            said = rendering.message(shown)
            for action in await responder.plan(shown, ()):
                if action.verb is Verb.TRIGGER:
                    stuck = as_stuck(action, head.generation)
                    await self._send(rendering.telling(stuck, said))
                    told = True
        except Exception as error:  # noqa: BLE001  law 6: the others are told
            telemetry.emit(
                telemetry.DELIVERY_FAILED,
                incident=head.id,
                responder=responder.name,
                occasion=Occasion.STUCK,
                reason=delivery.as_failure(error).reason,
            )
        return told
