"""The straight way from shapes to entities, for lists in which nothing is odd.

It gives what the general way (``references`` and ``kinds``) gives for the same list, or
ValueError or KeyError where that would warn or leave something out, and where a
reference leads forward, which none of Defender's own does. It is there for speed alone:
a property test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model import entity as model
from shared.sources.entities import identifiers, shapes
from shared.sources.entities.identifiers import LONGEST_COMMAND, command, line, tidy
from shared.sources.entities.named_kinds import path
from shared.sources.fields import parse_stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    # What was read so far, by the ids of the list.
    Known = dict[str, model.Entity]

# Far below what the general way cuts; real lists hold some tens of entities.
MOST_SHAPES = 100
MOST_DIGESTS = 10
LONGEST_TIME = 40


def read(listed: Sequence[shapes.AnyShape]) -> list[model.Entity]:
    """The entities in the order of the list, each once.

    Raises ValueError or KeyError where the list is not straight.
    """
    if len(listed) > MOST_SHAPES:
        raise ValueError
    known: Known = {}
    found: list[model.Entity] = []
    for shape in listed:
        entity = _READERS[type(shape)](shape, known)
        found.append(entity)
        if (own := shape.id) and known.setdefault(own, entity) is not entity:
            raise ValueError
        if type(shape) is shapes.File and shape.file_hashes:
            found += [known[each.id or ""] for each in shape.file_hashes if not each.to]
    # Only two of one kind can be equal; to hash entities takes as long as to read them.
    is_distinct = len({*map(type, found)}) == len(found)
    return found if is_distinct else list(dict.fromkeys(found))


def _label(reference: shapes.Reference | None, kind: type, known: Known) -> str:
    """The identifier of the entity that a reference leads to."""
    if reference is None:
        return ""
    entity = known[reference.to]
    if type(entity) is not kind:
        raise ValueError
    return entity.identifier


def _account(shape: shapes.Account, known: Known) -> model.Account:
    name = line(shape.name) if shape.name else ""
    domain = line(shape.nt_domain) if shape.nt_domain else ""
    if shape.dns_domain and not domain:
        domain = line(shape.dns_domain)
    if "\\" in name:
        before, _, after = name.partition("\\")
        if before and after:
            name, domain = after, domain or before
    sid = identifiers.sid(shape.sid) if shape.sid else ""
    object_id = identifiers.guid(shape.aad_user_id) if shape.aad_user_id else ""
    upn = _upn(name, shape.upn_suffix) if shape.upn_suffix else ""
    if sid is None or object_id is None or upn is None:
        raise ValueError
    account = model.Account(
        is_asset=shape.asset is True,
        name=name,
        domain=domain,
        upn=upn,
        sid=sid,
        object_id=object_id,
        host=_label(shape.host, model.Host, known),
    )
    if not (name or account.identifier):
        raise ValueError
    return account


def _upn(name: str, suffix: str) -> str | None:
    suffix = line(suffix).removeprefix("@")
    if not (name and suffix):
        return ""
    if not name.lower().endswith(f"@{suffix.lower()}"):
        name = f"{name}@{suffix}"
    return identifiers.upn(name)


def _azure_resource(shape: shapes.AzureResource, known: Known) -> model.AzureResource:
    del known
    arm_id = identifiers.arm_id(shape.resource_id or "")
    if not arm_id:
        raise ValueError
    return model.AzureResource(is_asset=shape.asset is True, resource=arm_id)


def _dns(shape: shapes.Dns, known: Known) -> model.Dns:
    addresses = (shape.host_ip_address, shape.dns_server_ip)
    for reference in (*addresses, *(shape.ip_adresses or ())):
        _label(reference, model.Ip, known)
    domain = identifiers.domain(line(shape.domain_name or ""))
    if not domain:
        raise ValueError
    return model.Dns(is_asset=shape.asset is True, domain=domain)


def _file(shape: shapes.File, known: Known) -> model.Named:
    folder = line(shape.directory) if shape.directory else ""
    name = path(folder, line(shape.name) if shape.name else "")
    if not name:
        raise ValueError
    said = {"directory": folder} if folder else {}
    if shape.file_hashes:
        digests = _digests(shape.file_hashes, known)
        said["filehashes"] = digests[0] if len(digests) == 1 else ", ".join(digests)
    if shape.host is not None:
        said["host"] = line(_label(shape.host, model.Host, known))
    return model.Named(
        is_asset=shape.asset is True, kind="file", name=name, attributes=said
    )


def _digests(digests: Sequence[shapes.Digest], known: Known) -> list[str]:
    """Their identifiers; those that stand in the file itself are known then."""
    if len(digests) > MOST_DIGESTS:
        raise ValueError
    found = []
    for digest in digests:
        entity = known[digest.to] if digest.to else _file_hash(digest, known)
        if type(entity) is not model.FileHash:
            raise ValueError
        # One that no reference can name would not be found again.
        own = digest.id or ""
        if not (digest.to or (own and known.setdefault(own, entity) is entity)):
            raise ValueError
        found.append(entity.digest)
    return found


def _file_hash(shape: shapes.FileHash | shapes.Digest, known: Known) -> model.FileHash:
    del known
    found = identifiers.digest(shape.algorithm or "", shape.value or "")
    if found is None:
        raise ValueError
    algorithm, digest = found
    is_asset = shape.asset is True
    return model.FileHash(is_asset=is_asset, algorithm=algorithm, digest=digest)


def _host(shape: shapes.Host, known: Known) -> model.Host:
    del known
    name = line(shape.host_name) if shape.host_name else ""
    if shape.net_bios_name and not name:
        name = line(shape.net_bios_name)
    domain = line(shape.dns_domain) if name and shape.dns_domain else ""
    if shape.nt_domain and name and not domain:
        domain = line(shape.nt_domain)
    if domain and name.lower().endswith(f".{domain.lower()}"):
        domain = ""
    arm_id = identifiers.arm_id(shape.azure_id) if shape.azure_id else ""
    if arm_id is None or not (name or arm_id):
        raise ValueError
    return model.Host(
        is_asset=shape.asset is True, name=name, domain=domain, resource=arm_id
    )


def _ip(shape: shapes.Ip, known: Known) -> model.Ip:
    del known
    found = identifiers.only_address(shape.address or "")
    if found is None:
        raise ValueError
    address, is_public = found
    code = shape.location.country_code if shape.location else None
    return model.Ip(
        is_asset=shape.asset is True,
        address=address,
        is_public=is_public,
        country=identifiers.country(line(code)) if code else "",
    )


def _logon_session(shape: shapes.LogonSession, known: Known) -> model.Named:
    name = line(shape.session_id or "")
    if not name:
        raise ValueError
    said = {
        "account": line(_label(shape.account, model.Account, known)),
        "endtimeutc": line(shape.end_time_utc or ""),
        "host": line(_label(shape.host, model.Host, known)),
        "sessionid": name,
        "starttimeutc": line(shape.start_time_utc or ""),
    }
    return model.Named(
        is_asset=shape.asset is True,
        kind="logon-session",
        name=name,
        attributes={field: text for field, text in said.items() if text},
    )


def _process(shape: shapes.Process, known: Known) -> model.Process:
    pid = identifiers.process_id(shape.process_id) if shape.process_id else None
    if pid is None and shape.process_id:
        raise ValueError
    created = shape.creation_time_utc
    created_at = parse_stamp(created) if created else None
    if created and (created_at is None or len(created) > LONGEST_TIME):
        raise ValueError
    image = _image(shape.image_file, known)
    command_line = command(shape.command_line) if shape.command_line else ""
    if pid is None and not (image or command_line):
        raise ValueError
    return model.Process(
        is_asset=shape.asset is True,
        pid=pid,
        parent_pid=_parent(shape.parent_process, known),
        image=image,
        command_line=command_line,
        created_at=created_at,
        host=_label(shape.host, model.Host, known),
        account=_label(shape.account, model.Account, known),
    )


def _parent(reference: shapes.Reference | None, known: Known) -> int | None:
    if reference is None:
        return None
    parent = known[reference.to]
    if type(parent) is not model.Process:
        raise ValueError
    return parent.pid


def _image(reference: shapes.Reference | None, known: Known) -> str:
    if reference is None:
        return ""
    image = known[reference.to]
    if type(image) is not model.Named or image.kind != "file":
        raise ValueError
    return image.name


def _url(shape: shapes.Url, known: Known) -> model.Url:
    del known
    text = tidy(shape.url, LONGEST_COMMAND) if shape.url else ""
    if not text:
        raise ValueError
    return model.Url(is_asset=shape.asset is True, url=identifiers.url(text))


_READERS: Mapping[type, Callable[[Any, Known], model.Entity]] = {
    shapes.Account: _account,
    shapes.AzureResource: _azure_resource,
    shapes.Dns: _dns,
    shapes.File: _file,
    shapes.FileHash: _file_hash,
    shapes.Host: _host,
    shapes.Ip: _ip,
    shapes.LogonSession: _logon_session,
    shapes.Process: _process,
    shapes.Url: _url,
}
