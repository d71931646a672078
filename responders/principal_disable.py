"""Disables service principals of Entra, and enables them again.

Nobody signs in as the application then, in this tenant; tokens that were handed out stay
good until they expire [unverified: up to a day for managed identities].
(remote-apis-azure.md 13)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from responders.sides import graph
from responders.sides.accounts import OfAccounts
from shared.model.action import Outcome
from shared.model.deed import Before, Sight, State
from shared.model.errors import ActionRefused, FailureReason, PermanentFailure
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from shared.model.deed import Deed

# The tenant that Microsoft's own applications are of [unverified].
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

_NAME = 80
# Application.ReadWrite.OwnedBy does where the app owns them; it seldom does.
_CHANGE = Permission(
    Api.GRAPH, "Application.ReadWrite.All", "service principals that alerts name"
)


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A service principal; ``name`` is for people and never an identity."""

    name: str
    is_enabled: bool
    tenant: str


class PrincipalDisable(OfAccounts):
    """A ``Doer``; a target is a service principal, by object id."""

    use = "principal-disable"
    says = "Disable the service principal {}; its tokens stay good until they expire"
    permissions: tuple[Permission, ...] = (_CHANGE,)

    async def checked(self, object_id: str) -> str:
        """Its name. Raises ActionRefused for one of Microsoft's own."""
        return (await self._usable(object_id)).name

    async def before(self, deed: Deed) -> Before:
        """That it is enabled. Raises ActionRefused as ``Doer`` says."""
        principal = await self._usable(deed.target)
        if not principal.is_enabled:
            raise ActionRefused("it is disabled already, and not by Firewatch")
        by_hand = f"az ad sp update --id {deed.target} --set accountEnabled=true"
        return Before(state={"enabled": True}, by_hand=(by_hand,))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Disable it."""
        return await self._set(deed, is_enabled=False)

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """Whether it is disabled."""
        found = await self._find(deed.target)
        if found is None:
            said = "the service principal is gone"
            return Sight(state=State.OTHERWISE, difference=said)
        return Sight(state=State.AS_BEFORE if found.is_enabled else State.IN_FORCE)

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Enable it."""
        return await self._set(deed, is_enabled=True)

    async def _set(self, deed: Deed, *, is_enabled: bool) -> Outcome:
        if (await self._known(deed.target)).is_enabled is not is_enabled:
            await self._graph.change(
                "PATCH",
                graph.principal(deed.target),
                {"accountEnabled": is_enabled},
                permission=_CHANGE.action,
            )
        return Outcome()

    async def _usable(self, object_id: str) -> Principal:
        found = await self._known(object_id)
        if found.tenant == MICROSOFT:
            raise ActionRefused("the application is Microsoft's own")
        return found

    async def _known(self, object_id: str) -> Principal:
        found = await self._find(object_id)
        if found is None:
            raise ActionRefused("the directory has no such service principal")
        return found

    async def _find(self, object_id: str) -> Principal | None:
        path = graph.principal_fields(object_id)
        found = await self._graph.find(path, permission=_CHANGE.action)
        return None if found is None else _read(object_id, found.content)


def _read(object_id: str, content: dict[str, Any]) -> Principal:
    is_enabled = content.get("accountEnabled")
    if not isinstance(is_enabled, bool) or (
        str(content.get("id")).lower() != object_id
    ):
        raise PermanentFailure(
            FailureReason.INVALID, "Microsoft Graph sent something else"
        )
    return Principal(
        name=plain(str(content.get("displayName") or object_id), _NAME),
        is_enabled=is_enabled,
        tenant=str(content.get("appOwnerOrganizationId") or "").lower(),
    )
