"""Doers of machines on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.entity import Ip
from tests.conformance.doer_case import ATTACKER, DoerCase, alert, attack
from tests.fakes.azure import NSG, QUARANTINE, WEB01

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.deed import Deed
    from tests.fakes.azure import Azure


def _regroup(side: Azure, deed: Deed) -> None:
    """Somebody gives the interface another security group."""
    nic = deed.content["interfaces"][0]
    found = side.outside.manager.resources.find(nic)
    assert found is not None
    other = NSG.replace("nsg-web", "nsg-vnet-shop")
    properties = {**found["properties"], "networkSecurityGroup": {"id": other}}
    side.outside.manager.resources.write({**found, "properties": properties})


def _rewrite(side: Azure, deed: Deed) -> None:
    """Somebody has the rule allow what it denied."""
    group = side.outside.manager.resources.find(deed.content["group"])
    assert group is not None
    rules = [
        {**rule, "properties": {**rule["properties"], "access": "Allow"}}
        if rule["name"] == deed.content["rule"]
        else rule
        for rule in group["properties"]["securityRules"]
    ]
    properties = {**group["properties"], "securityRules": rules}
    side.outside.manager.resources.write({**group, "properties": properties})


_SET = f"{WEB01.rpartition('/virtualMachines')[0]}/virtualMachineScaleSets/web/virtualMachines/0"

NETWORK: Mapping[str, DoerCase] = {
    "vm-quarantine": DoerCase(
        settings={"groups": [QUARANTINE]},
        alerts=lambda: [alert()],
        unclear=lambda: [
            alert(None, {"HostName": "web01", "Type": "host"}),
            alert(_SET),
        ],
        resource="networkInterfaces",
        drift=_regroup,
    ),
    "nsg-deny": DoerCase(
        settings={},
        alerts=lambda: [attack()],
        unclear=lambda: [
            attack(None),
            attack(_SET),
            replace(alert(), entities=(Ip(address="10.0.0.4"),)),
            replace(
                alert(),
                entities=(Ip(address=ATTACKER, is_public=True, is_asset=True),),
            ),
        ],
        resource="securityRules",
        drift=_rewrite,
    ),
}
