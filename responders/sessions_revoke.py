"""Ends the sign-in sessions of users of Entra (remote-apis-azure.md 13).

It cannot be taken back: users sign in anew. Who still knows the password does as well,
so ``user-disable`` goes with it. Tokens that were handed out before stay good for up to
about an hour [unverified].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.sides import graph, users
from shared.model.action import Outcome
from shared.model.deed import Before, Sight, State
from shared.model.errors import ActionRefused
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from responders.sides.users import User
    from shared.model.deed import Deed

# Nothing higher does it for an app, by the vendor's table of today.
_REVOKE = Permission(Api.GRAPH, "User.RevokeSessions.All", "ending their sessions")

GUEST = "the sessions of a guest are its own directory's"


class SessionsRevoke(users.OfUsers):
    """A ``Doer``; a target is a user, by object id."""

    use = "sessions-revoke"
    says = "End all sessions of {}; this cannot be taken back"
    reversible = False
    permissions: tuple[Permission, ...] = (users.READ, users.READ_GROUPS, _REVOKE)

    def problem(self, user: User) -> str:
        """A guest's are elsewhere."""
        return GUEST if user.is_guest else ""

    async def before(self, deed: Deed) -> Before:
        """Since when sessions count. Raises ActionRefused as ``Doer`` says."""
        user = await self.usable(deed.target)
        return Before(state={"valid_from": user.valid_from}, by_hand=())

    async def apply(self, deed: Deed, before: Before) -> Outcome:
        """End them, where nobody has since: whoever signed in anew would be out again."""
        user = await users.known(self._graph, deed.target)
        if user.valid_from == before.state["valid_from"]:
            # A known issue: it may say another success than 200.
            await self._graph.change(
                "POST",
                graph.user(deed.target, act="revokeSignInSessions"),
                permission=_REVOKE.action,
            )
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Whether sessions count only since later than they did."""
        user = await users.find(self._graph, deed.target)
        if user is None:
            return Sight(state=State.OTHERWISE, difference="the account is gone")
        is_done = user.valid_from != before.state["valid_from"]
        return Sight(state=State.IN_FORCE if is_done else State.AS_BEFORE)

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Raise ActionRefused: they are over."""
        raise ActionRefused("sessions that were ended do not come back")
