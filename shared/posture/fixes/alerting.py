"""What mends alert rules and those whom they call."""

from __future__ import annotations

from shared.posture.finding import Fix
from shared.posture.fixes.writing import (
    as_json,
    bicep_text,
    group_of,
    line,
    name_of,
    of,
)


def rule(subscription: str, group: str = "") -> Fix:
    """A first rule: of Azure's own word that something is not secure."""
    kind = "'Microsoft.Insights/activityLogAlerts@2020-10-01'"
    target = bicep_text(group) if group else "groupId"
    return Fix(
        bicep=f"{'' if group else 'param groupId string' + chr(10) * 2}"
        f"resource rule {kind} = {{\n"
        "  name: 'security'\n"
        "  location: 'global'\n"
        "  properties: {\n"
        "    enabled: true\n"
        f"    scopes: [ {bicep_text(subscription)} ]\n"
        "    condition: { allOf: [ { field: 'category', equals: 'Security' } ] }\n"
        f"    actions: {{ actionGroups: [ {{ actionGroupId: {target} }} ] }}\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "monitor", "activity-log", "alert", "create"),
            *("--name", "security", "--resource-group", "RESOURCE-GROUP"),
            *("--scope", subscription, "--condition", "category=Security"),
            *("--action-group", group or "GROUP-ID"),
            *of(subscription),
        ),
    )


def told(rule_id: str, group: str = "") -> Fix:
    """Have a rule call somebody."""
    target = bicep_text(group) if group else "groupId"
    url = f"{rule_id}?api-version=VERSION-OF-ITS-TYPE"
    is_of_query = "/scheduledqueryrules/" in rule_id
    wanted = group or "GROUP-ID"
    called: object = [wanted] if is_of_query else [{"actionGroupId": wanted}]
    shape = {"actionGroups": called}
    if is_of_query:
        url = f"{rule_id}?api-version=2023-12-01"
        written = f"actions: {{ actionGroups: [ {target} ] }}"
    elif "/activitylogalerts/" in rule_id:
        url = f"{rule_id}?api-version=2020-10-01"
        written = f"actions: {{ actionGroups: [ {{ actionGroupId: {target} }} ] }}"
    else:
        url = f"{rule_id}?api-version=2018-03-01"
        written = f"actions: [ {{ actionGroupId: {target} }} ]"
    actions: object = shape if "actionGroups:" in written else called
    body = as_json({"properties": {"actions": actions}})
    return Fix(
        bicep=f"// In the properties of the rule {bicep_text(name_of(rule_id))}:\n{written}",
        cli=line("az", "rest", "--method", "patch", "--url", url, "--body", body),
    )


def switched_on(group_id: str) -> Fix:
    """Have an action group be on; whoever is in it stays."""
    url = f"{group_id}?api-version=2023-01-01"
    body = as_json({"properties": {"enabled": True}})
    return Fix(
        bicep=f"// In the properties of the action group {bicep_text(name_of(group_id))}:\n"
        "enabled: true",
        cli=line("az", "rest", "--method", "patch", "--url", url, "--body", body),
    )


def group(group_id: str) -> Fix:
    """Have somebody be in an action group, whom Bicep names alone."""
    return Fix(
        bicep="param address string\n\n"
        "resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {\n"
        f"  name: {bicep_text(name_of(group_id))}\n"
        "  location: 'global'\n"
        "  properties: {\n"
        "    enabled: true\n"
        "    groupShortName: 'soc'\n"
        "    emailReceivers: [ { name: 'soc', emailAddress: address,"
        " useCommonAlertSchema: true } ]\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "monitor", "action-group", "update"),
            *("--name", name_of(group_id)),
            *("--add-action", "email", "soc", "ADDRESS", "usecommonalertschema"),
            *group_of(group_id),
        ),
    )
