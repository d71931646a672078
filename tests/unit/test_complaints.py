"""What people complain of in other tools, and that it does not happen here.

Each test names the issue. Others of them stand where they belong: test_noise.py
(silences, storms, quiet), test_commands.py (acknowledging), tests/property (races).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.actions.routing import Route
from shared.commands import Order
from shared.explain import answer
from shared.explain.case import Ruleset
from shared.model.correlation import Correlation
from shared.model.errors import FailureReason, TransientFailure
from shared.model.incident import IncidentStatus
from shared.store import reading
from tests.alerts import NOON, alert_id, defender_alert, event, stamp
from tests.fakes.firewatch import LEASE, World

HOUR = timedelta(hours=1)


def _at(number: int, hours: float, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """An alert on the one machine, so many hours after noon."""
    at = NOON + hours * HOUR
    times = {
        name: stamp(at)
        for name in ("StartTimeUtc", "EndTimeUtc", "TimeGenerated", "ProcessingEndTime")
    }
    return defender_alert(**(times | {"SystemAlertId": alert_id(number, at)} | changes))


async def _tell(world: World, body: dict[str, Any], place: int, hours: float) -> None:
    """Have the alert come when it happened."""
    at = NOON + hours * HOUR
    if at > world.clock():
        world.clock.step(at - world.clock())
    await world.feed([event(body, place=place, received_at=at)])


async def test_a_worker_that_died_over_an_incident_blocks_it_for_a_lease() -> None:
    """keephq/keep#6531: stored as triggered, and the workflow never ran."""
    world = World()
    await world.worker.ingest([event()])
    world.faults.fail_after(1, of="responder.apply", for_good=True)
    await world.deliver()
    assert world.pager.sent == []

    world.restart()
    world.clock.step(2 * LEASE)
    await world.worker.tick()
    await world.settle()

    assert world.pager.sent_verbs() == ["trigger"]


async def test_two_workers_with_one_alert_make_one_incident() -> None:
    """keephq/keep#1549: no mutex for a fingerprint, two tickets."""
    world = World()
    rival = world.new_worker()
    other = event(defender_alert(SystemAlertId=alert_id(2)), place=2)
    world.table.before_commit(lambda: rival.ingest([other]))

    await world.feed([event()])

    assert (await world.head()).alerts == 2
    assert world.pager.sent_verbs() == ["trigger"]


async def test_one_finding_of_two_senders_acts_once() -> None:
    """automated-security-response-on-aws#243: two accounts send it within ms."""
    world = World()
    rival = world.new_worker()
    world.table.before_commit(lambda: rival.ingest([event(source="http/soar")]))

    await world.feed([event()])

    assert (await world.head()).alerts == 1
    assert world.pager.sent_verbs() == ["trigger"]


async def test_a_trigger_that_was_missed_is_found_by_itself() -> None:
    """Azure/Azure-Sentinel#10106: playbooks get stuck, no record of missed runs."""
    world = World()
    await world.worker.ingest([event()])
    world.queue.messages.clear()

    world.clock.step(timedelta(minutes=1))
    await world.worker.tick()
    await world.deliver()

    assert world.pager.sent_verbs() == ["trigger"]


async def test_a_late_single_alert_does_not_swallow_the_next_burst() -> None:
    """keephq/keep#5175: an incident never closes, and the next critical one is lost.

    Past its age an incident is sealed; what comes is a successor, and one that is worse
    than anybody was told rings by itself.
    """
    world = World(caps=Correlation(max_age=24 * HOUR))
    for number in range(7):
        hours = 4.0 * number
        await _tell(world, _at(number, hours, Severity="Low"), number, hours)
    assert world.pager.sent_verbs() == ["trigger"]

    await _tell(world, _at(8, 26, Severity="High"), 8, 26)

    first, second = sorted(await world.heads(), key=lambda head: head.first_seen)
    assert (first.successor, second.predecessor) == (second.id, first.id)
    assert second.severity == "high"
    assert world.pager.sent_verbs() == ["trigger", "trigger"]
    await world.check_rested()


async def test_a_successor_that_is_no_worse_rings_nobody() -> None:
    """Its root's page stands (design 5)."""
    world = World(caps=Correlation(max_age=24 * HOUR))

    for number in range(10):
        hours = 4.0 * number
        await _tell(world, _at(number, hours), number, hours)

    assert len(await world.heads()) == 2
    assert world.pager.sent_verbs() == ["trigger"]


async def test_alerts_are_never_put_on_what_a_person_ended() -> None:
    """keephq/keep#2481, #5115: attached to a resolved incident."""
    world = World()
    await world.feed([event()])
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))
    await world.settle()

    await _tell(world, _at(2, 1), 2, 1)

    old, new = sorted(await world.heads(), key=lambda head: head.first_seen)
    assert (old.status, old.alerts) == (IncidentStatus.RESOLVED, 1)
    assert (new.status, new.alerts, new.predecessor) == (
        IncidentStatus.OPEN,
        1,
        old.id,
    )


async def test_resolving_what_still_fires_pages_nobody_again() -> None:
    """grafana/oncall#5392: a resolved alert that still fires re-pages.

    An update, a copy or a stale version of what was resolved is not a recurrence.
    """
    world = World()
    await world.feed([event()])
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))
    await world.settle()

    for place, minute in enumerate((5, 6, 0), start=2):
        at = stamp(NOON + timedelta(minutes=minute))
        body = defender_alert(ProcessingEndTime=at, Description=f"again {minute}")
        await world.feed([event(body, place=place)])

    assert (await world.head()).status is IncidentStatus.RESOLVED
    assert world.pager.sent_verbs() == ["trigger", "resolve"]


async def test_an_acknowledged_incident_pages_nobody_months_later() -> None:
    """grafana/oncall#3111: acknowledged, forgotten, and paged after months.

    It ends by itself, and a recurrence is an incident of its own.
    """
    world = World(quiet=timedelta(days=7))
    await world.feed([event()])
    await world.worker.commands.acknowledge((await world.head()).id, Order("ada"))
    await world.settle()

    for _ in range(120):
        world.clock.step(timedelta(days=1))
        await world.worker.tick()
        await world.settle()

    assert (await world.head()).status is IncidentStatus.RESOLVED
    assert world.pager.sent_verbs() == ["trigger", "resolve"]


async def test_the_first_alert_is_told_before_others_are_waited_for() -> None:
    """airbnb/streamalert#1104: send first at once, then merge."""
    world = World()

    await world.worker.ingest([event()])
    await world.deliver()

    assert world.clock() == NOON
    assert world.pager.sent_verbs() == ["trigger"]


async def test_one_failing_side_repeats_nothing_at_the_others() -> None:
    """airbnb/streamalert#58, PR #935: pages repeat for ever on partial failure."""
    world = World(names=("pager", "tickets"))
    failure = TransientFailure(FailureReason.UNAVAILABLE, "down")
    world.responders["tickets"].failures = [failure] * 5

    await world.feed([event()])

    assert world.responders["pager"].sent_verbs() == ["trigger"]
    assert world.responders["tickets"].sent_verbs() == ["trigger"]


async def test_everything_that_was_done_can_be_looked_up() -> None:
    """prometheus/alertmanager#172, #560: no history of alerts and notifications."""
    world = World()
    await world.feed([event()])
    await world.worker.commands.acknowledge((await world.head()).id, Order("ada"))
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))
    await world.settle()

    head = await world.head()
    facts = [
        fact.kind
        for entry in await reading.timeline(world.ledger, head.id)
        for fact in entry.facts
    ]
    assert facts == [
        "incident.opened",
        "delivery.applied",
        "incident.acknowledged",
        "incident.resolved",
        "delivery.applied",
    ]
    assert [(row.verb, row.status) for row in await world.actions()] == [
        ("trigger", "applied"),
        ("resolve", "applied"),
    ]


async def test_why_an_alert_is_where_it_is_is_on_record() -> None:
    """keephq/keep#4766, #6793: a rule is accepted, and silently not applied."""
    world = World()
    await world.feed([event()])
    await world.feed([event(_at(2, 1, AlertType="VM_Other"), place=2)])

    first, second = sorted(
        await reading.alerts(world.ledger), key=lambda row: row.started_at
    )
    assert first.joined is not None
    assert first.joined.strategy == ""
    assert second.joined is not None
    assert second.joined.strategy == "same resource"
    assert "vm-web-01" in second.joined.key


async def test_what_is_told_and_when_next_is_said_in_words() -> None:
    """prometheus/alertmanager#642, #676, #2166: intervals confuse for nine years."""
    world = World()
    await world.feed([event()])
    head = await world.head()
    rules = Ruleset(routes=[Route(to=("pager",), name="all")], silences=[])

    found = await answer.of_incident(world.ledger, head.id, rules)

    assert found is not None
    assert [each.responder for each in found.responders] == ["pager"]
    assert any(line.startswith("pager: it was told at") for line in found.lines)
    assert any(line.startswith("Route all takes it") for line in found.lines)
