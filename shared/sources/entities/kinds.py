"""Readers of the kinds of entities, by the names that Defender and Sentinel use.

A reader gives what it can normalise. Where nothing is left that would name the entity
it gives nothing, and the entity is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.model.entity import (
    Account,
    AzureResource,
    CloudApplication,
    Dns,
    Entity,
    FileHash,
    Host,
    Ip,
    Mailbox,
    Named,
    Process,
    Url,
)
from shared.sources.entities import identifiers
from shared.sources.entities.identifiers import LONGEST_ARM_ID, LONGEST_COMMAND, tidy
from shared.sources.entities.named_kinds import NAMED, attributes, other
from shared.sources.fields import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.sources.entities.references import Node

LONGEST_TIME = 40


def read(node: Node) -> Sequence[Entity]:
    """The entities of one object: as many as it has addresses, for other kinds one."""
    reader = READERS.get(node.kind, other)
    found = reader(node)
    if isinstance(found, list):
        return found
    return () if found is None else (found,)


def read_all(node: Node) -> Sequence[Entity]:
    """The entities of one object with all that was said of them.

    Not all that has a type is an entity (a chart, a time span): of what stands inside
    others, only known kinds count.
    """
    if not node.is_item and node.kind not in READERS:
        return ()
    found = node.entities()
    if not found:
        node.tell("an entity names nothing", node.kind)
    is_asset = node.fields.get("asset") is True
    is_asset = is_asset or node.text("evidencerole").lower() == "impacted"
    return [_completed(entity, node, is_asset=is_asset) for entity in found]


def _completed(entity: Entity, node: Node, *, is_asset: bool) -> Entity:
    if isinstance(entity, Named):
        said = {**attributes(node), **entity.attributes}
        return msgspec.structs.replace(entity, attributes=said, is_asset=is_asset)
    if is_asset:
        return msgspec.structs.replace(entity, is_asset=True)
    return entity


def _account(node: Node) -> Account | None:
    given = node.text("name", "accountname")
    name = given or node.text("displayname", "friendlyname")
    domain = node.text("ntdomain", "accountdomain", "dnsdomain")
    before, backslash, after = name.partition("\\")
    if backslash and before and after:
        given = name = after
        domain = domain or before
    account = Account(
        name=name,
        domain=domain,
        upn=_upn(node, given),
        sid=node.formed("a SID", identifiers.sid, "sid"),
        object_id=node.formed("an object id", identifiers.guid, "aaduserid"),
        host=node.label("host", "host"),
    )
    return account if account.identifier else None


def _upn(node: Node, name: str) -> str:
    whole = node.formed("a UPN", identifiers.upn, "userprincipalname", "upn")
    suffix = node.text("upnsuffix").removeprefix("@")
    if whole or not (name and suffix):
        return whole
    if not name.lower().endswith(f"@{suffix.lower()}"):
        name = f"{name}@{suffix}"
    found = identifiers.upn(name)
    if found is None:
        node.tell("not a UPN", name)
    return found or ""


def _host(node: Node) -> Host | None:
    name = node.text("hostname", "netbiosname", "fqdn", "friendlyname")
    domain = node.text("dnsdomain", "ntdomain") if name else ""
    if name.lower().endswith(f".{domain.lower()}"):
        domain = ""
    arm_id, guid = identifiers.arm_id, identifiers.guid
    host = Host(
        name=name,
        domain=domain,
        resource=node.formed("an ARM id", arm_id, "azureid", limit=LONGEST_ARM_ID),
        device_id=node.formed(
            "a device id", identifiers.device_id, "mdatpdeviceid", "machineid"
        ),
        entra_device_id=node.formed("a device id", guid, "aaddeviceid"),
    )
    return host if host.identifier else None


def _ips(node: Node) -> list[Entity]:
    location = node.follow("location", "")
    code = location.text("countrycode") if location is not None else ""
    country = identifiers.country(code)
    found: list[Entity] = []
    text = node.text("address", "ipaddress", limit=LONGEST_COMMAND)
    for token in identifiers.address_tokens(text):
        if (known := identifiers.address(token)) is None:
            node.tell("not an address", token)
            continue
        address, is_public = known
        found.append(Ip(address=address, is_public=is_public, country=country))
    return found


def _url(node: Node) -> Url | None:
    text = node.text("url", "friendlyname", limit=LONGEST_COMMAND)
    return Url(url=identifiers.url(text)) if text else None


def _dns(node: Node) -> Dns | None:
    form = identifiers.domain
    domain = node.formed("a domain name", form, "domainname", "friendlyname")
    return Dns(domain=domain) if domain else None


def _file_hash(node: Node) -> FileHash | Named | None:
    algorithm, value = node.text("algorithm"), node.text("value", "hashvalue")
    if (known := identifiers.digest(algorithm, value)) is not None:
        return FileHash(algorithm=known[0], digest=known[1])
    if value and not identifiers.is_algorithm(algorithm):
        return Named(kind="file-hash", name=value)
    node.tell(f"not a digest by {tidy(algorithm, 20)}", value)
    return None


def _process(node: Node) -> Process | None:
    parent = node.follow("parentprocess", "process")
    process = Process(
        pid=_pid(node),
        parent_pid=_pid(parent) if parent is not None else None,
        image=node.label("imagefile", "file"),
        command_line=node.command("commandline"),
        created_at=parse_time(node.text("creationtimeutc", limit=LONGEST_TIME)),
        host=node.label("host", "host"),
        account=node.label("account", "account"),
    )
    return process if process.identifier else None


def _pid(node: Node) -> int | None:
    given = node.fields.get("processid")
    number = identifiers.process_id(given)
    if number is None and given is not None and given != "":
        node.tell("not a process id", given)
    return number


def _azure_resource(node: Node) -> AzureResource | Named | None:
    names = ("resourceid", "friendlyname")
    form = identifiers.arm_id
    if known := node.formed("an ARM id", form, *names, limit=LONGEST_ARM_ID):
        return AzureResource(resource=known)
    text = node.text(*names)
    return Named(kind="azure-resource", name=text) if text else None


def _mailbox(node: Node) -> Mailbox | None:
    address = node.text("mailboxprimaryaddress")
    object_id = ("externaldirectoryobjectid", "aaduserid")
    mailbox = Mailbox(
        address=node.formed("a mail address", identifiers.upn, "mailboxprimaryaddress"),
        upn=node.formed("a UPN", identifiers.upn, "upn"),
        object_id=node.formed("an object id", identifiers.guid, *object_id),
        name=node.text("displayname", "friendlyname") or address,
    )
    return mailbox if mailbox.identifier else None


def _cloud_application(node: Node) -> CloudApplication | None:
    application = CloudApplication(
        app_id=node.text("saasid", "appid"),
        name=node.text("appname", "name", "friendlyname"),
        instance=node.text("instanceid", "instancename"),
    )
    return application if application.app_id or application.name else None


READERS: Mapping[str, Callable[[Node], Entity | list[Entity] | None]] = {
    **NAMED,
    "account": _account,
    "azureresource": _azure_resource,
    "cloudapplication": _cloud_application,
    "dns": _dns,
    "dnsresolution": _dns,
    "filehash": _file_hash,
    "host": _host,
    "ip": _ips,
    "mailbox": _mailbox,
    "process": _process,
    "url": _url,
}
