"""Which incident an alert belongs to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.model.alert import AlertRow, Joined
from shared.model.books import Booking
from shared.model.correlation import AfterResolve, Correlation, NeverGroup, OpenKey
from shared.model.incident import QUIET, Incident, IncidentStatus
from shared.store import limits, rows
from shared.store.draft import Draft
from shared.triage.correlation import MOST_ROWS, fold
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


ALICE: dict[str, Any] = {"Type": "account", "Name": "alice", "UPNSuffix": "contoso.com"}


def on(machine: str, *entities: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """An alert about a machine that names these."""
    return {
        "AzureResourceId": vm(machine),
        "ResourceIdentifiers": [],
        "Entities": list(entities),
        "ExtendedProperties": {},
        **changes,
    }


def joined(partition: Partition, number: int) -> Joined:
    """Why the alert is where it is."""
    found = partition.row_of(alert_id(number)).joined
    assert found is not None
    return found


def test_a_shared_account_ties_two_machines(partition: Partition) -> None:
    """Whoever moves from one to the other is one story; the row says why."""
    partition.fold(1, **on("vm-a", ALICE))
    partition.fold(2, 1, **on("vm-b", ALICE))

    assert partition.incident_of(1) == partition.incident_of(2)
    assert joined(partition, 1) == Joined()
    why = joined(partition, 2)
    assert (why.strategy, why.key) == ("same account", "account alice@contoso.com")
    assert partition.incident_of(1).accounts == ("alice@contoso.com",)


def test_what_the_policy_excludes_ties_nothing() -> None:
    """A service account and a NAT gateway are seen on half the estate."""
    nat = {"Type": "ip", "Address": "52.174.10.20"}
    never = NeverGroup(accounts=("ALICE@CONTOSO.COM",), addresses=("52.174.0.0/16",))
    partition = Partition(Correlation(never_group=never))

    partition.fold(1, **on("vm-a", ALICE, nat))
    partition.fold(2, 1, **on("vm-b", ALICE, nat))

    assert partition.incident_of(1) != partition.incident_of(2)
    assert partition.incident_of(1).addresses == ("52.174.10.20",)


@pytest.mark.parametrize("is_stale", [False, True])
def test_a_version_that_names_more_ties_more(
    partition: Partition, *, is_stale: bool
) -> None:
    """An older version too: only so does the order of versions not decide."""
    partition.fold(1, **on("vm-a", ALICE))
    partition.fold(2, 1, **on("vm-b"), ProcessingEndTime=stamp(NOON))
    hours = -1 if is_stale else 1
    at = stamp(NOON + timedelta(hours=hours))

    booking = partition.fold(2, 1, **on("vm-b", ALICE), ProcessingEndTime=at)

    assert booking is (Booking.STALE if is_stale else Booking.UPDATED)
    assert partition.incident_of(1) == partition.incident_of(2)
    assert len(joined(partition, 2).merged) == 1


def test_every_stored_alert_says_why_it_is_where_it_is(partition: Partition) -> None:
    """No rule is silently ignored: the key that decided, the others, and what merged.

    Peers C 17.
    """
    other = {"Type": "ip", "Address": "52.174.10.20"}
    partition.fold(1, **on("vm-a", ALICE))
    partition.fold(2, 1, **on("vm-b", other))

    partition.fold(3, 1, **on("vm-a", ALICE, other, AlertType="Other"))

    loser = partition.row_of(alert_id(2)).incident
    assert joined(partition, 3) == Joined(
        strategy="same resource",
        key="resource vm-a, inside",
        also=(
            "same account: account alice@contoso.com",
            "same address: address 52.174.10.20",
        ),
        merged=(loser,),
    )


def test_a_late_single_alert_does_not_swallow_the_next_burst(
    partition: Partition,
) -> None:
    """The window is bounded: what comes after a day is another incident.

    Peers C 7.
    """
    for number, hours in enumerate((0, 4, 8, 12, 16, 20, 24)):
        partition.fold(number, hours)
    partition.fold(7, 24.5)
    partition.fold(8, 25)

    first, burst = partition.incident_of(0), partition.incident_of(7)
    assert partition.incident_of(6) == first
    assert first.id != burst.id
    assert partition.incident_of(8) == burst
    assert burst.predecessor == first.id
    assert joined(partition, 7).because == (
        f"incident {first.id} sealed: older than 24 h"
    )


def test_nothing_is_attached_to_what_a_person_resolved(partition: Partition) -> None:
    """The recurrence is a new incident, and copies of the old alert open nothing.

    Peers C 8.
    """
    partition.fold(1)
    partition.end(1, by="ada")
    old = partition.incident_of(1)

    for hours in (-1, 1):
        at = stamp(NOON + timedelta(hours=hours))
        partition.fold(1, Severity="Low", ProcessingEndTime=at)
    partition.fold(2, 1)

    after = partition.incident_of(1)
    assert (after.status, after.alerts) == (IncidentStatus.RESOLVED, 1)
    assert joined(partition, 2).because == f"incident {old.id} resolved by ada"


@pytest.mark.parametrize("by", ["ada", QUIET])
def test_the_policy_may_have_a_recurrence_reopen(by: str) -> None:
    """The same incident in another epoch, without its verdict."""
    partition = Partition(Correlation(after_resolve=AfterResolve.REOPEN))
    partition.fold(1)
    partition.end(1, by=by)

    partition.fold(2, 1, Status="Resolved")
    assert partition.incident_of(1).status is IncidentStatus.RESOLVED
    assert partition.incident_of(2) == partition.incident_of(1)

    partition.fold(3, 1)
    head = partition.incident_of(3)
    assert (head.alerts, head.status, head.epoch) == (3, IncidentStatus.OPEN, 2)
    assert (head.resolved, head.verdict) == (None, None)


def test_what_is_open_takes_an_alert_before_anything_is_reopened() -> None:
    """And it does not swallow what ended."""
    partition = Partition(Correlation(after_resolve=AfterResolve.REOPEN))
    partition.fold(1, **on("vm-a"))
    partition.end(1, by="ada")
    partition.fold(2, 1, **on("vm-b", ALICE))

    partition.fold(3, 1, **on("vm-a", ALICE, AlertType="Other"))

    assert partition.incident_of(3) == partition.incident_of(2)
    assert partition.incident_of(1).status is IncidentStatus.RESOLVED


@pytest.mark.parametrize("after", list(AfterResolve))
def test_closed_is_final(after: AfterResolve) -> None:
    """Whatever the policy says of resolved ones; the recurrence is linked."""
    partition = Partition(Correlation(after_resolve=after))
    partition.fold(1)
    partition.end(1, by="ada", status=IncidentStatus.CLOSED)
    later = stamp(NOON + timedelta(hours=1))

    partition.fold(1, Status="Resolved", ProcessingEndTime=later)
    partition.fold(2, 1)

    old, new = partition.incident_of(1), partition.incident_of(2)
    assert (old.status, old.epoch) == (IncidentStatus.CLOSED, 1)
    assert (new.predecessor, new.root) == (old.id, new.id)
    assert joined(partition, 2).because == f"incident {old.id} closed by ada"


def test_a_recurrence_stays_with_its_problem(partition: Partition) -> None:
    """Where a cap keeps two apart, the one that knows the problem is preferred."""
    for number in range(3):
        partition.fold(number, **on("vm-a", ALICE, AlertType=f"type {number}"))
    partition.fold(3, 1, **on("vm-b", AlertType="other"))

    partition.fold(4, 1, **on("vm-b", ALICE, AlertType="other"))

    assert partition.incident_of(4) == partition.incident_of(3)
    assert "not merged: over 3 problems" in joined(partition, 4).because


def test_an_alert_that_shares_nothing_says_so(partition: Partition) -> None:
    """It is an incident of its own, however many of its type there are."""
    nothing = on("x", AzureResourceId="")
    partition.fold(1, **nothing)
    partition.fold(2, **nothing)

    assert partition.incident_of(1) != partition.incident_of(2)
    assert joined(partition, 2).because.startswith("names nothing")


def test_ten_thousand_recurrences_are_one_row_of_one_size() -> None:
    """Problems are counted, not listed."""
    partition = Partition()
    alert = read_alert(received_at=NOON + timedelta(days=2))
    sizes = []
    for number in range(10_000):
        partition.take(replace(alert, id=str(number)))
        if number in {9, 9_999}:
            row = partition.row_of(str(number))
            head = partition.home_of(str(number))
            sizes.append(len(rows.encode(head)) + len(rows.encode(row)))

    assert head.alerts == 10_000
    assert sizes[1] - sizes[0] < 100


def test_no_fold_needs_more_than_a_transaction_holds() -> None:
    """Forty members, every key, every merge, and the books."""
    assert MOST_ROWS <= limits.OPERATIONS


def test_a_fold_without_room_changes_nothing(partition: Partition) -> None:
    """The transaction is closed before it, and it comes first in the next."""
    draft = partition.draft()
    for number in range(200):
        alert = read_alert(**on(f"vm-{number}", SystemAlertId=alert_id(number)))
        if fold(draft, alert, CAPS) is None:
            break

    writes = draft.finish("test")
    assert 80 <= len(writes) < limits.OPERATIONS
    assert rows.alert(alert_id(number)) not in {write.key for write in writes}


def test_an_alert_whose_incident_is_gone_is_a_new_one(partition: Partition) -> None:
    """Its incident left for history, and the row is about to follow."""
    partition.fold(1)
    old = partition.incident_of(1)
    head = rows.incident(old.id)
    partition.memory.forget("0a", [head])
    newer = stamp(NOON + timedelta(hours=1))
    draft = Draft("0a", partition.memory, NOON, answers={head: None})

    assert partition.fold(1) is Booking.DUPLICATE
    booking = fold(draft, read_alert(ProcessingEndTime=newer), CAPS)
    partition.commit(draft)

    assert booking is Booking.STORED
    assert partition.incident_of(1).alerts == 1
