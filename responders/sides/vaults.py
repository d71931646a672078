"""Versions of secrets and keys: which there are, and where each is changed.

Nothing here reads a value, or may: the version's own address is for PATCH alone.
(remote-apis-azure.md 7a)
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from shared.model.errors import FailureReason, PermanentFailure

if TYPE_CHECKING:
    from shared.model.rest import Rest

VERSION = "7.5"
READ = "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
READ_KEYS = "Microsoft.KeyVault/vaults/keys/read"

_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_VERSION = re.compile(r"[0-9A-Za-z]{1,64}")


class Held(StrEnum):
    """What a vault holds that has versions, as its paths name it."""

    SECRET = "secrets"  # noqa: S105  a path
    KEY = "keys"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version, without its value; ``updated`` is when it was last changed.

    One that ``is_managed`` is the other half of a certificate, and is disabled through
    that.
    """

    name: str
    version: str
    is_enabled: bool
    is_managed: bool
    updated: int


async def versions(vault: Rest, name: str, held: Held = Held.SECRET) -> list[Version]:
    """Every version of a secret or a key, the one changed last first.

    Raises PermanentFailure, INVALID, for a name that is none and for a list that is
    not understood; and what ``vault`` raises.
    """
    permission = READ if held is Held.SECRET else READ_KEYS
    path = f"/{held}/{_named(name)}/versions?api-version={VERSION}"
    listed = await vault.list_all(path, permission=permission)
    found = [_read(each, held) for each in listed]
    return sorted(found, key=lambda each: each.updated, reverse=True)


def at(name: str, version: str, held: Held = Held.SECRET) -> str:
    """The path at which a version is changed, and only that: a GET is its value."""
    if not _VERSION.fullmatch(version):
        raise _invalid("not a version")
    return f"/{held}/{_named(name)}/{version}?api-version={VERSION}"


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _invalid("not a name of anything in a vault")
    return name


def _read(content: dict[str, Any], held: Held) -> Version:
    address = content.get("id" if held is Held.SECRET else "kid")
    attributes = content.get("attributes")
    if not isinstance(address, str) or not isinstance(attributes, dict):
        raise _invalid("Key Vault listed something else than a version")
    *_, name, version = urlsplit(address).path.split("/")
    is_enabled, updated = attributes.get("enabled"), attributes.get("updated", 0)
    if not isinstance(is_enabled, bool) or not isinstance(updated, int):
        raise _invalid("Key Vault listed something else than a version")
    return Version(
        name=name,
        version=version,
        is_enabled=is_enabled,
        is_managed=content.get("managed") is True,
        updated=updated,
    )


def _invalid(what: str) -> PermanentFailure:
    return PermanentFailure(FailureReason.INVALID, what)
