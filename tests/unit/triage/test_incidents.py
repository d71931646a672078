"""How an incident changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.model.alert import Alert, AlertRow, Severity
from shared.model.correlation import AfterResolve, Correlation
from shared.model.incident import MOST_RESOURCES, SOURCE, Incident, IncidentStatus, Mark
from shared.triage import extent, incidents
from shared.triage.fingerprint import fingerprint
from tests.alerts import NOON, read_alert, stamp, vm

LATER = NOON + timedelta(hours=1)
CAPS = Correlation(max_problems=2)
CLOSED: dict[str, Any] = {"Status": "Resolved"}


def opened(alert: Alert, predecessor: Incident | None = None) -> Incident:
    """An incident of the alert."""
    return incidents.opened(
        alert,
        fingerprint(alert),
        partition="0a",
        now=NOON,
        predecessor=predecessor,
    )


def joined(incident: Incident, alert: Alert) -> Incident:
    """The incident with the alert."""
    return incidents.joined(incident, alert, fingerprint(alert), LATER)


def row(alert: Alert, incident: Incident) -> AlertRow:
    """What is remembered of the alert."""
    return AlertRow(
        id=alert.id,
        incident=incident.id,
        fingerprint=fingerprint(alert),
        version=alert.version,
        alert_type=alert.alert_type,
        title=alert.title,
        severity=alert.severity,
        status=alert.status,
        started_at=alert.started_at,
        ended_at=alert.ended_at,
        resource=alert.resource,
        is_sample=alert.is_sample,
        archived="",
    )


def test_a_crashed_creation_is_created_again_as_itself() -> None:
    """The id follows from the alert, and begins with the partition."""
    first, second = opened(read_alert()), opened(read_alert())

    assert first.id == second.id
    assert first.id.startswith("0a")
    assert len(first.id) == 16
    assert first.root == first.id
    assert opened(read_alert(SystemAlertId="other")).id != first.id


def test_an_incident_is_as_bad_as_its_worst_alert() -> None:
    """Severity, times, resources and tactics are those of all alerts together."""
    one = opened(read_alert(Severity="Low"))
    other = read_alert(
        SystemAlertId="2",
        Severity="High",
        AzureResourceId=vm("b"),
        Intent="Execution",
        StartTimeUtc=stamp(NOON - timedelta(hours=1)),
        EndTimeUtc=stamp(LATER),
    )

    both = joined(one, other)

    assert both.severity is Severity.HIGH
    assert (both.first_seen, both.last_seen) == (NOON - timedelta(hours=1), LATER)
    assert both.resources == tuple(sorted([vm().lower(), vm("b").lower()]))
    assert both.tactics == ("Execution", "Persistence")
    assert (both.alerts, both.active, len(both.problems)) == (2, 2, 2)
    assert both.changed_at == LATER


def test_a_recurrence_is_counted_not_listed() -> None:
    """One problem, twice."""
    both = joined(opened(read_alert()), read_alert(SystemAlertId="2"))

    (problem,) = both.problems.values()
    assert problem.count == both.alerts == 2


def test_the_source_closes_an_incident_and_opens_it_again() -> None:
    """Closed with its last alert; opened again it is another epoch."""
    alert, closed = read_alert(), read_alert(**CLOSED)
    incident = opened(alert)

    ended = incidents.updated(incident, row(alert, incident), closed, LATER)
    again = incidents.updated(ended, row(closed, incident), alert, LATER)

    assert ended.status is IncidentStatus.RESOLVED
    assert ended.resolved is not None
    assert (ended.active, ended.epoch) == (0, 1)
    assert again.status is IncidentStatus.OPEN
    assert again.resolved is None
    assert (again.active, again.epoch) == (1, 2)


def test_an_alert_that_comes_closed_was_never_active() -> None:
    """Nobody is paged for what was over before we heard of it."""
    incident = opened(read_alert(**CLOSED))

    assert incident.status is IncidentStatus.RESOLVED
    assert not incident.was_active
    assert joined(incident, read_alert(SystemAlertId="2")).was_active


def test_a_stale_version_shows_that_it_was_active() -> None:
    """An open version that arrives after the closed one still counts."""
    incident = opened(read_alert(**CLOSED))
    stale = read_alert()

    wider = incidents.seen(incident, fingerprint(stale), stale)

    assert wider.was_active
    assert wider.status is IncidentStatus.RESOLVED
    assert wider.alerts == 1


def test_seeing_a_version_again_changes_nothing() -> None:
    """Only what grows may grow."""
    alert = read_alert()
    incident = opened(alert)

    assert incidents.seen(incident, fingerprint(alert), alert) == incident


def test_what_a_person_resolved_stays_resolved() -> None:
    """The source's later changes are recorded, and open nothing."""
    alert, closed = read_alert(), read_alert(**CLOSED)
    incident = opened(alert)
    ended = replace(
        incident, status=IncidentStatus.RESOLVED, resolved=Mark(by="ada", at=NOON)
    )

    after = incidents.updated(ended, row(alert, incident), closed, LATER)
    after = incidents.updated(after, row(closed, incident), alert, LATER)

    assert after.status is IncidentStatus.RESOLVED
    assert after.epoch == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"AlertType": "second"}, True),
        ({"StartTimeUtc": stamp(NOON - timedelta(hours=24))}, True),
        ({"StartTimeUtc": stamp(NOON - timedelta(hours=24, seconds=1))}, False),
    ],
)
def test_an_incident_takes_what_its_caps_allow(
    changes: dict[str, Any], *, expected: bool
) -> None:
    """Age is measured over all of its alerts."""
    alert = read_alert(SystemAlertId="2", **changes)

    assert (
        incidents.accepts(opened(read_alert()), alert, fingerprint(alert), CAPS)
        is expected
    )


def test_a_full_incident_takes_recurrences_only() -> None:
    """The cap counts problems, not alerts."""
    full = joined(opened(read_alert()), read_alert(AlertType="second"))
    known, new = read_alert(SystemAlertId="2"), read_alert(AlertType="third")

    assert incidents.accepts(full, known, fingerprint(known), CAPS)
    assert not incidents.accepts(full, new, fingerprint(new), CAPS)


def test_what_a_person_resolved_takes_nothing() -> None:
    """A recurrence opens a successor; what the source resolved goes on."""
    alert = read_alert(SystemAlertId="2")
    incident = opened(read_alert())
    by_ada = replace(incident, resolved=Mark(by="ada", at=NOON))
    by_source = replace(incident, resolved=Mark(by=SOURCE, at=NOON))

    assert not incidents.accepts(by_ada, alert, fingerprint(alert), CAPS)
    assert incidents.accepts(by_source, alert, fingerprint(alert), CAPS)


def test_a_successor_speaks_through_its_root() -> None:
    """It inherits the acknowledgement, and opens no notice of its own."""
    mark = Mark(by="ada", at=NOON)
    sealed = replace(opened(read_alert()), acknowledged=mark)

    successor = opened(read_alert(SystemAlertId="2"), sealed)

    assert successor.id != sealed.id
    assert (successor.root, successor.predecessor) == (sealed.root, sealed.id)
    assert successor.acknowledged == mark


def test_a_successor_of_what_is_resolved_speaks_for_itself() -> None:
    """It names whom it follows and inherits nothing."""
    mark = Mark(by="ada", at=NOON)
    ended = replace(opened(read_alert()), resolved=mark, acknowledged=mark)

    successor = opened(read_alert(SystemAlertId="2"), ended)

    assert successor.root == successor.id
    assert successor.predecessor == ended.id
    assert successor.acknowledged is None


def test_merging_adds_up_and_keeps_the_more_open_state() -> None:
    """The order of the two decides the id and nothing else."""
    one = opened(read_alert(**CLOSED, Severity="Low"))
    other = opened(read_alert(SystemAlertId="2", AlertType="second"))

    here, there = (
        incidents.merged(one, other, LATER),
        incidents.merged(other, one, LATER),
    )

    assert here.status is there.status is IncidentStatus.OPEN
    assert here.absorbed == (other.id,)
    for name in ("alerts", "active", "problems", "severity", "resources", "was_active"):
        assert getattr(here, name) == getattr(there, name)


def test_the_loser_does_not_acknowledge_the_winner() -> None:
    """Who took the one has not seen the other."""
    winner = opened(read_alert())
    loser = replace(
        opened(read_alert(SystemAlertId="2")), acknowledged=Mark(by="ada", at=NOON)
    )

    assert incidents.merged(winner, loser, LATER).acknowledged is None


def test_merging_keeps_to_the_caps() -> None:
    """Two that would be too wide together stay two."""
    one = joined(opened(read_alert()), read_alert(AlertType="second"))
    other = opened(read_alert(AlertType="third"))

    assert incidents.fits(one, opened(read_alert(SystemAlertId="2")), CAPS)
    assert not incidents.fits(one, other, CAPS)


def test_lists_of_a_head_are_bounded_the_same_in_any_order() -> None:
    """The first of the sorted ones stay, whatever came first."""
    alerts = [
        read_alert(
            SystemAlertId=str(n),
            AzureResourceId=vm(f"vm-{n:03}"),
            AlertUri=f"https://portal.azure.com/{n}",
        )
        for n in range(70)
    ]

    ahead, back = opened(alerts[0]), opened(alerts[-1])
    for alert in alerts[1:]:
        ahead = joined(ahead, alert)
    for alert in reversed(alerts[:-1]):
        back = joined(back, alert)

    assert len(ahead.resources) == MOST_RESOURCES
    assert len(ahead.links) == extent.MOST_LINKS
    assert (ahead.resources, ahead.links) == (back.resources, back.links)


def test_a_link_nobody_may_follow_is_left_out() -> None:
    """User names, spaces and control characters make no link."""
    bad = ["https://portal.azure.com@evil.example/", "https://a\x01b/", "https:// x"]

    assert [opened(read_alert(AlertUri=uri)).links for uri in bad] == [(), (), ()]


def test_a_head_says_who_and_what_is_involved() -> None:
    """By the names people know, sorted, from every version of every alert."""
    entities = [
        {"Type": "account", "Name": "bob", "NTDomain": "CORP"},
        {"Type": "account", "Name": "alice", "UPNSuffix": "contoso.com"},
        {"Type": "ip", "Address": "10.0.0.4"},
        {"Type": "host", "HostName": "vm-b", "DnsDomain": "corp.example"},
    ]
    plain: dict[str, Any] = {"Entities": [], "ExtendedProperties": {}}
    incident = opened(read_alert(**plain))

    grown = incidents.seen(
        incident,
        "fp",
        read_alert(**plain | {"Entities": entities}),
    )

    assert (incident.sources, incident.products) == (
        ("defender",),
        ("Microsoft Defender for Cloud",),
    )
    assert grown.accounts == ("CORP\\bob", "alice@contoso.com")
    assert grown.addresses == ("10.0.0.4",)
    assert grown.hosts == ("vm-b.corp.example",)


def test_lists_of_who_is_involved_are_bounded_the_same_in_any_order() -> None:
    """Twenty of each, the first of the sorted; no name is longer than is sane."""
    alerts = [
        read_alert(
            SystemAlertId=str(n),
            Entities=[
                {"Type": "account", "Name": f"user{n:03}", "UPNSuffix": "c.example"},
                {"Type": "host", "HostName": f"host{n:03}" + "x" * 900},
                {"Type": "ip", "Address": f"52.1.1.{n}"},
            ],
            ExtendedProperties={},
        )
        for n in range(40)
    ]
    ahead, back = opened(alerts[0]), opened(alerts[-1])
    for alert in alerts[1:]:
        ahead = joined(ahead, alert)
    for alert in reversed(alerts[:-1]):
        back = joined(back, alert)

    for name in ("accounts", "hosts", "addresses"):
        assert getattr(ahead, name) == getattr(back, name)
        assert len(getattr(ahead, name)) == 20
    assert max(map(len, ahead.hosts)) <= 200


def test_when_it_was_last_heard_of_is_by_our_clock() -> None:
    """A new alert and a newer version count, a stale copy does not."""
    alert = read_alert()
    incident = opened(alert)

    assert incident.heard_at == NOON
    assert joined(incident, read_alert(SystemAlertId="2")).heard_at == LATER
    newer = incidents.updated(incident, row(alert, incident), alert, LATER)
    assert newer.heard_at == LATER
    assert incidents.seen(incident, fingerprint(alert), alert).heard_at == NOON


@pytest.mark.parametrize("by", ["ada", SOURCE])
def test_closed_stays_closed(by: str) -> None:
    """Whoever ended it before, no version opens it and no alert joins it."""
    alert, closed = read_alert(), read_alert(**CLOSED)
    ended = replace(
        opened(alert), status=IncidentStatus.CLOSED, resolved=Mark(by=by, at=NOON)
    )

    after = incidents.updated(ended, row(alert, ended), closed, LATER)
    after = incidents.updated(after, row(closed, after), alert, LATER)

    assert (after.status, after.epoch) == (IncidentStatus.CLOSED, 1)
    for choice in AfterResolve:
        caps = Correlation(after_resolve=choice)
        assert not incidents.accepts(after, alert, fingerprint(alert), caps)


def test_what_was_split_does_not_fit_again() -> None:
    """Nor what absorbed either of them, nor what goes on where one was sealed."""
    one = replace(opened(read_alert()), apart=("other",))
    other = replace(opened(read_alert(SystemAlertId="2")), id="other")
    third = replace(opened(read_alert(SystemAlertId="3")), id="third")
    holder = incidents.merged(third, other, LATER)
    heir = replace(third, id="heir", predecessor="other")
    wide = Correlation()

    assert incidents.fits(one, third, wide)
    for each in (other, holder, heir):
        assert not incidents.fits(one, each, wide)
        assert not incidents.fits(each, one, wide)
    assert incidents.merged(third, one, LATER).apart == ("other",)


def test_an_open_incident_is_not_lost_in_one_that_has_ended() -> None:
    """The more open state wins, whoever ended the other."""
    ended = replace(
        opened(read_alert()),
        status=IncidentStatus.RESOLVED,
        resolved=Mark(by="ada", at=NOON),
    )

    after = incidents.merged(ended, opened(read_alert(SystemAlertId="2")), LATER)

    assert (after.status, after.resolved, after.epoch) == (IncidentStatus.OPEN, None, 2)


def test_an_alert_that_comes_late_makes_an_id_of_its_day() -> None:
    """It may have been here before: what it opened then is in history by that id."""
    late = NOON + incidents.LATE
    early, first, same, next_day = (
        incidents.opened(read_alert(), "fp", partition="0a", now=now).id
        for now in (
            late - timedelta(seconds=1),
            late,
            late + timedelta(hours=11),
            late + timedelta(days=1),
        )
    )

    assert early == opened(read_alert()).id
    assert first == same
    assert len({early, first, next_day}) == 3
