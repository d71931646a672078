"""Sentinel's incidents and alerts, and what is neither."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.model.alert import ROAD_RANK, Alert, AlertStatus, Road, Severity
from shared.model.errors import AlertRejected
from shared.model.resource import TENANT_SCOPE
from shared.sources import log_analytics, sentinel
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given, sample

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STARTED_AT = datetime(2026, 11, 2, 9, 15, 30, 123456, tzinfo=UTC)
ALERT_ID = "2516086898698765439_00000000-0000-4000-8000-000000000007"
RULE_ALERT_ID = "7a3e9b02-6b51-4c2f-a5f4-93f0d9e0c822"
NAME = "2d9b7f6e-0c13-4f57-b1d2-5f3c7a6e9b80"
INCIDENT_ID = (
    "/subscriptions/5ad26c1f-2f37-4f0c-8f8a-6a2f7d5b9a01/resourcegroups/soc"
    "/providers/microsoft.operationalinsights/workspaces/soc-logs"
    f"/providers/microsoft.securityinsights/incidents/{NAME}"
)
VM = (
    "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourcegroups/shop-prod"
    "/providers/microsoft.compute/virtualmachines/vm-shop-02"
)
# Of the examples of the specification, some of which misspell the provider.
SPEC = (
    "/subscriptions/d0cfe6b2-9ac0-4464-9919-dccaee2e48c0/resourcegroups/myrg"
    "/providers/microsoft.operationalinsights/workspaces/myworkspace"
    "/providers/microsoft.securityinsights/incidents/"
    "73e01a99-5cd7-4139-a149-9f2736ff2ab5"
)


def the_unit(body: bytes) -> dict[str, Any]:
    (unit,) = units(body)
    assert unit.fields is not None
    return unit.fields


def outcome(raw: dict[str, Any]) -> Alert | str:
    """As the table reads it: the alert's row stands before the incident's."""
    fields = Fields(raw, "$")
    if sentinel.recognises_alert(fields):
        return sentinel.read_alert(fields, received_at=NOW)
    assert sentinel.recognises_incident(fields)
    return sentinel.read_incident(fields, received_at=NOW)


def read(raw: dict[str, Any]) -> Alert:
    found = outcome(raw)
    assert isinstance(found, Alert), found
    return found


def own(kind: str, quirk: str) -> dict[str, Any]:
    return the_unit(sample(kind, quirk))


def test_the_incident_trigger_makes_an_alert_with_members() -> None:
    """Its alerts by the identity rule: Defender's own id, else the workspace's."""
    alert = read(own("sentinel-incident", "trigger_create.json"))

    assert (alert.kind, alert.id) == ("sentinel-incident", INCIDENT_ID)
    assert alert.alert_type == "SentinelIncident"
    assert alert.title == "Shop machine taken over"
    assert (alert.severity, alert.status) == (Severity.HIGH, AlertStatus.OPEN)
    assert alert.members == (ALERT_ID, RULE_ALERT_ID)
    assert alert.started_at == STARTED_AT
    assert alert.ended_at == STARTED_AT + timedelta(minutes=9)
    assert alert.version.at == STARTED_AT + timedelta(minutes=12)
    assert alert.version.rank == ROAD_RANK[Road.SENTINEL]
    assert alert.tactics == ("Execution", "InitialAccess")
    assert alert.techniques == ("T1059",)
    assert alert.uri.startswith("https://portal.azure.com/")
    assert {VM, "203.0.113.9"} <= {entity.identifier for entity in alert.entities}


def test_the_one_azure_resource_of_an_incident_is_its_resource() -> None:
    """Of two, neither is: what happened to both did not happen to one."""
    raw = own("sentinel-incident", "trigger_create.json")
    entities = raw["object"]["properties"]["relatedEntities"]
    second = entities[0] | {"properties": {"resourceId": VM + "2"}}

    alone = read(raw)
    entities.append(second)
    both = read(raw)

    assert alone.resource == VM
    assert (both.resource, both.scope) == (None, TENANT_SCOPE)


def test_an_update_that_closes_the_incident_is_its_later_version() -> None:
    """The same id, closed, and later."""
    created = read(own("sentinel-incident", "trigger_create.json"))
    closed = read(own("sentinel-incident", "trigger_update_closed.json"))

    assert closed.id == created.id
    assert closed.status is AlertStatus.CLOSED
    assert closed.version > created.version


def test_a_bare_incident_is_read_by_its_name() -> None:
    """Times, type and alerts may be absent, and the id unreadable."""
    alert = read(own("sentinel-incident", "trigger_create_bare.json"))

    assert (alert.id, alert.members) == (NAME, ())
    assert alert.started_at == alert.version.at == NOW
    assert alert.severity is Severity.HIGH


@pytest.mark.parametrize("quirk", ["arm_list.json", "table_row.json"])
def test_arm_and_the_table_tell_of_the_same_incident(quirk: str) -> None:
    """One identity over all roads, though a row has the id only in its link."""
    trigger = read(own("sentinel-incident", "trigger_create.json"))
    alert = read(own("sentinel-incident", quirk))

    assert (alert.kind, alert.id) == ("sentinel-incident", INCIDENT_ID)
    assert alert.reported_status == "Active"
    assert alert.status is AlertStatus.OPEN
    assert (alert.tactics, alert.techniques) == (trigger.tactics, trigger.techniques)
    assert (alert.started_at, alert.ended_at) == (trigger.started_at, trigger.ended_at)
    assert alert.version.at == trigger.version.at


def test_a_row_of_the_table_names_the_workspaces_ids() -> None:
    """AlertIds are a JSON text."""
    alert = read(own("sentinel-incident", "table_row.json"))

    assert alert.members[1] == RULE_ALERT_ID
    assert alert.version.rank == ROAD_RANK[Road.LOG_ANALYTICS]


def test_an_id_too_long_to_be_one_gives_way_to_the_name() -> None:
    """Long names of groups and workspaces make ARM ids of over 300 characters."""
    raw = own("sentinel-incident", "arm_list.json")
    raw["id"] = raw["id"].replace("/soc/", f"/{'soc' * 30}/")

    assert read(raw).id == NAME


@pytest.mark.parametrize("quirk", ["comment.json", "entities.json"])
def test_what_is_about_an_incident_is_ignored_with_its_name(quirk: str) -> None:
    """A comment and a list of entities are understood and are no alert."""
    found = outcome(own("sentinel-incident", quirk))

    assert isinstance(found, str)
    assert "not an alert" in found
    assert ("comments" in found) == (quirk == "comment.json")


def test_a_type_that_is_no_name_is_not_repeated() -> None:
    """The reason is ours to read: nothing of the sender's gets into it."""
    found = outcome({"type": "Microsoft.SecurityInsights/<b>x</b>"})

    assert found == "Sentinel record (unnamed), not an alert"


@pytest.mark.parametrize(
    "raw",
    [
        {"objectSchemaType": "Incident"},
        {"objectSchemaType": "incident", "object": []},
        {"objectSchemaType": "INCIDENT", "object": {"id": 7, "properties": "x"}},
        {"type": "Microsoft.SecurityInsights/incidents"},
        {"type": "Microsoft.SecurityInsights/Entities", "kind": "SecurityAlert"},
        {"type": "SecurityIncident", "IncidentUrl": "https://x/incidents/"},
    ],
)
def test_an_incident_or_alert_without_an_id_is_rejected(raw: dict[str, Any]) -> None:
    """Nothing could be told from anything."""
    with pytest.raises(AlertRejected):
        outcome(raw)


def test_the_alert_trigger_of_an_analytics_rule_is_sentinels_own_alert() -> None:
    """Its type is workspace and rule; its id is the workspace's."""
    alert = read(own("sentinel-alert", "analytics_rule.json"))

    assert (alert.kind, alert.id) == ("sentinel-alert", RULE_ALERT_ID)
    assert alert.alert_type.endswith("_8b6c6d3a-14a1-4d29-9d2c-64b2e3a6c7f5")
    assert (alert.severity, alert.status) == (Severity.MEDIUM, AlertStatus.OPEN)
    assert alert.started_at == STARTED_AT
    assert alert.version.at == STARTED_AT + timedelta(minutes=4)
    assert alert.version.rank == ROAD_RANK[Road.SENTINEL]
    assert (alert.resource, alert.scope) == (None, TENANT_SCOPE)
    assert (alert.tactics, alert.techniques) == (("InitialAccess",), ("T1078",))


@pytest.mark.parametrize("quirk", ["defender_alert.json", "arm_entity.json"])
def test_defenders_alert_through_sentinel_is_the_hubs_alert(quirk: str) -> None:
    """By the trigger and as an ARM entity: one identity over all roads."""
    alert = read(own("sentinel-alert", quirk))

    assert (alert.kind, alert.id) == ("sentinel-alert", ALERT_ID)
    assert alert.alert_type == "VM_ShopReverseShell"
    assert alert.severity is Severity.HIGH
    assert alert.tactics == ("Execution",)


@pytest.mark.parametrize(
    ("changes", "is_sentinels"),
    [
        ({}, True),
        ({"ProviderAlertId": None}, True),
        ({"ProviderAlertId": None, "ProductName": None}, True),
        ({"ProviderAlertId": None, "AlertType": "x"}, True),
        ({"ProductName": "Microsoft Sentinel", "AlertType": "x"}, True),
        ({"ProviderAlertId": None, "ProductName": None, "AlertType": "x"}, False),
        ({"ProviderAlertId": None, "ProductName": 7, "AlertType": 7}, False),
        ({"SystemAlertId": None}, False),
    ],
)
def test_the_trigger_is_told_from_the_hub_by_what_only_it_says(
    changes: dict[str, object], *, is_sentinels: bool
) -> None:
    """ProviderAlertId, the product, or a type of workspace and rule."""
    raw = own("sentinel-alert", "analytics_rule.json") | changes

    assert sentinel.recognises_alert(Fields(raw, "$")) is is_sentinels


def test_a_row_of_an_analytics_rule_stands_before_the_trigger() -> None:
    """Both would take it, so the table's row comes first; the trigger is no row."""
    row = Fields(own("log-analytics", "analytics_rule_row.json"), "$")
    trigger = Fields(own("sentinel-alert", "analytics_rule.json"), "$")

    assert log_analytics.recognises(row)
    assert sentinel.recognises_alert(row)
    assert not log_analytics.recognises(trigger)


def test_a_hostile_link_costs_no_time() -> None:
    """The incident's id is looked for in a link of bounded length."""
    link = "/subscriptions/" * 100_000
    raw = {"Type": "SecurityIncident", "IncidentName": NAME, "IncidentUrl": link}

    began = time.perf_counter()
    alert = read(raw)

    assert alert.id == NAME
    assert time.perf_counter() - began < 1


INITIAL = ("InitialAccess", "Persistence")
TECHNIQUES = ("T1053", "T1091", "T1133")
INCIDENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CreateIncident.json": ((), ()),
    "CreateIncident-2.json": ((), ()),
    "GetIncidentById.json": (INITIAL, TECHNIQUES),
    "GetIncidentById-2.json": (INITIAL, ()),
    "GetIncidents.json": (("Persistence",), ("T1053",)),
    "GetIncidents-2.json": (("Persistence",), ()),
    "Incidents_List.json": (INITIAL, TECHNIQUES),
}
ALERTS = frozenset({"GetAllIncidentAlerts.json", "Incidents_ListAlerts.json"})


def test_the_given_incidents_are_read_and_what_is_about_them_ignored() -> None:
    """Incidents and their alerts; comments, relations, bookmarks, entities not."""
    bodies = given("sentinel-arm-incidents")
    ignored = set()

    for name, body in bodies.items():
        for unit in units(body):
            found = outcome(unit.fields or {})
            if isinstance(found, str):
                ignored.add(name)
            elif name in ALERTS:
                check_given_alert(found)
            else:
                assert (found.tactics, found.techniques) == INCIDENTS[name]
                check_given_incident(found)

    assert ignored == bodies.keys() - INCIDENTS.keys() - ALERTS
    assert len(ignored) == 9


def check_given_incident(alert: Alert) -> None:
    assert alert.id.replace("operationalii", "operationali") == SPEC
    assert (alert.severity, alert.status) == (Severity.HIGH, AlertStatus.CLOSED)
    assert alert.started_at == datetime(2019, 1, 1, 13, 0, 30, tzinfo=UTC)
    assert alert.version.at == datetime(2019, 1, 1, 13, 15, 30, tzinfo=UTC)
    assert (alert.kind, alert.members) == ("sentinel-incident", ())


def check_given_alert(alert: Alert) -> None:
    assert alert.id == "baa8a239-6fde-4ab7-a093-d09f7b75c58c"
    assert (alert.kind, alert.alert_type) == ("sentinel-alert", "myAlert")
    assert (alert.severity, alert.status) == (Severity.LOW, AlertStatus.OPEN)
    assert alert.started_at.isoformat().startswith("2020-07-20T18:21:53.615")


def test_the_given_entities_are_ignored() -> None:
    """All kinds of entity, their relations and their queries."""
    for name, body in given("sentinel-arm-entities").items():
        for unit in units(body):
            assert isinstance(outcome(unit.fields or {}), str), name
