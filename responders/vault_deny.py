"""Closes key vaults to the public network, and opens them again (remote-apis-azure.md 7b).

``publicNetworkAccess`` overrides the vault's firewall rules and leaves them as they are,
so that one property is all there is to put back. Private endpoints and services that the
vault trusts stay. It keeps the app out as well, ``secret-disable`` among it, where that
does not come by a private endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from responders.sides.switches import Switch, Switching
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping


class VaultDeny(Switching):
    """A ``Doer``; a target is a key vault."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Nothing is to be set."""

    use = "vault-deny"
    read = Permission(Api.ARM, "Microsoft.KeyVault/vaults/read", "the vaults of alerts")
    # It could make access policies as well: an approver should know.
    write = Permission(
        Api.ARM, "Microsoft.KeyVault/vaults/write", "the same; it is broad"
    )
    permissions: tuple[Permission, ...] = (read, write)
    switches: Mapping[str, Switch] = {
        "network": Switch(
            "microsoft.keyvault/vaults",
            "publicNetworkAccess",
            off="Disabled",
            usual="Enabled",
            says="Close {} to the public network; private endpoints stay",
        )
    }
