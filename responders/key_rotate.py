"""Makes keys of storage accounts anew (remote-apis-azure.md 6a).

It cannot be taken back: the old key is gone, and every signature made with it. The answer
holds all keys in clear, and is not looked at; when each was made says whether it was done.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from responders.sides.arm import alerted, at
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure, SettingsError
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Document, Rest

USE = "key-rotate"

_ACCOUNT = "microsoft.storage/storageaccounts"
_NAME = 80

_READ = Permission(
    Api.ARM, "Microsoft.Storage/storageAccounts/read", "the accounts of alerts"
)
_ROTATE = Permission(
    Api.ARM, "Microsoft.Storage/storageAccounts/regenerateKey/action", "the same"
)


class KeyRotate:
    """A ``Doer``; a target is a key of a storage account."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``keys`` are those that are made anew, in that order."""

        keys: tuple[Literal["key1", "key2"], ...] = ("key1", "key2")

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (_READ, _ROTATE)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError where no key is named."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._keys = config.keys if config else ()
        if config and not config.keys:
            raise SettingsError(["keys: name at least one"])

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each key of each storage account that an alert is about."""
        return await asyncio.gather(
            *(
                self._planned(account, key, speaking)
                for account, speaking in alerted(alerts, _ACCOUNT).items()
                for key in dict.fromkeys(self._keys)
            )
        )

    async def before(self, deed: Deed) -> Before:
        """When the key was made. Raises ActionRefused where the account is gone."""
        found = await self._known(deed.resources[0])
        return Before(state={"made": _made(found, deed)}, by_hand=())

    async def apply(self, deed: Deed, before: Before) -> Outcome:
        """Make it anew, unless somebody has since: twice would be one key more gone."""
        found = await self._known(deed.resources[0])
        if _made(found, deed) == before.state["made"]:
            await self._arm.change(
                "POST",
                at(deed.resources[0], act="regenerateKey"),
                {"keyName": deed.content["key"]},
                permission=_ROTATE.action,
            )
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Whether the key is another one than it was."""
        found = await self._find(deed.resources[0])
        if found is None:
            return Sight(state=State.OTHERWISE, difference="the account is gone")
        is_new = _made(found, deed) != before.state["made"]
        return Sight(state=State.IN_FORCE if is_new else State.AS_BEFORE)

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Raise ActionRefused: nobody has the old key any more."""
        raise ActionRefused("a key that was made anew does not come back")

    async def _planned(self, account: str, key: str, speaking: Sequence[str]) -> Deed:
        obstacle = ""
        try:
            await self._known(account)
        except (ActionRefused, PermanentFailure) as error:
            # Another account's may do.
            obstacle = str(error)
        name = plain(resource.display_name(account), _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=f"{account}|{key}",
            says=f"Make {key} of {name} anew; this cannot be taken back",
            alerts=tuple(sorted(speaking)),
            resources=(account,),
            reversible=False,
            obstacle=obstacle,
            content={"key": key},
        )

    async def _find(self, account: str) -> Document | None:
        return await self._arm.find(at(account), permission=_READ.action)

    async def _known(self, account: str) -> Document:
        found = await self._find(account)
        if found is None:
            raise ActionRefused("the account is gone")
        return found


def _made(found: Document, deed: Deed) -> str:
    """When the key was made, as Azure wrote it; empty where it does not say."""
    properties: Any = found.content.get("properties")
    times = properties.get("keyCreationTime") if isinstance(properties, dict) else None
    said = times.get(deed.content["key"]) if isinstance(times, dict) else None
    return said if isinstance(said, str) else ""
