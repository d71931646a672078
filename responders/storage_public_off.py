"""Takes storage accounts out of the public's reach, and back (remote-apis-azure.md 6c, 6f).

Either nobody reads blobs without signing in, or nobody comes from the internet at all.
The first breaks nothing that signs in, and is what leaks of public containers need; the
second keeps everybody out who does not come by a private endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from responders.sides.switches import Switch, Switching
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCOUNT = "microsoft.storage/storageaccounts"


class StoragePublicOff(Switching):
    """A ``Doer``; a target is a storage account."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``access`` is what is taken away.

        Reading ``blobs`` without signing in, or coming by the public ``network`` at all.
        """

        access: Literal["blobs", "network"] = "blobs"

    use = "storage-public-off"
    read = Permission(
        Api.ARM, "Microsoft.Storage/storageAccounts/read", "the accounts of alerts"
    )
    write = Permission(
        Api.ARM, "Microsoft.Storage/storageAccounts/write", "the same; it is broad"
    )
    permissions: tuple[Permission, ...] = (read, write)
    switches: Mapping[str, Switch] = {
        # What an account counts as that does not say it changed over the years: one that
        # was put back to the wrong one would be open.
        "blobs": Switch(
            _ACCOUNT,
            "allowBlobPublicAccess",
            off=False,
            usual=None,
            says="Let nobody read blobs of {} without signing in",
        ),
        "network": Switch(
            _ACCOUNT,
            "publicNetworkAccess",
            off="Disabled",
            usual="Enabled",
            says="Close {} to the public network; private endpoints stay",
        ),
    }

    @property
    def chosen(self) -> str:
        """As the policy says."""
        return self._config.access if self._config else "blobs"
