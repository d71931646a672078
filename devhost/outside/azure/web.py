"""Web apps: whether they run, and whom they let in.

(remote-apis-azure.md 9)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    changed,
    existing,
    properties_of,
)
from devhost.outside.azure.resources import name_of, parent_of

if TYPE_CHECKING:
    from devhost.outside.azure.kinds import Read
    from devhost.outside.azure.resources import Document

VERSION = "2023-12-01"

_ANYBODY = {
    "ipAddress": "Any",
    "action": "Allow",
    "priority": 2147483647,
    "name": "Allow all",
    "description": "Allow all access",
}


class Site(Kind):
    """A web app or function app; its slots are of another type, and not served."""

    type = "Microsoft.Web/sites"
    version = VERSION

    def shown(self, asked: Asked, document: Document) -> Document:  # noqa: ARG002
        return changed(document, **{"state": "Running", **document["properties"]})


class Config(Kind):
    """`config/web` of a site. A list that is patched is replaced as a whole."""

    type = "Microsoft.Web/sites/config"
    version = VERSION

    def found(self, read: Read, resource_id: str) -> Document | None:
        if name_of(resource_id) != "web" or read(parent_of(resource_id)) is None:
            return None
        properties: dict[str, Any] = {
            "ipSecurityRestrictions": [_ANYBODY],
            "scmIpSecurityRestrictions": [_ANYBODY],
            "scmIpSecurityRestrictionsUseMain": False,
        }
        made = {"id": resource_id, "name": "web", "properties": properties}
        return read(resource_id) or {**made, "type": self.type}

    def patch(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        for name in ("ipSecurityRestrictions", "scmIpSecurityRestrictions"):
            _demand_restrictions(given.get(name, []))
        default = given.get("ipSecurityRestrictionsDefaultAction", "Allow")
        if default not in {"Allow", "Deny"}:
            raise bad("ipSecurityRestrictionsDefaultAction is neither Allow nor Deny")
        return Change(changed(old, **given), How.AT_ONCE, 200)


class PublishingPolicy(Kind):
    """Whether one may publish by name and password: `scm` or `ftp`."""

    type = "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
    version = VERSION

    def found(self, read: Read, resource_id: str) -> Document | None:
        if name_of(resource_id) not in {"scm", "ftp"}:
            return None
        if read(parent_of(resource_id)) is None:
            return None
        made = {"id": resource_id, "name": name_of(resource_id), "type": self.type}
        return read(resource_id) or {**made, "properties": {"allow": True}}

    def put(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        if not isinstance(given.get("allow"), bool):
            raise bad("allow is neither true nor false")
        return Change(changed(old, allow=given["allow"]), How.AT_ONCE, 200)


def _demand_restrictions(given: object) -> None:
    if not isinstance(given, list):
        raise bad("restrictions are a list")
    for each in given:
        is_one = isinstance(each, dict) and each.get("action") in {"Allow", "Deny"}
        if not is_one or not isinstance(each.get("priority"), int):
            raise bad("a restriction has an action and a priority")
        if "subnetMask" in each:
            raise bad("networks are written with a slash")


def _run(state: str, asked: Asked) -> Change:
    return Change(changed(existing(asked), state=state), How.AT_ONCE, 200, answer={})


Site.acts = {
    "stop": lambda asked: _run("Stopped", asked),
    "start": lambda asked: _run("Running", asked),
}
