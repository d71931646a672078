"""Keeps evidence: how a resource is configured, as Resource Manager shows it now.

With what is assigned and locked at it, without secrets, as a document of the app's own
blobs (remote-apis-azure.md 18, decision 0033). Whoever puts a resource right again
changes what was wrong with it: afterwards nobody could tell.

[unverified]: that a GET of a site's `config/web` takes `Microsoft.Web/sites/config/read`.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from responders.sides.arm import alerted, at, attached
from responders.sides.redacting import redacted
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure
from shared.model.permission import Api, Permission
from shared.model.text import instant, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "resource-config"

_NAME = 80
# The resources that it knows, and what of each is read beside it.
_READS: Mapping[str, str] = {
    "microsoft.compute/virtualmachines": "Microsoft.Compute/virtualMachines/read",
    "microsoft.compute/virtualmachinescalesets": (
        "Microsoft.Compute/virtualMachineScaleSets/read"
    ),
    "microsoft.containerregistry/registries": (
        "Microsoft.ContainerRegistry/registries/read"
    ),
    "microsoft.containerservice/managedclusters": (
        "Microsoft.ContainerService/managedClusters/read"
    ),
    "microsoft.keyvault/vaults": "Microsoft.KeyVault/vaults/read",
    "microsoft.network/networkinterfaces": "Microsoft.Network/networkInterfaces/read",
    "microsoft.network/networksecuritygroups": (
        "Microsoft.Network/networkSecurityGroups/read"
    ),
    "microsoft.network/publicipaddresses": "Microsoft.Network/publicIPAddresses/read",
    "microsoft.network/virtualnetworks": "Microsoft.Network/virtualNetworks/read",
    "microsoft.sql/servers": "Microsoft.Sql/servers/read",
    "microsoft.storage/storageaccounts": "Microsoft.Storage/storageAccounts/read",
    "microsoft.web/sites": "Microsoft.Web/sites/read",
}
_PARTS: Mapping[str, tuple[str, str]] = {
    "microsoft.web/sites": ("config/web", "Microsoft.Web/sites/config/read"),
}
_ATTACHED: Mapping[str, str] = {
    "Microsoft.Authorization/roleAssignments": (
        "Microsoft.Authorization/roleAssignments/read"
    ),
    "Microsoft.Authorization/locks": "Microsoft.Authorization/locks/read",
}


class ResourceConfig:
    """A ``Doer``; a target is a resource of a type that it knows."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """There is nothing to set."""

    use = USE
    kind = Kind.EVIDENCE
    permissions: tuple[Permission, ...] = tuple(
        Permission(Api.ARM, action, "resources that alerts are about")
        for action in (
            *_READS.values(),
            *(action for _, action in _PARTS.values()),
            *_ATTACHED.values(),
        )
    )

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Opens nothing."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._kept = ports.kept
        self._clock = ports.clock
        self._config = config

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each resource that an alert is about."""
        if self._config is None:
            return ()
        found = alerted(alerts)
        return await asyncio.gather(
            *(self._planned(incident, each, ids) for each, ids in found.items())
        )

    async def before(self, deed: Deed) -> Before:
        """That it is there, and was not kept. Raises ActionRefused as ``Doer`` says."""
        if await self._kept.get(deed.content["name"]) is not None:
            raise ActionRefused("its configuration was kept for this incident already")
        await self._read(deed.target)
        return Before(state={}, by_hand=())

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Read all of it, and keep that; the reference is the place and its hash."""
        name: str = deed.content["name"]
        content = await self._kept.get(name)
        if content is None:
            found = redacted(await self._whole(deed.target))
            content = msgspec.json.encode(
                {
                    "resource": deed.target,
                    "incident": deed.content["incident"],
                    "read_at": instant(self._clock()),
                    "redacted": found.texts,
                    **found.document,
                }
            )
            await self._kept.put(name, content)
        return Outcome(reference=f"{name} sha256:{hashlib.sha256(content).hexdigest()}")

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """Whether what is kept is of that resource."""
        content = await self._kept.get(deed.content["name"])
        if content is None:
            return Sight(state=State.AS_BEFORE)
        if _is_of(content, deed.target):
            return Sight(state=State.IN_FORCE)
        return Sight(state=State.OTHERWISE, difference="something else is kept there")

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Raises ActionRefused: evidence stays."""
        raise ActionRefused("what was kept stays, and is never taken back")

    async def _planned(
        self, incident: Incident, target: str, alerts: Sequence[str]
    ) -> Deed:
        obstacle = ""
        try:
            await self._read(target)
        except (ActionRefused, PermanentFailure) as error:
            # Another resource's may do.
            obstacle = str(error)
        name = plain(resource.display_name(target), _NAME)
        digest = hashlib.sha256(target.encode()).hexdigest()[:16]
        incident_id = incident.id.lower()
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.EVIDENCE,
            target=target,
            says=f"Keep how {name} is configured; it cannot be taken back",
            alerts=tuple(sorted(alerts)),
            resources=(target,),
            reversible=False,
            obstacle=obstacle,
            content={
                "incident": incident_id,
                "name": f"{incident_id}/{incident.epoch}-config-{digest}.json",
            },
        )

    async def _read(self, target: str) -> dict[str, Any]:
        """The resource itself. Raises ActionRefused for a type that is not known."""
        action = _READS.get(resource.type_of(target))
        if action is None:
            raise ActionRefused(f"{USE} does not know resources of its type")
        return (await self._arm.read(at(target), permission=action)).content

    async def _whole(self, target: str) -> dict[str, Any]:
        found: dict[str, Any] = {"document": await self._read(target)}
        if part := _PARTS.get(resource.type_of(target)):
            name, action = part
            path = at(f"{target}/{name}")
            found[name] = (await self._arm.read(path, permission=action)).content
        for kind, action in _ATTACHED.items():
            path = attached(target, kind)
            name = kind.rpartition("/")[2]
            found[name] = await self._arm.list_all(path, permission=action)
        return found


def _is_of(content: bytes, target: str) -> bool:
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return False
    return isinstance(found, dict) and found.get("resource") == target
