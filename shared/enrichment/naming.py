"""What entities and resources are as subjects: by which of their names logs have them."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.enrichment.subjects import subject
from shared.model import resource
from shared.model.entity import (
    Account,
    AzureResource,
    Dns,
    FileHash,
    Host,
    Ip,
    Mailbox,
    Named,
    Url,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.enrichment.subjects import Subject
    from shared.model.entity import Entity

_KINDS_OF_TYPES = {
    "microsoft.containerregistry/registries": "container-registry",
    "microsoft.containerservice/managedclusters": "kubernetes-cluster",
    "microsoft.documentdb/databaseaccounts": "cosmos-account",
    "microsoft.keyvault/managedhsms": "vault",
    "microsoft.keyvault/vaults": "vault",
    "microsoft.kubernetes/connectedclusters": "kubernetes-cluster",
    "microsoft.sql/managedinstances": "sql-server",
    "microsoft.sql/servers": "sql-server",
    "microsoft.storage/storageaccounts": "storage-account",
    "microsoft.synapse/workspaces": "sql-server",
    "microsoft.web/sites": "web-app",
}
_MACHINES = frozenset(
    {"microsoft.compute/virtualmachines", "microsoft.hybridcompute/machines"}
)

# Names that every machine and every log has; what they did is what everybody did.
_NOBODY = frozenset(
    {
        "",
        "-",
        "anonymous",
        "anonymous logon",
        "everyone",
        "local service",
        "localhost",
        "n/a",
        "network service",
        "none",
        "null",
        "root",
        "system",
        "unknown",
        "www-data",
    }
)

# Azure's own, the same in every network: health probes and DHCP, instance metadata.
_EVERYWHERE = frozenset({"168.63.129.16", "169.254.169.254"})

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def of_entity(
    entity: Entity, cluster: str, hosts: frozenset[str | None]
) -> Iterator[Subject]:
    """What an entity is, or names.

    ``cluster`` is the cluster of its alert, ``hosts`` are the machines that the alert
    names as hosts.
    """
    match entity:
        case Account():
            yield from _account(entity)
        case AzureResource():
            yield from of_resource(entity.resource, hosts)
        case Dns():
            yield from subject("domain", entity.domain, TheDomain=entity.domain)
        case FileHash() if entity.is_strong:
            yield from subject("file", entity.digest, TheHash=entity.digest)
        case Host():
            yield from _host(entity)
        case Ip():
            yield from _address(entity.address)
        case Mailbox():
            address = entity.address or entity.upn
            yield from subject("mailbox", address, TheMailbox=address)
        case Url():
            yield from _url(entity.url)
        case Named():
            yield from _named(entity, cluster)
        case _:
            pass


def _account(account: Account) -> Iterator[Subject]:
    name = "" if account.name.lower() in _NOBODY else account.name
    sid = account.sid if account.is_strong else ""
    local = f"{account.domain}\\{name}" if account.domain and name else name
    yield from subject(
        "account",
        account.upn or local or account.object_id or sid,
        TheAccount=account.upn,
        TheAccountId=account.object_id,
        TheAccountName=name,
        TheAccountSid=sid,
        TheMailbox=account.upn,
    )
    if account.object_id and not account.upn:
        # Whether it is a user or a service, an object id does not say.
        yield from subject(
            "application", name or account.object_id, TheApplication=account.object_id
        )


def _host(host: Host) -> Iterator[Subject]:
    machine = resource.whole(host.resource) if host.resource else None
    shown = resource.display_name(machine) if machine else ""
    yield from _machine(host.name or shown, machine or "", host.device_id)


def _machine(name: str, arm_id: str, device: str = "") -> Iterator[Subject]:
    # Logs have the short name, the full one or both.
    short = name if _is_address(name) else name.partition(".")[0]
    short = "" if short.lower() in _NOBODY else short.lower()
    yield from subject(
        "host",
        short or arm_id or device,
        TheHost=short,
        TheMachine=arm_id,
        TheDevice=device,
    )


def of_resource(arm_id: str, hosts: frozenset[str | None]) -> Iterator[Subject]:
    """What a resource of Azure is; a machine is a host too, unless it is one of those."""
    whole = resource.whole(arm_id)
    if whole is None:
        return
    name = resource.display_name(whole)
    values = {
        "TheResource": whole,
        "TheResourceName": name,
        "TheSubscription": resource.subscription(whole),
    }
    yield from subject("resource", name, **values)
    if (kind := kind_of(whole)) is not None:
        yield from subject(kind, name, **values)
    if resource.type_of(whole) in _MACHINES and whole not in hosts:
        yield from _machine(name, whole)


def kind_of(arm_id: str) -> str | None:
    """The kind of subject that resources of this type are, besides a resource."""
    whole = resource.whole(arm_id)
    return _KINDS_OF_TYPES.get(resource.type_of(whole)) if whole else None


def _address(address: str) -> Iterator[Subject]:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return
    if address in _EVERYWHERE or known.is_loopback or known.is_unspecified:
        return
    if not (known.is_multicast or known.is_link_local):
        yield from subject("address", address, TheAddress=address)


def _url(url: str) -> Iterator[Subject]:
    yield from subject("url", url, TheUrl=url)
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return
    if _is_address(host):
        yield from _address(host)
    elif "." in host:
        yield from subject("domain", host, TheDomain=host)


def _named(entity: Named, cluster: str) -> Iterator[Subject]:
    match entity.kind:
        case "k8s-pod":
            yield from subject(
                "kubernetes-pod",
                entity.name,
                ThePod=entity.name,
                TheNamespace=entity.attributes.get("namespace", ""),
                TheResource=cluster,
            )
        case "container-image":
            yield from _image(entity.name)
        case "oauth-application":
            yield from subject("application", entity.name, TheApplication=entity.name)
        case _:
            pass


def _image(name: str) -> Iterator[Subject]:
    """The parts of `registry/repository:tag@sha256:digest`, as far as they are there."""
    rest, _, digest = name.partition("@")
    registry, slash, path = rest.partition("/")
    # The first part is a registry if it could be a host.
    if not (slash and ("." in registry or ":" in registry)):
        path = rest
    repository, _, tag = path.partition(":")
    yield from subject(
        "container-image",
        name,
        TheRepository=repository.lower(),
        TheTag=tag,
        TheDigest=digest if _DIGEST.fullmatch(digest) else "",
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
