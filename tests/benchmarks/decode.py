"""What bytes to ``Alert`` costs, beside msgspec's own typed decode of the same bytes.

Usage: python -m tests.benchmarks.decode [ALERTS]

Every alert is an alert of Defender for Cloud of about 3.7 KB with five entities, as
continuous export sends it; no two are alike, and they are of 40 types, so that nothing
is fast because it was seen before. What the reader does remember are the ARM ids and
names of machines (500), SIDs (300), addresses (250), words and sets of property keys:
as many as a subscription has. Nothing is left to be done when it returns. All three
ways read the same bytes, in turns; the figure is the median of the rounds.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared import sources
from shared.model.alert import Alert
from tests.alerts import NOON, alert_id, defender_alert, stamp, vm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALERTS = 1_000
TYPES = 40
ROUNDS = 15

# The requirement of issue 3.
MOST_TIMES = 8.0


class Severity(StrEnum):
    """The words of the wire."""

    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"
    INFORMATIONAL = "Informational"


class Entity(msgspec.Struct, rename="pascal"):
    """An entity with the fields that the alerts below have."""

    type: str
    id: str = msgspec.field(default="", name="$id")
    host_name: str = ""
    dns_domain: str = ""
    azure_i_d: str = msgspec.field(default="", name="AzureID")
    address: str = ""
    location: dict[str, Any] | None = None
    name: str = ""
    n_t_domain: str = msgspec.field(default="", name="NTDomain")
    sid: str = ""
    host: dict[str, str] | None = None
    directory: str = ""
    file_hashes: list[dict[str, str]] = []
    process_id: str = ""
    command_line: str = ""
    creation_time_utc: datetime | None = None
    image_file: dict[str, str] | None = None
    account: dict[str, str] | None = None


class Typed(msgspec.Struct, rename="pascal"):
    """The alert as one would declare it to msgspec, had it one spelling."""

    vendor_name: str
    alert_type: str
    product_name: str
    start_time_utc: datetime
    end_time_utc: datetime
    time_generated: datetime
    processing_end_time: datetime
    severity: Severity
    status: str
    is_incident: bool
    system_alert_id: str
    intent: str
    azure_resource_id: str
    compromised_entity: str
    alert_display_name: str
    description: str
    entities: list[Entity]
    extended_links: list[dict[str, str]]
    resource_identifiers: list[dict[str, str]]
    remediation_steps: list[str]
    extended_properties: dict[str, Any]
    alert_uri: str


class Way(NamedTuple):
    """A way to read the bytes of one alert."""

    name: str
    read: Callable[[bytes], object]


def body(number: int) -> bytes:
    """One alert: a machine, its user, a process with its file, and an address."""
    name = f"vm-web-{number % 500:03d}"
    started_at = NOON + timedelta(milliseconds=number)
    identifier = alert_id(number, started_at)
    image = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
    command = f"powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\\Temp\\{number}.ps1"
    entities = [
        {
            "$id": "4",
            "HostName": name,
            "DnsDomain": "contoso.example",
            "AzureID": vm(name),
            "OSFamily": "Windows",
            "Type": "host",
        },
        {
            "$id": "5",
            "Address": f"203.0.113.{number % 250}",
            "Location": {"CountryCode": "NL", "CountryName": "Netherlands"},
            "Type": "ip",
        },
        {
            "$id": "6",
            "Name": f"svc-{number % 300}",
            "NTDomain": "CONTOSO",
            "Sid": f"S-1-5-21-1004336348-1177238915-682003330-{1000 + number % 300}",
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
            "CommandLine": command,
            "CreationTimeUtc": stamp(started_at),
            "ImageFile": {"$ref": "7"},
            "Account": {"$ref": "6"},
            "Host": {"$ref": "4"},
            "Type": "process",
        },
    ]
    alert = defender_alert(
        AlertType=f"VM_SuspiciousActivity{number % TYPES}",
        SystemAlertId=identifier,
        StartTimeUtc=stamp(started_at),
        EndTimeUtc=stamp(started_at),
        TimeGenerated=stamp(started_at + timedelta(seconds=40)),
        ProcessingEndTime=stamp(started_at + timedelta(seconds=30)),
        Severity=tuple(Severity)[number % 4],
        Intent="Execution, DefenseEvasion",
        AzureResourceId=vm(name),
        CompromisedEntity=name,
        AlertDisplayName="Suspicious use of PowerShell detected",
        Description=(
            f"Analysis of host data on {name} detected a PowerShell script that is run"
            " with the execution policy bypassed. Attackers are known to do so to run"
            " what an administrator has not signed. It may also be a script of your"
            " own that was deployed in a hurry."
        ),
        Entities=entities,
        ExtendedLinks=[
            {
                "Href": "https://learn.microsoft.com/azure/defender-for-cloud/alerts",
                "Category": "documentation",
                "Label": "More about this alert",
                "Type": "webLink",
            }
        ],
        ResourceIdentifiers=[
            {"$id": "2", "AzureResourceId": vm(name), "Type": "AzureResource"},
            {"$id": "3", "AadTenantId": str(uuid.UUID(int=7)), "Type": "AAD"},
        ],
        RemediationSteps=[
            "Review with the user of the account whether the script is known.",
            "If it is not, isolate the machine and collect its memory.",
            "Reset the credentials of the account and look for where else it was used.",
        ],
        ExtendedProperties={
            "Compromised Host": name,
            "User Name": f"CONTOSO\\svc-{number % 300}",
            "Account Session Id": "0x3e7",
            "Suspicious Process": image,
            "Suspicious Command Line": command,
            "Parent Process": "C:\\Windows\\System32\\services.exe",
            "Suspicious Process Id": f"0x{number % 60_000:x}",
            "Client IP address": f"203.0.113.{number % 250}",
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


def ways() -> list[Way]:
    """Ours, msgspec's typed decode, and the standard library's untyped one."""
    received_at = NOON + timedelta(minutes=5)

    def ours(raw: bytes) -> object:
        return sources.read(raw, received_at=received_at)

    return [
        Way("sources.read", ours),
        Way("msgspec, typed", msgspec.json.Decoder(Typed).decode),
        Way("json.loads", json.loads),
    ]


def checked(bodies: Sequence[bytes]) -> None:
    """Stop where the bodies are not what the figure is about."""
    for raw in bodies:
        (found,) = sources.read(raw, received_at=NOON)
        if not isinstance(found, Alert) or len(found.entities) < 5 or found.warnings:
            raise SystemExit(f"no alert of five entities: {found}")
        msgspec.json.decode(raw, type=Typed)


def measured(bodies: Sequence[bytes], rounds: int = ROUNDS) -> dict[str, float]:
    """Microseconds per alert by way: the median of rounds that are run in turns."""
    seconds: dict[str, list[float]] = {way.name: [] for way in ways()}
    gc.collect()
    for _ in range(rounds):
        for way in ways():
            before = time.process_time()
            for raw in bodies:
                way.read(raw)
            seconds[way.name].append(time.process_time() - before)
    return {
        name: statistics.median(taken) / len(bodies) * 1e6
        for name, taken in seconds.items()
    }


def main(alerts: int) -> int:
    """Print the table; 1 where the requirement is not met."""
    bodies = [body(number) for number in range(alerts)]
    checked(bodies)
    taken = measured(bodies)
    typed = taken["msgspec, typed"]
    print(
        f"{alerts} alerts of {sum(map(len, bodies)) // alerts} bytes, {ROUNDS} rounds"
    )
    for name, micros in taken.items():
        print(f"{name:16} {micros:8.1f} µs per alert {micros / typed:6.1f} x typed")
    ratio = taken["sources.read"] / typed
    verdict = "met" if ratio <= MOST_TIMES else "NOT MET"
    print(f"at most {MOST_TIMES:g} x typed: {verdict} ({ratio:.2f})")
    return int(ratio > MOST_TIMES)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ALERTS))
