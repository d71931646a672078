"""What mends the logs of an operating system: agents, rules and what those collect."""

from __future__ import annotations

from shared.model import resource
from shared.posture.finding import Fix
from shared.posture.fixes.writing import (
    as_json,
    bicep_text,
    existing,
    group_of,
    line,
    name_of,
)

_ARC = "microsoft.hybridcompute/machines"


def agent_of(os: str) -> str:
    """The extension that is the agent on a system."""
    return f"AzureMonitor{'Windows' if os == 'windows' else 'Linux'}Agent"


def agent(machine: str, os: str) -> Fix:
    """Put the agent on a machine."""
    name = agent_of(os)
    is_arc = resource.type_of(machine) == _ARC
    kind = (
        "'Microsoft.HybridCompute/machines/extensions@2024-07-10'"
        if is_arc
        else "'Microsoft.Compute/virtualMachines/extensions@2024-03-01'"
    )
    words = (
        ("az", "connectedmachine", "extension", "create", "--machine-name")
        if is_arc
        else ("az", "vm", "extension", "set", "--vm-name")
    )
    more = (
        ("--type", name, "--location", "LOCATION")
        if is_arc
        else ("--enable-auto-upgrade", "true")
    )
    version = "" if is_arc else "    typeHandlerVersion: '1.0'\n"
    return Fix(
        bicep=f"{existing(machine, 'machine')}"
        f"resource agent {kind} = {{\n"
        "  parent: machine\n"
        f"  name: {bicep_text(name)}\n"
        "  location: resourceGroup().location\n"
        "  properties: {\n"
        "    publisher: 'Microsoft.Azure.Monitor'\n"
        f"    type: {bicep_text(name)}\n"
        f"{version}"
        "    autoUpgradeMinorVersion: true\n"
        "    enableAutomaticUpgrade: true\n"
        "  }\n"
        "}",
        cli=line(
            *(*words, name_of(machine), "--name", name),
            *("--publisher", "Microsoft.Azure.Monitor", *more),
            *group_of(machine),
        ),
    )


def association(machine: str, rule: str = "") -> Fix:
    """Have a rule collect from a machine."""
    target = bicep_text(rule) if rule else "ruleId"
    kind = "'Microsoft.Insights/dataCollectionRuleAssociations@2023-03-11'"
    return Fix(
        bicep=f"{'' if rule else 'param ruleId string' + chr(10) * 2}"
        f"{existing(machine, 'machine')}"
        f"resource association {kind} = {{\n"
        "  scope: machine\n"
        "  name: 'security'\n"
        "  properties: {\n"
        f"    dataCollectionRuleId: {target}\n"
        "  }\n"
        "}",
        cli=line(
            *("az", "monitor", "data-collection", "rule", "association", "create"),
            *("--name", "security", "--resource", machine),
            *("--rule-id", rule or "RULE-ID"),
        ),
    )


def events(rule: str, os: str) -> Fix:
    """Have a rule collect what says who signed in and who became whom."""
    words: tuple[str, ...]
    if os == "windows":
        words = ("windows-event-log", "add", "--streams", "Microsoft-SecurityEvent")
        words += ("--x-path-queries", "Security!*")
        source = (
            "windowsEventLogs: [ { name: 'security', streams:"
            " [ 'Microsoft-SecurityEvent' ], xPathQueries: [ 'Security!*' ] } ]"
        )
        stream = "Microsoft-SecurityEvent"
    else:
        words = ("syslog", "add", "--streams", "Microsoft-Syslog")
        words += ("--facility-names", as_json(["auth", "authpriv"]))
        words += ("--log-levels", as_json(["Info", "Notice", "Warning", "Error"]))
        source = (
            "syslog: [ { name: 'security', streams: [ 'Microsoft-Syslog' ],"
            " facilityNames: [ 'auth', 'authpriv' ],"
            " logLevels: [ 'Info', 'Notice', 'Warning', 'Error' ] } ]"
        )
        stream = "Microsoft-Syslog"
    return Fix(
        bicep="// Add to the properties of the rule, whose destination is named soc:\n"
        f"dataSources: {{\n  {source}\n}}\n"
        f"dataFlows: [ {{ streams: [ {bicep_text(stream)} ], destinations: [ 'soc' ] }} ]",
        cli=line(
            *("az", "monitor", "data-collection", "rule", *words),
            *("--name", "security", "--rule-name", name_of(rule)),
            *group_of(rule),
        ),
    )
