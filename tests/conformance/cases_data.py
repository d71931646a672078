"""Doers of databases and registries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.entity import Ip
from tests.conformance.cases_storage import change, remove
from tests.conformance.doer_case import DoerCase, alert, attack
from tests.fakes.azure import REGISTRY, SQL, WEB01

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.deed import Deed
    from tests.fakes.azure import Azure

_UNCLEAR = (
    alert(WEB01),
    alert(None, {"Type": "host", "HostName": "sql-crm"}),
    alert(SQL.partition("/providers/")[0]),
)

_OFFICE = "198.51.100.7"


def _widen(side: Azure, deed: Deed) -> None:
    """Somebody makes a rule of that name, for everybody."""
    rule = deed.content["rule"]
    properties = {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}
    side.outside.manager.resources.write(
        {
            "id": rule,
            "name": "office",
            "type": "Microsoft.Sql/servers/firewallRules",
            "properties": properties,
        }
    )


DATA: Mapping[str, DoerCase] = {
    "sql-rule-remove": DoerCase(
        settings={},
        alerts=lambda: [attack(SQL, _OFFICE)],
        unclear=lambda: [
            *_UNCLEAR,
            alert(SQL),
            # No rule lets it in.
            attack(SQL),
            replace(attack(SQL), entities=(Ip(address="198.51.100.7"),)),
        ],
        method="DELETE",
        resource="firewallRules",
        drift=_widen,
    ),
    "registry-token-disable": DoerCase(
        settings={"tokens": ["ci-push"]},
        alerts=lambda: [alert(REGISTRY)],
        unclear=lambda: _UNCLEAR,
        method="PATCH",
        resource="tokens",
        drift=lambda side, deed: change(side, deed.resources[0], status="quarantined"),
    ),
    "sql-public-off": DoerCase(
        settings={},
        # Its databases are reached by way of it.
        alerts=lambda: [alert(f"{SQL}/databases/crm")],
        unclear=lambda: _UNCLEAR,
        method="PATCH",
        resource="servers",
        gone=lambda _: alert(f"{SQL}-gone"),
        drift=remove,
        heals=False,
    ),
}
