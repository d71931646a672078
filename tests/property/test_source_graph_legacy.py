"""Laws of the reader of Graph's old alerts: nothing but a rejection is ever raised."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.alert import Alert
from shared.model.errors import AlertRejected
from shared.sources import graph_legacy
from shared.sources.fields import Fields
from tests.property.shapes import objects, outcome

_STATES = (
    *("userStates", "hostStates", "networkConnections", "fileStates", "processes"),
    *("registryKeyStates", "malwareStates", "cloudAppStates", "securityResources"),
)
_STATE = objects(
    (
        *("name", "path", "fileHash", "accountName", "logonIp", "fqdn", "resource"),
        *("sourceAddress", "destinationUrl", "processId", "commandLine", "key"),
        *("valueName", "resourceType", "category", "destinationServiceName"),
    ),
    {"fileHash": objects(("hashType", "hashValue"), {"hashType": st.just("name")})},
)
_ALERTS = objects(
    (
        *("id", "azureTenantId", "azureSubscriptionId", "vendorInformation"),
        *("category", "title", "severity", "status", "sourceMaterials"),
        *("eventDateTime", "createdDateTime", "lastModifiedDateTime", *_STATES),
    ),
    {"id": st.just("x"), **{name: st.lists(_STATE, max_size=2) for name in _STATES}},
)


@given(unit=_ALERTS)
@settings(deadline=None, max_examples=80)
def test_any_alert_is_read_or_rejected(unit: dict[str, Any]) -> None:
    """Whatever the fields hold, a unit is an alert or a typed rejection."""
    graph_legacy.recognises(Fields(unit, "$"))

    found = outcome(graph_legacy.read, unit)

    assert isinstance(found, Alert | AlertRejected)
