"""What can be wrong with an estate: for each check, one fault that only it finds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.model.logs import Answer
from shared.model.posture import CheckName as Name
from shared.posture.estate import Held
from shared.posture.gate import Gate
from shared.posture.look import Sides, look
from shared.posture.report import report
from shared.posture.wanted import Wanted
from tests.estates import (
    ARCHIVE,
    CONTAINER,
    CUSTOMER,
    DCR,
    GROUP,
    HUB,
    TABLES,
    WORKSPACE,
    Estate,
    at,
    group,
    sub,
)
from tests.fakes.arm_reads import FakeArm, denied
from tests.fakes.clock import START
from tests.fakes.logs import FakeLogs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.posture.estate import Estate as Read
    from shared.posture.finding import Finding

SECURITY = "providers/Microsoft.Security"
INSIGHTS = "providers/Microsoft.Insights"
INSIGHT = f"{WORKSPACE}/providers/Microsoft.SecurityInsights"

# A workspace that is asked too, where there is one.
SECOND = CUSTOMER[:-2] + "02"


class At(NamedTuple):
    """Where a fault is: the resource, and what of it."""

    resource: str
    subject: str = ""


# Faults of documents: planted in a subscription by its number.


def plan_off(estate: Estate, number: int) -> At:
    estate.of(f"{sub(number)}/{SECURITY}/pricings/KeyVaults")["pricingTier"] = "Free"
    return At(sub(number), "KeyVaults")


def plan_partial(estate: Estate, number: int) -> At:
    plan = estate.of(f"{sub(number)}/{SECURITY}/pricings/StorageAccounts")
    plan["resourcesCoverageStatus"] = "PartiallyCovered"
    return At(sub(number), "StorageAccounts")


def plan_without_files(estate: Estate, number: int) -> At:
    estate.of(f"{sub(number)}/{SECURITY}/pricings/VirtualMachines")["subPlan"] = "P1"
    return At(sub(number), "VirtualMachines")


def _export(number: int) -> str:
    return f"{group(number)}/{SECURITY}/automations/exportToEventHub"


def export_missing(estate: Estate, number: int) -> At:
    # To another hub; and one that runs a logic app is no export.
    actions = estate.of(_export(number))["actions"]
    actions[0]["eventHubResourceId"] = actions[0]["eventHubResourceId"] + "-old"
    estate.add(
        f"{group(number)}/{SECURITY}/automations/playbook",
        {
            "isEnabled": True,
            "scopes": [{"scopePath": sub(number)}],
            "sources": [{"eventSource": "Alerts"}],
            "actions": [{"actionType": "LogicApp", "logicAppResourceId": "x"}],
        },
    )
    return At(sub(number))


def export_off(estate: Estate, number: int) -> At:
    estate.of(_export(number))["isEnabled"] = False
    return At(sub(number))


def export_narrow(estate: Estate, number: int) -> At:
    rules = [
        {
            "propertyJPath": "Severity",
            "propertyType": "String",
            "operator": "Equals",
            "expectedValue": each,
        }
        for each in ("High", "Medium", "Informational")
    ]
    estate.of(_export(number))["sources"] = [
        {"eventSource": "Alerts", "ruleSets": [{"rules": [each]} for each in rules]}
    ]
    return At(sub(number))


def contact_missing(estate: Estate, number: int) -> At:
    contact = estate.of(f"{sub(number)}/{SECURITY}/securityContacts/default")
    contact["emails"] = ""
    return At(sub(number))


def _activity(number: int) -> str:
    return f"{sub(number)}/{INSIGHTS}/diagnosticSettings/security"


def activity_not_kept(estate: Estate, number: int) -> At:
    for log in estate.of(_activity(number))["logs"]:
        log["enabled"] = False
    return At(sub(number))


def activity_narrow(estate: Estate, number: int) -> At:
    estate.of(_activity(number))["logs"].pop()
    return At(sub(number))


def archive_missing(estate: Estate, number: int) -> At:
    del estate.of(_activity(number))["storageAccountId"]
    return At(sub(number))


def _of_kind(estate: Estate, kind: str, number: int) -> str:
    return next(
        t for t in estate.things if f"/{kind}/" in t and t.startswith(f"{sub(number)}/")
    )


def logs_not_kept(estate: Estate, number: int) -> At:
    vault = _of_kind(estate, "vaults", number)
    estate.remove(f"{vault}/{INSIGHTS}/diagnosticSettings/security")
    return At(vault)


def logs_narrow(estate: Estate, number: int) -> At:
    site = _of_kind(estate, "sites", number)
    estate.of(f"{site}/{INSIGHTS}/diagnosticSettings/security")["logs"].pop()
    return At(site)


def sink_gone(estate: Estate, number: int) -> At:
    account = at("Microsoft.Storage/storageAccounts", "stgone", number)
    setting = estate.setting(_of_kind(estate, "vaults", number), "AuditEvent", name="b")
    estate.of(setting)["storageAccountId"] = account
    return At(account)


def sink_unlocked(estate: Estate, _: int) -> At:
    estate.remove(f"{WORKSPACE}/providers/Microsoft.Authorization/locks/keep")
    return At(WORKSPACE)


def _second_workspace(estate: Estate, number: int, customer: str) -> str:
    """Another workspace, in which all is well, and that one vault sends to."""
    name = f"law-{number}"
    other = estate.add(
        at("Microsoft.OperationalInsights/workspaces", name, number),
        {"customerId": customer, "retentionInDays": 90},
    )
    estate.setting(other, "Audit")
    estate.add(
        f"{other}/providers/Microsoft.Authorization/locks/keep", {"level": "ReadOnly"}
    )
    setting = estate.setting(_of_kind(estate, "vaults", number), "AuditEvent", name="b")
    estate.of(setting)["workspaceId"] = other
    return other


def no_second_copy(estate: Estate, number: int) -> At:
    other = _second_workspace(estate, number, SECOND)
    for each in estate.documents.values():
        if each["properties"].get("workspaceId") == other:
            del each["properties"]["storageAccountId"]
    return At(other)


def workspace_not_asked(estate: Estate, number: int) -> At:
    return At(_second_workspace(estate, number, CUSTOMER[:-2] + "ff"))


def agent_missing(estate: Estate, number: int) -> At:
    machine = estate.machine("vm-mute", number)
    agent = estate.of(f"{machine}/extensions/AzureMonitorLinuxAgent")
    agent["provisioningState"] = "Failed"
    return At(machine)


def rule_missing(estate: Estate, number: int) -> At:
    machine = estate.machine("vm-idle", number)
    estate.remove(f"{machine}/{INSIGHTS}/dataCollectionRuleAssociations/security")
    return At(machine)


def events_missing(estate: Estate, number: int) -> At:
    machine = estate.machine("vm-deaf", number, "Windows")
    dull = at("Microsoft.Insights/dataCollectionRules", "dcr-dull", number)
    whole = estate.of(DCR)
    sources = {"windowsEventLogs": [{"streams": ["Microsoft-Event"], "name": "e"}]}
    estate.add(dull, {**whole, "dataSources": sources})
    name = f"{machine}/{INSIGHTS}/dataCollectionRuleAssociations/security"
    estate.of(name)["dataCollectionRuleId"] = dull
    return At(machine)


def cap_set(estate: Estate, _: int) -> At:
    estate.of(WORKSPACE)["workspaceCapping"]["dailyQuotaGb"] = 5.0
    return At(WORKSPACE)


def cap_reached(estate: Estate, _: int) -> At:
    capping = {"dailyQuotaGb": 5.0, "dataIngestionStatus": "OverQuota"}
    estate.of(WORKSPACE)["workspaceCapping"] = capping
    return At(WORKSPACE)


def retention_interactive(estate: Estate, _: int) -> At:
    estate.of(f"{WORKSPACE}/tables/Syslog")["retentionInDays"] = 30
    return At(WORKSPACE, "Syslog")


def retention_total(estate: Estate, _: int) -> At:
    estate.of(f"{WORKSPACE}/tables/SecurityEvent")["totalRetentionInDays"] = 180
    return At(WORKSPACE, "SecurityEvent")


def archive_mutable(estate: Estate, _: int) -> At:
    container = f"{ARCHIVE}/blobServices/default/containers/{CONTAINER}"
    estate.of(container)["hasImmutabilityPolicy"] = False
    return At(ARCHIVE, CONTAINER)


def _lifecycle(estate: Estate) -> dict[str, object]:
    policy = estate.of(f"{ARCHIVE}/managementPolicies/default")["policy"]
    found: dict[str, object] = policy["rules"][0]["definition"]["actions"]["baseBlob"]
    return found


def archive_untiered(estate: Estate, _: int) -> At:
    del _lifecycle(estate)["tierToCool"]
    return At(ARCHIVE)


def archive_deletes(estate: Estate, _: int) -> At:
    _lifecycle(estate)["delete"] = {"daysAfterModificationGreaterThan": 90}
    return At(ARCHIVE)


def rules_absent(estate: Estate, number: int) -> At:
    rule = at("Microsoft.Insights/activityLogAlerts", "security", number)
    estate.of(rule)["enabled"] = False
    return At(sub(number))


def rule_tells_nobody(estate: Estate, number: int) -> At:
    rule = estate.add(
        at("Microsoft.Insights/metricAlerts", "burning", number),
        {"enabled": True, "actions": [{"actionGroupId": f"{GROUP}-gone"}]},
    )
    return At(rule)


def group_dead(estate: Estate, number: int) -> At:
    dead = estate.add(
        at("Microsoft.Insights/actionGroups", "ag-left", number),
        {"enabled": True, "emailReceivers": [{"name": "x", "status": "Disabled"}]},
    )
    estate.add(
        at("Microsoft.Insights/scheduledQueryRules", "unheard", number),
        {"enabled": True, "actions": {"actionGroups": [dead]}},
    )
    return At(dead)


def sentinel_missing(estate: Estate, _: int) -> At:
    estate.remove(f"{INSIGHT}/onboardingStates/default")
    return At("")


def sentinel_unfed(estate: Estate, _: int) -> At:
    estate.remove(f"{INSIGHT}/dataConnectors/defender")
    return At(WORKSPACE)


def own_rule_missing(estate: Estate, _: int) -> At:
    rule = at("Microsoft.Insights/scheduledQueryRules", "tick-stopped-production")
    estate.of(rule)["enabled"] = False
    return At(sub(0), "tick-stopped")


def too_many_workspaces(estate: Estate, number: int) -> At:
    for place in range(100):
        name = f"law-many-{place:03d}"
        other = at("Microsoft.OperationalInsights/workspaces", name, number)
        rule = at("Microsoft.Insights/dataCollectionRules", f"dcr-{place:03d}", number)
        to = {"logAnalytics": [{"workspaceResourceId": other, "name": "x"}]}
        estate.add(rule, {**estate.of(DCR), "destinations": to})
    return At("")


OF_DOCUMENTS: Mapping[Name, Callable[[Estate, int], At]] = {
    Name.PLAN_OFF: plan_off,
    Name.PLAN_PARTIAL: plan_partial,
    Name.PLAN_WITHOUT_FILES: plan_without_files,
    Name.EXPORT_MISSING: export_missing,
    Name.EXPORT_OFF: export_off,
    Name.EXPORT_NARROW: export_narrow,
    Name.CONTACT_MISSING: contact_missing,
    Name.ACTIVITY_NOT_KEPT: activity_not_kept,
    Name.ACTIVITY_NARROW: activity_narrow,
    Name.LOGS_NOT_KEPT: logs_not_kept,
    Name.LOGS_NARROW: logs_narrow,
    Name.SINK_GONE: sink_gone,
    Name.SINK_UNLOCKED: sink_unlocked,
    Name.NO_SECOND_COPY: no_second_copy,
    Name.AGENT_MISSING: agent_missing,
    Name.RULE_MISSING: rule_missing,
    Name.EVENTS_MISSING: events_missing,
    Name.CAP_SET: cap_set,
    Name.CAP_REACHED: cap_reached,
    Name.RETENTION_INTERACTIVE: retention_interactive,
    Name.RETENTION_TOTAL: retention_total,
    Name.ARCHIVE_MISSING: archive_missing,
    Name.ARCHIVE_MUTABLE: archive_mutable,
    Name.ARCHIVE_UNTIERED: archive_untiered,
    Name.ARCHIVE_DELETES: archive_deletes,
    Name.RULES_ABSENT: rules_absent,
    Name.RULE_TELLS_NOBODY: rule_tells_nobody,
    Name.GROUP_DEAD: group_dead,
    Name.SENTINEL_MISSING: sentinel_missing,
    Name.SENTINEL_UNFED: sentinel_unfed,
    Name.OWN_RULE_MISSING: own_rule_missing,
    Name.WORKSPACE_NOT_ASKED: workspace_not_asked,
    Name.TOO_MANY_WORKSPACES: too_many_workspaces,
}


class Case:
    """An estate, and the rest of what an audit goes by; in all of it nothing is wrong."""

    def __init__(self) -> None:
        self.estate = Estate()
        self.wanted = Wanted(
            now=START,
            tables=frozenset(TABLES),
            hub=HUB,
            home=sub(0),
            asked=frozenset({CUSTOMER, SECOND}),
        )
        self.silent: set[str] = set()
        self.held: tuple[Held, ...] = ()
        self.fails: list[tuple[str, str]] = []

    def prepare(self, arm: FakeArm) -> None:
        """Let fail what is to."""
        for text, role in self.fails:
            arm.fails[text] = [denied(role)]


async def read(case: Case, arm: FakeArm | None = None) -> tuple[Read, Wanted]:
    """The estate of a case, as it is read."""
    arm = arm or FakeArm([*case.estate.documents.values()])
    case.prepare(arm)
    machines = [e.lower() for e in case.estate.documents if _is_machine(e)]
    stamp = case.wanted.now.isoformat()
    logs = FakeLogs(
        Answer(
            columns=("Machine", "Last"),
            rows=tuple((m, stamp) for m in machines if m not in case.silent),
        )
    )
    gate = Gate(seconds=asyncio.get_running_loop().time)
    sides = Sides(arm, arm, logs)
    return await look(sides, case.wanted, gate=gate, held=case.held)


def _is_machine(resource_id: str) -> bool:
    return resource_id.count("/") == 8 and "/virtualmachines/" in resource_id


async def audited(case: Case) -> tuple[Finding, ...]:
    """What an audit of a case finds."""
    return report(*await read(case)).findings


def machine_silent(case: Case) -> At:
    machine = case.estate.machine("vm-gone", 1)
    case.silent.add(machine.lower())
    return At(machine)


def evidence_expires(case: Case) -> At:
    held = Held(
        incident="0d9eeb301d377b52",
        since=START - timedelta(days=720),
        tables=frozenset({"SecurityEvent"}),
        workspaces=frozenset({CUSTOMER}),
    )
    case.held = (held,)
    return At(WORKSPACE, "0d9eeb301d377b52/SecurityEvent")


def unknown(case: Case) -> At:
    case.fails = [(f"{sub(1)}/{SECURITY}/pricings", "Security Reader")]
    return At(sub(1), "Defender plans")


def _in_documents(plant: Callable[[Estate, int], At]) -> Callable[[Case], At]:
    return lambda case: plant(case.estate, 1)


FAULTS: Mapping[Name, Callable[[Case], At]] = {
    **{name: _in_documents(plant) for name, plant in OF_DOCUMENTS.items()},
    Name.MACHINE_SILENT: machine_silent,
    Name.EVIDENCE_EXPIRES: evidence_expires,
    Name.UNKNOWN: unknown,
}


# Of those that speak of one thing, a messy estate can have one.
_EXCLUDED = {Name.CAP_REACHED, Name.SENTINEL_MISSING}
_PLACES: Mapping[Name, int] = {
    Name.EXPORT_OFF: 2,
    Name.EXPORT_NARROW: 3,
    Name.ACTIVITY_NOT_KEPT: 4,
    Name.ACTIVITY_NARROW: 5,
    Name.ARCHIVE_MISSING: 6,
    Name.LOGS_NOT_KEPT: 7,
    Name.SINK_GONE: 8,
    Name.NO_SECOND_COPY: 2,
    Name.WORKSPACE_NOT_ASKED: 3,
    Name.RULES_ABSENT: 4,
}


def messy() -> tuple[Case, set[tuple[Name, str, str]]]:
    """Ten subscriptions of 200 resources each, and every fault in it that was planted."""
    case = Case()
    case.estate = Estate(subscriptions=10, each=200)
    expected: set[tuple[Name, str, str]] = set()
    for name, plant in OF_DOCUMENTS.items():
        if name not in _EXCLUDED:
            found = plant(case.estate, _PLACES.get(name, 1))
            expected.add((name, found.resource.lower(), found.subject))
    for thing in case.estate.things:
        if "/registries/" in thing and thing.startswith(f"{sub(9)}/"):
            case.estate.remove(f"{thing}/{INSIGHTS}/diagnosticSettings/security")
            expected.add((Name.LOGS_NOT_KEPT, thing.lower(), ""))
    return case, expected
