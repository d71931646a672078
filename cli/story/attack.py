"""A written attack: five intrusions, and everything that makes real feeds untidy.

About sixty events over Event Hub and webhook. Each is told in the order a detector would
tell it; redeliveries, late and out-of-order copies, updates, samples, posture records
and garbage come between, as they do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

POLICY = Path(__file__).parent / "policy.yaml"

# Where Defender keeps the alerts of the story.
LOCATION = "westeurope"

_LAST_TICK = 3_155_378_975_999_999_999
_SUBSCRIPTIONS = {
    "shop": "5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01",
    "data": "c2b8e7d4-91a5-4e0b-8c66-7a40e3f5bd02",
    "platform": "9e3f1a60-2c7d-4b58-a1f4-d85e6b2c4403",
}


class Way(Enum):
    """How an event travels."""

    HUB = "hub"
    KEY = "a webhook with a key"
    HMAC = "a signed webhook"


class Happening(NamedTuple):
    """One event of the story: its bytes, its way, and what keeps its order.

    Events with one ``thread`` ride one partition of the hub, in order.
    """

    body: bytes
    way: Way
    thread: str


class _Alert(NamedTuple):
    """The fields that differ between the alerts of the story."""

    number: int
    alert_type: str
    title: str
    severity: str
    tactics: str
    resource: str
    minute: int


def attack(now: datetime) -> list[Happening]:
    """The whole story, told as if its last minute were now."""
    start = now - timedelta(minutes=90)
    told = [
        *_virtual_machine(start),
        *_storage(start),
        *_key_vault(start),
        *_kubernetes(start),
        *_quiet_ones(start),
        *_posture(start),
        Happening(b'{"SystemAlertId": "cut off in the mid', Way.HUB, "garbage"),
        Happening(b"\xff\xfe\x00 not text at all", Way.HUB, "garbage"),
    ]
    return _shuffled(told)


def _virtual_machine(start: datetime) -> list[Happening]:
    """Brute force that succeeds, a suspicious process, mining: one machine."""
    web01 = _resource("shop", "rg-shop", "Microsoft.Compute/virtualMachines/web01")
    failed = [
        _Alert(
            100 + n,
            "VM_SshBruteForceFailed",
            "Failed SSH brute force attack",
            "Medium",
            "PreAttack",
            web01,
            n,
        )
        for n in range(14)
    ]
    success = _Alert(
        110,
        "VM_SshBruteForceSuccess",
        "Successful SSH brute force attack",
        "High",
        "InitialAccess",
        web01,
        12,
    )
    process = _Alert(
        111,
        "VM_SuspiciousProcess",
        "Suspicious process executed",
        "Medium",
        "Execution",
        web01,
        19,
    )
    mining = _Alert(
        112,
        "VM_DigitalCurrencyMining",
        "Digital currency mining related behavior detected",
        "Medium",
        "Execution, Impact",
        web01,
        31,
    )
    told = [_told(alert, start) for alert in (*failed, success, process, mining)]
    # The hub delivers at least once: two exact copies of what it already gave.
    told += [told[3], told[14]]
    # Defender raises its opinion; a copy of the old one comes late.
    raised = _body(mining, start, Severity="High", ProcessedMinute=40)
    told.append(Happening(raised, Way.HUB, web01))
    told.append(_told(mining, start))
    return told


def _storage(start: datetime) -> list[Happening]:
    """A container read by someone it should not know, then emptied; out of order."""
    account = _resource("data", "rg-lake", "Microsoft.Storage/storageAccounts/lake7")
    scan = _Alert(
        200,
        "Storage.Blob_OpenContainersScanning.SuccessfulDiscovery",
        "Publicly accessible storage containers successfully discovered",
        "Medium",
        "Collection",
        account,
        5,
    )
    reads = [
        _Alert(
            201 + n,
            "Storage.Blob_DataExfiltration.AmountOfDataAnomaly",
            "Unusual amount of data extracted from a storage account",
            "High",
            "Exfiltration",
            account,
            22 + n,
        )
        for n in range(8)
    ]
    later = _body(scan, start, Description="Seen again.", ProcessedMinute=30)
    return [
        Happening(later, Way.HUB, account),
        # The first version arrives after the second: stale, and changes nothing.
        _told(scan, start),
        *(_told(alert, start) for alert in reads),
        _told(reads[0], start),
        _told(reads[2], start),
    ]


def _key_vault(start: datetime) -> list[Happening]:
    """Secrets listed and read from an address of the Tor network; by Logic App."""
    vault = _resource("platform", "rg-core", "Microsoft.KeyVault/vaults/kv-core")
    sweep = [
        _Alert(
            300 + n,
            f"KV_{kind}",
            title,
            severity,
            "CredentialAccess",
            vault,
            40 + n,
        )
        for n, (kind, title, severity) in enumerate(
            (
                ("TORAccess", "Access from a TOR exit node to a key vault", "Medium"),
                ("ListGetAnomaly", "Suspicious secret listing and query", "Medium"),
                ("OperationVolumeAnomaly", "High volume of operations", "Medium"),
                ("PutGetAnomaly", "Unusual policy change and secret query", "High"),
            )
        )
    ]
    told = [_told(alert, start, Way.KEY) for alert in sweep]
    # A Logic App that tries again, and one that wraps the alert and changes its case.
    wrapped = {"body": _camel(_fields(sweep[0], start))}
    return [
        *told,
        told[1],
        Happening(msgspec.json.encode(wrapped), Way.KEY, vault),
    ]


def _kubernetes(start: datetime) -> list[Happening]:
    """A shell in a pod, the pod made privileged, a mining image; signed webhook."""
    cluster = _resource(
        "platform", "rg-aks", "Microsoft.ContainerService/managedClusters/aks-prod"
    )
    found = [
        _Alert(
            400 + n, f"K8S_{kind}", title, severity, "Execution", cluster, 50 + 3 * n
        )
        for n, (kind, title, severity) in enumerate(
            (
                ("SuspiciousExec", "Suspicious exec into a pod", "Medium"),
                ("PrivilegedContainer", "Privileged container detected", "Low"),
                (
                    "MaliciousContainerImage",
                    "Digital currency mining container detected",
                    "High",
                ),
            )
        )
    ]
    together = msgspec.json.encode([_fields(alert, start) for alert in found])
    return [
        Happening(together, Way.HMAC, cluster),
        # The export tells the same alerts: no second incident, no second page.
        *(_told(alert, start) for alert in found),
    ]


def _quiet_ones(start: datetime) -> list[Happening]:
    """What should not ring twice: an alert its source resolves, and two samples."""
    server = _resource("data", "rg-sql", "Microsoft.Sql/servers/sql-crm")
    login = _Alert(
        500,
        "SQL.DB_PrincipalAnomaly",
        "Login from a principal user not seen in 60 days",
        "Low",
        "InitialAccess",
        server,
        60,
    )
    closed = _body(login, start, Status="Resolved", ProcessedMinute=80)
    sample_vm = _resource("shop", "Sample-RG", "Microsoft.Compute/virtualMachines/s-vm")
    samples = [
        _Alert(
            600 + n,
            "SIMULATED_VM_SuspiciousActivity",
            "[SAMPLE ALERT] Suspicious activity",
            "High",
            "Execution",
            sample_vm,
            65 + n,
        )
        for n in range(2)
    ]
    return [
        _told(login, start),
        Happening(closed, Way.HUB, server),
        *(_told(alert, start) for alert in samples),
    ]


def _posture(start: datetime) -> list[Happening]:
    """Recommendations and scores that share the hub; none of them is an alert."""
    kinds = ("assessments", "secureScores", "regulatoryComplianceAssessments")
    return [
        Happening(
            msgspec.json.encode(
                {
                    "id": f"/subscriptions/{_SUBSCRIPTIONS['shop']}/{kind}/{n}",
                    "type": f"Microsoft.Security/{kind}",
                    "properties": {"status": {"code": "Unhealthy"}},
                    "TimeGenerated": _time(start, n),
                    "Severity": "High",
                    "securityEventDataEnrichment": {"action": "Insert"},
                }
            ),
            Way.HUB,
            "posture",
        )
        for kind in kinds
        for n in range(3)
    ]


def _shuffled(told: list[Happening]) -> list[Happening]:
    """The threads dealt out in turn, each in its own order, as if at the same time."""
    threads: dict[tuple[str, Way], list[Happening]] = {}
    for happening in told:
        threads.setdefault((happening.thread, happening.way), []).append(happening)
    dealt: list[Happening] = []
    while threads:
        for thread in list(threads):
            dealt.append(threads[thread].pop(0))
            if not threads[thread]:
                del threads[thread]
    return dealt


def _told(alert: _Alert, start: datetime, way: Way = Way.HUB) -> Happening:
    return Happening(_body(alert, start), way, alert.resource)


def _body(alert: _Alert, start: datetime, **changes: Any) -> bytes:  # noqa: ANN401
    return msgspec.json.encode(_fields(alert, start, **changes))


def _fields(
    alert: _Alert,
    start: datetime,
    *,
    ProcessedMinute: int | None = None,  # noqa: N803  beside the fields it changes
    **changes: str,
) -> dict[str, Any]:
    """An alert as continuous export writes it (wire-formats.md 1.1)."""
    began = start + timedelta(minutes=alert.minute)
    ticks = (
        int((began - datetime(1, 1, 1, tzinfo=began.tzinfo)).total_seconds()) * 10**7
    )
    processed = alert.minute + 2 if ProcessedMinute is None else ProcessedMinute
    subscription = alert.resource.split("/")[2]
    return {
        "VendorName": "Microsoft",
        "AlertType": alert.alert_type,
        "StartTimeUtc": _time(start, alert.minute),
        "EndTimeUtc": _time(start, alert.minute),
        "TimeGenerated": _time(start, alert.minute + 1),
        "ProcessingEndTime": _time(start, processed),
        "Severity": alert.severity,
        "Status": "New",
        "ProductName": "Microsoft Defender for Cloud",
        "SystemAlertId": f"{_LAST_TICK - ticks}_{_guid(alert.number)}",
        "CompromisedEntity": alert.resource.rsplit("/", 1)[-1],
        "Intent": alert.tactics,
        "AlertDisplayName": alert.title,
        "Description": f"{alert.title}. Part of the attack that Firewatch plays.",
        "AzureResourceId": alert.resource,
        "IsIncident": False,
        "ExtendedProperties": {"ActionTaken": "Undefined"},
        "Entities": [
            {"$id": "1", "ResourceId": alert.resource, "Type": "azure-resource"},
            {"$id": "2", "Address": "203.0.113.77", "Type": "ip"},
        ],
        "ResourceIdentifiers": [
            {"Type": "AzureResource", "AzureResourceId": alert.resource}
        ],
        "AlertUri": "https://portal.azure.com/#blade/Microsoft_Azure_Security_Azure"
        f"Defender/AlertBlade/alertId/{_guid(alert.number)}/subscriptionId/{subscription}"
        f"/resourceGroup/{alert.resource.split('/')[4]}/location/{LOCATION}",
        **changes,
    }


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: value for name, value in fields.items()}


def _guid(number: int) -> str:
    return f"f1e0a7c4-0000-4000-8000-{number:012d}"


def _time(start: datetime, minute: int) -> str:
    return f"{start + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S}.1234567Z"


def _resource(subscription: str, group: str, rest: str) -> str:
    return (
        f"/subscriptions/{_SUBSCRIPTIONS[subscription]}"
        f"/resourceGroups/{group}/providers/{rest}"
    )
