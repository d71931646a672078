"""Rows of SecurityAlert, both generations of columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.model.alert import ROAD_RANK, Alert, AlertStatus, Road, Severity
from shared.model.errors import AlertRejected
from shared.model.resource import TENANT_SCOPE
from shared.sources import log_analytics
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given, sample

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STARTED_AT = datetime(2026, 11, 2, 9, 15, 30, 123456, tzinfo=UTC)
ALERT_ID = "2516086898698765439_00000000-0000-4000-8000-000000000007"
OWN_ID = "3f0a7cde-6a02-9d55-8f19-b0c77b6dd6a1"
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"


def row(quirk: str, **changes: object) -> dict[str, Any]:
    (unit,) = units(sample("log-analytics", quirk))
    assert unit.fields is not None
    return unit.fields | changes


def read(raw: dict[str, Any]) -> Alert:
    fields = Fields(raw, "$")
    assert log_analytics.recognises(fields)
    return log_analytics.read(fields, received_at=NOW)


def test_a_row_of_defender_for_cloud_is_the_hubs_alert() -> None:
    """The hub's id is in VendorOriginalId; SystemAlertId is the workspace's own."""
    alert = read(row("defender_row.json"))

    assert (alert.kind, alert.id) == ("log-analytics", ALERT_ID)
    assert alert.alert_type == "VM_ShopReverseShell"
    assert alert.title == "Reverse shell on a shop machine"
    assert (alert.severity, alert.status) == (Severity.HIGH, AlertStatus.OPEN)
    assert alert.reported_status == "InProgress"
    assert alert.started_at == STARTED_AT
    assert alert.ended_at == STARTED_AT + timedelta(seconds=20)
    assert alert.version.at == STARTED_AT + timedelta(seconds=90)
    assert alert.version.rank == ROAD_RANK[Road.LOG_ANALYTICS]
    assert alert.tactics == ("CommandAndControl", "Execution")
    assert alert.techniques == ("T1059", "T1059.004")
    assert alert.scope == SUBSCRIPTION
    assert "203.0.113.9" in {entity.identifier for entity in alert.entities}


def test_a_row_of_an_analytics_rule_keeps_its_own_id_and_has_no_scope() -> None:
    """Neither the workspace's id nor its subscription says where it happened."""
    alert = read(row("analytics_rule_row.json"))

    assert alert.id == OWN_ID
    assert (alert.resource, alert.scope) == (None, TENANT_SCOPE)
    assert (alert.tactics, alert.techniques) == ((), ())
    assert alert.product == "Azure Sentinel"


def test_the_columns_of_2019_say_the_same() -> None:
    """SystemAlertId was Defender's own then, ProviderAlertId only a part of it."""
    alert = read(row("columns_of_2019.json"))

    assert (alert.id, alert.title) == (ALERT_ID, "Odd process executed")
    assert alert.severity is Severity.INFORMATIONAL
    assert alert.started_at == datetime(2019, 2, 3, 10, 11, 12, tzinfo=UTC)
    assert alert.ended_at == datetime(2019, 2, 3, 10, 12, 12, tzinfo=UTC)
    assert alert.version.at == datetime(2019, 2, 3, 10, 12, 20, tzinfo=UTC)
    assert alert.product == "Detection"


def test_us_times_and_severities_in_numbers_are_read() -> None:
    """As the portal exports times, and as stix-shifter writes severities."""
    alert = read(row("portal_export.json"))

    assert (alert.severity, alert.reported_severity) == (Severity.MEDIUM, "75")
    assert alert.started_at == STARTED_AT.replace(microsecond=123_000)
    assert alert.ended_at.hour == 12
    assert alert.version.at == datetime(2026, 11, 2, 9, 21, 4, 713_000, tzinfo=UTC)


def test_columns_that_were_cut_short_leave_the_rest() -> None:
    """Log Analytics cuts at 32 KB: what cannot be read is passed over."""
    alert = read(row("cut_short.json"))

    assert alert.id == ALERT_ID
    assert alert.severity is Severity.HIGH
    assert alert.warnings


def test_an_incidents_members_are_in_the_text_of_its_entities() -> None:
    """IsIncident may be a text, Entities always is one."""
    alert = read(row("incident_row.json"))

    assert [member[-2:] for member in alert.members] == ["08", "09"]


@pytest.mark.parametrize("name", ["SystemAlertId", "AlertType"])
@pytest.mark.parametrize("value", ["", " \t", 7, []])
def test_a_row_without_id_or_type_is_rejected(name: str, value: object) -> None:
    """The columns are there and say nothing."""
    raw = row("defender_row.json", **{name: value}) | {"VendorOriginalId": None}

    with pytest.raises(AlertRejected):
        log_analytics.read(Fields(raw, "$.records[1]"), received_at=NOW)


@pytest.mark.parametrize(
    ("columns", "is_row"),
    [
        ({"Type": "securityalert"}, True),
        ({"AlertSeverity": "High"}, True),
        ({"ALERTNAME": "x"}, True),
        ({"vendorOriginalId": "x"}, True),
        ({"AlertDisplayName": "x", "Severity": "High", "VendorName": "x"}, False),
        ({"Type": "SecurityIncident"}, False),
        ({"AlertName": None}, False),
    ],
)
def test_a_row_is_told_from_the_hubs_alert(
    columns: dict[str, object], *, is_row: bool
) -> None:
    """Id and type are in both; what the table adds is in no hub record."""
    fields = Fields({"SystemAlertId": "1", "AlertType": "x", **columns}, "$")

    assert log_analytics.recognises(fields) is is_row
    assert not log_analytics.recognises(Fields({"SystemAlertId": "1", **columns}, "$"))


def test_the_given_rows_of_2019_are_read_as_they_say() -> None:
    """46 rows of msticpy's demonstration: every value is a text."""
    bodies = given("law-securityalert", "[!s]*.json")
    assert len(bodies) == 46

    for name, body in bodies.items():
        (unit,) = units(body)
        raw = unit.fields
        assert raw is not None
        alert = read(raw)

        assert alert.id == raw["SystemAlertId"].lower(), name
        assert alert.severity == raw["Severity"].lower(), name
        assert alert.title == raw["AlertDisplayName"], name
        assert alert.started_at.isoformat(" ")[:19] == raw["StartTimeUtc"], name
        assert alert.version.at.isoformat(" ")[:19] == raw["TimeGenerated"], name
        assert alert.resource == (raw["ResourceId"].lower() or None), name
        assert (alert.status, alert.tactics) == (AlertStatus.OPEN, ()), name
        assert not alert.is_sample, name


STIX = {
    "stix_SIMULATED_VM_SuspectExecutablePath.json": (
        "2517238771573679907_7692caa7-0d1b-432f-9865-ef7932a3514d",
        *(Severity.MEDIUM, ("Execution",), True),
    ),
    "stixtest_SIMULATED_VM_DigitalCurrencyMining.json": (
        "2517228307705103557_15add4de-0b29-4827-a0e1-b5ff4d8d4802",
        *(Severity.HIGH, ("Execution",), True),
    ),
    "stixtest_e00daaf8-d6a4-4410-b50b-f5ef61c9cb45_9c4be437-b74c-440c-aa09-"
    "764367744a23.json": (
        "50396c5f-2cb6-9d2f-e601-9f430bf17869",
        *(Severity.MEDIUM, ("ResourceDevelopment",), False),
    ),
}


def test_the_given_rows_that_another_tool_reshaped_are_read() -> None:
    """Entities regrouped by type and severities in numbers do no harm."""
    found = {}
    for name, body in given("law-securityalert", "stix*.json").items():
        (unit,) = units(body)
        alert = read(unit.fields or {})
        facts = (alert.id, alert.severity, alert.tactics, alert.is_sample)
        found[name] = facts

    assert found == STIX
