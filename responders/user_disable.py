"""Disables users of Entra, and enables them again (remote-apis-azure.md 13).

Tokens that were handed out before stay good for up to about an hour [unverified], and
sessions go on: ``sessions-revoke`` ends those. Who holds a privileged role of the
directory can be disabled only by an app that holds a high one too; else it is refused.
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

_DISABLE = Permission(
    Api.GRAPH, "User.EnableDisableAccount.All", "disabling and enabling them"
)
# Whoever has the last word on a synchronised account would enable it again.
SYNCED = "the account comes from a directory on premises: it is disabled there"


class UserDisable(users.OfUsers):
    """A ``Doer``; a target is a user, by object id."""

    use = "user-disable"
    says = "Disable the account {}; tokens stay good for up to an hour"
    permissions: tuple[Permission, ...] = (users.READ, users.READ_GROUPS, _DISABLE)

    def problem(self, user: User) -> str:
        """A directory on premises would enable it again."""
        return SYNCED if user.is_synced else ""

    async def before(self, deed: Deed) -> Before:
        """That it is enabled. Raises ActionRefused as ``Doer`` says."""
        user = await self.usable(deed.target)
        if not user.is_enabled:
            raise ActionRefused("it is disabled already, and not by Firewatch")
        by_hand = f"az ad user update --id {deed.target} --account-enabled true"
        return Before(state={"enabled": True}, by_hand=(by_hand,))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Disable it."""
        return await self._set(deed, is_enabled=False)

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """Whether it is disabled."""
        user = await users.find(self._graph, deed.target)
        if user is None:
            return Sight(state=State.OTHERWISE, difference="the account is gone")
        if user.is_enabled:
            return Sight(state=State.AS_BEFORE)
        if user.is_synced:
            said = "the account comes from a directory on premises now"
            return Sight(state=State.OTHERWISE, difference=said)
        return Sight(state=State.IN_FORCE)

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Enable it."""
        return await self._set(deed, is_enabled=True)

    async def _set(self, deed: Deed, *, is_enabled: bool) -> Outcome:
        user = await users.known(self._graph, deed.target)
        if user.is_enabled is not is_enabled:
            await self._graph.change(
                "PATCH",
                graph.user(deed.target),
                {"accountEnabled": is_enabled},
                permission=_DISABLE.action,
            )
        return Outcome()
