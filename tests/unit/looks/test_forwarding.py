"""What is copied of incidents, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from responders.forwards.records import Sort
from shared.actions import deed_words
from shared.actions.backoff import GIVE_UP_AFTER
from shared.actions.routing import Route
from shared.commands import Order
from shared.deliveries import Deliveries
from shared.looks import forwarding
from shared.model.action import ActionStatus, Kind, Occasion, Verb
from shared.model.deed import Deed, DeedRow
from shared.model.deed_status import DeedStatus
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.guards import Mode
from shared.model.silence import Silence
from shared.model.storm import Storm
from shared.store import reading, rows
from tests.alerts import NOON, alert_id, batch, defender_alert, event, vm
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from shared.store.draft import Draft

MINUTE = timedelta(minutes=1)
DOWN = TransientFailure(FailureReason.UNAVAILABLE, "the sink is down")
ADA = Order(by="ada@contoso.com")


def forwarding_world(**options: object) -> World:
    """An app that pages and forwards, at most each five minutes."""
    world = World(forwarders=("siem",), **options)  # type: ignore[arg-type]
    world.again = Route(to=("pager", "siem"), every=5 * MINUTE)
    return world


@pytest.fixture
async def world() -> World:
    """The same, with one incident that was paged and forwarded."""
    world = forwarding_world()
    await world.feed([event()])
    return world


def elsewhere(number: int, **changes: object) -> dict[str, object]:
    """An alert that has nothing in common with those of other numbers."""
    of_it = vm(f"m{number}")
    return defender_alert(
        SystemAlertId=alert_id(number),
        AlertType=f"VM_Type{number}",
        AzureResourceId=of_it,
        ResourceIdentifiers=[{"Type": "AzureResource", "AzureResourceId": of_it}],
        Entities=[],
        **changes,
    )


async def timeline(world: World, incident: str) -> list[tuple[int, str]]:
    """What is on record of an incident: each entry, and each kind of thing in it."""
    entries = await reading.timeline(world.ledger, incident)
    return [
        (entry.sequence, kind)
        for entry in entries
        for kind in dict.fromkeys(fact.kind for fact in entry.facts)
    ]


async def forwards(world: World) -> list[ActionStatus]:
    """How the rows of all forwards stand, the first planned first."""
    return [a.status for a in await world.actions() if a.verb is Verb.FORWARD]


async def test_a_forward_tells_what_the_page_came_to(world: World) -> None:
    """One call after the page: the incident, the page's row, the whole timeline."""
    head = await world.head()
    [action] = world.forwarder.actions

    assert world.pager.sent_verbs() == ["trigger"]
    sorts = [record.sort for record in world.forwarder.records]
    assert sorts[0] is Sort.INCIDENT
    assert sorts.count(Sort.ACTION) == 1
    assert world.forwarder.audit(head.id) == await timeline(world, head.id)
    assert action.dossier is not None
    assert action.dossier.through == head.sequence
    [told] = [r for r in world.forwarder.records if r.sort is Sort.ACTION]
    assert (told.data["status"], told.data["responder"]) == ("applied", "pager")
    await world.check_rested()


async def test_a_forward_is_no_news_of_its_own(world: World) -> None:
    """Nothing of it is on the timeline, so that it comes to its end."""
    head = await world.head()

    await world.worker.respond([head.id])
    world.clock.step(6 * MINUTE)
    await world.worker.respond([head.id])

    assert len(world.forwarder.actions) == 1
    assert (await world.head()).revision == head.revision
    [row] = [a for a in await world.actions() if a.verb is Verb.FORWARD]
    assert row.traffic is not None
    assert row.traffic.bytes == 10


async def test_what_comes_later_waits_for_the_pace_of_the_route(world: World) -> None:
    """Two changes within it are one forward, and nothing is told twice."""
    head = await world.head()
    await world.worker.commands.acknowledge(head.id, ADA)
    await world.deliver()
    world.clock.step(MINUTE)
    await world.worker.commands.comment(head.id, ADA._replace(note="looking"))
    await world.deliver()
    assert len(world.forwarder.actions) == 1

    await world.settle()

    assert len(world.forwarder.actions) == 2
    assert world.forwarder.audit(head.id) == await timeline(world, head.id)
    keys = [r.key for r in world.forwarder.records if r.sort is Sort.AUDIT]
    assert len(keys) == len(set(keys))


async def test_the_end_does_not_wait(world: World) -> None:
    """What closed it, and what was told of that, is there at once."""
    head = await world.head()
    await world.worker.commands.resolve(head.id, ADA)

    await world.deliver()

    last = [r for r in world.forwarder.records if r.sort is Sort.INCIDENT][-1]
    assert (last.data["status"], last.data["resolved_by"]) == ("resolved", ADA.by)
    assert world.forwarder.audit(head.id) == await timeline(world, head.id)
    assert any(
        "delivery.applied" in said for said in world.forwarder.audit(head.id)[-1:]
    )
    await world.check_rested()


async def test_a_raised_severity_does_not_wait() -> None:
    """As with notices."""
    world = forwarding_world()
    await world.feed([event(defender_alert(Severity="Low"))])
    raised = defender_alert(SystemAlertId=alert_id(2), Severity="High")

    await world.worker.ingest([event(raised, place=2)])
    await world.deliver()

    severities = [
        r.data["severity"] for r in world.forwarder.records if r.sort is Sort.INCIDENT
    ]
    assert severities[0] == "low"
    assert severities[-1] == "high"


async def test_an_outage_costs_one_row_and_loses_nothing(world: World) -> None:
    """What could not be sent grows under its key until it can."""
    head = await world.head()
    world.forwarder.failures = [DOWN] * 3
    await world.worker.commands.resolve(head.id, ADA)
    await world.deliver()
    await world.worker.commands.reopen(head.id, ADA)

    await world.settle()

    assert await forwards(world) == [ActionStatus.APPLIED] * len(await forwards(world))
    assert world.forwarder.audit(head.id) == await timeline(world, head.id)


async def test_what_is_refused_is_a_dead_letter_and_holds_up_nothing(
    world: World,
) -> None:
    """The rest goes on behind it; sent again, it holds what it was to hold."""
    head = await world.head()
    world.forwarder.failures = [PermanentFailure(FailureReason.INVALID, "no")]
    await world.worker.commands.acknowledge(head.id, ADA)
    await world.settle()
    await world.worker.commands.resolve(head.id, ADA)
    await world.settle()
    missing = set(await timeline(world, head.id)) - {*world.forwarder.audit(head.id)}
    assert {what for _, what in missing} == {"incident.acknowledged"}
    assert ActionStatus.FAILED in await forwards(world)

    deliveries = Deliveries(world.worker.ledger, world.queue)
    await deliveries.resend(head.id, ADA)
    await world.settle()

    assert world.forwarder.audit(head.id) == await timeline(world, head.id)
    assert {*await forwards(world)} == {ActionStatus.APPLIED}


async def test_after_a_day_it_is_given_up(world: World) -> None:
    """As any delivery; nothing is tried for ever."""
    head = await world.head()
    world.forwarder.failures = [DOWN] * 10_000
    await world.worker.commands.resolve(head.id, ADA)

    await world.settle(most=GIVE_UP_AFTER + timedelta(hours=1))

    assert (await forwards(world))[-1] is ActionStatus.FAILED
    await world.check_rested()


async def test_a_storm_of_repeats_is_counted() -> None:
    """A thousand alerts of one problem are a few records that say how many they were."""
    world = forwarding_world()
    await world.feed(
        batch(*(defender_alert(SystemAlertId=alert_id(n)) for n in range(1, 301)))
    )

    incident = [r for r in world.forwarder.records if r.sort is Sort.INCIDENT][-1]
    [problem] = incident.data["problems"]
    assert (incident.data["alerts"], problem["count"]) == (300, 300)
    assert len(world.forwarder.records) < 20


async def test_what_is_silenced_is_not_forwarded() -> None:
    """The noise rules decide before the bill."""
    silence = Silence(
        name="quiet",
        match=("severity>=low",),
        reason="patch night",
        owner="ops@contoso.com",
        until=NOON + timedelta(hours=1),
    )
    world = forwarding_world(suppress=[silence])
    await world.worker.ingest([event()])
    await world.deliver()
    await world.worker.commands.resolve((await world.head()).id, ADA)

    await world.settle()

    assert world.forwarder.actions == []
    assert world.pager.sent == []


async def test_what_no_route_names_is_not_forwarded() -> None:
    """The policy says what goes where."""
    world = forwarding_world()
    world.route = lambda incident: (
        ("pager", "siem") if incident.severity.rank >= 2 else ("pager",)
    )

    await world.feed([event(defender_alert(Severity="Low"))])

    assert world.forwarder.actions == []
    assert world.pager.sent_verbs() == ["trigger"]


async def test_a_limit_of_the_policy_paces_all_forwards() -> None:
    """What a sink may cost is bounded; the rest comes in its time."""
    world = forwarding_world(limits={"siem": Storm(pages=1, within=10 * MINUTE)})
    alerts = [elsewhere(n, Severity="Low") for n in range(1, 4)]
    await world.worker.ingest([event(a, place=n) for n, a in enumerate(alerts, 1)])
    await world.deliver()
    assert len(world.pager.sent) == 3
    assert len(world.forwarder.actions) == 1

    await world.settle()

    # Firewatch itself says that something waits: that is a fourth.
    assert {action.incident for action in world.forwarder.actions} == {
        head.id for head in await world.heads()
    }


async def test_what_was_merged_says_where_it_goes_on() -> None:
    """The loser's last record names the winner, and its trail is whole."""
    world = forwarding_world()
    await world.feed([event(elsewhere(n), place=n) for n in (1, 2)])
    first, second = await world.heads()
    await world.worker.regrouping.merge(first.id, second.id, ADA)
    await world.settle()

    winner = await world.head()
    loser = second.id if winner.id == first.id else first.id
    told = [
        r.data["merged_into"]
        for r in world.forwarder.records
        if r.sort is Sort.INCIDENT and r.incident == loser
    ]
    assert told == [None, winner.id]
    for each in (loser, winner.id):
        assert world.forwarder.audit(each) == await timeline(world, each)
    merged = [a for a in await world.actions() if a.occasion is Occasion.MERGED]
    assert [a.responder for a in merged if a.verb is Verb.FORWARD] == ["siem"]


async def test_a_long_trail_goes_in_pieces(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No forward is larger than the sink takes; the next begins where it ended."""
    monkeypatch.setattr(forwarding, "MOST_ENTRIES", 2)
    head = await world.head()
    for number in range(5):
        await world.worker.commands.comment(head.id, ADA._replace(note=f"n{number}"))
    await world.worker.commands.resolve(head.id, ADA)

    await world.settle()

    assert world.forwarder.audit(head.id) == await timeline(world, head.id)
    assert len(world.forwarder.actions) > 3


async def test_what_contained_it_is_forwarded(world: World) -> None:
    """A deed is an action of its own, with what it came to."""
    head = await world.head()
    row = DeedRow(
        key="d" * 32,
        incident=head.id,
        epoch=1,
        deed=Deed(
            responder="quarantine",
            use="vm-quarantine",
            kind=Kind.CONTAIN,
            target=vm(),
            says="Cut vm-web-01 off.",
            alerts=(),
        ),
        status=DeedStatus.PLANNED,
        mode=Mode.SHADOW,
        planned_at=world.clock(),
        changed_at=world.clock(),
    )

    def decide(draft: Draft) -> None:
        known = draft.incident(head.id)
        assert known is not None
        draft.put(rows.deed(head.id, row.key), row)
        changed = replace(known, deeds={row.key: deed_words.gist(row)})
        draft.change(changed, deed_words.fact(row))

    ledger = world.worker.ledger
    await ledger.transact(rows.partition_of_incident(head.id), decide, by="respond")
    await world.worker.commands.resolve(head.id, ADA)

    await world.settle()

    told = [
        (r.data["responder"], r.data["verb"], r.data["occasion"], r.data["status"])
        for r in world.forwarder.records
        if r.sort is Sort.ACTION and r.data["responder_kind"] == "contain"
    ]
    assert ("quarantine", "vm-quarantine", "shadow", "planned") in told
    assert world.forwarder.audit(head.id) == await timeline(world, head.id)


async def test_a_crash_between_sending_and_recording_sends_again(world: World) -> None:
    """Under the same keys: whoever reads can tell."""
    head = await world.head()
    world.forwarder.lost_answers = [TransientFailure(FailureReason.TIMEOUT, "lost")]
    await world.worker.commands.resolve(head.id, ADA)

    await world.settle()

    assert world.forwarder.actions[-1].key == world.forwarder.actions[-2].key
    assert world.forwarder.audit(head.id) == await timeline(world, head.id)
