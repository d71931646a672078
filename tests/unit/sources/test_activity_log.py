"""The activity log as its REST API answers it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.model.alert import ROAD_RANK, Alert, AlertStatus, Road, Severity
from shared.model.errors import AlertRejected
from shared.sources import activity_log
from shared.sources.fields import Fields
from tests.given import given, sample

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
STARTED_AT = datetime(2026, 11, 2, 9, 15, 30, 123456, tzinfo=UTC)
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/shop-prod"
DEFENDER_ID = "2516086898698765439_00000000-0000-4000-8000-0000000000a1"


def unit(quirk: str) -> dict[str, Any]:
    raw: dict[str, Any] = msgspec.json.decode(sample("activity-log", f"{quirk}.json"))
    return raw


def read(raw: dict[str, Any]) -> Alert | str:
    fields = Fields(raw, "$")
    assert activity_log.recognises(fields)
    return activity_log.read(fields, received_at=NOW)


def read_alert(raw: dict[str, Any]) -> Alert:
    found = read(raw)
    assert isinstance(found, Alert), found
    return found


def test_a_security_record_is_defenders_alert() -> None:
    """Its id is the alert's own, so that it joins the copy of the hub."""
    alert = read_alert(unit("security"))

    assert (alert.kind, alert.id) == ("activity-log", DEFENDER_ID)
    assert alert.version.rank == ROAD_RANK[Road.ACTIVITY_LOG]
    assert alert.version.at == alert.started_at == STARTED_AT
    assert alert.title == alert.alert_type == "PREVIEW - Role binding detected"
    assert (alert.severity, alert.status) == (Severity.LOW, AlertStatus.OPEN)
    assert alert.compromised_entity == "shop-aks"
    assert alert.product == "Microsoft Defender for Cloud"


def test_json_in_texts_is_read() -> None:
    """The intent is a list that was written into a text."""
    assert read_alert(unit("security")).tactics == ("Persistence",)


def test_the_record_of_the_alert_is_not_the_resource_attacked() -> None:
    """The alert's own ARM id is cut down to the resource group it is in."""
    alert = read_alert(unit("security"))

    assert (alert.resource, alert.scope) == (GROUP, SUBSCRIPTION)


def test_older_records_have_the_id_in_the_path_alone() -> None:
    """A GUID of the event is not taken for the alert's id where the path has that."""
    assert read_alert(unit("security_older_ids")).id == DEFENDER_ID


def test_a_dismissal_closes_the_alert_later() -> None:
    """The operation says what the status does not."""
    active = read_alert(unit("security"))

    dismissed = read_alert(unit("security_dismissed"))

    assert dismissed.id == active.id
    assert dismissed.status is AlertStatus.CLOSED
    assert dismissed.reported_status == "Dismissed"
    assert dismissed.started_at == active.started_at
    assert dismissed.version > active.version


def test_without_any_id_it_is_rejected() -> None:
    """A Security record must not vanish."""
    named = ("correlationId", "eventDataId", "operationId", "id", "resourceId")
    raw = {key: value for key, value in unit("security").items() if key not in named}

    with pytest.raises(AlertRejected, match="id"):
        read(raw)


def test_other_categories_are_ignored_by_name() -> None:
    """The reason names the category, or that there is none."""
    assert read(unit("administrative")) == (
        "activity log record (Administrative), not an alert"
    )
    assert read(unit("selected_columns")) == (
        "activity log record (no category), not an alert"
    )


def test_a_strange_category_is_not_repeated() -> None:
    """Reasons are read by people and programs."""
    raw = unit("administrative")
    raw["category"] = {"value": "<script>\u202e"}

    assert read(raw) == "activity log record (unnamed), not an alert"


def test_given_records() -> None:
    """Defender's example is an alert, the two operations are not."""
    found = {
        name: read(msgspec.json.decode(body))
        for name, body in given("activity-log-rest").items()
    }

    assert [name for name, each in found.items() if isinstance(each, Alert)] == [
        "docs_K8s_rolebinding_activate.json"
    ]
    alert = found["docs_K8s_rolebinding_activate.json"]
    assert isinstance(alert, Alert)
    assert alert.id == "2518250008431989649_e7313e05-edf4-466d-adfd-35974921aeff"
    assert alert.started_at == datetime(2019, 12, 25, 18, 52, 36, 801035, tzinfo=UTC)
    assert (alert.severity, alert.tactics) == (Severity.LOW, ("Persistence",))
