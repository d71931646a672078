"""What a path of Resource Manager is about, and what of it there is here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devhost.outside.azure import (
    alerts,
    compute,
    disks,
    keyvault,
    network,
    reads,
    registries,
    roles,
    rules,
    scale_sets,
    scopes,
    sentinel,
    sql,
    storage,
    tables,
    web,
)
from devhost.outside.azure.answers import Refused
from devhost.outside.azure.kinds import Readable
from devhost.outside.azure.resources import type_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devhost.outside.azure.kinds import Asked, Change, Kind

KINDS: Mapping[str, Kind] = {
    kind.type.lower(): kind
    for kind in (
        alerts.Alert(),
        compute.VirtualMachine(),
        disks.Disk(),
        disks.Snapshot(),
        keyvault.AccessPolicies(),
        keyvault.Vault(),
        network.Interface(),
        network.SecurityGroup(),
        rules.SecurityRule(),
        network.Subnet(),
        network.VirtualNetwork(),
        registries.Registry(),
        registries.Token(),
        roles.RoleAssignment(),
        scale_sets.Instance(),
        scale_sets.ScaleSet(),
        scopes.Lock(),
        scopes.Permissions(),
        scopes.Tags(),
        sentinel.Incident(),
        *sentinel.PARTS,
        *reads.KINDS,
        sql.FirewallRule(),
        sql.Server(),
        storage.Account(),
        storage.Container(),
        tables.Table(),
        web.Config(),
        web.PublishingPolicy(),
        web.Site(),
        Readable("Microsoft.ContainerService/managedClusters", "2024-02-01"),
        Readable("Microsoft.Network/publicIPAddresses", rules.VERSION),
    )
}

GROUP = "/arm/{path:subscriptions/[^/]+/(?i:resourcegroups)/[^/]+}"
PROVIDER = "/arm/subscriptions/{subscription}/providers/{provider}"
# Of workspaces only their tables are here, and how far changes of those are.
_TABLES = r"Microsoft\.OperationalInsights/(?:workspaces/[^/]+/tables|locations)(?=/|$)"
_SPACES = "|".join(
    sorted(
        {kind.partition("/")[0] for kind in KINDS}
        - {tables.Table.type.partition("/")[0].lower()}
    )
).replace(".", r"\.")
# Whatever hangs on a resource and is of another provider is somebody else's.
PATH = (
    rf"/arm/{{path:subscriptions/(?:.+/)?(?i:providers/(?:(?:{_SPACES})(?=/)|{_TABLES}))"
    r"(?:(?!/providers/).)*}"
)


class Target(NamedTuple):
    """What a path is about: a resource, or all of a type; and what it is asked."""

    id: str
    kind: Kind
    is_list: bool
    asked: str


def action_of(method: str, target: Target) -> str:
    """What one must be allowed for a request, as roles write it."""
    if target.asked and method == "POST":
        return f"{target.kind.type}/{target.asked}/action"
    word = {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(method, "write")
    view = f"/{target.asked}" if target.asked else ""
    return f"{target.kind.type}{view}/{word}"


def versions_of(provider: str) -> list[dict[str, object]]:
    """Which versions of its types a provider serves."""
    space = f"{provider.lower()}/"
    return [
        {"resourceType": kind.type.partition("/")[2], "apiVersions": [kind.version]}
        for name, kind in KINDS.items()
        if name.startswith(space)
    ]


def target_of(path: str) -> Target:
    """What a path is about. Raises Refused for a type that is not served."""
    if not type_of(path):
        return Target(path, scopes.Group(), is_list=False, asked="")
    kind = KINDS.get(type_of(path))
    head, _, last = path.rpartition("/")
    is_named = _is_named(path)
    if kind is not None and is_named:
        return Target(path, kind, is_list=False, asked="")
    if kind is not None:
        return Target(_scope_of(path), kind, is_list=True, asked="")
    kind = KINDS.get(type_of(head))
    if kind is None or is_named:
        # [unverified code]
        raise Refused(404, "InvalidResourceType", f"{type_of(path)} is not served here")
    return Target(head, kind, is_list=False, asked=last)


def _is_named(path: str) -> bool:
    """Whether a path ends with a name, and not with a type or with what is asked."""
    return path.rpartition("/providers/")[2].count("/") % 2 == 0


def _scope_of(path: str) -> str:
    """What a list is of: the resource, the group or the subscription above it."""
    above, _, below = path.rpartition("/providers/")
    return above if below.count("/") == 1 else path.rpartition("/")[0]


def change_of(method: str, target: Target, asked: Asked) -> Change | None:
    """What comes of a request; None where there is nothing to do."""
    kind = target.kind
    if target.is_list:
        raise Refused(405, "NotServedHere", f"{method} of a list")
    if target.asked:
        act = kind.acts.get(target.asked)
        if method != "POST" or act is None:
            raise Refused(404, "NotFound", f"{target.asked} is not served here")
        return act(asked)
    match method:
        case "PUT":
            return kind.put(asked)
        case "PATCH":
            return kind.patch(asked)
        case "DELETE":
            return None if asked.old is None else kind.delete(asked)
        case _:
            raise Refused(405, "NotServedHere", f"{method} of {kind.type}")


def whole_of(resource_id: str) -> str:
    """The resource that goes about its changes one by one: a child's is its parent."""
    provider = resource_id.lower().rpartition("/providers/")
    return "".join([*provider[:2], "/".join(provider[2].split("/")[:3])])
