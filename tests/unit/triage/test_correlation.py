"""Which incident an alert belongs to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.model.alert import AlertRow
from shared.model.books import Booking
from shared.model.correlation import Correlation, OpenKey
from shared.model.incident import Incident, IncidentStatus
from shared.store import rows
from shared.triage.correlation import fold
from tests.alerts import NOON, alert_id, read_alert, stamp, vm
from tests.fakes.partition import Partition

CAPS = Correlation(max_problems=3)


@pytest.fixture
def partition() -> Partition:
    """An empty partition."""
    return Partition(CAPS)


def test_alerts_of_one_machine_are_one_incident(partition: Partition) -> None:
    """Types differ, the resource is shared."""
    partition.fold(1)
    partition.fold(2, 1, AlertType="Other", AzureResourceId=vm() + "/extensions/a")
    partition.fold(3, 1, AzureResourceId=vm("other"))

    assert partition.incident_of(1) == partition.incident_of(2)
    assert partition.incident_of(3) != partition.incident_of(1)


def test_the_gap_is_measured_per_key(partition: Partition) -> None:
    """An incident kept alive by one key is not in reach through another."""
    child, other = vm() + "/extensions/a", vm("other")
    partition.fold(1, 0)
    partition.fold(2, 4, AlertType="Other")
    partition.fold(3, 8, AzureResourceId=child)

    assert partition.incident_of(3) == partition.incident_of(1)

    partition.fold(4, 0, AlertType="Other", AzureResourceId=other)
    partition.fold(5, 6, AlertType="Other", AzureResourceId=other)
    assert partition.incident_of(4) != partition.incident_of(5)


def test_the_earlier_incident_survives_a_merge(partition: Partition) -> None:
    """The loser points to it, is not due any more, and both ids answer."""
    partition.fold(1, 8)
    partition.fold(2, 0)
    loser = partition.incident_of(1)
    winner = partition.incident_of(2)

    partition.fold(3, 4)

    assert partition.incident_of(1).id == partition.incident_of(3).id == winner.id
    gone = partition.draft().read(rows.incident(loser.id), Incident)
    assert gone is not None
    assert gone.merged_into == winner.id
    assert gone.status is IncidentStatus.MERGED
    assert gone.due is None
    assert not gone.is_dirty


def test_a_merge_that_would_pass_a_cap_is_none() -> None:
    """The bridging alert joins the earlier, and the other stays as it is."""
    partition = Partition(Correlation(max_age=timedelta(hours=7)))
    partition.fold(1, 0)
    partition.fold(2, 8)

    partition.fold(3, 4)

    assert partition.incident_of(3) == partition.incident_of(1)
    assert partition.incident_of(2) != partition.incident_of(1)


def test_past_a_cap_a_successor_takes_over(partition: Partition) -> None:
    """It names the sealed one, whose notices speak for it."""
    for number in range(4):
        partition.fold(number, number / 4, AlertType=f"type {number}")

    sealed, successor = partition.incident_of(2), partition.incident_of(3)
    assert sealed.alerts == 3
    assert (successor.predecessor, successor.root) == (sealed.id, sealed.id)

    partition.fold(5, 1, AlertType="type 0")
    assert partition.incident_of(5).id == sealed.id


def test_after_a_person_resolved_it_a_recurrence_opens_another(
    partition: Partition,
) -> None:
    """The new one names the old one, and pages for itself."""
    partition.fold(1)
    partition.end(1, by="ada")

    partition.fold(2, 1)

    old, new = partition.incident_of(1), partition.incident_of(2)
    assert (new.predecessor, new.root) == (old.id, new.id)


@pytest.mark.parametrize(
    ("changes", "booking"),
    [
        ({}, Booking.DUPLICATE),
        ({"ProcessingEndTime": stamp(NOON + timedelta(hours=1))}, Booking.UPDATED),
        ({"ProcessingEndTime": stamp(NOON - timedelta(hours=1))}, Booking.STALE),
    ],
)
def test_versions_are_told_apart(
    partition: Partition, changes: dict[str, Any], booking: Booking
) -> None:
    """Same, newer and older, whatever else changed; the count stays."""
    partition.fold(1, Severity="Medium")

    assert partition.fold(1, **changes, Severity="Medium") is booking
    assert partition.incident_of(1).alerts == 1


def test_a_duplicate_writes_nothing(partition: Partition) -> None:
    """Redelivery costs no row."""
    partition.fold(1)
    draft = partition.draft()

    fold(draft, read_alert(SystemAlertId=alert_id(1), StartTimeUtc=stamp(NOON)), CAPS)

    assert draft.finish("test") == []


def test_a_stale_version_reopens_nothing(partition: Partition) -> None:
    """The open version that comes last but is older leaves it resolved."""
    partition.fold(1, Status="Resolved", ProcessingEndTime=stamp(NOON))
    before = partition.incident_of(1)

    partition.fold(1, ProcessingEndTime=stamp(NOON - timedelta(hours=1)))

    after = partition.incident_of(1)
    assert after.status is IncidentStatus.RESOLVED
    assert after.was_active
    assert after.generation == before.generation + 1


def test_versions_of_one_instant_have_one_order(partition: Partition) -> None:
    """The digest breaks the tie, so every worker ends with the same version."""
    other = Partition(CAPS)
    partition.fold(1, Severity="Low")
    partition.fold(1, Severity="High")
    other.fold(1, Severity="High")
    other.fold(1, Severity="Low")

    ends = []
    for each in (partition, other):
        row = each.draft().read(rows.alert(alert_id(1)), AlertRow)
        assert row is not None
        ends.append((row.version, row.severity))
    assert ends[0] == ends[1]


def test_a_key_remembers_where_it_was_when() -> None:
    """Its intervals grow together, and their number is bounded."""
    key = OpenKey()
    gap = timedelta(hours=5)

    def at(hours: float) -> datetime:
        return NOON + timedelta(hours=hours)

    key = key.extended(at(0), "a", frozenset({"a"}), gap)
    key = key.extended(at(8), "b", frozenset({"b"}), gap)
    assert [i.incident for i in key.near(at(4), gap)] == ["a", "b"]
    assert key.near(at(13.1), gap) == ()

    key = key.extended(at(4), "a", frozenset({"a", "b"}), gap)
    (only,) = key.intervals
    assert (only.start, only.end, only.incident) == (at(0), at(8), "a")
    assert key.extended(at(4), "a", frozenset({"a"}), gap) == key

    for number in range(100):
        key = key.extended(at(20 * number), "c", frozenset({"c"}), gap)
    assert len(key.intervals) == 40
    assert key.near(at(20 * 99), gap)
