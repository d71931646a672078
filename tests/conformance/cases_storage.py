"""Doers of storage accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.doer_case import DoerCase, alert
from tests.fakes.azure import LAKE, WEB01

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.deed import Deed
    from tests.fakes.azure import Azure


def change(side: Azure, resource_id: str, **properties: object) -> None:
    """Somebody sets properties of a resource."""
    resources = side.outside.manager.resources
    found = resources.find(resource_id)
    assert found is not None
    resources.write({**found, "properties": {**found["properties"], **properties}})


def remove(side: Azure, deed: Deed) -> None:
    """Somebody deletes the resource: nobody can force it back."""
    side.outside.manager.resources.remove(deed.resources[0])


# An account of that name may be anybody's.
_UNCLEAR = (
    alert(None, {"Type": "host", "HostName": "lake7"}),
    alert(WEB01),
    alert(LAKE.partition("/providers/")[0]),
)

STORAGE: Mapping[str, DoerCase] = {
    "key-rotate": DoerCase(
        settings={"keys": ["key1"]},
        alerts=lambda: [alert(LAKE)],
        unclear=lambda: _UNCLEAR,
        method="POST",
        resource="regenerateKey",
        reversible=False,
    ),
    "storage-keys-off": DoerCase(
        settings={},
        alerts=lambda: [alert(LAKE)],
        unclear=lambda: _UNCLEAR,
        method="PATCH",
        resource="storageAccounts",
        # An account cannot be made to say nothing again.
        arrange=lambda side: change(side, LAKE, allowSharedKeyAccess=True),
        drift=remove,
        heals=False,
    ),
    "storage-public-off": DoerCase(
        settings={"access": "network"},
        alerts=lambda: [alert(LAKE)],
        unclear=lambda: _UNCLEAR,
        method="PATCH",
        resource="storageAccounts",
        drift=lambda side, deed: change(
            side, deed.resources[0], publicNetworkAccess="SecuredByPerimeter"
        ),
    ),
}
