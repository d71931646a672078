"""What a machine of Defender for Endpoint is told once, and cannot be told to take back.

It is known again by a mark in its comment, which is made of the incident: telling it
twice is telling it once (remote-apis-azure.md 14b).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from responders.sides import endpoints, machine_actions, network
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, FailureReason, TransientFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responders.base import Ports
    from responders.sides.endpoints import Meant
    from responders.sides.machine_actions import MachineAction
    from shared.model.incident import Incident
    from shared.model.permission import Permission


class Order(NamedTuple):
    """What is told: the name of the POST, what that needs, and its body but for Comment."""

    act: str
    permission: str
    body: Mapping[str, str] = {}


def mark_of(incident: Incident, *parts: str) -> str:
    """What marks everything that is told for an incident, each time that it is open."""
    return f"[{'-'.join(('fw', incident.id, str(incident.epoch), *parts))}]"


def comment_of(mark: str) -> str:
    """What people read at Defender for Endpoint of who told it."""
    return f"Firewatch {mark}"


# Every machine is found by its resource, too.
FINDING = (network.READ_MACHINES, endpoints.READ)


class Ordering(ABC):
    """A ``Doer`` that tells machines something once, but for what that is and for whom.

    ``on_windows`` is what is said of a machine that has another system.
    """

    use: str
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...]
    on_windows: str

    def __init__(self, name: str, config: Any, ports: Ports) -> None:  # noqa: ANN401
        """``config`` is that of the class, or None where the policy has none."""
        self.name = name
        self.config = config
        self.azure = ports.azure
        self._endpoint = ports.azure.endpoint
        self._clock = ports.clock

    def planned(
        self,
        meant: Meant,
        says: str,
        mark: str,
        *,
        doubt: str = "",
        **content: str,
    ) -> Deed:
        """The deed at a machine; ``doubt`` is why it cannot be done, if anything."""
        machine, obstacle = meant.machine, meant.obstacle or doubt
        if machine and not obstacle and not machine.is_windows:
            obstacle = self.on_windows
        return Deed(
            responder=self.name,
            use=self.use,
            kind=self.kind,
            target=meant.target,
            says=f"{says}; it cannot be taken back",
            alerts=meant.alerts,
            resources=(meant.resource,) if meant.resource else (),
            machines=(machine.id,) if machine else (),
            reversible=False,
            obstacle=obstacle,
            content={"mark": mark, **content},
        )

    @abstractmethod
    def order(self, deed: Deed) -> Order:
        """What the deed has a machine told."""

    async def before(self, deed: Deed) -> Before:
        """That it was not told yet, and may be. Raises ActionRefused as ``Doer`` says."""
        await endpoints.demand_unprotected(self._endpoint, deed.machines[0])
        if await self._told(deed) is not None:
            raise ActionRefused("the machine was told so for this incident already")
        return Before(state={}, by_hand=())

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Tell it, where it was not told yet; the reference is the id of the action.

        Raises TransientFailure while it is at the same for somebody else.
        """
        mark, order = deed.content["mark"], self.order(deed)
        told = await self._told(deed)
        if told is None:
            told = await machine_actions.tell(
                self._endpoint,
                deed.machines[0],
                order.act,
                {**order.body, "Comment": comment_of(mark)},
                permission=order.permission,
            )
        if mark not in told.comment:
            said = "the machine does that for somebody else at this moment"
            raise TransientFailure(FailureReason.CONFLICT, said)
        return Outcome(reference=told.id)

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """Whether it was done; one that failed, timed out or was cancelled was not."""
        told = await self._told(deed)
        if told is None:
            return Sight(state=State.AS_BEFORE)
        if told.is_going_on:
            wait = machine_actions.wait(told, now=self._clock())
            return Sight(state=State.AWAITED, retry_after=wait)
        return Sight(state=State.IN_FORCE)

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Raises ActionRefused: nothing takes it back."""
        raise ActionRefused("what a machine did is not taken back by telling it")

    async def _told(self, deed: Deed) -> MachineAction | None:
        return await machine_actions.in_effect(
            self._endpoint,
            deed.machines[0],
            self.order(deed).act,
            mark=deed.content["mark"],
        )
