"""Records of diagnostic settings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.model.alert import ROAD_RANK, Alert, AlertStatus, Road, Severity
from shared.model.errors import AlertRejected
from shared.sources import diagnostics
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given, sample

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
STARTED_AT = datetime(2026, 11, 2, 9, 15, 30, 123456, tzinfo=UTC)
DEFENDER_ID = "2516086898698765439_00000000-0000-4000-8000-0000000000a1"


def read(raw: dict[str, Any]) -> Alert | str:
    fields = Fields(raw, "$")
    assert diagnostics.recognises(fields)
    return diagnostics.read(fields, received_at=NOW)


def read_sample(quirk: str) -> list[Alert | str]:
    found = units(sample("diagnostics", f"{quirk}.json"))
    return [read(unit.fields) for unit in found if unit.fields is not None]


def test_a_security_record_is_defenders_alert() -> None:
    """Upper-case ids, texts for numbers: the alert is the one of the hub."""
    alert, other = read_sample("security_records")

    assert isinstance(alert, Alert)
    assert (alert.kind, alert.id) == ("diagnostics", DEFENDER_ID)
    assert alert.version.rank == ROAD_RANK[Road.ACTIVITY_LOG]
    assert alert.version.at == alert.started_at == STARTED_AT
    assert alert.title == "Malware was found"
    assert (alert.severity, alert.status) == (Severity.HIGH, AlertStatus.OPEN)
    assert alert.tactics == ("Execution", "Persistence")
    assert other == "diagnostic-settings record (Administrative), not an alert"


def test_the_category_may_stand_in_the_properties_alone() -> None:
    """The documented mapping has Administrative outside and all else one level in."""
    (alert,) = read_sample("security_event_category")

    assert isinstance(alert, Alert)
    assert (alert.id, alert.alert_type) == (DEFENDER_ID, "Malware found")
    assert (alert.severity, alert.status) == (Severity.HIGH, AlertStatus.CLOSED)
    assert alert.compromised_entity == "vm-shop-02"


def test_a_security_log_of_another_provider_is_ignored() -> None:
    """Only Defender's records are copies of its alerts."""
    assert read_sample("security_of_another_provider") == [
        "diagnostic-settings record (Security of another provider), not an alert"
    ]


def test_a_resource_log_is_ignored_by_its_category() -> None:
    """A sign-in that carries a risk is still a sign-in."""
    assert read_sample("sign_in") == [
        "diagnostic-settings record (SignInLogs), not an alert"
    ]


def test_a_security_record_without_any_id_is_rejected() -> None:
    """It must not vanish."""
    raw = {
        "time": "2026-11-02T09:15:30Z",
        "resourceId": "",
        "operationName": "Microsoft.Security/locations/alerts/activate/action",
        "category": "security",
    }

    with pytest.raises(AlertRejected, match="id"):
        read(raw)


def test_all_four_names_make_a_record() -> None:
    """A record of something else is not taken for one."""
    raw = {"time": "x", "resourceId": "x", "operationName": "x", "category": "x"}

    for name in raw:
        rest = {key: value for key, value in raw.items() if key != name}
        assert not diagnostics.recognises(Fields(rest, "$"))


def test_given_records() -> None:
    """Everything that was given is an operation or a log, and no alert."""
    reasons = {
        read(msgspec.json.decode(body))
        for body in given("diagnostic-settings-activity").values()
    }

    assert reasons == {
        f"diagnostic-settings record ({category}), not an alert"
        for category in ("Administrative", "AuditLogs", "SignInLogs", "StorageWrite")
    }
