"""Has storage accounts take no keys, and take them again (remote-apis-azure.md 6b).

Account keys and every signature made with one are refused then; signing in with Entra, and
signatures that users' keys made, go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from responders.sides.switches import Switch, Switching
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping


class StorageKeysOff(Switching):
    """A ``Doer``; a target is a storage account."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Nothing is to be set."""

    use = "storage-keys-off"
    read = Permission(
        Api.ARM, "Microsoft.Storage/storageAccounts/read", "the accounts of alerts"
    )
    write = Permission(
        Api.ARM, "Microsoft.Storage/storageAccounts/write", "the same; it is broad"
    )
    permissions: tuple[Permission, ...] = (read, write)
    switches: Mapping[str, Switch] = {
        "keys": Switch(
            "microsoft.storage/storageaccounts",
            "allowSharedKeyAccess",
            off=False,
            usual=True,
            says="Have {} take no keys, and no signatures made with them",
        )
    }
