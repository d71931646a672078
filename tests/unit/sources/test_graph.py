"""Graph's alerts_v2: identity, words and evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.model.alert import UNTITLED, Alert, AlertStatus, Severity
from shared.model.entity import (
    Account,
    AzureResource,
    CloudApplication,
    FileHash,
    Host,
    Ip,
    Mailbox,
    Named,
    Process,
    Url,
)
from shared.model.errors import AlertRejected
from shared.sources import graph
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given

SAMPLES = Path(__file__).parents[2] / "samples" / "graph"
RECEIVED = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
DEVICE = "3f9a1c7e5b2d4860918273645a6b7c8d9e0f1a2b"
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"


def alert_of(body: bytes) -> Alert:
    (unit,) = units(body)
    assert unit.fields is not None
    fields = Fields(unit.fields, unit.path)
    assert graph.recognises(fields)
    return graph.read(fields, received_at=RECEIVED)


def alert(name: str) -> Alert:
    return alert_of((SAMPLES / name).read_bytes())


def names(found: Alert, kind: str) -> set[str]:
    named = (e for e in found.entities if isinstance(e, Named))
    return {entity.name for entity in named if entity.kind == kind}


def test_an_endpoint_alert_has_its_own_id_words_and_times() -> None:
    """The alert has Graph's id, which is also XDR's, and the tenant's scope."""
    found = alert("endpoint.json")

    assert (found.kind, found.is_part) == ("graph", False)
    assert found.id == "da639262664649351106_-1180534512"
    assert found.alert_type == "XDR_Hidden file started"
    assert (found.severity, found.status) == (Severity.LOW, AlertStatus.OPEN)
    assert found.started_at == datetime(2026, 11, 22, 7, 45, 50, 116000, tzinfo=UTC)
    assert found.ended_at == datetime(2026, 11, 22, 7, 56, 58, 222000, tzinfo=UTC)
    assert found.version.at == datetime(2026, 11, 22, 14, 19, 1, 326666, tzinfo=UTC)
    assert (found.tactics, found.techniques) == (("DefenseEvasion",), ("T1564.001",))
    assert (found.scope, found.resource) == ("tenant", None)
    assert found.compromised_entity == "fin-laptop-7.corp.example.net"
    assert found.uri.startswith("https://security.microsoft.com/alerts/da63926")


def test_evidence_becomes_typed_entities() -> None:
    """Device, file, process and registry evidence keep their strong identifiers."""
    found = alert("endpoint.json")

    (host,) = (e for e in found.entities if isinstance(e, Host))
    assert host.device_id == DEVICE
    assert host.resource.endswith("/virtualmachines/fin-laptop-7")
    assert host.is_asset
    processes = {e.pid: e for e in found.entities if isinstance(e, Process)}
    assert set(processes) == {4780, 668}
    assert processes[4780].parent_pid == 668
    assert processes[4780].command_line == '"updater.exe" /quiet'
    assert "C:\\ProgramData\\.cache\\updater.exe" in names(found, "file")
    hashes = {e.algorithm for e in found.entities if isinstance(e, FileHash)}
    assert hashes == {"sha1", "sha256"}
    (sid,) = (e.sid for e in found.entities if isinstance(e, Account) and e.sid)
    assert sid.startswith("S-1-5-21-")
    assert names(found, "registry-key") >= {
        "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\upd"
    }
    assert names(found, "registry-value") == {"HKEY_CURRENT_USER\\Software\\Run\\upd"}


def test_defender_for_clouds_alert_is_the_hubs() -> None:
    """providerAlertId, detector and resource make it the alert that the hub sends."""
    found = alert("defender-for-cloud.json")

    assert found.id == "2516834271234567899_5b1c9b0e-2f54-4c39-8f2e-9d3f1a7c6b20"
    assert found.alert_type == "K8S.NODE_ImageBinaryDrift"
    assert (found.severity, found.status) == (Severity.MEDIUM, AlertStatus.OPEN)
    assert found.scope == SUBSCRIPTION
    assert found.resource is not None
    assert found.resource.endswith("/managedclusters/shop-aks")
    assert found.techniques == ("T1059", "T1610")
    assert any(isinstance(e, AzureResource) for e in found.entities)
    assert names(found, "k8s-pod") == {"checkout-7d9"}
    assert names(found, "k8s-namespace") == {"checkout"}
    assert names(found, "container-image") == {"shop.azurecr.io/web:1.4"}


def test_resolved_closes_and_an_unknown_severity_is_medium() -> None:
    """A later version that is resolved is closed; unknown is no severity."""
    found = alert("resolved.json")

    assert found.status is AlertStatus.CLOSED
    assert (found.severity, found.reported_severity) == (Severity.MEDIUM, "unknown")
    assert found.version.at > alert("endpoint.json").version.at


def test_a_renamed_odata_type_is_read() -> None:
    """Evidence is typed too where a store has written the "@" out."""
    found = alert("renamed-odata-type.json")

    account, address = found.entities
    assert isinstance(account, Account)
    assert account.upn == "r.adler@corp.example.net"
    assert isinstance(address, Ip)
    assert (address.address, address.country) == ("185.220.101.6", "DE")
    assert found.tactics == ()
    assert found.severity is Severity.INFORMATIONAL


def test_mail_evidence_names_sender_address_and_links() -> None:
    """A message is its network message id; its links and sender's address are lifted."""
    found = alert("mail.json")

    assert names(found, "mail-message") == {"0d0e3e52-74e1-4f0d-9f0c-08dd6e5f4a3b"}
    assert {e.address for e in found.entities if isinstance(e, Ip)} == {"203.0.113.77"}
    links = {e.url for e in found.entities if isinstance(e, Url)}
    assert links == {"https://pay.example.org/in"}
    (mailbox,) = (e for e in found.entities if isinstance(e, Mailbox))
    assert mailbox.address == "r.adler@corp.example.net"


def test_evidence_of_a_new_kind_is_kept_by_name() -> None:
    """What Graph adds is kept as what it is called; what is untyped is left out."""
    found = alert("unknown-evidence.json")

    assert names(found, "aiagent") == {"Helpdesk agent"}
    (cloud,) = (e for e in found.entities if isinstance(e, CloudApplication))
    assert (cloud.app_id, cloud.name) == ("11161", "Office 365")
    assert names(found, "oauth-application") == {"7c2b3f1e-93d2-4f6c-9f0c-2f6a6a3b0d11"}


def test_an_alert_without_id_is_rejected() -> None:
    """There is nothing to know it again by."""
    with pytest.raises(AlertRejected) as error:
        alert("no-id.json")

    assert error.value.path == "$.id"


def test_an_alert_without_title_still_pages() -> None:
    """Untitled alerts are of a type each, since nothing says that they are alike."""
    found = alert("no-title.json")

    assert found.alert_type == f"{UNTITLED} {found.id}"


def test_given_alerts_are_read() -> None:
    """The alerts that other people published are read as what they are."""
    found = {name: alert_of(body) for name, body in given("graph-alerts-v2").items()}

    hidden = found["docs_mde_hidden_file.json"]
    assert (hidden.kind, hidden.id) == ("graph", "da637578995287051192_756343937")
    assert hidden.severity is Severity.LOW
    assert hidden.techniques == ("T1564.001",)
    assert hidden.started_at == datetime(2021, 4, 26, 7, 45, 50, 116000, tzinfo=UTC)
    assert {e.pid for e in hidden.entities if isinstance(e, Process)} == {4780, 668}
    (host,) = (e for e in hidden.entities if isinstance(e, Host))
    assert host.resource.endswith("/virtualmachines/nirlavitests")
    anonymous = found["microsoft_graph_passthrough_Anonymous-Login-Event-v2.json"]
    assert (anonymous.severity, anonymous.tactics) == (Severity.MEDIUM, ())
    assert [type(e) for e in anonymous.entities] == [Account, Ip]
    spray = found["microsoft_graph_passthrough_Password-Spray-Event-v2.json"]
    assert spray.severity is Severity.HIGH
    signal = found["microsoft_graph_passthrough_Informational-Severity-Event-v2.json"]
    assert (signal.id, signal.severity) == ("info-event-1", Severity.INFORMATIONAL)
    assert all(each.status is AlertStatus.OPEN for each in found.values())
