"""What comes in: one obvious alert of Defender for Cloud, for tests to change."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from shared import sources
from shared.model.alert import Alert
from shared.model.event import Event

if TYPE_CHECKING:
    from collections.abc import Collection

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
_LAST_TICK = 3_155_378_975_999_999_999
_FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)


def alert_id(number: int = 1, started_at: datetime = NOON) -> str:
    """An id of the real form: ticks that remain until the year 10000, and a GUID."""
    ticks = (started_at - _FIRST_DAY) // timedelta(microseconds=1) * 10
    return f"{_LAST_TICK - ticks}_{uuid.UUID(int=number, version=4)}"


def stamp(at: datetime) -> str:
    """A time as .NET writes it, with seven digits of a second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def vm(name: str = "vm-web-01", subscription: str = SUBSCRIPTION) -> str:
    """The id of a machine, cased as the hub cases it."""
    return (
        f"/SUBSCRIPTIONS/{subscription}/RESOURCEGROUPS/WEB/PROVIDERS"
        f"/MICROSOFT.COMPUTE/VIRTUALMACHINES/{name.upper()}"
    )


def defender_alert(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """A web shell found on one machine, as continuous export sends it.

    A field changed to ``...`` is left out.
    """
    default = {
        "VendorName": "Microsoft",
        "AlertType": "VM_WebShellDetected",
        "ProductName": "Microsoft Defender for Cloud",
        "StartTimeUtc": stamp(NOON),
        "EndTimeUtc": stamp(NOON),
        "TimeGenerated": stamp(NOON + timedelta(seconds=40)),
        "ProcessingEndTime": stamp(NOON + timedelta(seconds=30)),
        "Severity": "High",
        "Status": "New",
        "ProviderAlertStatus": None,
        "ConfidenceLevel": None,
        "CorrelationKey": None,
        "IsIncident": False,
        "SystemAlertId": alert_id(),
        "Intent": "Persistence",
        "AzureResourceId": vm(),
        "WorkspaceId": None,
        "CompromisedEntity": "vm-web-01",
        "AlertDisplayName": "Possible web shell detected",
        "Description": "A web shell was found on %{Compromised Host}\r\n",
        "Entities": [{"$id": "4", "HostName": "vm-web-01", "Type": "host"}],
        "ExtendedLinks": None,
        "ResourceIdentifiers": [
            {"$id": "2", "AzureResourceId": vm(), "Type": "AzureResource"}
        ],
        "RemediationSteps": ["Isolate the machine."],
        "ExtendedProperties": {"Process": "w3wp.exe", "PID": 944},
        "AlertUri": "https://portal.azure.com/#blade/x/alertId/1/location/westeurope",
    }
    merged = default | changes
    return {name: value for name, value in merged.items() if value is not ...}


def event(
    *bodies: bytes | dict[str, Any],
    place: int = 1,
    source: str = "hub/alerts/0",
    received_at: datetime = NOON + timedelta(minutes=1),
    formats: Collection[str] | None = None,
) -> Event:
    """An event of one alert, or of several lines; without a body, of the default."""
    lines = [
        body if isinstance(body, bytes) else msgspec.json.encode(body)
        for body in bodies or (defender_alert(),)
    ]
    return Event(
        body=b"\n".join(lines),
        source=source,
        place=f"{place:020d}",
        received_at=received_at,
        formats=formats,
    )


def batch(*bodies: bytes | dict[str, Any], first: int = 1) -> list[Event]:
    """Events of one body each, in the order of a partition."""
    return [event(body, place=first + n) for n, body in enumerate(bodies)]


def read_alert(
    received_at: datetime = NOON + timedelta(minutes=1),
    **changes: Any,  # noqa: ANN401  JSON
) -> Alert:
    """The default alert, changed, as the core reads it."""
    body = msgspec.json.encode(defender_alert(**changes))
    (found,) = sources.read(body, received_at=received_at)
    assert isinstance(found, Alert), found
    return found
