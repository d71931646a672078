"""Blobs that alerts name, by their addresses: which, and where in their account."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from responders.sides.arm import at
from shared.model.entity import Named
from shared.model.errors import ActionRefused
from shared.model.permission import Api, Permission
from shared.model.text import CUT_MARK

if TYPE_CHECKING:
    from shared.model.alert import AlertRow
    from shared.model.rest import Rest

FIND = Permission(
    Api.ARM, "Microsoft.Storage/storageAccounts/read", "the accounts of alerts"
)


def named(alert: AlertRow) -> list[str]:
    """The addresses of blobs that an alert names, whole."""
    return [
        entity.name
        for entity in alert.entities
        if isinstance(entity, Named)
        and entity.kind == "blob"
        and entity.strong
        and not entity.name.endswith(CUT_MARK)
    ]


def path_in(account: str, url: str) -> str:
    """The path of a blob of an account of that name; empty where it is none of its.

    Where the account is asked, Resource Manager says. What stands behind the path, such
    as a signature, is not repeated.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    name, _, rest = host.partition(".")
    if parts.scheme != "https" or name != account or ".blob." not in f".{rest}":
        return ""
    path = quote(unquote(parts.path))
    return path if path.count("/") >= 2 and not path.endswith("/") else ""


async def address(arm: Rest, account: str) -> str:
    """Where an account has its blobs, as Resource Manager says.

    Raises ActionRefused where it is gone or has none, and what ``arm`` raises.
    """
    found = await arm.find(at(account), permission=FIND.action)
    if found is None:
        raise ActionRefused("the account is gone")
    properties = found.content.get("properties")
    ends = properties.get("primaryEndpoints") if isinstance(properties, dict) else None
    uri = ends.get("blob") if isinstance(ends, dict) else None
    if not isinstance(uri, str):
        raise ActionRefused("the account has no blobs")
    return uri


def by_hand(*, uri: str, path: str, kept: str) -> tuple[str, ...]:
    """The commands that copy a blob back, and delete what is kept of it."""
    place, copy = (f"'{uri.rstrip('/')}{each}'" for each in (path, kept))
    return (
        f"az storage copy --auth-mode login --source {copy} --destination {place}",
        f"az storage blob delete --auth-mode login --blob-url {copy}",
    )
