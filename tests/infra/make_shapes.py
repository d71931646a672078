"""Writes shapes.json: what Azure takes of each type of resource that infra/ makes.

Bicep's own compiler knows it and cannot be had everywhere, so it is read from the
models of Azure's management SDKs, of the same API versions:

    make shapes

What no SDK of that version is left for stands below, as the types of Bicep have it
(Azure/bicep-types-az). Of each object the file holds every property that may be written,
but goes deeper only where infra/ does. A list in it stands for a list of such objects,
``*`` for any name, a list of texts for the values that are known.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any, TypeAlias

from tests.infra.cases import everything_on
from tests.infra.shapes import SHAPES, Part, Shape, body_of

# A class of an SDK, or the module of all of them.
Model: TypeAlias = Any

MODELS = {
    "Microsoft.Authorization/policyAssignments@2022-06-01": (
        "resource.policy.v2022_06_01",
        "PolicyAssignment",
    ),
    "Microsoft.Authorization/roleAssignments@2022-04-01": (
        "authorization.v2022_04_01",
        "RoleAssignmentCreateParameters",
    ),
    "Microsoft.Authorization/roleDefinitions@2022-04-01": (
        "authorization.v2022_04_01",
        "RoleDefinition",
    ),
    "Microsoft.EventHub/namespaces@2024-01-01": ("eventhub.v2024_01_01", "EHNamespace"),
    "Microsoft.EventHub/namespaces/eventhubs@2024-01-01": (
        "eventhub.v2024_01_01",
        "Eventhub",
    ),
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01": (
        "eventhub.v2024_01_01",
        "ConsumerGroup",
    ),
    "Microsoft.EventHub/namespaces/networkRuleSets@2024-01-01": (
        "eventhub.v2024_01_01",
        "NetworkRuleSet",
    ),
    "Microsoft.Insights/actionGroups@2023-01-01": (
        "monitor.v2023_01_01",
        "ActionGroupResource",
    ),
    "Microsoft.Insights/activityLogAlerts@2020-10-01": (
        "monitor.v2020_10_01",
        "ActivityLogAlertResource",
    ),
    "Microsoft.Insights/components@2020-02-02": (
        "applicationinsights.v2020_02_02",
        "ApplicationInsightsComponent",
    ),
    "Microsoft.Insights/diagnosticSettings@2021-05-01-preview": (
        "monitor.v2021_05_01_preview",
        "DiagnosticSettingsResource",
    ),
    "Microsoft.Insights/workbooks@2022-04-01": (
        "applicationinsights.v2022_04_01",
        "Workbook",
    ),
    "Microsoft.KeyVault/vaults@2023-07-01": (
        "keyvault.v2023_07_01",
        "VaultCreateOrUpdateParameters",
    ),
    "Microsoft.Logic/workflows@2019-05-01": ("logic", "Workflow"),
    "Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31": (
        "msi.v2023_01_31",
        "Identity",
    ),
    "Microsoft.Network/natGateways@2024-05-01": ("network", "NatGateway"),
    "Microsoft.Network/networkSecurityGroups@2024-05-01": (
        "network",
        "NetworkSecurityGroup",
    ),
    "Microsoft.Network/privateDnsZones@2024-06-01": ("privatedns", "PrivateZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01": (
        "privatedns",
        "VirtualNetworkLink",
    ),
    "Microsoft.Network/privateEndpoints@2024-05-01": ("network", "PrivateEndpoint"),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01": (
        "network",
        "PrivateDnsZoneGroup",
    ),
    "Microsoft.Network/publicIPAddresses@2024-05-01": ("network", "PublicIPAddress"),
    "Microsoft.Network/virtualNetworks@2024-05-01": ("network", "VirtualNetwork"),
    "Microsoft.Resources/resourceGroups@2024-07-01": (
        "resource.resources.v2024_07_01",
        "ResourceGroup",
    ),
    "Microsoft.SecurityInsights/automationRules@2024-03-01": (
        "securityinsight",
        "AutomationRule",
    ),
    "Microsoft.Storage/storageAccounts@2024-01-01": (
        "storage.v2024_01_01",
        "StorageAccountCreateParameters",
    ),
    "Microsoft.Storage/storageAccounts/blobServices@2024-01-01": (
        "storage.v2024_01_01",
        "BlobServiceProperties",
    ),
    "Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01": (
        "storage.v2024_01_01",
        "BlobContainer",
    ),
    "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2024-01-01": (
        "storage.v2024_01_01",
        "ImmutabilityPolicy",
    ),
    "Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01": (
        "storage.v2024_01_01",
        "ManagementPolicy",
    ),
    "Microsoft.Storage/storageAccounts/queueServices@2024-01-01": (
        "storage.v2024_01_01",
        "QueueServiceProperties",
    ),
    "Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01": (
        "storage.v2024_01_01",
        "StorageQueue",
    ),
    "Microsoft.Storage/storageAccounts/tableServices@2024-01-01": (
        "storage.v2024_01_01",
        "TableServiceProperties",
    ),
    "Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01": (
        "storage.v2024_01_01",
        "Table",
    ),
    "Microsoft.Web/serverfarms@2024-04-01": ("web.v2024_04_01", "AppServicePlan"),
    "Microsoft.Web/sites@2024-04-01": ("web.v2024_04_01", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01": (
        "web.v2024_04_01",
        "CsmPublishingCredentialsPoliciesEntity",
    ),
    "Microsoft.Web/sites/config@2024-04-01 appsettings": (
        "web.v2024_04_01",
        "StringDictionary",
    ),
    "Microsoft.Web/sites/config@2024-04-01 authsettingsV2": (
        "web.v2024_04_01",
        "SiteAuthSettingsV2",
    ),
}

_TAGS = {"*": "str"}
BY_HAND: dict[str, Shape] = {
    "Microsoft.Authorization/locks@2020-05-01": {
        "properties": {
            "level": ["CanNotDelete", "NotSpecified", "ReadOnly"],
            "notes": "str",
            "owners": "list",
        }
    },
    "Microsoft.Insights/dataCollectionRules@2023-03-11": {
        "identity": "object",
        "kind": [
            "AgentDirectToStore",
            "Direct",
            "Linux",
            "PlatformTelemetry",
            "Windows",
        ],
        "location": "str",
        "properties": {
            "agentSettings": "object",
            "dataCollectionEndpointId": "str",
            "dataFlows": [
                {
                    "builtInTransform": "str",
                    "captureOverflow": "bool",
                    "destinations": ["str"],
                    "outputStream": "str",
                    "streams": ["str"],
                    "transformKql": "str",
                }
            ],
            "dataSources": "object",
            "description": "str",
            "destinations": {
                "azureDataExplorer": "list",
                "azureMonitorMetrics": "object",
                "eventHubs": "list",
                "eventHubsDirect": "list",
                "logAnalytics": [{"name": "str", "workspaceResourceId": "str"}],
                "microsoftFabric": "list",
                "monitoringAccounts": "list",
                "storageAccounts": "list",
                "storageBlobsDirect": "list",
                "storageTablesDirect": "list",
            },
            "references": "object",
            "streamDeclarations": {
                "*": {
                    "columns": [
                        {
                            "name": "str",
                            "type": [
                                "boolean",
                                "datetime",
                                "dynamic",
                                "int",
                                "long",
                                "real",
                                "string",
                            ],
                        }
                    ]
                }
            },
        },
        "tags": _TAGS,
    },
    "Microsoft.Insights/scheduledQueryRules@2023-12-01": {
        "identity": "object",
        "kind": ["LogAlert", "LogToMetric"],
        "location": "str",
        "properties": {
            "actions": {
                "actionGroups": ["str"],
                "actionProperties": "object",
                "customProperties": {"*": "str"},
            },
            "autoMitigate": "bool",
            "checkWorkspaceAlertsStorageConfigured": "bool",
            "criteria": {
                "allOf": [
                    {
                        "dimensions": "list",
                        "failingPeriods": {
                            "minFailingPeriodsToAlert": "int",
                            "numberOfEvaluationPeriods": "int",
                        },
                        "metricMeasureColumn": "str",
                        "metricName": "str",
                        "operator": [
                            "Equals",
                            "GreaterThan",
                            "GreaterThanOrEqual",
                            "LessThan",
                            "LessThanOrEqual",
                        ],
                        "query": "str",
                        "resourceIdColumn": "str",
                        "threshold": "int",
                        "timeAggregation": [
                            "Average",
                            "Count",
                            "Maximum",
                            "Minimum",
                            "Total",
                        ],
                    }
                ]
            },
            "description": "str",
            "displayName": "str",
            "enabled": "bool",
            "evaluationFrequency": "str",
            "muteActionsDuration": "str",
            "overrideQueryTimeRange": "str",
            "ruleResolveConfiguration": "object",
            "scopes": ["str"],
            "severity": "int",
            "skipQueryValidation": "bool",
            "targetResourceTypes": ["str"],
            "windowSize": "str",
        },
        "tags": _TAGS,
    },
    "Microsoft.OperationalInsights/workspaces@2022-10-01": {
        "identity": "object",
        "location": "str",
        "properties": {
            "defaultDataCollectionRuleResourceId": "str",
            "features": {
                "clusterResourceId": "str",
                "disableLocalAuth": "bool",
                "enableDataExport": "bool",
                "enableLogAccessUsingOnlyResourcePermissions": "bool",
                "immediatePurgeDataOn30Days": "bool",
            },
            "forceCmkForQuery": "bool",
            "publicNetworkAccessForIngestion": ["Disabled", "Enabled"],
            "publicNetworkAccessForQuery": ["Disabled", "Enabled"],
            "retentionInDays": "int",
            "sku": {
                "capacityReservationLevel": "int",
                "name": [
                    "CapacityReservation",
                    "Free",
                    "LACluster",
                    "PerGB2018",
                    "PerNode",
                    "Premium",
                    "Standalone",
                    "Standard",
                ],
            },
            "workspaceCapping": "object",
        },
        "tags": _TAGS,
    },
    "Microsoft.OperationalInsights/workspaces/tables@2022-10-01": {
        "properties": {
            "plan": ["Analytics", "Basic"],
            "restoredLogs": "object",
            "retentionInDays": "int",
            "schema": {
                "columns": [
                    {
                        "dataTypeHint": ["armPath", "guid", "ip", "uri"],
                        "description": "str",
                        "displayName": "str",
                        "name": "str",
                        # Case does not matter to the service; Bicep has dateTime.
                        "type": [
                            "boolean",
                            "datetime",
                            "dynamic",
                            "guid",
                            "int",
                            "long",
                            "real",
                            "string",
                        ],
                    }
                ],
                "description": "str",
                "displayName": "str",
                "name": "str",
            },
            "searchResults": "object",
            "totalRetentionInDays": "int",
        }
    },
    "Microsoft.Security/automations@2023-12-01-preview": {
        "kind": "str",
        "location": "str",
        "properties": {
            "actions": [
                {
                    "actionType": ["EventHub", "LogicApp", "Workspace"],
                    "connectionString": "str",
                    "eventHubResourceId": "str",
                    "isTrustedServiceEnabled": "bool",
                    "logicAppResourceId": "str",
                    "uri": "str",
                    "workspaceResourceId": "str",
                }
            ],
            "description": "str",
            "isEnabled": "bool",
            "scopes": [{"description": "str", "scopePath": "str"}],
            "sources": [
                {
                    "eventSource": [
                        "Alerts",
                        "Assessments",
                        "AssessmentsSnapshot",
                        "AttackPaths",
                        "AttackPathsSnapshot",
                        "RegulatoryComplianceAssessment",
                        "RegulatoryComplianceAssessmentSnapshot",
                        "SecureScoreControls",
                        "SecureScoreControlsSnapshot",
                        "SecureScores",
                        "SecureScoresSnapshot",
                        "SubAssessments",
                        "SubAssessmentsSnapshot",
                    ],
                    "ruleSets": "list",
                }
            ],
        },
        "tags": _TAGS,
    },
    # Bicep's types lack `parameterValueType`; Sentinel's own playbooks have it.
    "Microsoft.Web/connections@2016-06-01": {
        "location": "str",
        "properties": {
            "api": {"id": "str"},
            "customParameterValues": "object",
            "displayName": "str",
            "parameterValueType": ["Alternative"],
            "parameterValues": "object",
        },
        "tags": _TAGS,
    },
}

_KNOWN = re.compile(r"(?:Known values are:|Possible values include:) (.+?)\.(?:\s|$)")
_SCALARS = {
    "bool": "bool",
    "int": "int",
    "long": "int",
    "float": "number",
    "object": "any",
}


def main() -> None:
    """Write the file."""
    used: dict[str, list[dict[str, Any]]] = {}
    for made in everything_on():
        key, body = body_of(made)
        used.setdefault(key, []).append(body)
    shapes = {}
    for key, bodies in sorted(used.items()):
        if key in BY_HAND:
            shapes[key] = BY_HAND[key]
        else:
            package, name = MODELS[key]
            models = importlib.import_module(f"azure.mgmt.{package}.models")
            shapes[key] = _object(models, getattr(models, name), bodies)
    SHAPES.write_text(json.dumps(shapes, indent=1, sort_keys=True) + "\n")


def _object(models: Model, model: Model, bodies: list[dict[str, Any]]) -> Shape:
    """What a model takes, as deep as any of the bodies goes."""
    made: dict[str, Any] = {}
    for each in _family(models, model):
        docs = inspect.getdoc(each) or ""
        for attribute, described in each._attribute_map.items():
            if each._validation.get(attribute, {}).get("readonly"):
                continue
            *outer, last = described["key"].replace("\\.", "\0").split(".")
            inside, values = made, bodies
            for name in outer:
                inside = inside.setdefault(name, {})
                values = [body[name] for body in values if name in body]
            name = last.replace("\0", ".")
            given = [body[name] for body in values if name in body]
            known = _values(docs, attribute)
            inside[name] = known or _shape(models, described["type"], given)
    return made


def _family(models: Model, model: Model) -> list[Model]:
    """A model and those that it may be instead, by its discriminator."""
    names = (
        [name for kinds in model._subtype_map.values() for name in kinds.values()]
        if getattr(model, "_subtype_map", None)
        else []
    )
    return [model, *(getattr(models, name) for name in names)]


def _shape(models: Model, kind: str, given: list[Any]) -> Part:
    if kind.startswith("["):
        items = [item for each in given for item in each]
        inner = _shape(models, kind[1:-1], items)
        return [inner] if given else "list"
    if kind.startswith("{"):
        items = [item for each in given for item in each.values()]
        return {"*": _shape(models, kind[1:-1], items)} if given else "object"
    model = getattr(models, kind, None)
    if model is None or not hasattr(model, "_attribute_map"):
        return _SCALARS.get(kind, "str")
    return _object(models, model, given) if given else "object"


def _values(docs: str, attribute: str) -> list[str]:
    """The values that the documentation of an attribute lists."""
    block = re.search(rf":ivar {attribute}: (.*?)(?=:ivar |:vartype )", docs, re.DOTALL)
    found = _KNOWN.search(" ".join(block[1].split())) if block else None
    return sorted(re.findall(r'"([^"]+)"', found[1])) if found else []


if __name__ == "__main__":
    main()
    print(Path(SHAPES).name, "written")
