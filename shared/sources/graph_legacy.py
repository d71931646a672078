"""Alerts of Microsoft Graph's first generation, which name their vendor and tenant.

The id is the provider's own; for Defender for Cloud that is SystemAlertId, and the
category is its AlertType.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.alert import Road
from shared.sources import evidence, terms
from shared.sources.building import Found, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.evidence import Raw
    from shared.sources.fields import Fields

KIND = "graph-legacy"


def recognises(fields: Fields) -> bool:
    """Row 10 of wire-formats.md 0; flattened stores write ``vendorInformation_*``."""
    return "azureTenantId" in fields and (
        "vendorInformation" in fields or "vendorInformation_provider" in fields
    )


def read(fields: Fields, *, received_at: datetime) -> Alert:
    """The alert. Raises AlertRejected where it has no id, or no category and title."""
    vendor = fields.child("vendorInformation")
    resources = sorted(fields.objects("securityResources"), key=_is_related)
    sources = fields.get("sourceMaterials")
    found = Found(
        kind=KIND,
        id=fields.required("id"),
        alert_type=fields.text("category") or fields.required("title"),
        road=Road.HUB,
        title=fields.text("title"),
        description=fields.text("description"),
        severity=fields.text("severity"),
        status=fields.text("status"),
        started_at=fields.time("eventDateTime", "createdDateTime"),
        at=fields.time("lastModifiedDateTime", "createdDateTime"),
        resource_ids=tuple(item.text("resource") for item in resources),
        subscription=fields.text("azureSubscriptionId"),
        compromised_entity=_compromised(fields),
        product=vendor.text("provider") or fields.text("vendorInformation_provider"),
        tactics=terms.known_tactics(fields.get("category")),
        uri=next(_texts(sources), ""),
        entities=list(_entities(fields)),
    )
    return build(found, received_at=received_at, path=fields.path)


def _is_related(item: Fields) -> bool:
    """Whether the resource was not attacked itself."""
    return item.text("resourceType").lower() != "attacked"


def _texts(values: object) -> Iterator[str]:
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, str))


def _compromised(fields: Fields) -> str:
    named = [item.text("fqdn", "netBiosName") for item in fields.objects("hostStates")]
    named += [
        item.text("userPrincipalName", "accountName")
        for item in fields.objects("userStates")
    ]
    return next(filter(None, named), "")


def _entities(fields: Fields) -> Iterator[Raw]:
    states = (
        ("userStates", _user),
        ("hostStates", _host),
        ("networkConnections", _connection),
        ("fileStates", _file),
        ("processes", _process),
        ("registryKeyStates", _registry_key),
        ("malwareStates", _malware),
        ("cloudAppStates", _application),
        ("securityResources", _resource),
    )
    for name, make in states:
        for item in fields.objects(name):
            yield from make(item)


def _user(item: Fields) -> list[Raw]:
    made = evidence.account(
        name=item.text("accountName"),
        domain=item.text("domainName"),
        upn=item.text("userPrincipalName"),
        sid=item.text("onPremisesSecurityIdentifier"),
        object_id=item.text("aadUserId"),
    )
    return [*made, *evidence.ip(item.text("logonIp"))]


def _host(item: Fields) -> list[Raw]:
    return [
        *evidence.host(name=item.text("fqdn", "netBiosName")),
        *evidence.ip(item.text("publicIpAddress")),
        *evidence.ip(item.text("privateIpAddress")),
    ]


def _connection(item: Fields) -> list[Raw]:
    return [
        *evidence.ip(item.text("sourceAddress")),
        *evidence.ip(item.text("destinationAddress")),
        *evidence.url(item.text("destinationUrl")),
        *evidence.entity("dns", DomainName=item.text("destinationDomain")),
    ]


def _file(item: Fields) -> list[Raw]:
    digest = item.child("fileHash")
    hashes = {digest.text("hashType"): digest.text("hashValue")}
    name, path = item.text("name"), item.text("path")
    # The path is the folder in some providers' alerts and ends with the name in others'.
    folder = path.removesuffix(name).rstrip("\\/") if name else path
    return evidence.file(name, folder, hashes)


def _process(item: Fields) -> list[Raw]:
    return evidence.process(
        item.text("commandLine"),
        _file(item),
        evidence.account(name=item.text("accountName")),
        number=item.get("processId"),
        started_at=item.text("createdDateTime"),
        parent=evidence.process("", [], [], number=item.get("parentProcessId")),
    )


def _registry_key(item: Fields) -> list[Raw]:
    key = evidence.registry_key(item.text("hive"), item.text("key"))
    return evidence.registry_value(key, item.text("valueName"), item.text("valueData"))


def _malware(item: Fields) -> list[Raw]:
    return evidence.entity(
        "malware", Name=item.text("name", "family"), Category=item.text("category")
    )


def _application(item: Fields) -> list[Raw]:
    return [
        *evidence.entity("cloud-application", Name=item.text("destinationServiceName")),
        *evidence.ip(item.text("destinationServiceIp")),
    ]


def _resource(item: Fields) -> list[Raw]:
    return evidence.entity("azure-resource", ResourceId=item.text("resource"))
