"""Laws of the XDR reader: nothing but a rejection is raised, and parts stay together."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.alert import Alert
from shared.model.errors import AlertRejected
from shared.sources import xdr
from shared.sources.fields import Fields
from tests.property.hostile import VALUES
from tests.property.shapes import objects, outcome, packed

_COLUMNS = (
    *("AlertId", "Title", "Category", "Categories", "Severity", "ServiceSource"),
    *("AttackTechniques", "Timestamp", "EntityType", "EvidenceRole"),
    *("AdditionalFields", "AccountName", "AccountUpn", "AccountSid"),
    *("AccountObjectId", "DeviceId", "DeviceName", "RemoteIP", "LocalIP", "RemoteUrl"),
    *("SHA1", "SHA256", "FileName", "FolderPath", "ProcessCommandLine"),
    *("RegistryKey", "RegistryValueName", "RegistryValueData", "ResourceID"),
    *("NetworkMessageId", "Application", "OAuthApplicationId", "ThreatFamily"),
)
_TABLES = st.sampled_from(["AlertInfo", "alertevidence", "AlertEvidence"])
_CATEGORIES = _TABLES.map(lambda table: f"AdvancedHunting-{table}")
_ENTITIES = objects(("$id", "$ref", "Type", "Name", "Host", "properties", "kind"))
_ROWS = objects(
    _COLUMNS,
    {
        "AlertId": st.just("da1_-2"),
        "AdditionalFields": packed(_ENTITIES),
        "Categories": packed(st.lists(st.text(max_size=8), max_size=3)),
        "EntityType": st.sampled_from(["User", "Machine", "Process", "File", "Ip"]),
    },
)


@given(category=_CATEGORIES, row=packed(_ROWS), time=VALUES, tenant=VALUES)
@settings(deadline=None, max_examples=80)
def test_any_row_is_a_part_or_rejected(
    category: str,
    row: object,
    time: object,
    tenant: object,
) -> None:
    """Whatever the columns hold, a row is one part or a typed rejection."""
    unit = {"category": category, "properties": row, "time": time, "tenantId": tenant}
    assert xdr.recognises(Fields(unit, "$"))

    found = outcome(xdr.read, unit)

    assert isinstance(found, Alert | AlertRejected)
    if isinstance(found, Alert):
        assert found.is_part


@given(unit=objects(("category", "properties", "time"), {"category": _CATEGORIES}))
@settings(deadline=None, max_examples=60)
def test_any_unit_is_told(unit: dict[str, Any]) -> None:
    """Whether a unit is a hunting row is told of any unit without raising."""
    if xdr.recognises(Fields(unit, "$")):
        assert isinstance(outcome(xdr.read, unit), Alert | str | AlertRejected)


@given(rows=st.lists(_ROWS, min_size=2, max_size=5))
@settings(deadline=None, max_examples=40)
def test_parts_of_one_alert_share_their_place(rows: list[dict[str, Any]]) -> None:
    """No column of a part moves it to another scope or resource than the others."""
    category = "AdvancedHunting-AlertEvidence"
    # The first spelling of a name wins.
    first = {"ALERTID": "da1_-2"}
    named = [{**first, **row, **first} for row in rows]
    units = [{"category": category, "properties": row} for row in named]

    parts = [outcome(xdr.read, unit) for unit in units]

    places = {(p.id, p.scope, p.resource) for p in parts if isinstance(p, Alert)}
    assert places == {("da1_-2", "tenant", None)}
