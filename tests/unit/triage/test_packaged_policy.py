"""The policy that ships: whose alerts it lets in, and which of its routes answers them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from shared import sources
from shared.actions.routing import Routing
from shared.model.action import Change
from shared.model.alert import Alert, Severity
from shared.settings import PACKAGED_POLICY
from shared.triage import policy as policies
from shared.triage.incidents import joined, opened

SAMPLES = Path(__file__).parents[2] / "samples"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = policies.load(PACKAGED_POLICY.read_bytes())

# Of each source: a sample, and the route that answers it.
ROUTES = [
    ("defender/kubernetes.json", "detections"),
    ("defender/sample_by_type.json", "samples"),
    ("arm/list_page.json", "detections"),
    ("log-analytics/defender_row.json", "detections"),
    ("sentinel-alert/analytics_rule.json", "sentinel"),
    ("sentinel-incident/trigger_create.json", "sentinel"),
    ("sentinel-incident/table_row.json", "sentinel"),
    ("graph/endpoint.json", "detections"),
    ("graph-legacy/no-category.json", "detections"),
    ("entra-risk/user-risk.json", "detections"),
    ("activity-log/security.json", "detections"),
    ("diagnostics/security_records.json", "detections"),
    # Defender's own by an alert rule on the activity log: no monitor's.
    ("azure-monitor/activity_log_security.json", "everything-else"),
    ("azure-monitor/activity_log_administrative.json", "activity-log"),
    ("azure-monitor/service_health_resolved.json", "azure-monitor"),
    ("azure-monitor/log_alerts_v2_fired.json", "azure-monitor"),
    ("azure-monitor/metric_dynamic_threshold.json", "azure-monitor"),
    ("azure-monitor/prometheus.json", "azure-monitor"),
    ("azure-monitor/resource_health.json", "azure-monitor"),
    ("azure-monitor/budget_nulls.json", "azure-monitor"),
    ("azure-monitor-legacy/activity_log_administrative.json", "activity-log"),
    ("azure-monitor-legacy/metric_activated.json", "azure-monitor"),
]
# What comes by a webhook out of the box.
BY_WEBHOOK = {
    "defender",
    "sentinel-alert",
    "sentinel-incident",
    "azure-monitor",
    "azure-monitor-legacy",
    "activity-log",
}


def routed(*found: Alert) -> tuple[str, tuple[str, ...]]:
    """The route and the responders of an incident of these alerts."""
    head = opened(found[0], "a", partition="00", now=NOW)
    for place, alert in enumerate(found[1:]):
        head = joined(head, alert, f"b{place}", NOW)
    told = Routing(POLICY.routes)(head)
    return told[0].label, tuple(each.responder for each in told)


def alerts(sample: str, formats: tuple[str, ...] | None = None) -> list[Alert]:
    """The alerts of a sample."""
    body = (SAMPLES / sample).read_bytes()
    read = sources.read(body, received_at=NOW, formats=formats)
    return [unit for unit in read if isinstance(unit, Alert)]


@pytest.mark.parametrize(("sample", "route"), ROUTES)
def test_each_source_of_alerts_has_a_route(sample: str, route: str) -> None:
    """Every alert of it is told to whoever is on call, by the route of its source."""
    found = alerts(sample)

    assert found
    for alert in found:
        assert routed(alert) == (route, ("on-call",))


def test_no_format_is_without_a_route() -> None:
    """Each that makes alerts stands above; the others hold alerts of these, or none."""
    tried = {alert.kind for sample, _ in ROUTES for alert in alerts(sample)}

    # A hunting table's rows are parts of alerts; envelopes are of what they hold.
    assert {row.name for row in sources.FORMATS} - tried == {
        *("posture", "xdr", "event-grid", "cloud-events")
    }


@pytest.mark.parametrize("kind", sorted(BY_WEBHOOK))
def test_third_parties_come_in_by_the_webhook(kind: str) -> None:
    """The sender that ships may send each of these, and what it sends is an alert."""
    formats = POLICY.senders["logic-app"].formats
    found = [
        alert
        for sample, _ in ROUTES
        if sample.startswith(f"{kind}/")
        for alert in alerts(sample, formats)
    ]

    assert {alert.kind for alert in found} == {kind}


def test_a_detection_is_no_monitors_matter() -> None:
    """One that Azure Monitor has something to say about is told again as any other."""
    [detected] = alerts("defender/kubernetes.json")
    [measured] = alerts("azure-monitor/log_alerts_v2_fired.json")

    assert routed(measured, detected) == ("detections", ("on-call",))


def test_what_is_informational_is_told_once() -> None:
    """A detector's by its route; a monitor's by that of monitors, no more often."""
    [detected] = alerts("defender/kubernetes.json")
    low = msgspec.structs.replace(detected, severity=Severity.INFORMATIONAL)
    again = {route.name: route.again for route in POLICY.routes}

    assert routed(low)[0] == "informational"
    assert again["informational"] == ()
    assert again["activity-log"] == again["azure-monitor"] == (Change.SEVERITY_RAISED,)
