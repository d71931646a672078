"""Entra's risk records: what opens, what closes, and whom they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.model.alert import Alert, AlertStatus, Severity
from shared.model.entity import Account, Ip, Named
from shared.model.errors import AlertRejected
from shared.sources import entra_risk
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.given import given

SAMPLES = Path(__file__).parents[2] / "samples" / "entra-risk"
RECEIVED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OBJECT_ID = "5289e9c7-3945-4ffd-8fd3-d56124baf45d"
SERVICE = "99b8d28b-11ae-4e84-9bef-0e767e286abc"


def results(name: str) -> list[Alert | str]:
    found = []
    for unit in units((SAMPLES / name).read_bytes()):
        assert unit.fields is not None
        fields = Fields(unit.fields, unit.path)
        assert entra_risk.recognises(fields)
        found.append(entra_risk.read(fields, received_at=RECEIVED))
    return found


def alerts(name: str) -> list[Alert]:
    return [found for found in results(name) if isinstance(found, Alert)]


def test_a_detection_names_its_type_user_and_address() -> None:
    """A user's detection is an open alert about the account and where it came from."""
    (found,) = alerts("user-risk.json")

    assert found.kind == "entra-risk"
    assert found.id.startswith("ce0ed07f9ccf5be1")
    assert found.alert_type == "EntraRisk_anonymizedIPAddress"
    assert found.title == "User Risk Detection: anonymizedIPAddress"
    assert (found.severity, found.status) == (Severity.HIGH, AlertStatus.OPEN)
    assert found.started_at == datetime(2026, 11, 22, 18, 5, 6, 133000, tzinfo=UTC)
    assert found.version.at == datetime(2026, 11, 22, 18, 7, 16, 894000, tzinfo=UTC)
    assert found.scope == "tenant"
    account, address = found.entities
    assert isinstance(account, Account)
    assert (account.object_id, account.upn) == (OBJECT_ID, "r.adler@corp.example.net")
    assert isinstance(address, Ip)
    assert (address.address, address.country) == ("185.220.101.6", "DE")


def test_techniques_come_from_their_own_pair_alone() -> None:
    """A user agent, which the attacker writes, adds no technique."""
    (found,) = alerts("user-risk.json")

    assert found.techniques == ("T1078", "T1090.003")


def test_the_same_id_dismissed_is_closed() -> None:
    """A detection whose state changed is a later version of the same alert, closed."""
    (before,) = alerts("user-risk.json")

    (after,) = alerts("user-risk-dismissed.json")

    assert after.id == before.id
    assert after.version > before.version
    assert (after.status, after.reported_status) == (AlertStatus.CLOSED, "dismissed")


def test_the_time_of_the_record_is_read_in_us_form() -> None:
    """Without times of its own it has the record's: month first, AM is midnight."""
    (found,) = alerts("no-own-times.json")

    expected = datetime(2026, 11, 22, 0, 7, 16, tzinfo=UTC)
    assert found.started_at == found.version.at == expected


def test_a_risky_user_is_known_by_its_object_id() -> None:
    """The user at risk is an alert under its object id, and remediation closes it."""
    risky, remediated = alerts("risky-user-remediated.json")

    assert risky.id == remediated.id == OBJECT_ID
    assert risky.alert_type == "EntraRisk_RiskyUser"
    assert (risky.severity, risky.status) == (Severity.MEDIUM, AlertStatus.OPEN)
    assert remediated.status is AlertStatus.CLOSED
    assert remediated.version > risky.version
    (account,) = risky.entities
    assert isinstance(account, Account)
    assert account.object_id == OBJECT_ID


def test_service_principals_are_accounts_too() -> None:
    """Their object and application ids are read; a hidden level is low."""
    detection, risky = alerts("service-principal.json")

    assert detection.alert_type == "EntraRisk_leakedCredentials"
    assert detection.status is AlertStatus.OPEN
    assert detection.uri == "https://entra.microsoft.com/x"
    assert risky.alert_type == "EntraRisk_RiskyServicePrincipal"
    assert (risky.severity, risky.reported_severity) == (Severity.LOW, "hidden")
    for found in (detection, risky):
        account, application = found.entities
        assert isinstance(account, Account)
        assert (account.object_id, account.name) == (SERVICE, "Backup job")
        assert isinstance(application, Named)
        assert application.kind == "oauth-application"


def test_a_record_of_no_risk_is_ignored() -> None:
    """A user whom Entra calls of no risk at all is no alert."""
    assert results("no-risk.json") == ["Entra record of no risk, not an alert"]


def test_a_risk_event_type_is_enough() -> None:
    """A record that lost its category is known by its riskEventType."""
    (found,) = alerts("no-category.json")

    assert found.title == "Entra risk: anonymizedIPAddress"


def test_a_record_without_id_is_rejected() -> None:
    """There is nothing to know it again by."""
    with pytest.raises(AlertRejected) as error:
        results("no-id.json")

    assert error.value.path == "$.records[0].properties.id"


def test_given_sign_in_of_high_risk_is_no_risk_event() -> None:
    """A sign-in log that mentions risk is a diagnostic record of another kind."""
    for body in given("diagnostic-settings-activity").values():
        (unit,) = units(body)
        assert unit.fields is not None
        assert not entra_risk.recognises(Fields(unit.fields, unit.path))
