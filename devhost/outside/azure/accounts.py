"""Accounts of Graph: how they are found, shown and changed, and who may.

(remote-apis-azure.md 13)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiohttp import web

    from devhost.outside.azure.resources import Document

# What a user is shown with where nothing is selected: not whether it is enabled.
USUAL = (
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
)
# The application permissions of which one is needed, the least first.
READS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All")
DISABLES = ("User.EnableDisableAccount.All", "User.ReadWrite.All")
REVOKES = ("User.RevokeSessions.All",)
READS_RISK = ("IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All")
SETS_RISK = ("IdentityRiskyUser.ReadWrite.All",)
CHANGES_PRINCIPALS = ("Application.ReadWrite.OwnedBy", "Application.ReadWrite.All")
READS_PRINCIPALS = ("Application.Read.All", *CHANGES_PRINCIPALS)

_FILTER = re.compile(r"(userPrincipalName|mail|id|appId) eq '((?:[^']|'')*)'")
_PATCHABLE = {"accountEnabled"}


def filled(documents: Iterable[Document]) -> Resources:
    """Accounts by their ids; one of which nothing else is said is enabled."""
    accounts = Resources()
    for each in documents:
        accounts.write({"accountEnabled": True, **each})
    return accounts


def filtered(request: web.Request, accounts: Resources) -> list[Document]:
    """The accounts that a filter by one field finds."""
    found = _FILTER.fullmatch(request.query.get("$filter", ""))
    if found is None:
        raise bad("only one field can be filtered by here, by eq")
    value = found[2].replace("''", "'").lower()
    known = accounts.state().values()
    return [each for each in known if str(each.get(found[1], "")).lower() == value]


def selected(
    request: web.Request, document: Mapping[str, Any], usual: Iterable[str]
) -> dict[str, Any]:
    """What is asked for of a document; what is not known of it is null."""
    names = [n for n in request.query.get("$select", "").split(",") if n] or [*usual]
    return {name: document.get(name) for name in names} if names else {**document}


def enabled(body: Mapping[str, Any]) -> bool:
    """What a PATCH says of an account; nothing else of it is changed here."""
    is_enabled = body.get("accountEnabled")
    if set(body) != _PATCHABLE or not isinstance(is_enabled, bool):
        raise bad("only accountEnabled can be patched here")
    return is_enabled


def absent(account: str) -> Refused:
    """There is no such account."""
    return Refused(
        404, "Request_ResourceNotFound", f"Resource '{account}' does not exist"
    )


def bad(problem: str) -> Refused:
    """The request is not what it should be."""
    return Refused(400, "Request_BadRequest", problem)
