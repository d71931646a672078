"""Azure Monitor's common alert schema."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.model.alert import ROAD_RANK, Alert, AlertStatus, Road, Severity
from shared.model.entity import Account, Ip
from shared.model.errors import AlertRejected
from shared.sources import azure_monitor
from shared.sources.fields import Fields
from tests.given import given, sample

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
FIRED_AT = datetime(2026, 11, 2, 9, 15, 30, 123456, tzinfo=UTC)
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/shop-prod"
VM = f"{GROUP}/providers/microsoft.compute/virtualmachines/vm-shop-02"
ALERT_ID = "00000000-0000-4000-8000-000000000001"
DEFENDER_ID = "2516086898698765439_00000000-0000-4000-8000-0000000000a1"


def read(raw: dict[str, Any]) -> Alert:
    fields = Fields(raw, "$")
    assert azure_monitor.recognises(fields)
    return azure_monitor.read(fields, received_at=NOW)


def unit(quirk: str) -> dict[str, Any]:
    raw: dict[str, Any] = msgspec.json.decode(sample("azure-monitor", f"{quirk}.json"))
    return raw


def read_sample(quirk: str) -> Alert:
    return read(unit(quirk))


def changed(quirk: str, **essentials: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """The sample with other essentials; those that are ``...`` are left out."""
    raw = unit(quirk)
    merged = raw["data"]["essentials"] | essentials
    kept = {name: value for name, value in merged.items() if value is not ...}
    raw["data"]["essentials"] = kept
    return raw


def test_a_log_alert_is_read_with_its_essentials() -> None:
    """Identity, type, severity, time, machine and link are what the payload says."""
    alert = read_sample("log_alerts_v2_fired")

    assert (alert.kind, alert.id) == ("azure-monitor", ALERT_ID)
    assert alert.alert_type == "Log Alerts V2/failed-logons"
    assert alert.title == "failed-logons"
    assert (alert.severity, alert.reported_severity) == (Severity.HIGH, "Sev1")
    assert (alert.status, alert.reported_status) == (AlertStatus.OPEN, "Fired")
    assert alert.started_at == alert.ended_at == alert.version.at == FIRED_AT
    assert alert.version.rank == ROAD_RANK[Road.HUB]
    assert (alert.scope, alert.compromised_entity) == (SUBSCRIPTION, "vm-shop-02")
    assert alert.uri == "https://portal.azure.com#@shop/blade/Logs/filtered"


def test_what_sends_the_data_is_the_resource_not_the_workspace() -> None:
    """Configuration items come before the targets of a rule on a workspace."""
    alert = read_sample("log_alerts_v2_fired")

    assert alert.resource == VM


def test_dimensions_name_entities() -> None:
    """The address that a query was split by is an entity of the alert."""
    alert = read_sample("log_alerts_v2_fired")

    assert [e.address for e in alert.entities if isinstance(e, Ip)] == ["203.0.113.9"]


def test_a_resolution_is_a_later_version_of_the_alert_that_fired() -> None:
    """Fired and resolved share their id, start and type; the second closes it."""
    fired = read_sample("log_alerts_v2_fired")
    resolved = read_sample("log_alerts_v2_resolved")

    assert resolved.id == fired.id
    assert resolved.alert_type == fired.alert_type
    assert resolved.started_at == fired.started_at
    assert resolved.status is AlertStatus.CLOSED
    assert resolved.ended_at == datetime(2026, 11, 2, 9, 35, 0, 500000, tzinfo=UTC)
    assert resolved.version > fired.version


def test_a_resolution_without_its_time_is_still_later() -> None:
    """The time of receipt stands for the resolution's, never the time of firing."""
    fired = read_sample("log_alerts_v2_fired")

    resolved = read(changed("log_alerts_v2_resolved", resolvedDateTime=...))

    assert resolved.version > fired.version


def test_the_first_log_alerts_write_dates_as_americans_do() -> None:
    """The end of the search interval is read where nothing says when it fired."""
    alert = read_sample("log_alerts_v1_us_dates")

    assert alert.started_at == datetime(2026, 11, 2, 12, 51, 31, tzinfo=UTC)
    assert alert.alert_type == "Log Analytics/cpu-by-log"
    assert alert.severity is Severity.MEDIUM
    assert alert.uri == "https://portal.azure.com/#Analyticsblade/search/index?q=Usage"


KINDS = [
    ("metric_dynamic_threshold", "Platform/egress", "egress", Severity.HIGH),
    (
        "activity_log_administrative",
        "Activity Log - Administrative/run-command",
        "run-command",
        Severity.INFORMATIONAL,
    ),
    (
        "activity_log_policy",
        "Activity Log - Policy/policy-audit",
        "policy-audit",
        Severity.INFORMATIONAL,
    ),
    (
        "activity_log_autoscale",
        "Activity Log - Autoscale/scaled",
        "scaled",
        Severity.INFORMATIONAL,
    ),
    (
        "activity_log_recommendation",
        "Activity Log - Recommendation/advice",
        "Enable soft delete",
        Severity.INFORMATIONAL,
    ),
    (
        "resource_health",
        "Resource Health/vm-is-ill",
        "The machine is unavailable",
        Severity.INFORMATIONAL,
    ),
    (
        "service_health_resolved",
        "ServiceHealth/azure-is-ill",
        "Storage - West Europe",
        Severity.INFORMATIONAL,
    ),
    ("prometheus", "Prometheus/SqlDown", "SqlDown", Severity.LOW),
    (
        "smart_detector",
        "Smart Detector/Failure Anomalies - shop",
        "Failure Anomalies - shop",
        Severity.LOW,
    ),
    (
        "application_insights",
        "Application Insights/errors-500",
        "errors-500",
        Severity.LOW,
    ),
    ("budget_nulls", "CostAlerts/shop-budget", "shop-budget", Severity.MEDIUM),
]


@pytest.mark.parametrize(("quirk", "alert_type", "title", "severity"), KINDS)
def test_every_monitoring_service_is_read(
    quirk: str, alert_type: str, title: str, severity: Severity
) -> None:
    """Type and title are the service's and the rule's, or the event's own title."""
    alert = read_sample(quirk)

    assert (alert.alert_type, alert.title) == (alert_type, title)
    assert (alert.severity, alert.scope) == (severity, SUBSCRIPTION)
    assert alert.started_at == FIRED_AT


def test_a_budget_has_its_own_kind_of_id_and_no_severity() -> None:
    """All-null essentials leave the id of Cost Management, and caution."""
    alert = read_sample("budget_nulls")

    assert alert.id.endswith("/microsoft.costmanagement/alerts/" + ALERT_ID[:-2] + "0e")
    assert (alert.status, alert.reported_severity) == (AlertStatus.OPEN, "")
    assert alert.resource == f"/subscriptions/{SUBSCRIPTION}"


def test_a_health_event_that_is_over_is_closed() -> None:
    """Health alerts never resolve; the event's own status says that it is over."""
    assert read_sample("service_health_resolved").status is AlertStatus.CLOSED
    assert read_sample("resource_health").status is AlertStatus.OPEN


def test_who_acted_and_from_where_are_entities() -> None:
    """Caller, object id of the claims and address of an activity log alert are kept."""
    alert = read_sample("activity_log_administrative")

    accounts = [e for e in alert.entities if isinstance(e, Account)]
    assert [account.upn for account in accounts] == ["mallory@contoso.example"]
    assert accounts[0].object_id == "00000000-0000-4000-8000-0000000000b7"
    assert [e.address for e in alert.entities if isinstance(e, Ip)] == ["203.0.113.9"]
    assert alert.description == "Somebody ran a command."


def test_a_copy_of_defenders_alert_has_its_id() -> None:
    """The Security category is the same alert by a worse road, with its own severity."""
    alert = read_sample("activity_log_security")

    assert (alert.kind, alert.id) == ("azure-monitor", DEFENDER_ID)
    assert alert.version.rank == ROAD_RANK[Road.ACTIVITY_LOG]
    assert alert.severity is Severity.HIGH
    assert alert.tactics == ("Execution", "Persistence")
    assert alert.compromised_entity == "vm-shop-02"
    assert alert.alert_type == "Activity Log - Security/defender-copy"
    assert (alert.resource, alert.scope) == (GROUP, SUBSCRIPTION)


def test_a_copy_is_older_than_what_the_hub_says() -> None:
    """Its version is the event's time, so that processing times come after it."""
    alert = read_sample("activity_log_security")

    assert alert.version.at == alert.started_at == FIRED_AT


def test_a_test_of_an_action_group_keeps_its_whole_id() -> None:
    """What is no id of AlertsManagement is not cut down to one."""
    alert = read_sample("test_action")

    assert alert.id.endswith("/microsoft.insights/activitylogalerts/test_alert")


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (changed("prometheus", alertId=...), "$.data.essentials.alertId"),
        (changed("prometheus", alertId=7), "$.data.essentials.alertId"),
        ({"schemaId": "azureMonitorCommonAlertSchema"}, "$.data.essentials"),
        (
            {"schemaId": "azureMonitorCommonAlertSchema", "data": [1]},
            "$.data.essentials",
        ),
    ],
)
def test_without_an_id_it_is_rejected(raw: dict[str, Any], path: str) -> None:
    """The place that lacks it is named."""
    with pytest.raises(AlertRejected) as caught:
        read(raw)

    assert caught.value.path == path


def test_without_service_and_rule_it_is_rejected() -> None:
    """Nothing else could tell one problem from another."""
    raw = changed("prometheus", monitoringService="", signalType=None, alertRule=3)

    with pytest.raises(AlertRejected, match="type"):
        read(raw)


def test_names_have_no_case_and_a_long_rule_is_cut() -> None:
    """The type stays within its bound instead of costing the alert."""
    raw = changed("prometheus", alertRule="r" * 400)

    alert = read({"SCHEMAID": raw["schemaId"].upper(), "DATA": raw["data"]})

    assert alert.alert_type.startswith("Prometheus/rrr")
    assert len(alert.alert_type) == 256


def test_given_payloads() -> None:
    """The two whole payloads that were given are read as they are."""
    read_by_name = {
        name: read(msgspec.json.decode(body))
        for name, body in given("azure-monitor-common", "[AL]*.json").items()
    }

    insights = read_by_name["ApplicationInsights.json"]
    assert insights.id == "f5559a07-3dea-d9c9-19d1-9e6a8e05407b"
    assert insights.alert_type == "Application Insights/Exception"
    assert insights.severity is Severity.LOW
    log = read_by_name["LogAlertsV2.json"]
    assert log.id == "fbb350ec-24f3-8465-4323-3de3f60736c3"
    assert log.alert_type == "Log Alerts V2/ExceptionMonitoring"
    assert log.severity is Severity.HIGH
    assert log.started_at == datetime(2021, 10, 26, 9, 35, 13, 507759, tzinfo=UTC)
    assert log.resource_text.startswith("/subscriptions/xxx/")


def test_given_contexts() -> None:
    """The fragments that were given are read once they have essentials."""
    titles = {}
    for name, body in given("azure-monitor-common", "docs_context_*.json").items():
        raw = changed("prometheus", monitoringService="X", alertRule="rule")
        raw["data"]["alertContext"] = msgspec.json.decode(body)["alertContext"]
        titles[name.removeprefix("docs_context_")] = read(raw).title

    assert titles == {
        "ActivityLogSecurity.json": "rule",
        "Prometheus.json": "rule",
        "ResourceHealth.json": "This virtual machine is stopping and deallocating as "
        "requested by an authorized user or process",
        "ServiceHealth.json": "Azure Synapse Analytics Scheduled Maintenance Pending",
    }
