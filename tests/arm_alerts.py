"""Alerts as Azure Resource Manager lists them: the default one, for tests to change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from tests.alerts import NOON, SUBSCRIPTION, alert_id, stamp, vm


def arm_alert(
    number: int = 1,
    *,
    at: datetime = NOON,
    subscription: str = SUBSCRIPTION,
    **changes: Any,  # noqa: ANN401  JSON
) -> dict[str, Any]:
    """The web shell of ``defender_alert``, finished half a minute after ``at``."""
    name = alert_id(number, at)
    properties = {
        "version": "2022-01-01.0",
        "alertType": "VM_WebShellDetected",
        "systemAlertId": name,
        "alertDisplayName": "Possible web shell detected",
        "description": "A web shell was found.",
        "severity": "High",
        "status": "Active",
        "intent": "Persistence",
        "startTimeUtc": stamp(at),
        "endTimeUtc": stamp(at),
        "timeGeneratedUtc": stamp(at + timedelta(seconds=40)),
        "processingEndTimeUtc": stamp(at + timedelta(seconds=30)),
        "resourceIdentifiers": [
            {
                "$id": "2",
                "azureResourceId": vm(subscription=subscription),
                "type": "AzureResource",
            }
        ],
        "entities": [{"$id": "westeurope_4", "hostName": "vm-web-01", "type": "host"}],
        **changes,
    }
    return {
        "id": f"/subscriptions/{subscription}/providers/Microsoft.Security"
        f"/locations/westeurope/alerts/{name}",
        "name": name,
        "type": "Microsoft.Security/Locations/alerts",
        "properties": properties,
    }


def arm_page(*alerts: dict[str, Any]) -> bytes:
    """A page of a list, the last one."""
    return msgspec.json.encode({"value": alerts})
