"""Users of Entra that alerts name: which they are, and how each stands in the directory.

(remote-apis-azure.md 13)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from responders.sides import graph
from responders.sides.accounts import OfAccounts
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    SettingsError,
)
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from shared.model.rest import Rest

READ = Permission(Api.GRAPH, "User.Read.All", "the accounts that alerts name")
# Which permission is the least for this is [unverified]; User.Read.All may do.
READ_GROUPS = Permission(
    Api.GRAPH, "GroupMember.Read.All", "their groups, with `spare`"
)

_NAME = 80


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user; ``name`` is what they sign in with, for people and never an identity.

    ``is_synced`` says that a directory on premises has the last word on it.
    ``valid_from`` is when its oldest session began that still counts, as Graph wrote it.
    """

    id: str
    name: str
    is_enabled: bool
    is_synced: bool
    is_guest: bool
    valid_from: str


class OfUsers(OfAccounts):
    """Those whose targets are users."""

    class Config(
        OfAccounts.Config, frozen=True, kw_only=True, forbid_unknown_fields=True
    ):
        """Members of the groups of ``spare``, by object ids, are left alone."""

        spare: tuple[str, ...] = ()

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError for a group that is none."""
        super().__init__(name, config, ports)
        self._spare = _groups(config.spare) if config else ()

    async def checked(self, object_id: str) -> str:
        """What the user signs in with; raises as ``usable`` does."""
        return (await self.usable(object_id)).name

    async def usable(self, object_id: str) -> User:
        """The user, where it is any use. Raises ActionRefused where it is not."""
        user = await known(self._graph, object_id)
        if problem := self.problem(user):
            raise ActionRefused(problem)
        await _demand_unspared(self._graph, object_id, self._spare)
        return user

    def problem(self, user: User) -> str:  # noqa: ARG002  for those that have one
        """Why it would be no use for this user; empty where it is."""
        return ""


async def find(side: Rest, object_id: str) -> User | None:
    """A user as it is now; None where there is none. Raises what ``side`` raises."""
    found = await side.find(graph.user_fields(object_id), permission=READ.action)
    return None if found is None else _read(object_id, found.content)


async def known(side: Rest, object_id: str) -> User:
    """A user as it is now. Raises ActionRefused where there is none."""
    found = await find(side, object_id)
    if found is None:
        raise ActionRefused("the directory has no such user")
    return found


async def _demand_unspared(side: Rest, object_id: str, spare: Sequence[str]) -> None:
    """Raise ActionRefused for a member of one of these groups, also by way of others."""
    if not spare:
        return
    path = f"{graph.user(object_id)}/transitiveMemberOf?$select=id"
    found = await side.list_all(path, permission=READ_GROUPS.action)
    if {str(each.get("id", "")).lower() for each in found} & {*spare}:
        raise ActionRefused("it is in a group that is spared")


def _groups(spare: Sequence[str]) -> tuple[str, ...]:
    """The groups of a policy. Raises SettingsError for what is no object id."""
    wrong = [
        f"spare[{place}]: expected the object id of a group"
        for place, each in enumerate(spare)
        if not graph.is_object_id(each)
    ]
    if wrong:
        raise SettingsError(wrong)
    return tuple(each.lower() for each in spare)


def _read(object_id: str, content: Mapping[str, Any]) -> User:
    is_enabled = content.get("accountEnabled")
    if not isinstance(is_enabled, bool) or str(content.get("id")).lower() != object_id:
        raise PermanentFailure(
            FailureReason.INVALID, "Microsoft Graph sent something else than the user"
        )
    return User(
        id=object_id,
        name=plain(str(content.get("userPrincipalName") or object_id), _NAME),
        is_enabled=is_enabled,
        is_synced=content.get("onPremisesSyncEnabled") is True,
        is_guest=content.get("userType") == "Guest",
        valid_from=str(content.get("signInSessionsValidFromDateTime") or ""),
    )
