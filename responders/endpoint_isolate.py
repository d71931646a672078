"""Isolates machines from the network by Defender for Endpoint, and releases them.

A machine has no field that says so: what it was told last is all there is. What somebody
else isolated is never released here, and one that is off is isolated when it is on again,
or not at all where the time of the deed is over by then (remote-apis-azure.md 14b).

[unverified]: that an action in progress can be cancelled, and the code of what Defender
for Endpoint answers while it isolates already.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from responders.sides import endpoints, machine_actions, orders
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, FailureReason, TransientFailure
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from responders.sides.endpoints import Meant
    from responders.sides.machine_actions import MachineAction
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

USE = "endpoint-isolate"

_NAME = 80
_ISOLATE, _RELEASE = "isolate", "unisolate"
_MAY = Permission(
    Api.ENDPOINT, "Machine.Isolate", "isolating, releasing, and calling either off"
)


class Isolation(StrEnum):
    """How much is cut off: everything, or everything but Outlook and Teams."""

    FULL = "full"
    SELECTIVE = "selective"


class EndpointIsolate:
    """A ``Doer``; a target is a machine of Defender for Endpoint."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``isolation`` is how much is cut off; ``selective`` is for Windows alone."""

        isolation: Isolation = Isolation.FULL

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (*orders.FINDING, _MAY)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Opens nothing."""
        self.name = name
        self._azure = ports.azure
        self._clock = ports.clock
        self._config = config

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each machine that an alert is about."""
        if self._config is None:
            return ()
        isolation = self._config.isolation
        found = await endpoints.meant(self._azure, alerts)
        return [self._planned(incident, each, isolation) for each in found]

    async def before(self, deed: Deed) -> Before:
        """That it is not isolated. Raises ActionRefused as ``Doer`` says."""
        machine = deed.machines[0]
        await endpoints.demand_unprotected(self._azure.endpoint, machine)
        last = await self._last(deed)
        if last is not None and last.type == machine_actions.TYPES[_ISOLATE]:
            raise ActionRefused("it is isolated already, and not for this")
        if last is not None and last.is_going_on:
            raise TransientFailure(
                FailureReason.CONFLICT, "it is being released at this moment"
            )
        return Before(state={"isolated": False}, by_hand=(_by_hand(machine),))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Isolate it, where it was not for this deed yet."""
        mark: str = deed.content["mark"]
        told = await self._last(deed)
        if told is None or told.type != machine_actions.TYPES[_ISOLATE]:
            body = {
                "IsolationType": str(deed.content["isolation"]).capitalize(),
                "Comment": orders.comment_of(mark),
            }
            told = await machine_actions.tell(
                self._azure.endpoint,
                deed.machines[0],
                _ISOLATE,
                body,
                permission=_MAY.action,
            )
        if mark not in told.comment:
            raise ActionRefused("somebody else isolates it at this moment")
        return Outcome(reference=told.id)

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """What it was told last, and how far it is with that."""
        last = await self._last(deed)
        if last is None:
            return Sight(state=State.AS_BEFORE)
        wait = machine_actions.wait(last, now=self._clock())
        if last.type == machine_actions.TYPES[_RELEASE]:
            if last.is_going_on:
                return Sight(state=State.UNDER_WAY, retry_after=wait)
            return Sight(state=State.AS_BEFORE)
        if deed.content["mark"] not in last.comment:
            return Sight(
                state=State.OTHERWISE, difference="somebody else isolated it since"
            )
        if last.is_going_on:
            return Sight(state=State.AWAITED, retry_after=wait)
        return Sight(state=State.IN_FORCE)

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Release it, or call off what it has not done yet."""
        last = await self._last(deed)
        if last is None or last.type == machine_actions.TYPES[_RELEASE]:
            return Outcome()
        comment = orders.comment_of(deed.content["mark"])
        if last.is_going_on:
            await machine_actions.cancel(
                self._azure.endpoint, last.id, comment, permission=_MAY.action
            )
            return Outcome(reference=last.id)
        told = await machine_actions.tell(
            self._azure.endpoint,
            deed.machines[0],
            _RELEASE,
            {"Comment": comment},
            permission=_MAY.action,
        )
        return Outcome(reference=told.id)

    async def _last(self, deed: Deed) -> MachineAction | None:
        """The last thing that it was told of this and that counts."""
        return await machine_actions.in_effect(
            self._azure.endpoint, deed.machines[0], _ISOLATE, _RELEASE
        )

    def _planned(self, incident: Incident, meant: Meant, isolation: Isolation) -> Deed:
        machine, obstacle = meant.machine, meant.obstacle
        is_selective = isolation is Isolation.SELECTIVE
        if machine and not obstacle and is_selective and not machine.is_windows:
            obstacle = "selective isolation is for Windows alone"
        name = plain(meant.name, _NAME)
        but = ", but for Outlook and Teams" if is_selective else ""
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=meant.target,
            says=f"Isolate {name} from the network{but}",
            alerts=meant.alerts,
            resources=(meant.resource,) if meant.resource else (),
            machines=(machine.id,) if machine else (),
            obstacle=obstacle,
            content={"mark": orders.mark_of(incident), "isolation": isolation.value},
        )


def _by_hand(machine: str) -> str:
    """As Azure's own command line asks for anything; in the public cloud."""
    return (
        "az rest --method post"
        f" --url https://api.security.microsoft.com/api/machines/{machine}/unisolate"
        " --resource https://api.securitycenter.microsoft.com"
        """ --body '{"Comment": "Released by hand"}'"""
    )
