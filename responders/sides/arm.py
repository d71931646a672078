"""Resources of Azure: where each is read and changed, and by which version of its API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model.errors import FailureReason, PermanentFailure
from shared.model.resource import is_whole, type_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.model.alert import AlertRow

# The one table of versions that changes are made by (remote-apis-azure.md 0.2).
PINS: Mapping[str, str] = {
    "microsoft.authorization/locks": "2020-05-01",
    "microsoft.authorization/permissions": "2022-04-01",
    "microsoft.authorization/roleassignments": "2022-04-01",
    "microsoft.compute/disks": "2023-10-02",
    "microsoft.compute/snapshots": "2023-10-02",
    "microsoft.compute/virtualmachines": "2024-03-01",
    "microsoft.compute/virtualmachinescalesets": "2024-03-01",
    "microsoft.compute/virtualmachinescalesets/virtualmachines": "2024-03-01",
    "microsoft.containerregistry/registries": "2023-07-01",
    "microsoft.containerregistry/registries/tokens": "2023-07-01",
    "microsoft.containerservice/managedclusters": "2024-02-01",
    "microsoft.keyvault/vaults": "2023-07-01",
    "microsoft.keyvault/vaults/accesspolicies": "2023-07-01",
    "microsoft.network/publicipaddresses": "2023-11-01",
    "microsoft.network/networkinterfaces": "2023-11-01",
    "microsoft.network/networksecuritygroups": "2023-11-01",
    "microsoft.network/networksecuritygroups/securityrules": "2023-11-01",
    "microsoft.network/virtualnetworks": "2023-11-01",
    "microsoft.network/virtualnetworks/subnets": "2023-11-01",
    "microsoft.resources/tags": "2021-04-01",
    "microsoft.security/locations/alerts": "2022-01-01",
    "microsoft.securityinsights/incidents": "2024-03-01",
    "microsoft.securityinsights/incidents/comments": "2024-03-01",
    "microsoft.securityinsights/incidents/tasks": "2024-03-01",
    "microsoft.sql/servers": "2021-11-01",
    "microsoft.sql/servers/firewallrules": "2021-11-01",
    "microsoft.storage/storageaccounts": "2023-05-01",
    "microsoft.storage/storageaccounts/blobservices/containers": "2023-05-01",
    "microsoft.web/sites": "2023-12-01",
    "microsoft.web/sites/basicpublishingcredentialspolicies": "2023-12-01",
    "microsoft.web/sites/config": "2023-12-01",
}
# Resource groups, which have no type.
GROUPS_PIN = "2021-04-01"

# Names of resources, and what paths hold beside them. Dots alone lead elsewhere.
_PART = re.compile(r"(?!\.+$)[A-Za-z0-9._()$-]{1,260}")


def at(resource_id: str, *, act: str = "", expand: str = "") -> str:
    """The path at which a resource is read or changed, or asked to ``act``.

    ``expand`` is what to show beside what is shown anyway. Raises PermanentFailure,
    INVALID, for what is no whole id of a resource of a type in ``PINS``.
    """
    path = _checked(resource_id)
    kind = type_of(path.lower())
    version = PINS.get(kind) if kind else GROUPS_PIN
    if version is None or not is_whole(path.lower()) or path.count("/") < 4:
        raise _invalid()
    shown = f"&$expand={expand}" if expand else ""
    return f"{path}{act and '/'}{act}?api-version={version}{shown}"


def attached(scope: str, kind: str) -> str:
    """The path at which everything of a kind is listed that holds at a scope.

    The scope is a subscription, a group or a resource; what it inherits is listed too.
    Raises PermanentFailure, INVALID, as ``at`` does.
    """
    path = _checked(scope)
    if not is_whole(path.lower()):
        raise _invalid()
    return f"{path}/providers/{kind}?api-version={PINS[kind.lower()]}"


def by_resource(
    alerts: Iterable[AlertRow], kind: str = ""
) -> dict[str, list[AlertRow]]:
    """The resources that alerts are about, by canonical id, and the alerts of each.

    All of them, or those of a type. An alert about what is part of one, such as a
    database of a server, is about it.
    """
    found: dict[str, list[AlertRow]] = {}
    for alert in alerts:
        known = whole(alert.resource) if alert.resource else None
        if known is not None and kind in {"", type_of(known)}:
            found.setdefault(known, []).append(alert)
    return found


def alerted(alerts: Iterable[AlertRow], kind: str = "") -> dict[str, list[str]]:
    """The same resources, and the ids of their alerts."""
    found = by_resource(alerts, kind)
    return {known: [alert.id for alert in about] for known, about in found.items()}


def _checked(resource_id: str) -> str:
    """The id with one slash before each part, every one of which is harmless."""
    parts = resource_id.strip("/").split("/")
    if parts[0].lower() != "subscriptions" or not all(map(_PART.fullmatch, parts)):
        raise _invalid()
    return f"/{'/'.join(parts)}"


def _invalid() -> PermanentFailure:
    return PermanentFailure(
        FailureReason.INVALID, "not the id of a resource that can be changed"
    )
