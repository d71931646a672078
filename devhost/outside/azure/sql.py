"""SQL servers, and which addresses reach them.

(remote-apis-azure.md 8)
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

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
)
from devhost.outside.azure.resources import name_of, parent_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devhost.outside.azure.resources import Document

VERSION = "2021-11-01"
LONGEST_NAME = 128  # [unverified]


class Server(Kind):
    """A logical server. It has no etag."""

    type = "Microsoft.Sql/servers"
    version = VERSION

    def patch(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        access = given.get("publicNetworkAccess", "Enabled")
        if access not in {"Enabled", "Disabled"}:
            raise bad("publicNetworkAccess is neither Enabled nor Disabled")
        return Change(changed(old, **given), How.BY_OPERATION, 202)


class FirewallRule(Kind):
    """Addresses that are let in. A PUT of the list would replace them all: not served."""

    type = "Microsoft.Sql/servers/firewallRules"
    version = VERSION

    def listed(self, asked: Asked) -> list[Document]:
        if asked.resources.find(asked.id) is None:
            raise Refused(404, "ParentResourceNotFound", "the server is not there")
        return super().listed(asked)

    def put(self, asked: Asked) -> Change:
        if asked.resources.find(parent_of(asked.id)) is None:
            raise Refused(404, "ParentResourceNotFound", "the server is not there")
        given = properties_of(asked.body)
        first, last = (_address(given, n) for n in ("startIpAddress", "endIpAddress"))
        if last < first or len(name_of(asked.id)) > LONGEST_NAME:
            raise bad("the range ends before it begins", "InvalidParameterValue")
        document = {
            "id": asked.id,
            "name": name_of(asked.id),
            "type": self.type,
            "properties": {"startIpAddress": str(first), "endIpAddress": str(last)},
        }
        return Change(document, How.AT_ONCE, 201 if asked.old is None else 200)

    def delete(self, asked: Asked) -> Change:  # noqa: ARG002  all are alike
        return Change(None, How.AT_ONCE, 200)


def _address(given: Mapping[str, object], name: str) -> IPv4Address:
    try:
        return IPv4Address(str(given.get(name)))
    except ValueError:
        raise bad(f"{name} is no IPv4 address", "InvalidParameterValue") from None
