"""Key vaults, as Resource Manager has them: who reaches them, and who may what in them.

(remote-apis-azure.md 7b and 7c)
"""

from __future__ import annotations

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
from devhost.outside.azure.resources import name_of, parent_of
from devhost.outside.azure.storage import demand_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devhost.outside.azure.resources import Document

VERSION = "2023-07-01"
MOST_POLICIES = 16


class Vault(Kind):
    """A vault. A PATCH with access policies replaces them all. It has no etag."""

    type = "Microsoft.KeyVault/vaults"
    version = VERSION

    def shown(self, asked: Asked, document: Document) -> Document:
        # Where the stand-in has it: whoever reads the address goes there.
        return changed(document, vaultUri=f"{asked.origin}/vault/{document['name']}/")

    def patch(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        if given.get("publicNetworkAccess", "Enabled") not in {"Enabled", "Disabled"}:
            raise bad("publicNetworkAccess is neither Enabled nor Disabled")
        if "networkAcls" in given:
            demand_rules(given["networkAcls"])
        if "accessPolicies" in given:
            _policies(given["accessPolicies"])
        after = changed(old, **given)
        if "tags" in asked.body:
            after["tags"] = tags_of(asked.body)
        return Change(after, How.AT_ONCE, 200)


class AccessPolicies(Kind):
    """`accessPolicies/add` and `/remove`: what is done to the policies of a vault."""

    type = "Microsoft.KeyVault/vaults/accessPolicies"
    version = VERSION

    def put(self, asked: Asked) -> Change:
        vault = asked.resources.find(parent_of(asked.id))
        if vault is None:
            raise Refused(404, "ResourceNotFound", "the vault is not there")
        given = _policies(properties_of(asked.body).get("accessPolicies"))
        known = vault["properties"].get("accessPolicies") or []
        match name_of(asked.id):
            case "add":
                policies = _added(known, given)
            case "remove":
                policies = _removed(known, given)
            case other:
                raise bad(f"{other} is not served here")
        after = changed(vault, accessPolicies=policies)
        answer = {"id": asked.id, "properties": {"accessPolicies": policies}}
        return Change(after, How.AT_ONCE, 200, answer=answer)


def is_reachable(vault: Document, address: str) -> bool:
    """Whether a vault answers this address."""
    properties = vault["properties"]
    if properties.get("publicNetworkAccess") == "Disabled":
        return False
    acls = properties.get("networkAcls") or {}
    return acls.get("defaultAction", "Allow") == "Allow" or any(
        rule["value"].partition("/")[0] == address for rule in acls.get("ipRules") or []
    )


def _policies(given: object) -> list[Document]:
    """The policies of a body, each whole."""
    if not isinstance(given, list) or len(given) > MOST_POLICIES:
        raise bad(f"accessPolicies are at most {MOST_POLICIES}")
    for each in given:
        if not isinstance(each, dict) or not all(
            isinstance(each.get(name), kind)
            for name, kind in (
                ("tenantId", str),
                ("objectId", str),
                ("permissions", dict),
            )
        ):
            raise bad("an access policy has tenantId, objectId and permissions")
    return given


def _key(policy: Document) -> tuple[Any, ...]:
    return policy["tenantId"], policy["objectId"], policy.get("applicationId")


def _added(known: Iterable[Document], given: Iterable[Document]) -> list[Document]:
    """The policies with what these allow besides."""
    policies = {_key(each): each for each in known}
    for each in given:
        old = policies.get(_key(each), {**each, "permissions": {}})
        permissions = {**old["permissions"]}
        for kind, words in each["permissions"].items():
            more = [w for w in words if w not in permissions.get(kind, [])]
            permissions[kind] = [*permissions.get(kind, []), *more]
        policies[_key(each)] = {**old, "permissions": permissions}
    return [*policies.values()]


def _removed(known: Iterable[Document], given: Iterable[Document]) -> list[Document]:
    """The policies without what these allow; one that allows nothing is gone."""
    policies = {_key(each): each for each in known}
    for each in given:
        old = policies.pop(_key(each), None)
        if old is None:
            continue
        permissions = {
            kind: [w for w in words if w not in each["permissions"].get(kind, [])]
            for kind, words in old["permissions"].items()
        }
        if any(permissions.values()):
            policies[_key(each)] = {**old, "permissions": permissions}
    return [*policies.values()]
