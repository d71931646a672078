"""Entities exactly as continuous export spells them: what the straight reader takes.

An object with a field that no class here names, or with a value of another type, does
not fit, and the general reader has it. Every name of wire-formats.md 7 is here, also
those that nobody reads: they must not keep an alert from the straight road.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import field

# What is passed over, as long as nothing stands inside it.
Scalar = str | int | float | bool | None


class Reference(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The place of an entity that is defined elsewhere in the list."""

    to: str = field(name="$ref")


class Location(msgspec.Struct, forbid_unknown_fields=True, rename="pascal", gc=False):
    """Where an address is thought to be."""

    country_code: str | None = None
    country_name: Scalar = None
    state: Scalar = None
    city: Scalar = None
    longitude: Scalar = None
    latitude: Scalar = None
    asn: Scalar = None
    carrier: Scalar = None
    organization: Scalar = None
    organization_type: Scalar = None


class Shape(
    msgspec.Struct,
    forbid_unknown_fields=True,
    rename="pascal",
    gc=False,
    tag_field="Type",
):
    """What every entity of the list may have."""

    id: str | None = field(default=None, name="$id")
    asset: bool | None = None


class Account(Shape, tag="account"):
    """A user or service."""

    name: str | None = None
    nt_domain: str | None = field(default=None, name="NTDomain")
    dns_domain: str | None = None
    upn_suffix: str | None = field(default=None, name="UPNSuffix")
    sid: str | None = None
    aad_user_id: str | None = None
    host: Reference | None = None
    aad_tenant_id: Scalar = None
    logon_id: Scalar = None
    is_domain_joined: Scalar = None
    is_valid: Scalar = None
    count: Scalar = None


class AzureResource(Shape, tag="azure-resource"):
    """A resource, group or subscription."""

    resource_id: str | None = None


class Dns(Shape, tag="dns"):
    """A domain name; ``IpAdresses`` is Microsoft's spelling."""

    domain_name: str | None = None
    ip_adresses: list[Reference] | None = None
    host_ip_address: Reference | None = None
    dns_server_ip: Reference | None = None


class Digest(msgspec.Struct, forbid_unknown_fields=True, rename="pascal", gc=False):
    """The digest of a file's bytes inside the file: itself, or a reference to it."""

    id: str | None = field(default=None, name="$id")
    to: str | None = field(default=None, name="$ref")
    asset: bool | None = None
    algorithm: str | None = None
    value: str | None = None
    type: Literal["filehash"] = "filehash"


class File(Shape, tag="file"):
    """A file; what is said of it beside its name is kept as attributes."""

    name: str | None = None
    directory: str | None = None
    file_hashes: list[Digest] | None = None
    host: Reference | None = None


class FileHash(Shape, tag="filehash"):
    """A digest in the list itself."""

    algorithm: str | None = None
    value: str | None = None


class Host(Shape, tag="host"):
    """A machine."""

    host_name: str | None = None
    net_bios_name: str | None = None
    dns_domain: str | None = None
    nt_domain: str | None = field(default=None, name="NTDomain")
    azure_id: str | None = field(default=None, name="AzureID")
    oms_agent_id: Scalar = field(default=None, name="OMSAgentID")
    os_family: Scalar = field(default=None, name="OSFamily")
    os_version: Scalar = field(default=None, name="OSVersion")
    os_version_too: Scalar = field(default=None, name="OsVersion")
    operating_system: Scalar = None
    is_domain_joined: Scalar = None
    container_id: Scalar = None
    count: Scalar = None


class Ip(Shape, tag="ip"):
    """An address."""

    address: str | None = None
    location: Location | None = None
    count: Scalar = None


class LogonSession(Shape, tag="host-logon-session"):
    """A session on a machine; what is said of it is kept as attributes."""

    session_id: str | None = None
    start_time_utc: str | None = None
    end_time_utc: str | None = None
    host: Reference | None = None
    account: Reference | None = None


class Process(Shape, tag="process"):
    """One run of a program."""

    process_id: str | None = None
    command_line: str | None = None
    creation_time_utc: str | None = None
    image_file: Reference | None = None
    account: Reference | None = None
    parent_process: Reference | None = None
    host: Reference | None = None
    elevation_token: Scalar = None
    count: Scalar = None


class Url(Shape, tag="url"):
    """A URL."""

    url: str | None = None


AnyShape = (
    Account
    | AzureResource
    | Dns
    | File
    | FileHash
    | Host
    | Ip
    | LogonSession
    | Process
    | Url
)
