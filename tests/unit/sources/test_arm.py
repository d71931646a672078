"""Alerts of Azure Resource Manager, both sets of names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.model.alert import ROAD_RANK, Alert, AlertStatus, Road, Severity
from shared.model.errors import AlertRejected
from shared.sources import arm
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given, sample

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STARTED_AT = datetime(2026, 11, 2, 9, 15, 30, 123456, tzinfo=UTC)
ALERT_ID = "2516086898698765439_00000000-0000-4000-8000-000000000007"
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
VM = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/shop-prod"
    "/providers/microsoft.compute/virtualmachines/vm-shop-02"
)


def the_unit(body: bytes) -> dict[str, Any]:
    (unit,) = units(body)
    assert unit.fields is not None
    return unit.fields


def read(raw: dict[str, Any]) -> Alert:
    fields = Fields(raw, "$")
    assert arm.recognises(fields)
    found = arm.read(fields, received_at=NOW)
    assert isinstance(found, Alert)
    return found


def test_an_alert_of_a_list_page_is_read_with_its_names_of_2022() -> None:
    """Identity, times, severity, tactics, techniques and link are those of the page."""
    alert = read(the_unit(sample("arm", "list_page.json")))

    assert (alert.kind, alert.id) == ("arm", ALERT_ID)
    assert alert.alert_type == "VM_ShopReverseShell"
    assert alert.title == "Reverse shell on a shop machine"
    assert (alert.severity, alert.status) == (Severity.HIGH, AlertStatus.OPEN)
    assert alert.reported_status == "Active"
    assert alert.started_at == STARTED_AT
    assert alert.ended_at == STARTED_AT + timedelta(seconds=20)
    assert alert.version.at == STARTED_AT + timedelta(seconds=90)
    assert alert.version.rank == ROAD_RANK[Road.ARM]
    assert (alert.resource, alert.scope) == (VM, SUBSCRIPTION)
    assert alert.tactics == ("CommandAndControl", "Execution")
    assert alert.techniques == ("T1059", "T1059.004")
    assert alert.product == "Microsoft Defender for Cloud"
    assert alert.uri.startswith("https://portal.azure.com/")
    assert alert.members == ()
    # The machine of the entities, the attacker of the extended properties.
    assert {entity.identifier for entity in alert.entities} == {VM, "203.0.113.9"}


def test_the_names_of_2015_to_2019_say_the_same() -> None:
    """State, reported severity, detected and reported time, associated resource."""
    alert = read(the_unit(sample("arm", "names_of_2019.json")))

    assert (alert.id, alert.alert_type) == (ALERT_ID, "OddScreensaver")
    assert (alert.severity, alert.status) == (Severity.LOW, AlertStatus.CLOSED)
    assert (alert.reported_severity, alert.reported_status) == ("Low", "Dismissed")
    assert alert.started_at == alert.ended_at == STARTED_AT
    assert alert.version.at == STARTED_AT + timedelta(seconds=4)
    assert (alert.resource, alert.product) == (VM, "Contoso Scanner")


def test_an_incident_names_its_members_once_whatever_their_case() -> None:
    """Its security-alert entities become members; its missing type has a name."""
    alert = read(the_unit(sample("arm", "incident.json")))

    assert alert.alert_type == arm.INCIDENT_TYPE
    assert alert.status is AlertStatus.OPEN
    assert [member[-2:] for member in alert.members] == ["08", "09"]
    assert all(member == member.lower() for member in alert.members)


def test_an_alert_that_is_no_incident_has_no_members() -> None:
    """A security-alert entity alone does not make an incident."""
    raw = the_unit(sample("arm", "incident.json"))
    raw["properties"] |= {"isIncident": False, "alertType": "VM_ShopReverseShell"}

    assert read(raw).members == ()


def test_the_subscription_of_the_alerts_own_id_is_its_scope() -> None:
    """Where no resource can be read, the alert still belongs to its subscription."""
    raw = the_unit(sample("arm", "list_page.json"))
    raw["properties"]["resourceIdentifiers"] = [{"azureResourceId": "vm-shop-02"}]

    alert = read(raw)

    assert (alert.resource, alert.resource_text) == (None, "vm-shop-02")
    assert alert.scope == SUBSCRIPTION


@pytest.mark.parametrize("missing", [{"alertType": None}, {"systemAlertId": 7}])
def test_no_id_and_no_type_are_rejected_with_their_place(
    missing: dict[str, object],
) -> None:
    """An alert that cannot be told from others or has no type is no alert."""
    raw = the_unit(sample("arm", "list_page.json"))
    raw["properties"] |= missing
    raw["name"] = None

    with pytest.raises(AlertRejected) as caught:
        arm.read(Fields(raw, "$.value[3]"), received_at=NOW)

    assert caught.value.path.startswith("$.value[3]")


def test_properties_that_are_no_object_are_rejected() -> None:
    """The type alone makes it an ARM alert, so the reason is said, not `unknown`."""
    fields = Fields({"type": "microsoft.security/locations/ALERTS"}, "$")

    assert arm.recognises(fields)
    with pytest.raises(AlertRejected):
        arm.read(fields, received_at=NOW)


def test_other_resources_are_not_recognised() -> None:
    """Suppression rules and assessments have types of their own."""
    for kind in ("Microsoft.Security/alertsSuppressionRules", "Microsoft.X/alerts", 7):
        assert not arm.recognises(Fields({"type": kind}, "$"))


# file: id, type, severity, status, tactics, techniques, start, version
SCREENSAVER = "2518765996949954086_2325cf9e-42a2-4f72-ae7f-9b863cba2d22"
EXAMPLE = "2518298467986649999_4d25bfef-2d77-4a08-adc0-3e35715cc92a"
TECHNIQUES = ("T1053", "T1053.002", "T1059", "T1059.001", "T1059.006", "T1072")
OLD = (SCREENSAVER, "SuspiciousScreenSaver", "low", "open", (), ())
OLD_TIMES = ("2018-05-07T13:51:45.004591", "2018-05-07T13:51:48.381045")
NEW_TIMES = ("2019-05-07T13:51:45.004591", "2019-05-07T13:51:48.981045")
EICAR = (
    *(EXAMPLE, "VM_EICAR", "high", "open", ("Execution",), TECHNIQUES),
    *("2020-02-22T00:00:00", "2020-02-23T13:47:58.920558"),
)
VM_SCREENSAVER = (EXAMPLE, "VM_SuspiciousScreenSaver", "medium", "open", ("Execution",))
FACTS: dict[str, tuple[object, ...]] = {
    "2015-06-01-preview_SuspiciousScreenSaver.json": (*OLD, *OLD_TIMES),
    "2015-06-01-preview_SuspiciousScreenSaver-2.json": (*OLD, *OLD_TIMES),
    "2015-06-01-preview_ThreatIntelligence.json": (
        "2518770965529163669_f144ee95-a3e5-42da-a279-967d115809aa",
        *("ThreatIntelligence", "high", "closed", (), ()),
        *("2018-05-01T19:50:47.083633", "2018-05-02T05:36:12.208988"),
    ),
    "2019-01-01_SuspiciousScreenSaver.json": (*OLD, *OLD_TIMES),
    "2019-01-01_SuspiciousScreenSaver-2.json": (*OLD, *OLD_TIMES),
    "2020-01-01_VM_SuspiciousScreenSaver.json": (*VM_SCREENSAVER, (), *NEW_TIMES),
    "2022-01-01_VM_EICAR.json": EICAR,
    "2022-01-01_VM_EICAR-2.json": EICAR,
    "2022-01-01_VM_SuspiciousScreenSaver-2.json": (
        *(*VM_SCREENSAVER, TECHNIQUES),
        *NEW_TIMES,
    ),
}


def unwrapped(body: bytes) -> dict[str, Any]:
    """The unit, also out of the frame of the specification's examples."""
    raw = the_unit(body)
    while "responses" in raw or isinstance(raw.get("value"), list):
        raw = raw["responses"]["200"]["body"] if "responses" in raw else raw["value"][0]
    return raw


def test_the_given_examples_are_read_as_they_say() -> None:
    """Every example of the specification, all api versions."""
    bodies = given("arm-alert", "*[!t].json")

    found = {name: facts(read(unwrapped(body))) for name, body in bodies.items()}

    assert found == FACTS


def facts(alert: Alert) -> tuple[object, ...]:
    times = (alert.started_at, alert.version.at)
    return (
        *(alert.id, alert.alert_type, alert.severity, alert.status),
        *(alert.tactics, alert.techniques),
        *(at.replace(tzinfo=None).isoformat() for at in times),
    )


def test_requests_to_simulate_alerts_are_ignored() -> None:
    """They are in the specification's examples beside the alerts."""
    for name, body in given("arm-alert", "*-request.json").items():
        fields = Fields(the_unit(body), "$")

        assert arm.recognises(fields), name
        assert "simulate" in str(arm.read(fields, received_at=NOW)), name


def test_the_given_live_alerts_are_samples_of_the_portal() -> None:
    """Real answers: the id holds the start, the type says that it is a sample."""
    for name, body in given("arm-alert-live").items():
        raw = unwrapped(body)
        alert = read(raw)

        assert alert.is_sample, name
        assert alert.alert_type == name.removesuffix(".json")
        assert alert.id == raw["name"]
        assert alert.severity == raw["properties"]["severity"].lower()
        assert alert.started_at.isoformat()[:19] in raw["properties"]["startTimeUtc"]
        assert alert.version.at.isoformat().startswith("2022-09-08T07:51:23"), name
        assert alert.resource is not None
        assert alert.scope == "0f907ea4-bc8b-4c11-9d7e-805c2fd144fb"
        assert alert.tactics in {(), (raw["properties"]["intent"],)}
