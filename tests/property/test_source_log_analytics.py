"""Rows of SecurityAlert that hold anything."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from shared.model.alert import Alert
from shared.model.errors import AlertRejected
from shared.sources import log_analytics
from shared.sources.fields import Fields
from tests.property.feeds import QUICK
from tests.property.hostile import outcome, units

NAMES = (
    *("TenantId", "TimeGenerated", "DisplayName", "AlertName", "AlertSeverity"),
    *("Description", "ProviderName", "VendorName", "VendorOriginalId", "ResourceId"),
    *("IsIncident", "StartTime", "EndTime", "ProcessingEndTime", "Entities"),
    *("ExtendedProperties", "ProductName", "AlertLink", "Status", "Tactics"),
    *("Techniques", "SubTechniques", "CompromisedEntity", "StartTimeUtc", "Severity"),
    *("EndTimeUtc", "ProviderAlertId", "AlertDisplayName", "Intent", "Type"),
    *("ResourceIdentifiers", "SystemAlertId", "AlertType", "AlertUri"),
)


@QUICK
@given(units(NAMES) | units(NAMES, SystemAlertId="1", AlertType="x", IsIncident="True"))
def test_a_row_is_read_or_rejected(raw: dict[str, Any]) -> None:
    """Whatever its columns hold, nothing else is raised."""
    fields = Fields(raw, "$")
    log_analytics.recognises(fields)

    found = outcome(log_analytics.read, fields)

    if not isinstance(found, AlertRejected):
        assert isinstance(found, Alert)
        assert found.id == found.id.lower()
        assert found.started_at <= found.ended_at
