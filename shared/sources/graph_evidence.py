"""The evidence of Graph's alerts, typed by ``@odata.type``, as Defender's entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.sources import evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.sources.evidence import Raw
    from shared.sources.fields import Fields

_NAMESPACE = "#microsoft.graph.security."
_ALGORITHMS = ("sha256", "sha1", "md5")


def odata_type(fields: Fields) -> str:
    """The type in lower case; stores that allow no "@" in a name write it out."""
    return fields.text("@odata.type", "at_sign_odata_type").lower()


def entities(item: Fields) -> list[Raw]:
    """What one piece of evidence is and holds; a name at least, if its kind is new."""
    kind = odata_type(item).removeprefix(_NAMESPACE).removesuffix("evidence")
    if (make := _MAKERS.get(kind)) is not None:
        made = make(item)
    else:
        named, columns = _COLUMNS.get(kind, (kind, _NAME))
        made = evidence.entity(
            named, **{field: _first(item, columns[field]) for field in columns}
        )
    if made and is_compromised(item):
        made[0]["EvidenceRole"] = "Impacted"
    return made


def is_compromised(item: Fields) -> bool:
    """Whether Graph counts it among what the attack was against."""
    roles = item.get("roles")
    return isinstance(roles, list) and "compromised" in roles


def _first(item: Fields, names: tuple[str, ...]) -> object:
    return next((item.get(name) for name in names if name in item), None)


def _account(item: Fields, name: str = "userAccount") -> list[Raw]:
    user = item.child(name)
    return evidence.account(
        name=user.text("accountName", "displayName"),
        domain=user.text("domainName"),
        upn=user.text("userPrincipalName"),
        sid=user.text("userSid"),
        object_id=user.text("azureAdUserId"),
    )


def _device(item: Fields) -> list[Raw]:
    users = item.objects("loggedOnUsers")
    return [
        *evidence.host(
            name=item.text("deviceDnsName", "hostName"),
            domain=item.text("dnsDomain", "ntDomain"),
            device_id=item.text("mdeDeviceId"),
            entra_device_id=item.text("azureAdDeviceId"),
            resource=item.child("vmMetadata").text("resourceId"),
        ),
        *(
            made
            for user in users
            for made in evidence.account(
                name=user.text("accountName"), domain=user.text("domainName")
            )
        ),
    ]


def _ip(item: Fields) -> list[Raw]:
    return evidence.ip(item.text("ipAddress"), item.text("countryLetterCode"))


def _file(item: Fields, name: str = "fileDetails") -> list[Raw]:
    details = item.child(name)
    hashes = {algorithm: details.text(algorithm) for algorithm in _ALGORITHMS}
    return evidence.file(details.text("fileName"), details.text("filePath"), hashes)


def _process(item: Fields) -> list[Raw]:
    parent = evidence.process(
        "",
        _file(item, "parentProcessImageFile"),
        [],
        number=item.get("parentProcessId"),
        started_at=item.text("parentProcessCreationDateTime"),
    )
    return evidence.process(
        item.text("processCommandLine"),
        _file(item, "imageFile"),
        _account(item),
        number=item.get("processId"),
        started_at=item.text("processCreationDateTime"),
        parent=parent,
    )


def _registry_key(item: Fields) -> list[Raw]:
    return evidence.registry_key(item.text("registryHive"), item.text("registryKey"))


def _registry_value(item: Fields) -> list[Raw]:
    return evidence.registry_value(
        _registry_key(item), item.text("registryValueName"), item.text("registryValue")
    )


def _mailbox(item: Fields) -> list[Raw]:
    return [
        *evidence.entity(
            "mailbox",
            MailboxPrimaryAddress=item.text("primaryAddress"),
            DisplayName=item.text("displayName"),
            Upn=item.text("upn"),
        ),
        *_account(item),
    ]


def _message(item: Fields) -> list[Raw]:
    sender = item.child("p2Sender").text("emailAddress")
    sender = sender or item.child("p1Sender").text("emailAddress")
    links = item.get("urls")
    return [
        *evidence.entity(
            "mail-message",
            NetworkMessageId=item.text("networkMessageId"),
            InternetMessageId=item.text("internetMessageId"),
            Subject=item.text("subject"),
            Recipient=item.text("recipientEmailAddress"),
            Sender=sender,
        ),
        *evidence.ip(item.text("senderIp")),
        *(
            made
            for link in (links if isinstance(links, list) else [])
            if isinstance(link, str)
            for made in evidence.url(link)
        ),
    ]


def _logon(item: Fields) -> list[Raw]:
    return [*_account(item, "account"), *_account(item)]


def _pod(item: Fields) -> list[Raw]:
    return evidence.entity(
        "K8s-pod",
        Name=item.text("name"),
        Namespace=evidence.inner(_namespace(item.child("namespace"))),
    )


def _namespace(item: Fields) -> list[Raw]:
    return evidence.entity(
        "K8s-namespace",
        Name=item.text("name"),
        Cluster=evidence.inner(_cluster(item.child("cluster"))),
    )


def _cluster(item: Fields) -> list[Raw]:
    resource_id = item.child("cloudResource").text("resourceId")
    return evidence.entity(
        "K8s-cluster",
        Name=item.text("name"),
        CloudResource=evidence.inner(
            evidence.entity("azure-resource", ResourceId=resource_id)
        ),
    )


def _container(item: Fields) -> list[Raw]:
    image = item.child("image").text("imageId")
    return evidence.entity(
        "container",
        Name=item.text("name"),
        ContainerId=item.text("containerId"),
        Image=evidence.inner(evidence.entity("container-image", ImageId=image)),
        Pod=evidence.inner(_pod(item.child("pod"))),
    )


_MAKERS: Mapping[str, Callable[[Fields], list[Raw]]] = {
    "user": _account,
    "device": _device,
    "ip": _ip,
    "file": _file,
    "process": _process,
    "registrykey": _registry_key,
    "registryvalue": _registry_value,
    "mailbox": _mailbox,
    "analyzedmessage": _message,
    "cloudlogonsession": _logon,
    "hostlogonsession": _logon,
    "container": _container,
    "kubernetespod": _pod,
    "kubernetesnamespace": _namespace,
    "kubernetescluster": _cluster,
}

_NAME = {"Name": ("name", "displayName")}
_APPLICATION = {"AppId": ("appId", "objectId"), "Name": ("displayName", "name")}
# Defender's type, and its fields with the columns they are taken from.
_COLUMNS: Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "url": ("url", {"Url": ("url",)}),
    "azureresource": ("azure-resource", {"ResourceId": ("resourceId",)}),
    "amazonresource": (
        "aws-resource",
        {"AmazonResourceId": ("amazonResourceId", "resourceName")},
    ),
    "googlecloudresource": (
        "gcp-resource",
        {
            "ProjectId": ("projectId",),
            "ResourceType": ("resourceType",),
            "ResourceName": ("resourceName", "fullResourceName"),
        },
    ),
    "blob": ("blob", {"Name": ("name",), "Url": ("url",)}),
    "blobcontainer": ("blob-container", {"Name": ("name",), "Url": ("url",)}),
    "containerimage": ("container-image", {"ImageId": ("imageId",)}),
    "cloudapplication": ("cloud-application", _APPLICATION),
    "oauthapplication": ("oauth-application", _APPLICATION),
    "securitygroup": (
        "security-group",
        {
            "Name": ("displayName",),
            "ObjectGuid": ("securityGroupId",),
            "DistinguishedName": ("distinguishedName",),
        },
    ),
    "dns": ("dns", {"DomainName": ("domainName",)}),
    "filehash": ("filehash", {"Algorithm": ("algorithm",), "Value": ("value",)}),
    "malware": ("malware", {"Name": ("name",), "Category": ("category",)}),
}
