"""What shares the export's hub and is no alert."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared import sources
from shared.model.alert import Alert
from tests.alerts import NOON, defender_alert


def _read(unit: dict[str, Any]) -> Any:  # noqa: ANN401  whatever it is
    (found,) = sources.read(msgspec.json.encode(unit), received_at=NOON)
    return found


@pytest.mark.parametrize(
    "unit",
    [
        {"type": "Microsoft.Security/assessments", "properties": {}},
        {"Type": "Microsoft.Security/assessments/subAssessments", "Severity": "High"},
        {"type": "microsoft.security/secureScores"},
        {
            "Id": "/subscriptions/1",
            "TimeGenerated": "2026-11-23T12:00:00Z",
            "Properties": {"Status": {"Severity": "High"}},
            "subAssessmentEventDataEnrichment": {"action": "Insert"},
        },
        {"securityEventDataEnrichment": {"isSnapshot": True}, "name": "x"},
        {"AssessmentEventDataEnrichment": {}, "name": "x"},
    ],
)
def test_posture_records_are_ignored_with_a_reason(unit: dict[str, Any]) -> None:
    """Even those that have a severity and a time."""
    found = _read(unit)

    assert isinstance(found, sources.Ignored)
    assert "not an alert" in found.reason


def test_an_alert_of_arm_is_no_posture_record() -> None:
    """Alerts share the provider's name with posture records."""
    found = _read({"type": "Microsoft.Security/Locations/alerts", "name": "x"})

    assert not isinstance(found, sources.Ignored)


def test_hostile_text_stays_out_of_the_reason() -> None:
    """The reason goes to logs: it holds a kind, or none."""
    found = _read({"type": "Microsoft.Security/\x1b[2J<script>"})

    assert isinstance(found, sources.Ignored)
    assert "script" not in found.reason


def test_an_alert_is_an_alert() -> None:
    """The default of the other tests is one."""
    assert isinstance(_read(defender_alert()), Alert)
