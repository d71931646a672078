"""Where everything is read, and by which version of its API (remote-apis-azure.md 0.2, 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.log_retention.workspace import API_VERSION, SUBSCRIPTIONS_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PINS: Mapping[str, str] = {
    "Microsoft.Authorization/locks": "2020-05-01",
    "Microsoft.Authorization/permissions": "2022-04-01",
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/activityLogAlerts": "2020-10-01",
    "Microsoft.Insights/dataCollectionRules": "2023-03-11",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.OperationalInsights/workspaces": "2022-10-01",
    "Microsoft.OperationalInsights/workspaces/dataExports": "2020-08-01",
    "Microsoft.OperationalInsights/workspaces/tables": API_VERSION,
    "Microsoft.Security/automations": "2019-01-01-preview",
    "Microsoft.Security/pricings": "2024-01-01",
    "Microsoft.Security/securityContacts": "2023-12-01-preview",
    "Microsoft.SecurityInsights/dataConnectors": "2024-03-01",
    "Microsoft.SecurityInsights/onboardingStates": "2024-03-01",
    "Microsoft.Storage/storageAccounts": "2023-05-01",
}

SUBSCRIPTIONS = f"/subscriptions?api-version={SUBSCRIPTIONS_VERSION}"

# Associations and agents of all machines at once, which Resource Manager has for each
# alone; the paths of properties are [unverified] where section 19.12 says so.
AGENTS = (
    "resources | where type in~ ('microsoft.compute/virtualmachines/extensions',"
    " 'microsoft.hybridcompute/machines/extensions')"
    " | project id = tolower(id), kind = tostring(properties.type),"
    " state = tostring(properties.provisioningState) | order by id asc"
)
ASSOCIATIONS = (
    "insightsresources"
    " | where type =~ 'microsoft.insights/datacollectionruleassociations'"
    " | project id = tolower(id), rule = tostring(properties.dataCollectionRuleId)"
    " | order by id asc"
)


def listed(scope: str, kind: str) -> str:
    """The path at which all of a kind is listed that is at a scope, or below it."""
    return f"{scope}/providers/{kind}?api-version={PINS[kind]}"


def settings_of(canonical_id: str) -> str:
    """The path of a resource's diagnostic settings."""
    return listed(canonical_id, "Microsoft.Insights/diagnosticSettings")


def locks_of(subscription: str) -> str:
    """The path of every lock in a subscription, and above it."""
    return listed(subscription, "Microsoft.Authorization/locks")


def in_workspace(workspace: str, part: str) -> str:
    """The path of the ``tables`` or ``dataExports`` of a workspace."""
    pin = PINS[f"Microsoft.OperationalInsights/workspaces/{part}"]
    return f"{workspace}/{part}?api-version={pin}"


def onboarding(workspace: str) -> str:
    """The path of what says that Sentinel is on a workspace."""
    kind = "Microsoft.SecurityInsights/onboardingStates"
    return f"{workspace}/providers/{kind}/default?api-version={PINS[kind]}"


def in_account(account: str, part: str) -> str:
    """The path of a part of a storage account."""
    return f"{account}/{part}?api-version={PINS['Microsoft.Storage/storageAccounts']}"


def things(types: Iterable[str]) -> str:
    """The question to Resource Graph for all resources of some types."""
    quoted = ", ".join(f"'{each}'" for each in sorted(types))
    return (
        f"resources | where type in~ ({quoted})"
        " | project id = tolower(id), type = tolower(type), kind = tostring(kind),"
        " os = tostring(coalesce(properties.storageProfile.osDisk.osType,"
        " properties.osType)),"
        " power = tostring(properties.extended.instanceView.powerState.code),"
        " status = tostring(properties.status) | order by id asc"
    )
