"""Doers of key vaults and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.cases_storage import change
from tests.conformance.doer_case import DoerCase, alert
from tests.fakes.azure import VAULT, WEB01

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.deed import Deed
    from tests.fakes.azure import Azure

_OTHER = VAULT.replace("kv-core", "kv-c0re")


def _purge(side: Azure, deed: Deed) -> None:
    """Somebody does away with a version: nobody can force it back."""
    versions = side.outside.vault.versions
    name = f"secrets/{deed.content['secret']}/"
    one = next(key for key in versions.state() if name in key)
    versions.remove(one)


VAULTS: Mapping[str, DoerCase] = {
    "vault-deny": DoerCase(
        settings={},
        alerts=lambda: [alert(VAULT)],
        unclear=lambda: [
            alert(WEB01),
            alert(None, {"Type": "host", "HostName": "kv-core"}),
        ],
        method="PATCH",
        resource="vaults",
        drift=lambda side, deed: change(
            side, deed.resources[0], publicNetworkAccess="SecuredByPerimeter"
        ),
    ),
    "secret-disable": DoerCase(
        settings={"secrets": {"KV-Core": ["db-crm"], "kv-core-gone": ["db-crm"]}},
        alerts=lambda: [alert(VAULT)],
        # A vault of another name, whatever it looks like.
        unclear=lambda: [
            alert(_OTHER),
            alert(WEB01),
            alert(None, {"Type": "host", "HostName": "kv-core"}),
        ],
        side="vault",
        method="PATCH",
        resource="secrets",
        drift=_purge,
        heals=False,
    ),
}
