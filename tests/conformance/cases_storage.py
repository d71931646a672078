"""Doers of storage accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.entity import Named
from tests.conformance.doer_case import DoerCase, alert
from tests.fakes.azure import LAKE, WEB01

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.alert import AlertRow
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

_BLOBS = "https://lake7.blob.core.windows.net"
_BLOB = "exports/tools/miner.exe"


def infected(name: str = _BLOB, resource_id: str | None = LAKE) -> AlertRow:
    """An alert that names a blob by its address at the stand-in."""
    return replace(
        alert(resource_id),
        entities=(Named(kind="blob", name=f"{_BLOBS}/{name}", strong=True),),
    )


def _overwrite(side: Azure, _: Deed) -> None:
    """Somebody puts another blob at that place: nobody can force it back."""
    side.outside.blob.put(f"lake7/{_BLOB}", 1, "b3RoZXI=")


def _put(side: Azure) -> None:
    side.outside.blob.put(f"lake7/{_BLOB}", 4096, "bWluZXI=")


STORAGE: Mapping[str, DoerCase] = {
    "blob-quarantine": DoerCase(
        settings={"container": "quarantine"},
        alerts=lambda: [infected()],
        unclear=lambda: [
            *_UNCLEAR,
            alert(LAKE),
            # Of no account that the alert is about, of another host, no blob at all.
            infected(resource_id=WEB01),
            infected("exports"),
        ],
        arrange=_put,
        side="blob",
        method="PUT",
        resource="/lake7/",
        drift=_overwrite,
        heals=False,
    ),
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
