"""Disables every version of secrets of key vaults, and enables them again.

Values are never read, and cannot be by what this needs (remote-apis-azure.md 7a). What
programs keep in memory, or App Service has resolved, stays until they ask again.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from responders.sides import vaults
from responders.sides.arm import alerted, at
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    SettingsError,
)
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from responders.base import Ports
    from responders.sides.vaults import Version
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "secret-disable"

_VAULT = "microsoft.keyvault/vaults"
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")

_FIND = Permission(Api.ARM, "Microsoft.KeyVault/vaults/read", "the vaults of alerts")
_LIST = Permission(Api.DATA, vaults.READ, "versions of their secrets, not the values")
# That a PATCH of a version needs no more than these two is [unverified].
_UPDATE = Permission(
    Api.DATA, "Microsoft.KeyVault/vaults/secrets/update/action", "the same"
)


class _Spot(NamedTuple):
    """A secret of a vault, and the alerts that speak for it."""

    vault: str
    secret: str
    alerts: list[str]


class SecretDisable:
    """A ``Doer``; a target is a secret, with all versions that are enabled."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``secrets`` are the names of secrets by the name of their vault.

        An alert says which vault it is about, and never which secret.
        """

        secrets: dict[str, tuple[str, ...]]

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (_FIND, _LIST, _UPDATE)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError for what is no name of a secret."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._open: Callable[[str], Rest] = ports.azure.vault
        given = config.secrets if config else {}
        self._secrets = {vault.lower(): names for vault, names in given.items()}
        if config and (problems := _problems(config)):
            raise SettingsError(problems)

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each secret of the policy in a vault that an alert is about."""
        spots = [
            _Spot(vault, secret, speaking)
            for vault, speaking in alerted(alerts, _VAULT).items()
            for secret in self._secrets.get(resource.display_name(vault), ())
        ]
        return await asyncio.gather(*map(self._planned, spots))

    async def before(self, deed: Deed) -> Before:
        """Which versions are enabled. Raises ActionRefused as ``Doer`` says."""
        enabled = [each for each in await self._versions(deed) if each.is_enabled]
        _demand_free(enabled)
        if not enabled:
            raise ActionRefused("it is disabled already, and not by Firewatch")
        names = [each.version for each in enabled]
        by_hand = tuple(_by_hand(deed, version) for version in names)
        return Before(state={"versions": names}, by_hand=by_hand)

    async def apply(self, deed: Deed, before: Before) -> Outcome:
        """Disable them, the newest first."""
        return await self._set(deed, before, is_enabled=False)

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Which of them are enabled; versions that were made since are not looked at."""
        found = {each.version: each for each in await self._versions(deed)}
        ours = [found[each] for each in before.state["versions"] if each in found]
        if len(ours) != len(before.state["versions"]):
            return Sight(state=State.OTHERWISE, difference="a version of it is gone")
        if not any(each.is_enabled for each in ours):
            return Sight(state=State.IN_FORCE)
        is_before = all(each.is_enabled for each in ours)
        return Sight(state=State.AS_BEFORE if is_before else State.PARTLY)

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        """Enable those that were."""
        return await self._set(deed, before, is_enabled=True)

    async def _set(self, deed: Deed, before: Before, *, is_enabled: bool) -> Outcome:
        found = {each.version: each for each in await self._versions(deed)}
        vault, gone = self._open(deed.content["uri"]), False
        for version in before.state["versions"]:
            known = found.get(version)
            gone = gone or known is None
            if known is not None and known.is_enabled is not is_enabled:
                await vault.change(
                    "PATCH",
                    vaults.at(deed.content["secret"], version),
                    {"attributes": {"enabled": is_enabled}},
                    permission=_UPDATE.action,
                )
        if gone:
            raise ActionRefused("a version of it is gone")
        return Outcome()

    async def _planned(self, spot: _Spot) -> Deed:
        uri, obstacle = "", ""
        try:
            uri = await self._uri(spot.vault)
            found = await vaults.versions(self._open(uri), spot.secret)
            _demand_free(found)
        except (ActionRefused, PermanentFailure) as error:
            # Another secret's may do.
            obstacle = str(error)
        name = resource.display_name(spot.vault)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=f"{spot.vault}|secrets/{spot.secret.lower()}",
            says=f"Disable the secret {spot.secret} of {name}, all its versions",
            alerts=tuple(sorted(spot.alerts)),
            resources=(spot.vault,),
            obstacle=obstacle,
            content={"uri": uri, "secret": spot.secret},
        )

    async def _uri(self, vault: str) -> str:
        found = await self._arm.find(at(vault), permission=_FIND.action)
        if found is None:
            raise ActionRefused("the vault is gone")
        uri = found.content.get("properties", {}).get("vaultUri")
        if not isinstance(uri, str):
            raise PermanentFailure(FailureReason.INVALID, "the vault has no address")
        return uri

    async def _versions(self, deed: Deed) -> list[Version]:
        vault = self._open(deed.content["uri"])
        return await vaults.versions(vault, deed.content["secret"])


def _demand_free(found: Sequence[Version]) -> None:
    """Raise ActionRefused where versions are disabled through something else."""
    if any(each.is_managed for each in found):
        raise ActionRefused("it is the other half of a certificate")


def _by_hand(deed: Deed, version: str) -> str:
    address = f"{deed.content['uri'].rstrip('/')}/secrets/{deed.content['secret']}"
    return f"az keyvault secret set-attributes --id {address}/{version} --enabled true"


def _problems(config: SecretDisable.Config) -> list[str]:
    problems = [
        f"secrets.{vault}[{place}]: expected the name of a secret"
        for vault, names in config.secrets.items()
        for place, name in enumerate(names)
        if not _NAME.fullmatch(name)
    ]
    named = any(config.secrets.values())
    return problems or ([] if named else ["secrets: name at least one"])
