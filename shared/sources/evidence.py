"""Defender's entity objects, made of what other products keep in columns.

Graph, XDR and Entra name in columns of their own what Defender names in entity objects
(wire-formats.md 7). They are put into those objects, so that ``entities_of`` alone
normalises, resolves and bounds. Each maker gives a list of one, or of none where
nothing was named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Raw = dict[str, Any]


def entity(kind: str, **given: object) -> list[Raw]:
    """An entity of the type, without the fields that are empty."""
    named = {name: value for name, value in given.items() if value}
    return [{"Type": kind, **named}] if named else []


def inner(made: list[Raw]) -> Raw | None:
    """What a maker made, to stand inside another entity."""
    return made[0] if made else None


def account(
    *,
    name: str = "",
    domain: str = "",
    upn: str = "",
    sid: str = "",
    object_id: str = "",
) -> list[Raw]:
    """A user or a service."""
    return entity(
        "account",
        Name=name,
        UserPrincipalName=upn,
        NTDomain=domain,
        Sid=sid,
        AadUserId=object_id,
    )


def host(
    *,
    name: str = "",
    domain: str = "",
    device_id: str = "",
    entra_device_id: str = "",
    resource: str = "",
) -> list[Raw]:
    """A machine; ``device_id`` is Defender's, a full name is taken apart."""
    short, _, rest = name.partition(".")
    return entity(
        "host",
        HostName=short,
        DnsDomain=rest or domain,
        MdatpDeviceId=device_id,
        AadDeviceId=entra_device_id,
        AzureID=resource,
    )


def ip(address: str, country: str = "") -> list[Raw]:
    """An address and the country code it came from."""
    if not address:
        return []
    return entity("ip", Address=address, Location=country and {"CountryCode": country})


def url(address: str) -> list[Raw]:
    """A URL."""
    return entity("url", Url=address)


def file(name: str, directory: str, hashes: Mapping[str, str]) -> list[Raw]:
    """A file; ``hashes`` are the values by algorithm."""
    found = [
        {"Type": "filehash", "Algorithm": algorithm, "Value": value}
        for algorithm, value in hashes.items()
        if value
    ]
    if not (name or found):
        return []
    return entity("file", Name=name, Directory=directory, FileHashes=found)


def process(
    command_line: str,
    image: list[Raw],
    user: list[Raw],
    *,
    number: object = None,
    started_at: str = "",
    parent: list[Raw] | None = None,
) -> list[Raw]:
    """A process with its image, its user and its parent inside."""
    return entity(
        "process",
        ProcessId=number,
        CommandLine=command_line,
        CreationTimeUtc=started_at,
        ImageFile=inner(image),
        Account=inner(user),
        ParentProcess=inner(parent or []),
    )


def registry_key(hive: str, key: str) -> list[Raw]:
    """A key of the registry."""
    return entity("registry-key", Hive=hive, Key=key) if key else []


def registry_value(key: list[Raw], name: str, value: str) -> list[Raw]:
    """A value of the registry with its key inside, or the key where it names none."""
    if not (name or value):
        return key
    return entity("registry-value", Name=name, Value=value, Key=inner(key))
