"""Sentinel's incidents and alerts that hold anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.alert import Alert
from shared.model.errors import AlertRejected
from shared.sources import sentinel
from shared.sources.fields import Fields
from shared.sources.membership import alert_id, members_of
from tests.property.feeds import QUICK
from tests.property.hostile import NOW, VALUES, deep, outcome, units
from tests.property.test_source_log_analytics import NAMES as ALERT_NAMES

NAMES = (
    *("title", "description", "severity", "status", "relatedEntities", "alerts"),
    *("firstActivityTimeUtc", "createdTimeUtc", "lastActivityTimeUtc", "alertIds"),
    *("lastModifiedTimeUtc", "additionalData", "incidentUrl", "providerName"),
    *("FirstActivityTime", "LastModifiedTime", "IncidentName", "TimeGenerated"),
)
ALERT = units(["kind", "id"], type="Microsoft.SecurityInsights/Entities")
ENTITIES = st.lists(
    st.builds(
        lambda unit, inside: {**unit, "kind": "SecurityAlert", "properties": inside},
        ALERT,
        units(ALERT_NAMES) | VALUES,
    ),
    max_size=3,
)
INSIDE = st.one_of(
    VALUES,
    units(NAMES),
    st.builds(
        lambda unit, alerts: {**unit, "alerts": alerts, "relatedEntities": alerts},
        units(NAMES),
        ENTITIES,
    ),
)


@st.composite
def incidents(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(
        st.sampled_from(["Microsoft.SecurityInsights/Incidents", "SecurityIncident"])
        | VALUES
    )
    unit = {**draw(units(["id", "name"])), "type": kind, "properties": draw(INSIDE)}
    if draw(st.booleans()):
        return unit | draw(units(NAMES))
    return {"objectSchemaType": "Incident", "object": draw(st.just(unit) | VALUES)}


@QUICK
@given(incidents())
def test_an_incident_is_read_ignored_or_rejected(raw: dict[str, Any]) -> None:
    """Whatever its fields hold, nothing else is raised."""
    fields = Fields(raw, "$")
    sentinel.recognises_incident(fields)

    found = outcome(sentinel.read_incident, fields)

    assert found
    if isinstance(found, Alert):
        assert len(set(found.members)) == len(found.members)


@QUICK
@given(units([*ALERT_NAMES, "kind", "properties"]) | ENTITIES.map(lambda a: {"a": a}))
def test_an_alert_is_read_or_rejected(raw: dict[str, Any]) -> None:
    """Whatever its fields hold, nothing else is raised."""
    for unit in raw.get("a", [raw]):
        fields = Fields(unit, "$")
        sentinel.recognises_alert(fields)

        assert isinstance(outcome(sentinel.read_alert, fields), Alert | AlertRejected)


@QUICK
@given(VALUES | ENTITIES, units(ALERT_NAMES))
def test_members_and_ids_are_texts_in_lower_case(
    entities: object, raw: dict[str, Any]
) -> None:
    """Of any value and of any object."""
    found = (*members_of(entities), alert_id(Fields(raw, "$")))

    assert all(name == name.strip().lower() for name in found)


@pytest.mark.parametrize("name", ["entities", "alerts", "relatedEntities", "alertIds"])
def test_depth_does_not_matter(name: str) -> None:
    """Nothing here follows what a sender nests."""
    raw = {"type": "SecurityIncident", "IncidentName": "x", name: deep(400)}

    assert sentinel.read_incident(Fields(raw, "$"), received_at=NOW)
