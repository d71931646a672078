"""The second verb: look at an incident, and do what should have been done by now.

::

    look        head and action rows; what is still to do        no lease, no write
    gather      evidence, for as long as the page may wait       no lease, no write
    contain     what doers would change, and whether they may    no lease, budgets
    claim       lease on the head, rows inserted                 one transaction
    apply       the responders, side by side                     the network
    record      outcomes, observed generation, lease given back  one transaction

The message says only which incident. A crash after ``claim`` leaves claimed rows and a
due line at the end of the lease; the next worker sends those notices again under the
same key, and reads what a deed may have changed before anything is sent (law 3).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared import telemetry
from shared.looks.assessing import Assessment
from shared.looks.claiming import Claiming
from shared.looks.forwarding import Forwarding
from shared.looks.leasing import Leasing
from shared.looks.looking import Looking
from shared.looks.recording import Recording
from shared.looks.stuck import Stuck
from shared.looks.turn import Turn
from shared.model.action import Outcome
from shared.model.errors import StoreConflict, StoreUnavailable
from shared.model.risk import Weights
from shared.store import messages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import timedelta

    from responders.base import Responder
    from shared.actions.routing import Rules
    from shared.containment.containing import Containing
    from shared.looks.assessing import Offer
    from shared.looks.claiming import Claim
    from shared.looks.escalating import Escalating
    from shared.looks.gathering import Gathering
    from shared.model.action import Action
    from shared.noise import Noise
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# Incidents of one message that are looked at side by side.
SIDE_BY_SIDE = 8

# One look does what is to do, then what that made possible (a resolve after its
# trigger), then what came in meanwhile; more than this waits for the next message.
MOST_PASSES = 6


class Respond:
    """Looks at incidents. ``rules`` gives the policy's part in it, as it is now.

    ``quiet`` is how long nothing may be heard of an incident before it is resolved,
    ``weights`` what its score is made of; the defaults, unless given.
    """

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        *,
        responders: Mapping[str, Responder],
        rules: Callable[[], Awaitable[Rules]],
        noise: Noise,
        escalating: Escalating,
        links: Offer = lambda *_: (),
        gathering: Gathering,
        containing: Containing,
        lease: timedelta,
        quiet: timedelta | None = None,
        weights: Weights | None = None,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._responders = responders
        self._containing = containing
        self._leasing = Leasing(lease, quiet=quiet, evidence_at=gathering.next_at)
        self._assessment = Assessment(
            ledger,
            responders=responders,
            rules=rules,
            noise=noise,
            escalating=escalating,
            links=links,
            claims_last=self._leasing.claims_last,
            quiet=quiet,
        )
        self._looking = Looking(
            self._assessment,
            gathering=gathering,
            containing=containing,
            forwarding=Forwarding(ledger),
            weights=weights or Weights(),
        )
        self._claiming = Claiming(ledger, queue, self._leasing)
        self._recording = Recording(
            ledger, queue, self._assessment, gathering, self._leasing
        )
        self._stuck = Stuck(
            ledger,
            responders,
            rules=rules,
            read=self._assessment.head,
            send=self._send,
        )

    async def __call__(self, incident_ids: Sequence[str]) -> None:
        """Look at each incident; one that breaks us does not keep the others waiting.

        Raises StoreError when the store cannot be reached, once all were tried, so that
        the queue gives the message again.
        """
        gate = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(incident_id: str) -> None:
            async with gate:
                await self._guarded(incident_id, Turn(gate))

        # Not a TaskGroup: it would cancel the others in the middle of what they send.
        results = await asyncio.gather(
            *(one(incident_id) for incident_id in dict.fromkeys(incident_ids)),
            return_exceptions=True,
        )
        for result in results:
            if result is not None:
                raise result

    async def give_up_on(self, incident_ids: Sequence[str]) -> None:
        """A message failed as often as it may: each incident counts as failed once."""
        for incident_id in incident_ids:
            await self._stuck.failed(incident_id, "its message was poisoned")

    async def _guarded(self, incident_id: str, turn: Turn) -> None:
        try:
            await self._look(incident_id, turn)
        except (StoreConflict, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001  law 5: it rests, others go on
            telemetry.emit(
                telemetry.INCIDENT_BROKE_US, error=error, incident=incident_id
            )
            await self._stuck.failed(incident_id, type(error).__name__)

    async def _look(self, incident_id: str, turn: Turn) -> None:
        for _ in range(MOST_PASSES):
            claim = await self._claim(incident_id, turn)
            if claim is None:
                return
            incident_id = claim.head.id
            turn.asked.clear()
            results, done = await asyncio.gather(
                self._apply(claim),
                self._containing.do(claim.moves.jobs, seconds=self._leasing.seconds),
            )
            if not await self._recording(claim, results, done):
                return
        await self._queue.send(messages.encode([incident_id]))

    async def _claim(self, incident_id: str, turn: Turn) -> Claim | None:
        """Take the lease and the rows of what is to do; None when there is nothing."""
        for _ in range(MOST_PASSES):
            head = await self._assessment.head(incident_id)
            now = self._ledger.now()
            if head is None or self._leasing.is_held(head, now):
                return None
            if not (head.is_dirty or (head.due is not None and head.due <= now)):
                return None
            if not await self._assessment.settled(head, now):
                continue
            claim = await self._claiming(await self._looking(head, turn, now))
            if claim is not None:
                return claim if claim.is_any else None
            # Somebody changed the incident between our look and our claim.
        return None

    async def _apply(self, claim: Claim) -> list[Outcome | BaseException]:
        """Do every action of the claim, side by side; what came of each, in order."""
        return await asyncio.gather(
            *(self._send(action) for action, _ in claim.work), return_exceptions=True
        )

    async def _send(self, action: Action) -> Outcome:
        if action.is_echo:
            # That side said it itself: there is nothing that it does not know.
            return Outcome(reference=action.reference)
        async with asyncio.timeout(self._leasing.seconds):
            return await self._responders[action.responder].apply(action)
