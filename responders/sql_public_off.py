"""Closes SQL servers to the public network, and opens them again.

Private endpoints stay. Sessions that are open may live on [unverified], and a server
without a private endpoint may refuse [unverified] (remote-apis-azure.md 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from responders.sides.switches import Switch, Switching
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping


class SqlPublicOff(Switching):
    """A ``Doer``; a target is a logical server, also where a database of it is meant."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Nothing is to be set."""

    use = "sql-public-off"
    read = Permission(Api.ARM, "Microsoft.Sql/servers/read", "the servers of alerts")
    write = Permission(Api.ARM, "Microsoft.Sql/servers/write", "the same; it is broad")
    permissions: tuple[Permission, ...] = (read, write)
    switches: Mapping[str, Switch] = {
        "network": Switch(
            "microsoft.sql/servers",
            "publicNetworkAccess",
            off="Disabled",
            usual="Enabled",
            says="Close {} and all its databases to the public network",
        )
    }
