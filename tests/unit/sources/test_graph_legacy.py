"""Graph's first generation of alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from shared.model.alert import Alert, AlertStatus, Severity
from shared.model.entity import Account, Dns, FileHash, Host, Ip, Named, Process
from shared.sources import graph_legacy
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given

SAMPLES = Path(__file__).parents[2] / "samples" / "graph-legacy"
RECEIVED = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"


def alert_of(body: bytes) -> Alert:
    (unit,) = units(body)
    assert unit.fields is not None
    fields = Fields(unit.fields, unit.path)
    assert graph_legacy.recognises(fields)
    return graph_legacy.read(fields, received_at=RECEIVED)


def alert(name: str) -> Alert:
    return alert_of((SAMPLES / name).read_bytes())


def test_defender_for_clouds_alert_has_the_hubs_identity() -> None:
    """Id, type and the attacked resource are those that the hub sends."""
    found = alert("defender-for-cloud.json")

    assert found.kind == "graph-legacy"
    assert found.id == "2516834271234567899_9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d"
    assert found.alert_type == "VM_SuspiciousProcess"
    assert (found.severity, found.status) == (Severity.MEDIUM, AlertStatus.OPEN)
    assert found.scope == SUBSCRIPTION
    assert (found.resource or "").endswith("/virtualmachines/vm-web-01")
    assert found.started_at == datetime(2026, 11, 22, 10, 2, tzinfo=UTC)
    assert found.version.at == datetime(2026, 11, 22, 10, 25, 12, 347808, tzinfo=UTC)
    assert found.product == "ASC"
    assert found.uri == "https://portal.azure.com/#blade/alert"
    assert found.compromised_entity == "vm-web-01.corp.example.net"


def test_states_become_typed_entities() -> None:
    """Users, hosts, processes, files and malware are lifted from the states."""
    found = alert("defender-for-cloud.json")

    kinds = {type(e) for e in found.entities}
    assert {Account, Host, Ip, Process, FileHash, Named} <= kinds
    (process,) = (e for e in found.entities if isinstance(e, Process))
    assert (process.pid, process.account) == (411, "svc-web")
    assert process.image == "/usr/bin/curl"
    addresses = {e.address for e in found.entities if isinstance(e, Ip)}
    assert addresses == {"203.0.113.9", "198.51.100.20", "10.1.0.4", "203.0.113.40"}
    sids = {e.sid for e in found.entities if isinstance(e, Account)}
    assert "S-1-5-21-1-2-3-1104" in sids


def test_flattened_vendor_information_is_recognised() -> None:
    """A store that flattened vendorInformation still names vendor and tenant."""
    found = alert("flattened-vendor.json")

    assert (found.product, found.status) == ("ASC", AlertStatus.CLOSED)
    assert found.alert_type == "AdaptiveNetworkHardeningInbound"
    addresses = {e.address for e in found.entities if isinstance(e, Ip)}
    assert addresses == {"61.23.79.168", "118.32.223.14"}
    assert [e.domain for e in found.entities if isinstance(e, Dns)] == [
        "evil.example.org"
    ]


def test_without_category_the_title_is_the_type() -> None:
    """Another provider's alert is the tenant's, of medium severity where unknown."""
    found = alert("no-category.json")

    assert (found.alert_type, found.scope) == ("Atypical travel", "tenant")
    assert (found.severity, found.uri) == (Severity.MEDIUM, "")


def test_given_alert_is_read() -> None:
    """The alert that other people published is read as what it is."""
    (body,) = given("graph-alerts-legacy").values()

    found = alert_of(body)

    assert found.kind == "graph-legacy"
    assert found.id == "2518267967999999999_13d684ad-1397-4db8-be04-9a7fe750bb1d"
    assert (found.severity, found.status) == (Severity.LOW, AlertStatus.OPEN)
    assert found.scope == "083de1fb-cd2d-4b7c-895a-2b5af1d091e8"
    assert found.started_at == datetime(2019, 12, 5, tzinfo=UTC)
    addresses = {e.address for e in found.entities if isinstance(e, Ip)}
    assert addresses == {"61.23.79.168", "118.32.223.14"}
