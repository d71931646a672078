"""What an alert names: accounts, machines, addresses and whatever else was involved.

A strong identifier is one that its issuer made unique (an object id, a SID, an ARM id,
an address, a hash). It is normalised, never guessed: what cannot be normalised is left
out or kept as a name. Fields are those of wire-formats.md 7.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.model import resource
from shared.model.text import CUT_MARK

# Every other SID (S-1-5-18, S-1-5-32-544) is the same on all machines of the world.
_UNIQUE_SIDS = ("S-1-5-21-", "S-1-12-1-")

# The last label of a name that means something else in the next network.
_PRIVATE_DOMAINS = frozenset(
    {"corp", "home", "internal", "intranet", "lan", "local", "localdomain", "private"}
)

# The digests of no bytes at all: every empty file has them.
_EMPTY_FILES = frozenset(
    {
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
)


class Origin(StrEnum):
    """Where in the alert the entity was found."""

    ENTITIES = "entities"
    EXTENDED = "extended properties"


# No entity can be part of a cycle, so the collector need not look at any (gc=False);
# their subclasses have it from here.
class _Entity(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
    tag_field="type",
):
    """``is_asset`` is said of what the detector calls the attacked, not the attacker."""

    origin: Origin = Origin.ENTITIES
    is_asset: bool = False

    @property
    def identifier(self) -> str:
        """The strongest name of the entity, for people and for keys."""
        return ""

    @property
    def is_strong(self) -> bool:
        """Whether equal identifiers mean the same thing wherever they are seen."""
        return False


class Account(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="account"):
    """A user or service; ``upn`` and ``sid`` are normalised, ``object_id`` is Entra's.

    ``host`` is the identifier of the machine that a local account lives on.
    """

    name: str = ""
    domain: str = ""
    upn: str = ""
    sid: str = ""
    object_id: str = ""
    host: str = ""

    @property
    def identifier(self) -> str:
        """Object id, unique SID or UPN; else the name as it was given."""
        local = f"{self.domain}\\{self.name}" if self.domain else self.name
        return self._strong or local or self.sid

    @property
    def is_strong(self) -> bool:
        """Whether one of the three was given."""
        return bool(self._strong)

    @property
    def _strong(self) -> str:
        sid = self.sid if self.sid.startswith(_UNIQUE_SIDS) else ""
        return self.object_id or sid or self.upn


class Host(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="host"):
    """A machine; ``resource`` is its canonical ARM id, ``device_id`` Defender's."""

    name: str = ""
    domain: str = ""
    resource: str = ""
    device_id: str = ""
    entra_device_id: str = ""

    @property
    def identifier(self) -> str:
        """ARM id or a device id; else the name."""
        full = f"{self.name}.{self.domain}" if self.domain else self.name
        return self.resource or self.device_id or self.entra_device_id or full

    @property
    def is_strong(self) -> bool:
        """Whether one of the three ids was given."""
        return bool(self.resource or self.device_id or self.entra_device_id)


class Ip(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="ip"):
    """An address in the one form that ipaddress gives it."""

    address: str
    is_public: bool = False
    country: str = ""

    @property
    def identifier(self) -> str:
        """The address."""
        return self.address

    @property
    def is_strong(self) -> bool:
        """Whether the address is one host's in the whole internet."""
        return self.is_public


class Url(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="url"):
    """A URL as text, scheme and host in lower case."""

    url: str

    @property
    def identifier(self) -> str:
        """The URL."""
        return self.url

    @property
    def is_strong(self) -> bool:
        """Whether it is absolute and whole."""
        return "://" in self.url and not self.url.endswith(CUT_MARK)


class Dns(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="dns"):
    """A domain name in lower case without the final dot."""

    domain: str

    @property
    def identifier(self) -> str:
        """The name."""
        return self.domain

    @property
    def is_strong(self) -> bool:
        """Whether the name is of the public internet."""
        _, dot, last = self.domain.rpartition(".")
        return bool(dot) and last not in _PRIVATE_DOMAINS


class FileHash(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="file-hash"):
    """The digest of a file's bytes; ``algorithm`` is md5, sha1 or sha256."""

    algorithm: str
    digest: str

    @property
    def identifier(self) -> str:
        """The digest."""
        return self.digest

    @property
    def is_strong(self) -> bool:
        """Whether it is the digest of anything."""
        return self.digest not in _EMPTY_FILES


class Process(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="process"):
    """One run of a program; ``host`` and ``account`` are identifiers of theirs."""

    pid: int | None = None
    parent_pid: int | None = None
    image: str = ""
    command_line: str = ""
    created_at: datetime | None = None
    host: str = ""
    account: str = ""

    @property
    def identifier(self) -> str:
        """Image or command line, and the number; numbers are used again."""
        what = self.image or self.command_line
        return what if self.pid is None else f"{what} ({self.pid})".strip()


class AzureResource(
    _Entity, frozen=True, kw_only=True, omit_defaults=True, tag="azure-resource"
):
    """A resource, group or subscription by its canonical ARM id."""

    resource: str

    @property
    def identifier(self) -> str:
        """The ARM id."""
        return self.resource

    @property
    def is_strong(self) -> bool:
        """Whether it is one resource: a subscription is no one thing."""
        return resource.whole(self.resource) is not None


class Mailbox(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="mailbox"):
    """A mailbox; ``address`` and ``upn`` are normalised, ``object_id`` is Entra's."""

    address: str = ""
    upn: str = ""
    object_id: str = ""
    name: str = ""

    @property
    def identifier(self) -> str:
        """Object id, address or UPN; else the name."""
        return self.object_id or self.address or self.upn or self.name

    @property
    def is_strong(self) -> bool:
        """Whether one of the three was given."""
        return bool(self.object_id or self.address or self.upn)


class CloudApplication(
    _Entity, frozen=True, kw_only=True, omit_defaults=True, tag="cloud-application"
):
    """A SaaS product: its id in Defender for Cloud Apps, and whose instance it is."""

    app_id: str = ""
    name: str = ""
    instance: str = ""

    @property
    def identifier(self) -> str:
        """The product's name, else its id, and the instance."""
        product = self.name or self.app_id
        return f"{product} ({self.instance})" if self.instance else product


class Named(_Entity, frozen=True, kw_only=True, omit_defaults=True, tag="named"):
    """Any other entity: what it is, what it is called, and what else was said."""

    kind: str
    name: str
    attributes: dict[str, str] = {}
    strong: bool = False

    def __hash__(self) -> int:
        """The same for equal entities, although one of the fields has no hash."""
        return hash((self.kind, self.name, frozenset(self.attributes.items())))

    @property
    def identifier(self) -> str:
        """Its name."""
        return self.name

    @property
    def is_strong(self) -> bool:
        """Whether the reader of its kind vouches for the name."""
        return self.strong


Entity = (
    Account
    | Host
    | Ip
    | Url
    | Dns
    | FileHash
    | Process
    | AzureResource
    | Mailbox
    | CloudApplication
    | Named
)
