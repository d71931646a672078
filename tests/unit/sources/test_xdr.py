"""Defender XDR's hunting tables: the parts of alerts, and the rows that are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.model.alert import UNTITLED, Alert, AlertStatus, Severity
from shared.model.entity import Account, AzureResource, Host, Ip, Named, Process
from shared.model.errors import AlertRejected
from shared.sources import xdr
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given

SAMPLES = Path(__file__).parents[2] / "samples" / "xdr"
RECEIVED = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
STARTED = datetime(2026, 11, 22, 10, 7, 37, 729415, tzinfo=UTC)
ALERT_ID = "da639262664649351106_-1180534512"
DEVICE = "3f9a1c7e5b2d4860918273645a6b7c8d9e0f1a2b"
OBJECT_ID = "5289e9c7-3945-4ffd-8fd3-d56124baf45d"


def results(body: bytes) -> list[Alert | str]:
    fields = [Fields(u.fields, u.path) for u in units(body) if u.fields is not None]
    assert all(xdr.recognises(unit) for unit in fields)
    return [xdr.read(unit, received_at=RECEIVED) for unit in fields]


def alerts(name: str) -> list[Alert]:
    found = results((SAMPLES / name).read_bytes())
    return [alert for alert in found if isinstance(alert, Alert)]


def test_alert_info_is_a_part_with_severity_title_tactic_and_techniques() -> None:
    """AlertInfo alone is an open alert of its severity, titled, at its Timestamp."""
    (info,) = alerts("info.json")

    assert info.is_part
    assert (info.kind, info.id) == ("xdr", ALERT_ID)
    assert info.alert_type == "XDR_Suspicious PowerShell command line"
    assert info.title == "Suspicious PowerShell command line"
    assert (info.severity, info.status) == (Severity.HIGH, AlertStatus.OPEN)
    assert info.started_at == info.version.at == STARTED
    assert info.tactics == ("Execution",)
    assert info.techniques == ("T1027", "T1059.001")
    assert info.product == "Microsoft Defender for Endpoint"
    assert info.uri.startswith(f"https://security.microsoft.com/alerts/{ALERT_ID}?tid=")
    assert info.entities == ()


def test_columns_complete_the_entity_that_the_record_is_about() -> None:
    """A Machine is one host: its names from AdditionalFields, its id from the column."""
    (machine,) = alerts("evidence-machine.json")

    (host,) = machine.entities

    assert isinstance(host, Host)
    assert (host.device_id, host.name) == (DEVICE, "fin-laptop-7")
    assert host.domain == "corp.example.net"
    assert host.is_asset
    assert machine.compromised_entity == "fin-laptop-7.corp.example.net"
    assert machine.tactics == ("DefenseEvasion", "Execution")


def test_a_user_has_its_strong_identifiers_normalised() -> None:
    """Object id, SID and UPN of the typed columns are the account's."""
    (user,) = alerts("evidence-user.json")

    (account,) = user.entities

    assert isinstance(account, Account)
    assert account.object_id == OBJECT_ID
    assert account.upn == "r.adler@corp.example.net"
    assert account.sid == "S-1-12-1-1384769991-1341995333-1641403279-1576319524"


def test_references_inside_additional_fields_are_followed() -> None:
    """The entity in AdditionalFields may hold definitions, references and none."""
    (part,) = alerts("evidence-references.json")

    processes = [e for e in part.entities if isinstance(e, Process)]

    assert {process.pid for process in processes} == {6712, 5120}
    assert all("powershell.exe" in process.image for process in processes)
    assert {e.device_id for e in part.entities if isinstance(e, Host)} == {DEVICE}
    assert any("reference" in warning for warning in part.warnings)


def test_parts_in_any_order_share_all_that_places_them() -> None:
    """Evidence before its AlertInfo goes to the same alert, and a repeat is a copy."""
    parts = alerts("out-of-order.ndjson")

    assert len(parts) == 5
    places = {(p.id, p.scope, p.resource, p.alert_type, p.version.at) for p in parts}
    assert len(places) == 1
    assert parts[0].scope == "tenant"
    assert len({part.version.digest for part in parts}) == 4
    assert parts[0].version.digest == parts[4].version.digest
    assert {type(e) for part in parts for e in part.entities} == {Ip, Account, Host}


def test_evidence_that_says_no_severity_or_title_shows_it() -> None:
    """Evidence of 2022 opens an alert of medium severity that the fold can tell."""
    (part,) = alerts("evidence-of-2022.json")

    assert part.alert_type == f"{UNTITLED} {part.id}"
    assert part.reported_severity == ""
    assert part.severity is Severity.MEDIUM
    assert {"file", "process"} >= {
        e.kind for e in part.entities if isinstance(e, Named)
    }
    assert any(isinstance(e, Host) and e.device_id == DEVICE for e in part.entities)
    assert any(isinstance(e, Account) and e.sid == "S-1-5-18" for e in part.entities)


def test_an_azure_resource_is_an_entity_and_not_the_place_of_the_alert() -> None:
    """A part that names a subscription stays in the tenant's scope, with the others."""
    (part,) = alerts("evidence-azure-resource.json")

    assert (part.scope, part.resource) == ("tenant", None)
    (found,) = part.entities
    assert isinstance(found, AzureResource)
    assert found.resource.endswith("/managedclusters/shop-aks")


def test_other_hunting_tables_are_ignored_by_name() -> None:
    """A table that holds no alerts is named in the reason, unless its name is not one."""
    reasons = results((SAMPLES / "other-tables.json").read_bytes())

    assert reasons == [
        "hunting table (DeviceProcessEvents), not an alert",
        "hunting table (BehaviorInfo), not an alert",
        "hunting table (unnamed), not an alert",
    ]


def test_a_part_without_alert_id_is_rejected() -> None:
    """There is nothing to join it by."""
    with pytest.raises(AlertRejected) as error:
        results((SAMPLES / "no-alert-id.json").read_bytes())

    assert error.value.path == "$.records[0].properties.AlertId"


def test_reformatted_times_and_packed_properties_are_read() -> None:
    """Forwarders write times with a space and nine digits, and properties as a text."""
    (info,) = alerts("reformatted.json")

    assert info.started_at == datetime(2026, 11, 22, 20, 51, 4, 58183, tzinfo=UTC)
    assert info.version.at <= RECEIVED + timedelta(minutes=5)
    assert info.severity is Severity.LOW
    assert info.tactics == ()
    assert info.uri == ""


def test_given_records_are_parts() -> None:
    """The records that other people published are read as what they are."""
    found = {
        name: alert
        for name, body in given("xdr-streaming").items()
        for alert in results(body)
        if isinstance(alert, Alert)
    }

    info = found["defender_detection_passthrough_High-Severity-Finding.json"]
    evidence = found["defender_detection_passthrough_Alert-Evidence-Event.json"]
    techniques = ("T1218", "T1218.010", "T1218.011")
    for part in (info, evidence):
        assert part.is_part
        assert (part.kind, part.severity) == ("xdr", Severity.HIGH)
        assert part.title == "Regsvr32 Rundll32 Image Loads Abnormal Extension"
        assert (part.tactics, part.techniques) == (("DefenseEvasion",), techniques)
    assert info.id == "0000000000-1111-2222-3333-444444444444"
    assert info.started_at == datetime(2025, 4, 21, 20, 51, 4, 58183, tzinfo=UTC)
    assert evidence.id == "sn34c87846-505a-4c84-b125-44bce1202df4"
    (host,) = evidence.entities
    assert isinstance(host, Host)
    assert host.device_id == "0123456789abcdef0123456789abcdef"
    assert (host.name, host.domain) == ("testdevice", "test.com")
