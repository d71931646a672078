"""Storage accounts and their containers.

(remote-apis-azure.md 6)
"""

from __future__ import annotations

import secrets
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    changed,
    existing,
    properties_of,
    tags_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devhost.outside.azure.resources import Document

VERSION = "2023-05-01"
KEYS = ("key1", "key2", "kerb1", "kerb2")

_ENUMS = {
    "publicNetworkAccess": ("Enabled", "Disabled", "SecuredByPerimeter"),
    "publicAccess": ("None", "Blob", "Container"),
}
_FLAGS = ("allowSharedKeyAccess", "allowBlobPublicAccess")


class Account(Kind):
    """A storage account; what a PATCH leaves out stays as it is. It has no etag."""

    type = "Microsoft.Storage/storageAccounts"
    version = VERSION

    def shown(self, asked: Asked, document: Document) -> Document:
        # Where the stand-in has them: whoever reads the address goes there.
        blobs = f"{asked.origin}/blob/{document['name']}/"
        return changed(document, primaryEndpoints={"blob": blobs})

    def patch(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        for name in _FLAGS:
            if not isinstance(given.get(name, True), bool):
                raise bad(f"{name} is neither true nor false")
        _demand_word(given, "publicNetworkAccess")
        if "networkAcls" in given:
            demand_rules(given["networkAcls"])
        after = changed(old, **given)
        if "tags" in asked.body:
            after["tags"] = tags_of(asked.body)
        return Change(after, How.AT_ONCE, 200)


class Container(Kind):
    """A container of blobs, whom it shows itself to, and what holds it."""

    type = "Microsoft.Storage/storageAccounts/blobServices/containers"
    version = VERSION

    def patch(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        _demand_word(given, "publicAccess")
        account = asked.resources.find(asked.id.partition("/blobServices/")[0])
        is_allowed = (account or old)["properties"].get("allowBlobPublicAccess", True)
        if given.get("publicAccess", "None") != "None" and not is_allowed:
            # [unverified code]
            raise Refused(
                409, "PublicAccessNotPermitted", "the account does not let it"
            )
        return Change(changed(old, **given), How.AT_ONCE, 200)


def regenerate(asked: Asked) -> Change:
    """Make one key anew, and show all of them in clear."""
    account = existing(asked)
    key = asked.body.get("keyName")
    if key not in KEYS:
        raise bad("keyName is none of " + ", ".join(KEYS))
    made = {**account["properties"].get("keyCreationTime", {})}
    made[key] = f"{asked.now:%Y-%m-%dT%H:%M:%S.%f}0Z"
    shown = [
        {"keyName": name, "value": secrets.token_urlsafe(64), "permissions": "FULL"}
        for name in KEYS[:2]
    ]
    after = changed(account, keyCreationTime=made)
    return Change(after, How.AT_ONCE, 200, answer={"keys": shown})


def revoke(asked: Asked) -> Change:
    """End what was signed with keys of users: nothing that a GET shows."""
    return Change(existing(asked), How.AT_ONCE, 200, answer={})


def hold(asked: Asked) -> Change:
    """Put tags of a legal hold on a container; the same again changes nothing."""
    return _held(asked, lambda known, given: known | given)


def release(asked: Asked) -> Change:
    """Take tags of a legal hold off a container, and nobody else's."""
    return _held(asked, lambda known, given: known - given)


def demand_rules(acls: object) -> None:
    """Refuse network rules that are not whole, or would deny: rules only allow."""
    if not isinstance(acls, dict) or acls.get("defaultAction") not in {"Allow", "Deny"}:
        raise bad("networkAcls: defaultAction is wanted")
    for rule in acls.get("ipRules") or []:
        try:
            IPv4Network(rule["value"], strict=False)
        except (ValueError, TypeError, KeyError):
            raise bad("ipRules: not an IPv4 address") from None
        if rule.get("action", "Allow") != "Allow":
            raise bad("ipRules: they only allow")


def _demand_word(given: Mapping[str, Any], name: str) -> None:
    words = _ENUMS[name]
    if given.get(name, words[0]) not in words:
        raise bad(f"{name} is none of {', '.join(words)}")


def _held(asked: Asked, change: Any) -> Change:  # noqa: ANN401
    container = existing(asked)
    given = asked.body.get("tags")
    if not isinstance(given, list) or not all(
        isinstance(tag, str) and 3 <= len(tag) <= 23 and tag.isalnum() for tag in given
    ):
        raise bad("tags are 3 to 23 letters and digits")
    known = {*(container["properties"].get("legalHold") or {}).get("tags", ())}
    tags = sorted(change(known, {tag.lower() for tag in given}))
    after = changed(
        container,
        legalHold={"hasLegalHold": bool(tags), "tags": tags},
        hasLegalHold=bool(tags),
    )
    if not tags:
        del after["properties"]["legalHold"]
    answer: Document = {"hasLegalHold": bool(tags), "tags": tags}
    return Change(after, How.AT_ONCE, 200, answer=answer)


Account.acts = {"regenerateKey": regenerate, "revokeUserDelegationKeys": revoke}
Container.acts = {"setLegalHold": hold, "clearLegalHold": release}
