"""The alerts that everything is measured with: of Defender for Cloud, 3.5 to 4 KB.

A machine, its user, a process with its file, and an address, as continuous export sends
them. No two are alike, and they are of 40 types, so that nothing is fast because it was
seen before.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from tests.alerts import NOON, SUBSCRIPTION, alert_id, defender_alert, stamp, vm

if TYPE_CHECKING:
    from datetime import datetime

TYPES = 40

_IMAGE = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"


class Severity(StrEnum):
    """The words of the wire."""

    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"
    INFORMATIONAL = "Informational"


def body(
    number: int,
    *,
    machine: int | None = None,
    kind: int | None = None,
    subscription: str = SUBSCRIPTION,
    started_at: datetime | None = None,
    severity: Severity | None = None,
) -> bytes:
    """One alert; its id follows from ``number``.

    What it names follows from the machine alone: its account, its address. So machines
    that have a number of their own have nothing in common.
    """
    machine = number % 500 if machine is None else machine
    kind = number % TYPES if kind is None else kind
    at = started_at or NOON + timedelta(milliseconds=number)
    name = f"vm-web-{machine:05d}"
    identifier = alert_id(number, at)
    alert = defender_alert(
        AlertType=f"VM_SuspiciousActivity{kind}",
        SystemAlertId=identifier,
        StartTimeUtc=stamp(at),
        EndTimeUtc=stamp(at),
        TimeGenerated=stamp(at + timedelta(seconds=40)),
        ProcessingEndTime=stamp(at + timedelta(seconds=30)),
        Severity=severity or tuple(Severity)[number % 4],
        Intent="Execution, DefenseEvasion",
        AzureResourceId=vm(name, subscription),
        CompromisedEntity=name,
        AlertDisplayName="Suspicious use of PowerShell detected",
        Description=(
            f"Analysis of host data on {name} detected a PowerShell script that is run"
            " with the execution policy bypassed. Attackers are known to do so to run"
            " what an administrator has not signed. It may also be a script of your"
            " own that was deployed in a hurry."
        ),
        Entities=_entities(number, machine, name, subscription, stamp(at)),
        ExtendedLinks=[
            {
                "Href": "https://learn.microsoft.com/azure/defender-for-cloud/alerts",
                "Category": "documentation",
                "Label": "More about this alert",
                "Type": "webLink",
            }
        ],
        ResourceIdentifiers=[
            {
                "$id": "2",
                "AzureResourceId": vm(name, subscription),
                "Type": "AzureResource",
            },
            {"$id": "3", "AadTenantId": str(uuid.UUID(int=7)), "Type": "AAD"},
        ],
        RemediationSteps=[
            "Review with the user of the account whether the script is known.",
            "If it is not, isolate the machine and collect its memory.",
            "Reset the credentials of the account and look for where else it was used.",
        ],
        ExtendedProperties={
            "Compromised Host": name,
            "User Name": f"CONTOSO\\svc-{machine}",
            "Account Session Id": "0x3e7",
            "Suspicious Process": _IMAGE,
            "Suspicious Command Line": _command(number),
            "Parent Process": "C:\\Windows\\System32\\services.exe",
            "Suspicious Process Id": f"0x{number % 60_000:x}",
            "Client IP address": _address(machine),
            "resourceType": "Virtual Machine",
            "effectiveSubscriptionId": str(uuid.UUID(int=number)),
            "Investigation steps": '{"displayValue":"View","kind":"Link"}',
        },
        AlertUri=(
            "https://portal.azure.com/#blade/Microsoft_Azure_Security_AzureDefender"
            f"ForData/AlertBlade/alertId/{identifier}/subscriptionId"
            f"/{uuid.UUID(int=1)}/resourceGroup/web/referencedFrom/alertDeepLink"
            "/location/westeurope"
        ),
    )
    return msgspec.json.encode(alert)


def _entities(
    number: int, machine: int, name: str, subscription: str, at: str
) -> list[dict[str, object]]:
    return [
        {
            "$id": "4",
            "HostName": name,
            "DnsDomain": "contoso.example",
            "AzureID": vm(name, subscription),
            "OSFamily": "Windows",
            "Type": "host",
        },
        {
            "$id": "5",
            "Address": _address(machine),
            "Location": {"CountryCode": "NL", "CountryName": "Netherlands"},
            "Type": "ip",
        },
        {
            "$id": "6",
            "Name": f"svc-{machine}",
            "NTDomain": "CONTOSO",
            "Sid": f"S-1-5-21-1004336348-1177238915-682003330-{1000 + machine}",
            "Host": {"$ref": "4"},
            "Type": "account",
        },
        {
            "$id": "7",
            "Directory": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0",
            "Name": "powershell.exe",
            "FileHashes": [
                {
                    "$id": "8",
                    "Algorithm": "SHA256",
                    "Value": f"{number:064x}",
                    "Type": "filehash",
                }
            ],
            "Type": "file",
        },
        {
            "$id": "9",
            "ProcessId": f"0x{number % 60_000:x}",
            "CommandLine": _command(number),
            "CreationTimeUtc": at,
            "ImageFile": {"$ref": "7"},
            "Account": {"$ref": "6"},
            "Host": {"$ref": "4"},
            "Type": "process",
        },
    ]


def _command(number: int) -> str:
    return (
        "powershell.exe -NoProfile -ExecutionPolicy Bypass"
        f" -File C:\\Temp\\{number}.ps1"
    )


def _address(machine: int) -> str:
    """A public address, each machine's own."""
    return f"52.{machine >> 16 & 255}.{machine >> 8 & 255}.{machine & 255}"
