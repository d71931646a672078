"""Estates to be audited: one in which nothing is wrong, of any size, and what can be."""

from __future__ import annotations

import copy
from typing import Any

from shared.posture.own_rules import OWN_RULES

Document = dict[str, Any]
Documents = dict[str, Document]

CUSTOMER = "0c0ffee0-0000-4000-8000-000000000001"
HUB = "evhns-firewatch/alerts"


def sub(number: int) -> str:
    """The path of a subscription; the first holds what the others send to."""
    return f"/subscriptions/5d6ac3b1-6f0e-4a7f-9f3c-{number:012d}"


def group(number: int = 0) -> str:
    """The resource group of a subscription."""
    return f"{sub(number)}/resourceGroups/rg-{number}"


def at(kind: str, name: str, number: int = 0) -> str:
    """The id of a resource."""
    return f"{group(number)}/providers/{kind}/{name}"


HUB_ID = at("Microsoft.EventHub/namespaces", "evhns-firewatch") + "/eventhubs/alerts"
WORKSPACE = at("Microsoft.OperationalInsights/workspaces", "law-soc")
ARCHIVE = at("Microsoft.Storage/storageAccounts", "starchive")
GROUP = at("Microsoft.Insights/actionGroups", "ag-soc")
DCR = at("Microsoft.Insights/dataCollectionRules", "dcr-soc")
CONTAINER = "insights-activity-logs"

PLANS = (
    *("VirtualMachines", "StorageAccounts", "KeyVaults", "Arm", "SqlServers"),
    *("AppServices", "Containers"),
)
TABLES = (
    "AzureActivity",
    "SecurityEvent",
    "SecurityAlert",
    "Syslog",
    "StorageBlobLogs",
)

# What a subscription holds, over and over: type, name, categories of its logs, and more.
KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Microsoft.Storage/storageAccounts",
        ("StorageRead", "StorageWrite", "StorageDelete"),
    ),
    ("Microsoft.KeyVault/vaults", ("AuditEvent",)),
    ("Microsoft.Web/sites", ("AppServiceHTTPLogs", "AppServiceAuditLogs")),
    ("Microsoft.Compute/virtualMachines", ()),
    ("Microsoft.Network/publicIPAddresses", ()),
    ("Microsoft.Network/networkInterfaces", ()),
    (
        "Microsoft.ContainerRegistry/registries",
        ("ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents"),
    ),
    ("Microsoft.Network/networkSecurityGroups", ()),
    ("Microsoft.Compute/disks", ()),
    ("Microsoft.ContainerService/managedClusters", ("guard", "kube-audit-admin")),
)


class Estate:
    """The documents of an inventory, by their ids; ``resources`` counts those that matter.

    Each subscription has ``each`` resources of the ``KINDS`` in turn.
    """

    def __init__(self, subscriptions: int = 2, each: int = 10) -> None:
        self.documents: Documents = {}
        self.subscriptions = [sub(number) for number in range(subscriptions)]
        self.things: list[str] = []
        self._shared()
        for number in range(subscriptions):
            self._subscription(number)
            for place in range(each):
                self._thing(number, place)

    def add(
        self, resource_id: str, _properties: Document | None = None, **more: str
    ) -> str:
        """Let there be a resource."""
        self.documents[resource_id.lower()] = {
            "id": resource_id,
            "properties": _properties or {},
            **more,
        }
        return resource_id

    def of(self, resource_id: str) -> Document:
        """The properties of a resource, to be changed."""
        found: Document = self.documents[resource_id.lower()]["properties"]
        return found

    def remove(self, resource_id: str) -> None:
        """Let a resource be gone, and what hangs on it."""
        key = resource_id.lower()
        for each in [e for e in self.documents if e == key or e.startswith(f"{key}/")]:
            del self.documents[each]

    def copied(self) -> Estate:
        """Another one like it."""
        other = copy.copy(self)
        other.documents = copy.deepcopy(self.documents)
        return other

    def inventory(self) -> Document:
        """As `--inventory` takes it."""
        return {"resources": [*self.documents.values()]}

    def setting(self, on: str, *categories: str, name: str = "security") -> str:
        """A diagnostic setting that sends to workspace and archive."""
        return self.add(
            f"{on}/providers/Microsoft.Insights/diagnosticSettings/{name}",
            {
                "workspaceId": WORKSPACE,
                "storageAccountId": ARCHIVE,
                "logs": [{"category": each, "enabled": True} for each in categories],
            },
        )

    def machine(self, name: str, number: int = 0, os: str = "Linux") -> str:
        """A machine that logs as it should."""
        vm = self.add(
            at("Microsoft.Compute/virtualMachines", name, number),
            {"storageProfile": {"osDisk": {"osType": os}}},
        )
        agent = f"AzureMonitor{os}Agent"
        self.add(
            f"{vm}/extensions/{agent}",
            {"type": agent, "provisioningState": "Succeeded"},
        )
        self.add(
            f"{vm}/providers/Microsoft.Insights/dataCollectionRuleAssociations/security",
            {"dataCollectionRuleId": DCR},
        )
        return vm

    def _shared(self) -> None:
        self.add(HUB_ID.partition("/eventhubs/")[0])
        self.add(
            WORKSPACE,
            {
                "customerId": CUSTOMER,
                "retentionInDays": 90,
                "workspaceCapping": {
                    "dailyQuotaGb": -1.0,
                    "dataIngestionStatus": "RespectQuota",
                },
            },
        )
        self.setting(WORKSPACE, "Audit")
        for name in TABLES:
            self.add(
                f"{WORKSPACE}/tables/{name}",
                {
                    "plan": "Analytics",
                    "retentionInDays": 90,
                    "totalRetentionInDays": 730,
                },
                name=name,
            )
        insight = f"{WORKSPACE}/providers/Microsoft.SecurityInsights"
        self.add(f"{insight}/onboardingStates/default", {"customerManagedKey": False})
        self.add(f"{insight}/dataConnectors/defender", {}, kind="AzureSecurityCenter")
        self.add(ARCHIVE)
        self.setting(
            f"{ARCHIVE}/blobServices/default",
            "StorageRead",
            "StorageWrite",
            "StorageDelete",
        )
        self.add(
            f"{ARCHIVE}/blobServices/default/containers/{CONTAINER}",
            {"hasImmutabilityPolicy": True, "hasLegalHold": False},
        )
        self.add(
            f"{ARCHIVE}/managementPolicies/default",
            {"policy": {"rules": [_lifecycle(730)]}},
        )
        for sink in (WORKSPACE, ARCHIVE):
            self.add(
                f"{sink}/providers/Microsoft.Authorization/locks/keep",
                {"level": "CanNotDelete"},
            )
        self.add(
            GROUP,
            {
                "enabled": True,
                "emailReceivers": [
                    {
                        "name": "soc",
                        "emailAddress": "soc@contoso.com",
                        "status": "Enabled",
                    }
                ],
            },
        )
        self.add(
            DCR,
            {
                "dataSources": {
                    "windowsEventLogs": [
                        {
                            "streams": ["Microsoft-SecurityEvent"],
                            "xPathQueries": ["Security!*"],
                            "name": "s",
                        }
                    ],
                    "syslog": [
                        {
                            "streams": ["Microsoft-Syslog"],
                            "facilityNames": ["auth", "authpriv"],
                            "logLevels": ["Info"],
                            "name": "l",
                        }
                    ],
                },
                "dataFlows": [
                    {
                        "streams": ["Microsoft-SecurityEvent", "Microsoft-Syslog"],
                        "destinations": ["soc"],
                    }
                ],
                "destinations": {
                    "logAnalytics": [{"workspaceResourceId": WORKSPACE, "name": "soc"}]
                },
            },
        )
        for name in OWN_RULES:
            self.add(
                at("Microsoft.Insights/scheduledQueryRules", f"{name}-production"),
                {
                    "displayName": f"Firewatch production: {name}",
                    "enabled": True,
                    "actions": {"actionGroups": [GROUP]},
                },
            )

    def _subscription(self, number: int) -> None:
        scope = sub(number)
        self.add(scope)
        for name in PLANS:
            self.add(
                f"{scope}/providers/Microsoft.Security/pricings/{name}",
                {
                    "pricingTier": "Standard",
                    "subPlan": "P2" if name == "VirtualMachines" else None,
                    "resourcesCoverageStatus": "FullyCovered",
                },
                name=name,
            )
        self.add(
            f"{group(number)}/providers/Microsoft.Security/automations/exportToEventHub",
            {
                "isEnabled": True,
                "scopes": [{"description": "", "scopePath": scope}],
                "sources": [{"eventSource": "Alerts"}],
                "actions": [{"actionType": "EventHub", "eventHubResourceId": HUB_ID}],
            },
        )
        self.add(
            f"{scope}/providers/Microsoft.Security/securityContacts/default",
            {
                "emails": "soc@contoso.com",
                "isEnabled": True,
                "notificationsSources": [
                    {"sourceType": "Alert", "minimalSeverity": "Medium"}
                ],
            },
        )
        self.setting(scope, "Administrative", "Alert", "Policy", "Security")
        self.add(
            at("Microsoft.Insights/activityLogAlerts", "security", number),
            {
                "enabled": True,
                "scopes": [scope],
                "actions": {"actionGroups": [{"actionGroupId": GROUP}]},
            },
        )
        self.add(
            f"{scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-{number:012d}",
            {
                "principalId": "aa0c0de0-0000-4000-8000-000000000001",
                "roleDefinitionId": f"{scope}/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
                "scope": scope,
            },
        )

    def _thing(self, number: int, place: int) -> None:
        kind, categories = KINDS[place % len(KINDS)]
        name = f"{kind.rpartition('/')[2].lower()[:9]}{number:02d}{place:04d}"
        if kind == "Microsoft.Compute/virtualMachines":
            thing = self.machine(
                name, number, "Windows" if place % 20 < 10 else "Linux"
            )
        else:
            thing = self.add(at(kind, name, number))
        self.things.append(thing)
        if categories:
            is_account = kind == "Microsoft.Storage/storageAccounts"
            self.setting(
                f"{thing}/blobServices/default" if is_account else thing, *categories
            )


def _lifecycle(days: int) -> Document:
    return {
        "enabled": True,
        "name": "logs",
        "type": "Lifecycle",
        "definition": {
            "actions": {
                "baseBlob": {
                    "tierToCool": {"daysAfterModificationGreaterThan": 30},
                    "delete": {"daysAfterModificationGreaterThan": days},
                }
            }
        },
    }
