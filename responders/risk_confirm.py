"""Confirms to Entra ID Protection that users are compromised (remote-apis-azure.md 13).

What follows is up to the tenant's policies of conditional access: a new password, or
nothing at all. It cannot be taken back: dismissing takes away every other risk of the user
as well, and is for people. Needs Entra ID P2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.sides import graph, users
from shared.model.action import Outcome
from shared.model.deed import Before, Sight, State
from shared.model.errors import ActionRefused
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from shared.model.deed import Deed

CONFIRMED = "confirmedCompromised"

# That it reads the risk as well is [unverified].
_CONFIRM = Permission(
    Api.GRAPH, "IdentityRiskyUser.ReadWrite.All", "their risk, and confirming it"
)


class RiskConfirm(users.OfUsers):
    """A ``Doer``; a target is a user, by object id."""

    use = "risk-confirm"
    says = "Confirm that {} is compromised; this cannot be taken back"
    reversible = False
    permissions: tuple[Permission, ...] = (users.READ, users.READ_GROUPS, _CONFIRM)

    async def before(self, deed: Deed) -> Before:
        """What the risk is. Raises ActionRefused as ``Doer`` says."""
        await self.usable(deed.target)
        risk = await self._risk(deed)
        if risk == CONFIRMED:
            raise ActionRefused("it is confirmed already")
        return Before(state={"risk": risk}, by_hand=())

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Confirm it."""
        if await self._risk(deed) != CONFIRMED:
            await self._graph.change(
                "POST",
                graph.RISKY_CONFIRM,
                {"userIds": [deed.target]},
                permission=_CONFIRM.action,
            )
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """Whether it is confirmed; how it was else does not matter."""
        is_done = await self._risk(deed) == CONFIRMED
        return Sight(state=State.IN_FORCE if is_done else State.AS_BEFORE)

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Raise ActionRefused: dismissing would take away more than this."""
        raise ActionRefused("people dismiss a risk: it takes away every other as well")

    async def _risk(self, deed: Deed) -> str:
        """The state of the user's risk; empty where there is no record of any."""
        found = await self._graph.find(
            graph.risky(deed.target), permission=_CONFIRM.action
        )
        return str(found.content.get("riskState") or "") if found else ""
