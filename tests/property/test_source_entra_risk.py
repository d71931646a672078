"""Laws of the reader of Entra's risk: nothing but a rejection is ever raised."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.alert import Alert, AlertStatus
from shared.model.errors import AlertRejected
from shared.sources import entra_risk
from shared.sources.fields import Fields
from tests.property.hostile import VALUES
from tests.property.shapes import objects, outcome, packed

_DETAILS = st.lists(
    objects(("Key", "Value"), {"Key": st.sampled_from(["mitreTechniques", "alertUrl"])})
    | VALUES,
    max_size=3,
)
_RISKS = objects(
    (
        *("id", "riskEventType", "riskType", "riskState", "riskLevel", "riskDetail"),
        *("activityDateTime", "detectedDateTime", "lastUpdatedDateTime", "location"),
        *("riskLastUpdatedDateTime", "userId", "userPrincipalName", "ipAddress"),
        *("servicePrincipalId", "appId", "additionalInfo", "userDisplayName"),
    ),
    {
        "id": st.just("ce0ed07f"),
        "additionalInfo": packed(_DETAILS),
        "riskState": st.sampled_from(["atRisk", "dismissed", "none"]),
    },
)
_RECORDS = objects(
    ("category", "operationName", "time", "properties"),
    {
        "category": st.sampled_from(["UserRiskEvents", "RiskyUsers", "riskyusers"]),
        "properties": packed(_RISKS),
    },
)


@given(unit=_RECORDS)
@settings(deadline=None, max_examples=80)
def test_any_record_is_read_ignored_or_rejected(unit: dict[str, Any]) -> None:
    """Whatever the fields hold, a record is an alert, a reason or a rejection."""
    entra_risk.recognises(Fields(unit, "$"))

    found = outcome(entra_risk.read, unit)

    assert isinstance(found, Alert | str | AlertRejected)


@given(state=VALUES, level=st.sampled_from(["low", "medium", "high"]))
@settings(deadline=None, max_examples=60)
def test_only_a_known_end_closes(state: object, level: str) -> None:
    """A risk of some level whose state is anything but an end is open."""
    risk = {"id": "ce0ed07f", "riskState": state, "riskLevel": level}

    found = outcome(entra_risk.read, {"category": "UserRiskEvents", "properties": risk})

    assert isinstance(found, Alert)
    assert found.status is AlertStatus.OPEN
