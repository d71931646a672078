"""Silences and storms, from the alert to what the pager hears."""

from __future__ import annotations

from datetime import timedelta

from shared.actions.routing import Route
from shared.commands import Order
from shared.model.incident import IncidentStatus
from shared.model.silence import Mode, Silence
from shared.model.storm import STORM, Storm
from shared.noise import Noise
from shared.store import reading
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.fakes.firewatch import World

HOUR = timedelta(hours=1)
TYPE = "VM_WebShellDetected"


def _silence(**changes: object) -> Silence:
    default: dict[str, object] = {
        "name": "pen-test",
        "match": (f"alert_type={TYPE}",),
        "reason": "the red team is here",
        "owner": "ada",
        "until": NOON + 6 * HOUR,
        "warn": timedelta(0),
    }
    return Silence(**(default | changes))  # type: ignore[arg-type]


def _crowd(count: int, severity: str = "Medium") -> list[dict[str, object]]:
    return [
        defender_alert(
            SystemAlertId=alert_id(n),
            AzureResourceId=vm(f"vm-{n}"),
            Severity=severity,
            Entities=[],
        )
        for n in range(count)
    ]


async def test_a_silenced_incident_is_kept_and_nobody_is_told() -> None:
    """It lands, it is held, and the timeline says by what."""
    world = World(suppress=[_silence()])

    await world.feed([event()])

    assert world.pager.sent == []
    head = await world.head()
    assert head.hold is not None
    assert head.hidden_by == ("pen-test",)
    facts = [
        fact
        for entry in await reading.timeline(world.ledger, head.id)
        for fact in entry.facts
    ]
    assert [f.detail for f in facts if f.kind == "notices.held"] == [
        "pen-test, until 2026-11-23T18:00:00.000Z"
    ]


async def test_what_was_held_is_told_when_the_silence_ends() -> None:
    """Nobody needs to send anything."""
    world = World(suppress=[_silence()])
    await world.feed([event()])

    world.clock.step(6 * HOUR)
    await world.worker.tick()
    await world.settle()

    assert world.pager.sent_verbs() == ["trigger"]
    assert (await world.head()).hold is None
    await world.check_rested()


async def test_what_ended_meanwhile_is_not_told() -> None:
    """Neither that it opened nor that it ended."""
    world = World(suppress=[_silence()])
    await world.feed([event()])

    await world.feed([event(defender_alert(Status="Dismissed"), place=2)])
    world.clock.step(6 * HOUR)
    await world.worker.tick()
    await world.settle()

    assert (await world.head()).status is IncidentStatus.RESOLVED
    assert world.pager.sent == []


async def test_a_silence_is_lost_by_no_flapping() -> None:
    """grafana/oncall#2018: it is keyed to what it matches, not to a state.

    The alert is resolved and comes back, and the silence still holds.
    """
    world = World(suppress=[_silence()])
    await world.feed([event()])

    for place, status in enumerate(["Resolved", "New", "Resolved", "New"], start=2):
        at = stamp(NOON + timedelta(minutes=place))
        body = defender_alert(Status=status, ProcessingEndTime=at)
        await world.feed([event(body, place=place)])
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    again = defender_alert(SystemAlertId=alert_id(2))
    await world.feed([event(again, place=9)])

    assert world.pager.sent == []


async def test_what_was_told_before_is_closed_under_a_silence() -> None:
    """A silence holds news back, never the end of what somebody works on."""
    world = World()
    await world.feed([event()])

    world.suppress.append(_silence())
    await world.feed([event(defender_alert(Status="Resolved"), place=2)])

    assert world.pager.sent_verbs() == ["trigger", "resolve"]


async def test_a_raised_severity_breaks_through() -> None:
    """Where the silence says so."""
    low = defender_alert(Severity="Low")
    world = World(suppress=[_silence(break_through=("severity>=high",))])
    await world.feed([event(low)])
    assert world.pager.sent == []

    later = stamp(NOON + timedelta(minutes=5))
    await world.feed([event(defender_alert(ProcessingEndTime=later), place=2)])

    assert world.pager.sent_verbs() == ["trigger"]


async def test_monitor_mode_counts_and_tells() -> None:
    """So that a silence can be tried before it is trusted."""
    world = World(suppress=[_silence(mode=Mode.MONITOR)])

    await world.feed([event()])

    assert world.pager.sent_verbs() == ["trigger"]
    assert (await world.head()).watched_by == ("pen-test",)


async def test_a_silence_made_while_running_holds_and_its_end_releases() -> None:
    """keephq/keep#5257, #5321: held alerts are looked at again when the window ends."""
    world = World()
    silences = world.worker.silences
    await silences.create(_silence(), Order("ada"))
    await world.feed([event()])
    assert world.pager.sent == []

    assert await silences.end("pen-test", Order("bob", "they left")) is not None
    await world.settle()

    assert world.pager.sent_verbs() == ["trigger"]
    (report,) = await silences.report()
    assert [head.id for head in report.incidents] == [(await world.head()).id]
    assert report.made is not None
    assert report.made.by == "ada"


async def test_a_silence_that_cannot_be_read_holds_nothing() -> None:
    """Law 6: the page goes out anyway."""
    world = World(suppress=[_silence()])
    await world.worker.ingest([event()])
    # The first scan of the look is that of the action rows; the second reads silences.
    world.faults.fail_after(2, of="table.scan")

    await world.deliver()

    assert world.pager.sent_verbs() == ["trigger"]


async def test_the_tags_that_rules_go_by_are_those_of_now() -> None:
    """Of routes, and of silences in force; where these cannot be read, of routes."""
    world = World()
    world.suppress = [
        _silence(name="on", match=("tag.Env=dev",), break_through=("tag.tier=0",)),
        _silence(name="over", match=("tag.old=x",), until=world.clock()),
    ]
    noise = Noise(
        world.worker.ledger,
        world.queue,
        world.worker.silences,
        storm=world.storm,
        limits=world.limits,
        caps=world.caps,
    )
    routes = [Route(to=(), match=("severity>=low", "tag.owner=ops"))]

    assert await noise.tags(routes) == {"env", "tier", "owner"}
    world.clock.step(timedelta(minutes=1))
    world.faults.go_down()
    assert await noise.tags(routes) == {"owner"}


async def test_its_owner_is_told_before_it_ends() -> None:
    """prometheus/alertmanager#730, #1639: no silence expires unnoticed.

    Once, and the notice is closed when it has ended.
    """
    world = World(suppress=[_silence(warn=HOUR)])
    world.clock.step(5 * HOUR)

    for _ in range(3):
        await world.worker.tick()
        await world.settle()
    assert world.pager.sent_verbs() == ["trigger"]
    (head,) = await world.heads()
    assert head.title == "Silence pen-test of ada ends at 2026-11-23 18:00 UTC"

    world.clock.step(2 * HOUR)
    await world.worker.tick()
    await world.settle()
    assert world.pager.sent_verbs() == ["trigger", "resolve"]


async def test_a_storm_pages_at_its_rate_and_says_so_once() -> None:
    """MicrosoftDocs/azure-docs#116726, #121987: a cliff at 3,000 incidents a day.

    Here every incident is there, ten page in ten minutes, and one page tells of it.
    """
    world = World(storm=Storm(pages=10, within=timedelta(minutes=10)))

    await world.worker.ingest([event(*_crowd(25))])
    await world.deliver()
    assert world.pager.sent_verbs() == ["trigger"] * 10
    await world.worker.tick()
    await world.deliver()
    assert world.pager.sent_verbs() == ["trigger"] * 11
    message = world.pager.actions[-1].message
    assert message is not None
    [waits] = [s for s in message.sections if s.key == "waiting"]
    assert (len(waits.lines), waits.lines[0][:20]) == (15, "12:10 UTC: Medium: P")
    held = [head for head in await world.heads() if head.hold]
    assert len(held) == 15
    pages = [action.content["title"] for action in world.pager.actions]
    assert sum(title.startswith("Alert storm") for title in pages) == 1
    assert {head.hold.by for head in held if head.hold} == {STORM}

    await world.settle()
    verbs = world.pager.sent_verbs()
    assert (verbs.count("trigger"), verbs.count("resolve")) == (26, 1)
    assert len({sent.dedup_key for sent in world.pager.sent}) == 26
    await world.check_rested()


async def test_a_storm_never_holds_back_the_first_page_of_a_high() -> None:
    """However many there are (review F15)."""
    world = World(storm=Storm(pages=3))
    await world.worker.ingest([event(*_crowd(10))])
    await world.deliver()

    bodies = _crowd(20, "High")[10:]
    await world.worker.ingest([event(*bodies, place=2)])
    await world.deliver()

    assert world.pager.sent_verbs() == ["trigger"] * 13


async def test_a_responder_is_sent_no_more_than_its_limit_and_loses_nothing() -> None:
    """What waits is listed once, goes out in turn, and others have it at once."""
    limit = Storm(pages=5, within=timedelta(minutes=10))
    world = World(names=("room", "pager"), limits={"room": limit})
    room, pager = world.responders.values()

    await world.worker.ingest([event(*_crowd(12))])
    await world.deliver()
    assert (len(room.sent), len(pager.sent)) == (5, 12)
    world.clock.step(timedelta(minutes=1))
    await world.worker.tick()
    await world.deliver()
    [said] = [a.message for a in pager.actions[12:] if a.message]
    assert "More notices for room than its limit" in said.headline
    [waits] = [s for s in said.sections if s.key == "waiting"]
    assert len(waits.lines) == 7

    await world.settle()

    assert room.sent_verbs().count("trigger") == 13
    assert len({sent.dedup_key for sent in room.sent}) == 13
    assert pager.sent_verbs().count("resolve") == 1
    await world.check_rested()


async def test_a_limit_holds_back_no_high_and_no_end() -> None:
    """What is urgent or over is told, and what ended meanwhile never is."""
    limit = Storm(pages=1, within=timedelta(minutes=10))
    world = World(limits={"pager": limit})
    await world.worker.ingest([event(*_crowd(3))])
    await world.deliver()
    assert world.pager.sent_verbs() == ["trigger"]

    await world.worker.ingest([event(*_crowd(6, "High")[3:], place=2)])
    for head in await world.heads():
        if head.severity != "high":
            await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()

    verbs = world.pager.sent_verbs()
    keys = {sent.dedup_key for sent in world.pager.sent}
    assert (verbs.count("resolve"), len(keys)) == (1, 4)


async def test_one_that_grows_high_in_a_storm_pages_at_once() -> None:
    """Its turn is not waited for."""
    world = World(storm=Storm(pages=3))
    await world.worker.ingest([event(*_crowd(5))])
    await world.deliver()
    held = next(head for head in await world.heads() if head.hold)
    number = next(n for n in range(5) if f"vm-{n}" in held.resources[0])

    body = _crowd(5, "High")[number]
    body["ProcessingEndTime"] = stamp(NOON + timedelta(minutes=5))
    await world.worker.ingest([event(body, place=2)])
    await world.deliver()

    assert world.pager.sent_verbs() == ["trigger"] * 4


async def test_a_storm_row_that_cannot_be_written_holds_nothing() -> None:
    """Law 6 again: in doubt the page goes out."""
    world = World(storm=Storm(pages=1))
    await world.feed([event(*_crowd(1))])
    await world.worker.ingest([event(_crowd(2)[1], place=2)])
    world.faults.fail_after(1, of="table.commit")

    await world.deliver()

    assert world.pager.sent_verbs() == ["trigger"] * 2


async def test_quiet_incidents_end_by_themselves() -> None:
    """peers.md C 9: nobody is paged months later for what nobody closed.

    Counted from receipt, and whoever was told hears of the end.
    """
    world = World(quiet=timedelta(days=2))
    await world.feed([event()])

    world.clock.step(timedelta(days=2, minutes=1))
    await world.worker.tick()
    await world.settle()

    head = await world.head()
    assert head.status is IncidentStatus.RESOLVED
    assert head.resolved is not None
    assert head.resolved.by == "quiet"
    assert world.pager.sent_verbs() == ["trigger", "resolve"]
    await world.check_rested()


async def test_what_ended_for_want_of_news_is_open_again_by_news() -> None:
    """A newer version of its alert, still active, is told; a copy of what is known not."""
    world = World(quiet=timedelta(days=2))
    await world.feed([event()])
    world.clock.step(timedelta(days=2, minutes=1))
    await world.worker.tick()
    await world.settle()

    await world.feed([event(place=2)])
    assert (await world.head()).status is IncidentStatus.RESOLVED
    later = defender_alert(ProcessingEndTime=stamp(NOON + timedelta(minutes=3)))
    await world.feed([event(later, place=3)])

    head = await world.head()
    assert (head.status, head.epoch) == (IncidentStatus.OPEN, 2)
    assert world.pager.sent_verbs() == ["trigger", "resolve", "trigger"]
