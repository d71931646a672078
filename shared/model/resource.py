"""Azure Resource Manager ids, compared as Azure means them."""

from __future__ import annotations

import re
from functools import lru_cache

TENANT_SCOPE = "tenant"

# Longer than any that Azure gives; a head holds fifty of them and must fit a row.
LONGEST = 1_000

_SUBSCRIPTION = re.compile(
    r"^/subscriptions/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?=/|$)"
)
_GROUP = re.compile(r"^/subscriptions/[^/]+/resourcegroups/([^/]+)(?=/|$)")
_RESOURCE = re.compile(
    r"^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+)(?=/|$)"
)


def canonical(resource_id: str) -> str | None:
    """The id in the one form that is compared, or None where it is not an ARM id.

    ARM ids have no case, and alerts carry every mixture of it (wire-formats.md 1.1).
    """
    # An alert names the same few ids over and over, and so do alerts; none is large.
    read = _canonical if len(resource_id) <= LONGEST else _canonical.__wrapped__
    return read(resource_id)


@lru_cache(maxsize=4096)
def _canonical(resource_id: str) -> str | None:
    lowered = resource_id.strip().rstrip("/").lower()
    if len(lowered) > LONGEST or not lowered.isprintable():
        return None
    return lowered if _SUBSCRIPTION.match(lowered) else None


def whole_id(resource_id: str) -> str | None:
    """The canonical id, where it has all its parts; else None."""
    read = _whole_id if len(resource_id) <= LONGEST else _whole_id.__wrapped__
    return read(resource_id)


@lru_cache(maxsize=4096)
def _whole_id(resource_id: str) -> str | None:
    known = canonical(resource_id)
    return known if known is not None and is_whole(known) else None


def is_whole(canonical_id: str) -> bool:
    """Whether the id has all its parts: what provides a resource, its type, its name.

    A subscription and a resource group are whole too.
    """
    _, _, _, *rest = canonical_id.split("/")
    if rest[:1] == ["resourcegroups"]:
        rest = rest[2:] if len(rest) > 1 and rest[1] else [""]
    if rest and rest[0] != "providers":
        return False
    place = 0
    while place < len(rest):
        # A provider and the first type and name, or a child's type and name.
        place += 4 if rest[place] == "providers" else 2
    return place == len(rest) and all(rest)


def subscription(canonical_id: str) -> str:
    """The subscription of a canonical id; ``tenant`` where there is none."""
    found = _SUBSCRIPTION.match(canonical_id)
    return found[1] if found else TENANT_SCOPE


def whole(canonical_id: str) -> str | None:
    """The resource people mean: the scale set of an instance, the server of a database.

    None for a subscription or a resource group: what happens there is not one thing
    happening to one resource.
    """
    found = _RESOURCE.match(canonical_id)
    return found[1] if found else None


def group(canonical_id: str) -> str:
    """The name of the resource group it is in; empty where it is in none."""
    found = _GROUP.match(canonical_id)
    return found[1] if found else ""


def type_of(canonical_id: str) -> str:
    """Its type as Azure writes it, such as ``microsoft.compute/virtualmachines``.

    A child's is whole, ``microsoft.sql/servers/databases``. Empty for a subscription or
    a resource group.
    """
    _, found, rest = canonical_id.rpartition("/providers/")
    provider, *parts = rest.split("/")
    return "/".join([provider, *parts[::2]]) if found else ""


def display_name(canonical_id: str) -> str:
    """The last name of the id, for people; never an identity."""
    return canonical_id.rsplit("/", 1)[-1]
