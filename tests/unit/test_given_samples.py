"""Every payload that came with the project, classified in place."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from cli.parse import Outcome, lines
from tests.given import GIVEN, given

RECEIVED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ALERT, IGNORED, REJECTED = Outcome.ALERT, Outcome.IGNORED, Outcome.REJECTED


class Expected(NamedTuple):
    """What the units of some files are; the longest beginning of a path counts."""

    path: str
    kind: str
    outcome: Outcome


UNKNOWN = ""
TABLE = (
    # Only the third is a Security record, and all of it.
    Expected("activity-log-rest/", "activity-log", IGNORED),
    Expected("activity-log-rest/docs_K8s_", "activity-log", ALERT),
    Expected("arm-alert/", "arm", ALERT),
    Expected("arm-alert/2021-01-01_SimulateAlerts", "arm", IGNORED),
    Expected("arm-alert/2022-01-01_SimulateAlerts", "arm", IGNORED),
    Expected("arm-alert-live/", "arm", ALERT),
    Expected("azure-monitor-alertsmanagement/", "azure-monitor-legacy", ALERT),
    Expected(
        "azure-monitor-alertsmanagement/Alerts_GetEnrichments",
        "azure-monitor-legacy",
        IGNORED,
    ),
    Expected("azure-monitor-common/", "azure-monitor", ALERT),
    # A fragment of documentation: the context without what is around it.
    Expected("azure-monitor-common/docs_context_", UNKNOWN, REJECTED),
    Expected("azure-monitor-legacy/", "azure-monitor-legacy", ALERT),
    Expected("config-automations/", "posture", IGNORED),
    Expected("diagnostic-settings-activity/", "diagnostics", IGNORED),
    Expected("eventgrid/cloud-events-schema_", "cloud-events", IGNORED),
    Expected("eventgrid/event-grid-schema_", "event-grid", IGNORED),
    # Requests and answers of the API that makes subscriptions; nothing sends them.
    Expected("eventgrid/examples_", UNKNOWN, REJECTED),
    Expected("eventgrid/graph-AlertCreated-", "cloud-events", IGNORED),
    Expected("eventgrid/subscription-validation-", "event-grid", IGNORED),
    Expected("eventhub-alert/", "defender", ALERT),
    Expected("eventhub-not-alert/", "posture", IGNORED),
    Expected("graph-alerts-legacy/", "graph-legacy", ALERT),
    Expected("graph-alerts-v2/", "graph", ALERT),
    Expected("law-securityalert/", "log-analytics", ALERT),
    Expected("not-an-alert-arm/", "posture", IGNORED),
    # What an integration made of several answers: no unit of it has a type.
    Expected("not-an-alert-arm/list_regulatory_standard_controls_", UNKNOWN, REJECTED),
    # JSON Schemas, not payloads.
    Expected("schemas/", UNKNOWN, REJECTED),
    Expected("schemas-logicapp-trigger/", UNKNOWN, REJECTED),
    Expected("sentinel-arm-entities/", "sentinel-incident", IGNORED),
    Expected("sentinel-arm-incidents/", "sentinel-incident", IGNORED),
    Expected("sentinel-arm-incidents/CreateIncident", "sentinel-incident", ALERT),
    Expected(
        "sentinel-arm-incidents/CreateIncidentComment", "sentinel-incident", IGNORED
    ),
    Expected(
        "sentinel-arm-incidents/CreateIncidentRelation", "sentinel-incident", IGNORED
    ),
    Expected("sentinel-arm-incidents/GetAllIncidentAlerts", "sentinel-alert", ALERT),
    Expected("sentinel-arm-incidents/GetIncident", "sentinel-incident", ALERT),
    Expected("sentinel-arm-incidents/Incidents_List.", "sentinel-incident", ALERT),
    Expected("sentinel-arm-incidents/Incidents_ListAlerts", "sentinel-alert", ALERT),
    Expected("xdr-streaming/", "xdr", ALERT),
)


def expected(path: str) -> tuple[str, Outcome] | None:
    """What the table says of a file, or None."""
    rows = [row for row in TABLE if path.startswith(row.path)]
    row = max(rows, key=lambda row: len(row.path), default=None)
    return None if row is None else (row.kind, row.outcome)


def payloads() -> list[str]:
    """The payloads below the folder, by their paths in it."""
    files = sorted(GIVEN.glob("*/*"))
    return [path.relative_to(GIVEN).as_posix() for path in files if path.is_file()]


@pytest.mark.parametrize("path", payloads() or ["none"])
def test_a_given_payload_is_what_it_is(path: str) -> None:
    """Each of its units is of the format and the outcome that the table says."""
    folder, _, name = path.partition("/")
    assert given(folder, name)

    found = {
        (line.kind, line.outcome)
        for line in lines(GIVEN / path, path, received_at=RECEIVED)
    }

    assert found == {expected(path)}


def test_nothing_of_what_is_given_is_lost() -> None:
    """As many outcomes as units, and a few hundred of them; none is unknown to us."""
    given("*")
    found = [
        line
        for path in payloads()
        for line in lines(GIVEN / path, path, received_at=RECEIVED)
    ]

    outcomes = Counter(line.outcome for line in found)
    assert len(found) == outcomes.total() > 150
    assert outcomes[ALERT] > 80
    # None claims to be of a format and is then not understood.
    for line in found:
        if line.outcome is REJECTED:
            assert (line.kind, line.reason[-22:]) == (UNKNOWN, " no known alert format")
