"""What mends plans, exports and contacts of Defender for Cloud, and Sentinel."""

from __future__ import annotations

from shared.posture.finding import Fix
from shared.posture.fixes.writing import (
    as_json,
    bicep_text,
    existing,
    group_of,
    line,
    name_of,
    of,
)


def plan(subscription: str, name: str, sub_plan: str = "") -> Fix:
    """Turn on a plan."""
    more = f"\n    subPlan: {bicep_text(sub_plan)}" if sub_plan else ""
    words = ["az", "security", "pricing", "create", "--name", name]
    words += ["--tier", "Standard", *(["--subplan", sub_plan] if sub_plan else [])]
    return Fix(
        bicep="targetScope = 'subscription'\n\n"
        "resource plan 'Microsoft.Security/pricings@2024-01-01' = {\n"
        f"  name: {bicep_text(name)}\n"
        "  properties: {\n"
        f"    pricingTier: 'Standard'{more}\n"
        "  }\n"
        "}",
        cli=line(*words, *of(subscription)),
    )


def export(subscription: str, hub: str) -> Fix:
    """Export every alert of a subscription to the hub; it lies in a resource group."""
    target = bicep_text(hub) if hub else "hubId"
    head = "" if hub else "param hubId string\n\n"
    kind = "'Microsoft.Security/automations@2023-12-01-preview'"
    body = {
        "location": "LOCATION",
        "properties": {
            "isEnabled": True,
            "scopes": [{"description": "", "scopePath": subscription}],
            "sources": [{"eventSource": "Alerts"}],
            "actions": [
                {
                    "actionType": "EventHub",
                    "eventHubResourceId": hub or "HUB-ID",
                    "isTrustedServiceEnabled": True,
                }
            ],
        },
    }
    url = (
        f"{subscription}/resourceGroups/RESOURCE-GROUP/providers/Microsoft.Security"
        "/automations/exportToEventHub?api-version=2023-12-01-preview"
    )
    return Fix(
        bicep=f"{head}resource export {kind} = {{\n"
        "  name: 'exportToEventHub'\n"
        "  location: resourceGroup().location\n"
        "  properties: {\n"
        "    isEnabled: true\n"
        f"    scopes: [ {{ description: '', scopePath: {bicep_text(subscription)} }} ]\n"
        "    sources: [ { eventSource: 'Alerts' } ]\n"
        f"    actions: [ {{ actionType: 'EventHub', eventHubResourceId: {target},"
        " isTrustedServiceEnabled: true } ]\n"
        "  }\n"
        "}",
        cli=line(
            "az", "rest", "--method", "put", "--url", url, "--body", as_json(body)
        ),
    )


def contact(subscription: str) -> Fix:
    """Have Defender mail somebody."""
    sources = "[ { sourceType: 'Alert', minimalSeverity: 'Medium' } ]"
    body = {
        "properties": {
            "emails": "ADDRESSES",
            "isEnabled": True,
            "notificationsSources": [
                {"sourceType": "Alert", "minimalSeverity": "Medium"}
            ],
            "notificationsByRole": {"state": "On", "roles": ["Owner"]},
        }
    }
    url = (
        f"{subscription}/providers/Microsoft.Security/securityContacts/default"
        "?api-version=2023-12-01-preview"
    )
    return Fix(
        bicep="targetScope = 'subscription'\n\n"
        "param emails string\n\n"
        "resource contact 'Microsoft.Security/securityContacts@2023-12-01-preview' = {\n"
        "  name: 'default'\n"
        "  properties: {\n"
        "    emails: emails\n"
        "    isEnabled: true\n"
        f"    notificationsSources: {sources}\n"
        "    notificationsByRole: { state: 'On', roles: [ 'Owner' ] }\n"
        "  }\n"
        "}",
        cli=line(
            "az", "rest", "--method", "put", "--url", url, "--body", as_json(body)
        ),
    )


def sentinel(workspace: str) -> Fix:
    """Put Sentinel on a workspace."""
    kind = "'Microsoft.SecurityInsights/onboardingStates@2024-03-01'"
    return Fix(
        bicep=f"{existing(workspace, 'workspace')}"
        f"resource sentinel {kind} = {{\n"
        "  scope: workspace\n"
        "  name: 'default'\n"
        "  properties: {}\n"
        "}",
        cli=line(
            "az",
            "sentinel",
            "onboarding-state",
            "create",
            "--name",
            "default",
            "--workspace-name",
            name_of(workspace),
            *group_of(workspace),
        ),
    )
