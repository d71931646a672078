"""ARM alerts of anything."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.model.alert import Alert
from shared.model.errors import AlertRejected
from shared.sources import arm
from shared.sources.fields import Fields
from tests.property.feeds import QUICK
from tests.property.hostile import VALUES, outcome, units

NAMES = (
    *("systemAlertId", "alertType", "alertName", "isIncident", "alertDisplayName"),
    *("description", "severity", "reportedSeverity", "status", "state", "intent"),
    *("startTimeUtc", "detectedTimeUtc", "endTimeUtc", "processingEndTimeUtc"),
    *("resourceIdentifiers", "associatedResource", "subscriptionId", "techniques"),
    *("subTechniques", "productName", "alertUri", "entities", "extendedProperties"),
    *("compromisedEntity", "timeGeneratedUtc", "reportedTimeUtc", "vendorName"),
)
INSIDE = st.one_of(VALUES, units(NAMES), units(NAMES, systemAlertId="1", alertType="x"))


@st.composite
def alerts(draw: st.DrawFn) -> dict[str, Any]:
    unit = draw(units(["id", "name"], type="Microsoft.Security/Locations/alerts"))
    return {**unit, "properties": draw(INSIDE)}


@QUICK
@given(alerts())
def test_an_arm_alert_is_read_or_rejected(raw: dict[str, Any]) -> None:
    """Whatever its fields hold, nothing else is raised."""
    fields = Fields(raw, "$")
    assert arm.recognises(fields)

    found = outcome(arm.read, fields)

    if not isinstance(found, AlertRejected):
        assert isinstance(found, Alert)
        assert found.id == found.id.lower()


@QUICK
@given(st.dictionaries(st.sampled_from(["type", "id", "properties"]), VALUES))
def test_anything_is_recognised_or_not(raw: dict[str, Any]) -> None:
    """Telling formats apart never fails."""
    assert arm.recognises(Fields(raw, "$")) in {True, False}
