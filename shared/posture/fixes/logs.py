"""What mends where logs go, and how long they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model import resource
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

if TYPE_CHECKING:
    from collections.abc import Iterable

_SETTINGS = "'Microsoft.Insights/diagnosticSettings@2021-05-01-preview'"


def setting(
    scope: str, categories: Iterable[str], workspace: str = "", account: str = ""
) -> Fix:
    """Send logs of a subscription or a resource to a workspace and to an account."""
    names = [each.partition("|")[0] for each in categories]
    logs = "".join(
        f"      {{ category: {bicep_text(name)}, enabled: true }}\n" for name in names
    )
    is_whole = resource.whole(scope) is None
    head = "targetScope = 'subscription'\n\n" if is_whole else existing(scope)
    listed = as_json([{"category": name, "enabled": True} for name in names])
    words = ["az", "monitor", "diagnostic-settings"]
    words += ["subscription", "create"] if is_whole else ["create"]
    words += ["--name", "security", "--workspace", workspace or "WORKSPACE-ID"]
    words += ["--storage-account", account or "ACCOUNT-ID", "--logs", listed]
    words += ["--location", "global", *of(scope)] if is_whole else ["--resource", scope]
    return Fix(
        bicep=f"{_parameters(workspace=workspace, account=account)}{head}"
        f"resource setting {_SETTINGS} = {{\n"
        f"{'' if is_whole else '  scope: target' + chr(10)}"
        "  name: 'security'\n"
        "  properties: {\n"
        f"    workspaceId: {bicep_text(workspace) if workspace else 'workspace'}\n"
        f"    storageAccountId: {bicep_text(account) if account else 'account'}\n"
        f"    logs: [\n{logs}    ]\n"
        "  }\n"
        "}",
        cli=line(*words),
    )


def table(workspace: str, name: str, interactive: int, total: int) -> Fix:
    """Keep a table for so many days; nothing else of it changes."""
    kind = "'Microsoft.OperationalInsights/workspaces/tables@2022-10-01'"
    return Fix(
        bicep=f"{existing(workspace, 'workspace')}"
        f"resource table {kind} = {{\n"
        "  parent: workspace\n"
        f"  name: {bicep_text(name)}\n"
        "  properties: {\n"
        f"    retentionInDays: {interactive}\n"
        f"    totalRetentionInDays: {total}\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "monitor", "log-analytics", "workspace", "table", "update"),
            *("--workspace-name", name_of(workspace), "--name", name),
            *("--retention-time", str(interactive)),
            *("--total-retention-time", str(total)),
            *group_of(workspace),
        ),
    )


def uncapped(workspace: str) -> Fix:
    """Take the daily cap off a workspace."""
    return Fix(
        bicep="resource workspace 'Microsoft.OperationalInsights/workspaces@2022-10-01'"
        " = {\n"
        f"  name: {bicep_text(name_of(workspace))}\n"
        "  location: resourceGroup().location\n"
        "  properties: {\n"
        "    workspaceCapping: { dailyQuotaGb: -1 }\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "monitor", "log-analytics", "workspace", "update"),
            *("--workspace-name", name_of(workspace), "--quota", "-1"),
            *group_of(workspace),
        ),
    )


def copied(workspace: str, tables: Iterable[str], account: str = "") -> Fix:
    """Copy tables out of a workspace, to an account in another scope."""
    names = [*tables]
    kind = "'Microsoft.OperationalInsights/workspaces/dataExports@2020-08-01'"
    listed = " ".join(bicep_text(name) for name in names)
    target = bicep_text(account) if account else "account"
    return Fix(
        bicep=f"{'' if account else 'param account string' + chr(10) * 2}"
        f"{existing(workspace, 'workspace')}"
        f"resource copy {kind} = {{\n"
        "  parent: workspace\n"
        "  name: 'security'\n"
        "  properties: {\n"
        f"    destination: {{ resourceId: {target} }}\n"
        "    enable: true\n"
        f"    tableNames: [ {listed} ]\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "monitor", "log-analytics", "workspace", "data-export", "create"),
            *("--workspace-name", name_of(workspace), "--name", "security"),
            *("--destination", account or "ACCOUNT-ID", "--enable", "true"),
            *("--tables", *names),
            *group_of(workspace),
        ),
    )


def lock(sink: str) -> Fix:
    """Keep a sink from being deleted."""
    return Fix(
        bicep=f"{existing(sink)}"
        "resource lock 'Microsoft.Authorization/locks@2020-05-01' = {\n"
        "  scope: target\n"
        "  name: 'keep-logs'\n"
        "  properties: {\n"
        "    level: 'CanNotDelete'\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "lock", "create", "--name", "keep-logs"),
            *("--lock-type", "CanNotDelete", "--resource", sink),
        ),
    )


def kept(account: str, container: str, days: int) -> Fix:
    """Let nobody change the blobs of a container for so many days."""
    target = existing(f"{account}/blobservices/default/containers/{container}", "logs")
    kind = (
        "'Microsoft.Storage/storageAccounts/blobServices/containers"
        "/immutabilityPolicies@2023-05-01'"
    )
    return Fix(
        bicep=f"{target}"
        f"resource kept {kind} = {{\n"
        "  parent: logs\n"
        "  name: 'default'\n"
        "  properties: {\n"
        f"    immutabilityPeriodSinceCreationInDays: {days}\n"
        "    allowProtectedAppendWrites: true\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "storage", "container", "immutability-policy", "create"),
            *("--account-name", name_of(account), "--container-name", container),
            *("--period", str(days), "--allow-protected-append-writes", "true"),
            *group_of(account),
        ),
    )


def lifecycle(account: str, days: int) -> Fix:
    """Move old logs to cheaper tiers, and delete none before so many days."""
    rule = {
        "enabled": True,
        "name": "logs",
        "type": "Lifecycle",
        "definition": {
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["insights-"]},
            "actions": {
                "baseBlob": {
                    "tierToCool": {"daysAfterModificationGreaterThan": 30},
                    "delete": {"daysAfterModificationGreaterThan": days},
                }
            },
        },
    }
    kind = "'Microsoft.Storage/storageAccounts/managementPolicies@2023-05-01'"
    return Fix(
        bicep=f"{existing(account)}"
        f"resource lifecycle {kind} = {{\n"
        "  parent: target\n"
        "  name: 'default'\n"
        "  properties: {\n"
        f"    policy: json({bicep_text(as_json({'rules': [rule]}))})\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "storage", "account", "management-policy", "create"),
            *("--account-name", name_of(account)),
            *("--policy", as_json({"rules": [rule]})),
            *group_of(account),
        ),
    )


def _parameters(**known: str) -> str:
    lines = "".join(f"param {name} string\n" for name, at in known.items() if not at)
    return f"{lines}\n" if lines else ""
