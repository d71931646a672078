"""Azure Monitor's schemas from before the common one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.model.alert import ROAD_RANK, Alert, AlertStatus, Road, Severity
from shared.model.errors import AlertRejected
from shared.sources import azure_monitor, azure_monitor_legacy
from shared.sources.fields import Fields
from tests.given import given, sample

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/shop-prod"
VM = f"{GROUP}/providers/microsoft.compute/virtualmachines/vm-shop-02"
DEFENDER_ID = "2516086898698765439_00000000-0000-4000-8000-0000000000a1"


def unit(quirk: str) -> dict[str, Any]:
    raw: dict[str, Any] = msgspec.json.decode(
        sample("azure-monitor-legacy", f"{quirk}.json")
    )
    return raw


def read_any(raw: dict[str, Any]) -> Alert | str:
    fields = Fields(raw, "$")
    assert azure_monitor_legacy.recognises(fields)
    return azure_monitor_legacy.read(fields, received_at=NOW)


def read(raw: dict[str, Any]) -> Alert:
    alert = read_any(raw)
    assert isinstance(alert, Alert)
    assert alert.kind == "azure-monitor-legacy"
    return alert


def read_sample(quirk: str) -> Alert:
    return read(unit(quirk))


def test_a_metric_alert_is_read() -> None:
    """Rule, severity, time, resource and link are what the context says."""
    alert = read_sample("metric_activated")

    assert (alert.alert_type, alert.title) == ("Platform/cpu-is-high", "cpu-is-high")
    assert (alert.severity, alert.status) == (Severity.HIGH, AlertStatus.OPEN)
    assert alert.started_at == datetime(2026, 11, 2, 9, 15, 30, 81669, tzinfo=UTC)
    assert (alert.resource, alert.scope) == (VM, SUBSCRIPTION)
    assert alert.uri.startswith("https://portal.azure.com/#resource")


def test_every_firing_is_an_alert_of_its_own() -> None:
    """One that fires again must not join what a person has resolved."""
    raw = unit("metric_activated")
    first = read(raw)
    raw["data"]["context"]["timestamp"] = "2026-11-03T09:15:30Z"

    again = read(raw)

    assert again.id != first.id


def test_copies_of_one_firing_are_one_alert_whatever_their_case() -> None:
    """Azure sends the same rule and resource in every mixture of cases."""
    raw = unit("metric_activated")
    first = read(raw)
    for name in ("id", "resourceId"):
        raw["data"]["context"][name] = raw["data"]["context"][name].upper()

    assert read(raw).id == first.id


def test_a_deactivation_is_closed() -> None:
    """No id ties it to what fired, so it is closed from the start."""
    alert = read_sample("metric_deactivated")

    assert (alert.status, alert.reported_status) == (AlertStatus.CLOSED, "Deactivated")
    assert alert.id != read_sample("metric_activated").id


def test_a_classic_alert_says_no_severity() -> None:
    """Status and context at the root are the classic metric alert."""
    alert = read_sample("classic_metric")

    assert alert.alert_type == "Platform/requests"
    assert (alert.severity, alert.reported_severity) == (Severity.MEDIUM, "")
    assert alert.resource == f"{GROUP}/providers/microsoft.web/sites/shop-site"


def test_a_classic_alert_resolves() -> None:
    """Resolved is its word where the newer schema says Deactivated."""
    alert = read(unit("classic_metric") | {"status": "Resolved"})

    assert alert.status is AlertStatus.CLOSED


def test_a_log_search_alert_is_read_with_its_american_dates() -> None:
    """The end of the interval is when it fired; the workspace is the resource."""
    alert = read_sample("log_search_us_dates")

    assert alert.alert_type == "Log Analytics/heartbeat-lost"
    assert (alert.severity, alert.reported_severity) == (Severity.LOW, "Warning")
    assert alert.started_at == datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
    assert alert.resource is not None
    assert alert.resource.endswith("/workspaces/shop-logs")
    assert alert.compromised_entity == "vm-shop-02"


def test_a_log_search_alert_of_application_insights_has_a_schema() -> None:
    """The same fields stand in its data."""
    alert = read_sample("log_application_insights")

    assert alert.alert_type == "Application Insights/errors-500"
    assert (alert.severity, alert.scope) == (Severity.LOW, SUBSCRIPTION)


def test_an_administrative_event_is_its_own_id() -> None:
    """It names no rule, so its operation is the type and its level the severity."""
    alert = read_sample("activity_log_administrative")

    assert alert.id == "00000000-0000-4000-8000-0000000001f6"
    assert alert.alert_type.startswith("Activity Log - Administrative/Microsoft.Comp")
    assert (alert.severity, alert.status) == (Severity.HIGH, AlertStatus.OPEN)
    assert alert.resource == VM


def test_a_security_event_is_defenders_alert() -> None:
    """Where the ids are older ones, the path of the alert has the right one."""
    alert = read_sample("activity_log_security")

    assert alert.id == DEFENDER_ID
    assert alert.version.rank == ROAD_RANK[Road.ACTIVITY_LOG]
    assert alert.title == "Failed SSH brute force attack"
    assert alert.ended_at == datetime(2026, 11, 2, 19, 59, 39, tzinfo=UTC)
    assert (alert.resource, alert.scope) == (GROUP, SUBSCRIPTION)


def test_a_health_event_that_is_over_is_closed() -> None:
    """Its level may be a number."""
    alert = read_sample("activity_log_service_health_resolved")

    assert (alert.status, alert.severity) == (AlertStatus.CLOSED, Severity.LOW)
    assert alert.title == "Storage - West Europe"


def test_the_object_of_alerts_management_is_the_webhooks_alert() -> None:
    """Both have one id and one type; the webhook's road is the better one."""
    alert = read_sample("alerts_management")

    raw = msgspec.json.decode(sample("azure-monitor", "log_alerts_v2_resolved.json"))
    webhook = azure_monitor.read(Fields(raw, "$"), received_at=NOW)
    assert alert.id == webhook.id
    assert alert.alert_type == webhook.alert_type
    assert (alert.status, alert.ended_at) == (webhook.status, webhook.ended_at)
    assert alert.version.rank == ROAD_RANK[Road.ARM]


def test_a_state_that_a_person_closed_closes_the_alert() -> None:
    """The condition may still be fired."""
    raw = unit("alerts_management")
    essentials = raw["properties"]["essentials"]
    essentials |= {"alertState": "Closed", "monitorCondition": "Fired"}

    assert read(raw).status is AlertStatus.CLOSED


def test_what_stands_beside_alerts_is_ignored_by_its_name() -> None:
    """Enrichments of an alert are none."""
    reason = read_any(unit("alerts_management_enrichments"))

    assert isinstance(reason, str)
    assert "microsoft.alertsmanagement/alerts/enrichments" in reason


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"status": "Activated", "context": {}}, "$.context"),
        ({"schemaId": "AzureMonitorMetricAlert"}, "$.data.context"),
        (
            {"schemaId": "Microsoft.Insights/activityLogs"},
            "$.data.context.activityLog.eventDataId",
        ),
        ({"type": "Microsoft.AlertsManagement/alerts"}, "$.id"),
    ],
)
def test_what_names_nothing_is_rejected(raw: dict[str, Any], path: str) -> None:
    """An alert needs something to be known by."""
    with pytest.raises(AlertRejected) as caught:
        read(raw)

    assert caught.value.path == path


@pytest.mark.parametrize(
    "raw", [{"status": "ok"}, {"status": "ok", "context": "text"}, {"SearchResult": 1}]
)
def test_other_units_are_not_taken_for_it(raw: dict[str, Any]) -> None:
    """A status alone says nothing."""
    assert not azure_monitor_legacy.recognises(Fields(raw, "$"))


def test_given_payloads() -> None:
    """The classic and the newer metric alert that were given."""
    bodies = given("azure-monitor-legacy")

    classic = read(msgspec.json.decode(bodies["alerta-0.json"]))
    newer = read(msgspec.json.decode(bodies["alerta-3.json"]))

    assert (classic.title, classic.status) == ("ruleName1", AlertStatus.OPEN)
    assert classic.resource_text.startswith("/subscriptions/s1/")
    assert (newer.title, newer.status) == ("CpuUtilHigh", AlertStatus.CLOSED)
    assert newer.severity is Severity.LOW
    assert newer.scope == "ba364c14-1aa5-484e-8b74-6201540087e1"


def test_given_objects_of_alerts_management() -> None:
    """Alerts are read, enrichments are ignored."""
    for name, body in given("azure-monitor-alertsmanagement").items():
        found = read_any(msgspec.json.decode(body))

        assert isinstance(found, str) == ("Enrichments" in name)
        if isinstance(found, Alert):
            assert found.id == "66114d64-d9d9-478b-95c9-b789d6502100"
            assert found.title == "cpu alert"
            assert found.severity is Severity.LOW
