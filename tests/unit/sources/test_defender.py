"""Defender for Cloud's own alert, as the hub and as Logic Apps send it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared import sources
from shared.model.alert import Alert, AlertStatus, Severity
from tests.alerts import (
    NOON,
    SUBSCRIPTION,
    alert_id,
    defender_alert,
    read_alert,
    stamp,
    vm,
)

RECEIVED = NOON + timedelta(minutes=1)


def _read(
    unit: dict[str, Any],
    *,
    formats: tuple[str, ...] | None = None,
) -> Any:  # noqa: ANN401  whatever it is
    (found,) = sources.read(
        msgspec.json.encode(unit), received_at=RECEIVED, formats=formats
    )
    return found


def _camel(unit: dict[str, Any]) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: value for name, value in unit.items()}


def test_the_hubs_alert_is_read() -> None:
    """Every field that the core uses, from the one obvious alert."""
    alert = read_alert()

    assert alert.id == alert_id().lower()
    assert alert.scope == SUBSCRIPTION
    assert alert.resource == vm().lower()
    assert alert.alert_type == "VM_WebShellDetected"
    assert alert.title == "Possible web shell detected"
    assert alert.severity is Severity.HIGH
    assert alert.status is AlertStatus.OPEN
    assert alert.started_at == alert.ended_at == alert.point == NOON
    assert alert.version.at == NOON + timedelta(seconds=30)
    assert alert.tactics == ("Persistence",)
    assert alert.compromised_entity == "vm-web-01"
    assert alert.uri.startswith("https://portal.azure.com/")
    assert not alert.is_sample


@pytest.mark.parametrize(
    "unit",
    [_camel(defender_alert()), {"body": _camel(defender_alert())}],
    ids=["camel case", "in a body"],
)
def test_a_logic_app_sends_the_same_alert(unit: dict[str, Any]) -> None:
    """Case of names and a wrapping change nothing, not even the version."""
    found = _read(unit)

    assert found == read_alert()


def test_order_and_spacing_make_no_version() -> None:
    """Two exports of one alert are byte-near duplicates."""
    unit = defender_alert()
    turned = dict(reversed(unit.items()))
    spaced = msgspec.json.format(msgspec.json.encode(turned), indent=4)

    (found,) = sources.read(spaced, received_at=RECEIVED)

    assert found == read_alert()


def test_a_change_of_content_makes_a_version() -> None:
    """Status, severity and times are part of the digest."""
    versions = [
        read_alert(),
        read_alert(Status="Resolved"),
        read_alert(Severity="Low"),
        read_alert(EndTimeUtc=stamp(NOON + timedelta(hours=1))),
    ]

    assert len({alert.version.digest for alert in versions}) == 4


@pytest.mark.parametrize("field", ["SystemAlertId", "AlertType"])
@pytest.mark.parametrize("value", [None, "", "  ", 7, ["x"], "x" * 300])
def test_without_id_or_type_there_is_no_alert(field: str, value: object) -> None:
    """It is rejected by name, and its text is not repeated."""
    found = _read(defender_alert(**{field: value}))

    assert isinstance(found, sources.Rejected)
    assert found.path.startswith("$")
    assert "xxx" not in found.problem


def test_half_an_alert_is_an_alert() -> None:
    """With id and type alone, the rest is read with caution: it must still page."""
    found = _read({"SystemAlertId": "a", "AlertType": "b", "Severity": "?"})

    assert isinstance(found, Alert)
    assert found.severity is Severity.MEDIUM
    assert found.status is AlertStatus.OPEN
    assert found.scope == "tenant"
    assert found.resource is None
    assert found.started_at == found.ended_at == found.version.at == RECEIVED


def test_the_id_tells_when_the_alert_began() -> None:
    """Its ticks stand in for a start that is missing (wire-formats.md 1.2)."""
    began = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)

    alert = read_alert(SystemAlertId=alert_id(1, began), StartTimeUtc=...)

    assert alert.started_at == began


@pytest.mark.parametrize(
    "prefix", ["9999999999999999999", "0000000000000000000", "²" * 19, "1"]
)
def test_an_id_of_no_ticks_is_an_id(prefix: str) -> None:
    """Whatever stands before the underscore, nothing breaks."""
    alert = read_alert(SystemAlertId=f"{prefix}_x", StartTimeUtc=...)

    assert alert.id == f"{prefix}_x"


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("High", Severity.HIGH),
        ("medium", Severity.MEDIUM),
        ("LOW", Severity.LOW),
        ("Informational", Severity.INFORMATIONAL),
        ("Grave", Severity.MEDIUM),
        ("", Severity.MEDIUM),
        (None, Severity.MEDIUM),
    ],
)
def test_an_unreadable_severity_is_medium(word: str, severity: Severity) -> None:
    """Unreadable is neither harmless nor a reason to ring every phone."""
    assert read_alert(Severity=word).severity is severity


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("New", AlertStatus.OPEN),
        ("InProgress", AlertStatus.OPEN),
        ("Unknown", AlertStatus.OPEN),
        ("", AlertStatus.OPEN),
        ("Resolved", AlertStatus.CLOSED),
        ("dismissed", AlertStatus.CLOSED),
    ],
)
def test_only_an_end_closes(word: str, status: AlertStatus) -> None:
    """What is not said to be over is open."""
    assert read_alert(Status=word).status is status


@pytest.mark.parametrize(
    ("changes", "is_sample"),
    [
        ({"AlertType": "SIMULATED_VM_WebShell"}, True),
        ({"AlertDisplayName": "[SAMPLE ALERT] Web shell"}, True),
        ({"AlertDisplayName": "Web shell [SAMPLE ALERT]"}, False),
        ({"Description": "THIS IS A SAMPLE ALERT"}, False),
        ({"CompromisedEntity": "Sample-VM"}, False),
        ({"AzureResourceId": vm("Sample-VM")}, False),
        ({"Entities": [{"Address": "0.0.0.0", "Type": "ip"}]}, False),
    ],
)
def test_only_the_detector_makes_a_sample(
    changes: dict[str, Any], *, is_sample: bool
) -> None:
    """Names and texts an attacker can choose do not (review F15)."""
    assert read_alert(**changes).is_sample is is_sample


@pytest.mark.parametrize(
    ("changes", "resource", "scope"),
    [
        ({"AzureResourceId": vm() + "/"}, vm().lower(), SUBSCRIPTION),
        ({"AzureResourceId": "vm-web-01"}, vm().lower(), SUBSCRIPTION),
        (
            {"AzureResourceId": "", "ResourceIdentifiers": None},
            None,
            "tenant",
        ),
        (
            {
                "AzureResourceId": "/subscriptions/none",
                "ResourceIdentifiers": ["x", {"AzureResourceId": 5}],
                "AzureResourceSubscriptionId": SUBSCRIPTION.upper(),
            },
            None,
            SUBSCRIPTION,
        ),
        (
            {"AzureResourceId": vm() + "x" * 5_000, "ResourceIdentifiers": []},
            None,
            "tenant",
        ),
    ],
)
def test_the_resource_is_the_first_that_is_an_arm_id(
    changes: dict[str, Any], resource: str | None, scope: str
) -> None:
    """The scope follows from it, or from the subscription that is named."""
    alert = read_alert(**changes)

    assert (alert.resource, alert.scope) == (resource, scope)


def test_times_are_believed_near_the_receipt_only() -> None:
    """A clock far off neither outranks later versions nor reaches back for ever."""
    future = read_alert(
        StartTimeUtc="2090-01-01T00:00:00Z", ProcessingEndTime="2090-01-01T00:00:00Z"
    )
    past = read_alert(StartTimeUtc="1990-01-01T00:00:00Z")

    assert future.point == future.version.at == RECEIVED + timedelta(minutes=5)
    assert past.point == RECEIVED - timedelta(days=7)


def test_an_alert_does_not_end_before_it_begins() -> None:
    """An end before the start is the start."""
    alert = read_alert(EndTimeUtc=stamp(NOON - timedelta(hours=1)))

    assert alert.ended_at == alert.started_at


def test_texts_are_cleaned_and_bounded() -> None:
    """Titles are one line, and nothing is longer than a row can carry."""
    alert = read_alert(
        AlertDisplayName="a\u202eb\r\n\x1b[2J" + "x" * 500,
        Description="y" * 10_000,
        CompromisedEntity="z" * 1_000,
        Intent="A, b ,Unknown,,A," + "w" * 200,
        AlertUri="javascript:alert(1)",
    )

    assert alert.title.startswith("ab [2Jxxx")
    assert len(alert.title) <= 300
    assert len(alert.description) <= 4_000
    assert len(alert.compromised_entity) <= 300
    assert {"A"} < set(alert.tactics)
    assert "Unknown" not in alert.tactics
    assert max(map(len, alert.tactics)) <= 60
    assert alert.uri == ""


def test_a_sender_may_send_only_its_formats() -> None:
    """A unit of another format is rejected, not read."""
    found = _read(defender_alert(), formats=("posture",))

    assert isinstance(found, sources.Rejected)
    assert "may not send" in found.problem
    assert isinstance(_read(defender_alert(), formats=("defender",)), Alert)


def test_what_nobody_knows_is_rejected() -> None:
    """An object that is no alert of any format goes to a dead letter."""
    found = _read({"hello": "world"})

    assert isinstance(found, sources.Rejected)
    assert not found.is_malformed


def test_an_id_that_lacks_a_part_is_kept_as_text() -> None:
    """It is no resource to compare, but it does name the subscription."""
    malformed = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/A.B/name"

    found = read_alert(AzureResourceId=malformed, ResourceIdentifiers=[])

    assert found.resource is None
    assert found.resource_text == malformed
    assert found.scope == SUBSCRIPTION
