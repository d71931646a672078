"""When somebody was first told, and how long that and the rest took."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace
from rich.console import Console
from typer.testing import CliRunner

from cli import incidents, main, measures
from cli.measures import lasting
from shared.actions.routing import Route, Routing
from shared.commands import Order
from shared.measures import By, Since, Until, measured
from shared.model.action import ActionRow, Kind, Rung
from shared.model.deed_status import DeedStatus
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.incident import Incident, IncidentStatus, Mark
from shared.oncall.policy import Escalation, OnCall, Step
from shared.store import history, rows
from shared.store.history import History
from shared.store.ports import Row
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.factories import make_incident
from tests.fakes.api import Api
from tests.fakes.clock import Clock
from tests.fakes.firewatch import World
from tests.fakes.store import FakeTable
from tests.unit.containment.kit import acting, comes

if TYPE_CHECKING:
    from pathlib import Path

    from shared.clouds.storage import Storage

MINUTE = timedelta(minutes=1)
DOWN = TransientFailure(FailureReason.UNAVAILABLE, "the side is down")
REFUSED = PermanentFailure(FailureReason.NOT_FOUND, "no such number")


async def page_of(world: World) -> tuple[timedelta | None, str]:
    """How long after its opening the incident was told of, and by which route."""
    head = await world.head()
    return (head.paged_at - head.opened_at if head.paged_at else None), head.paged_by


async def test_the_first_notice_that_arrives_is_the_first_page() -> None:
    """By whom the first went; written with what came of it, at no further request."""
    world = World(names=["pager", "room"])
    world.pager.failures = [REFUSED]

    await world.worker.ingest([event()])
    world.clock.step(MINUTE)
    await world.deliver()

    assert await page_of(world) == (MINUTE, "to-room")
    await world.settle()
    await world.check()


async def test_a_ticket_is_no_page() -> None:
    """It lies there until somebody looks."""
    world = World(names=["desk", "room"])
    world.responders["desk"].kind = Kind.TICKET
    world.responders["room"].failures = [DOWN]

    await world.worker.ingest([event()])
    await world.deliver()
    assert await page_of(world) == (None, "")
    await world.settle()

    assert (await page_of(world))[1] == "to-room"


async def test_one_that_arrives_late_counts_when_it_arrives() -> None:
    """However often it was tried."""
    world = World()
    world.pager.failures = [DOWN] * 3
    await world.worker.ingest([event()])
    await world.deliver()
    assert await page_of(world) == (None, "")

    await world.settle()

    waited, by = await page_of(world)
    assert waited is not None
    assert waited > timedelta(seconds=2)
    assert by == "to-pager"


async def test_what_a_step_sent_counts_too() -> None:
    """Nobody else was told."""
    on_call = OnCall(escalations={"high": Escalation(steps=(Step(to=("pager",)),))})
    world = World(route=lambda _: (), on_call=on_call, escalate=["high"])

    await world.worker.ingest([event()])
    world.clock.step(MINUTE)
    await world.deliver()

    assert await page_of(world) == (MINUTE, "to-pager")


async def test_nobody_who_was_told_is_no_page() -> None:
    """An incident that no route takes, and one that was over before it came."""
    world = World(route=lambda _: ())
    await world.feed([event()])
    assert await page_of(world) == (None, "")

    world = World()
    await world.feed([event(defender_alert(Status="Dismissed"))])
    assert await page_of(world) == (None, "")


async def test_the_first_page_stays_that_of_the_first_epoch() -> None:
    """What is measured begins with the incident, not when somebody reopens it."""
    world = World()
    await world.feed([event()])
    first = await page_of(world)
    head = await world.head()

    await world.worker.commands.resolve(head.id, Order("ana"))
    await world.settle()
    world.clock.step(60 * MINUTE)
    await world.worker.commands.reopen(head.id, Order("ana"))
    await world.settle()

    assert world.pager.sent_verbs() == ["trigger", "resolve", "trigger"]
    assert await page_of(world) == first


async def test_what_was_told_first_in_a_later_epoch_is_not_known() -> None:
    """Its first epoch was over before anybody heard of it."""
    world = World()
    await world.feed([event(defender_alert(Status="Dismissed"))])
    world.clock.step(60 * MINUTE)

    again = defender_alert(ProcessingEndTime=stamp(NOON + timedelta(minutes=30)))
    await world.feed([event(again, place=2)])

    assert world.pager.sent_verbs() == ["trigger"]
    assert await page_of(world) == (None, "")


async def test_of_two_that_become_one_the_first_page_of_either_counts() -> None:
    """People knew of it from then on."""
    world = World()
    other = defender_alert(
        SystemAlertId=alert_id(2), AzureResourceId=vm("vm-2"), Entities=[]
    )
    await world.feed([event()])
    first = (await world.head()).paged_at
    world.clock.step(MINUTE)
    await world.feed([event(other, place=2)])
    one, two = await world.heads()
    assert first != max(one.paged_at or NOON, two.paged_at or NOON)

    await world.worker.regrouping.merge(one.id, two.id, Order("ana"))
    await world.settle()

    assert (await world.head()).paged_at == first


async def test_a_page_that_arrives_while_its_incident_is_merged_is_the_winners() -> (
    None
):
    """Else nobody would know when it was told."""
    world = World()
    other = defender_alert(
        SystemAlertId=alert_id(2),
        AzureResourceId=vm("vm-2"),
        Entities=[],
        StartTimeUtc=stamp(NOON + MINUTE),
    )
    await world.worker.ingest([event(), event(other, place=2)])
    winner, loser = sorted(await world.heads(), key=lambda h: h.first_seen)
    rival = world.new_worker()
    world.pager.meanwhile = [
        lambda: rival.regrouping.merge(winner.id, loser.id, Order("ana"))
    ]

    await world.worker.respond([loser.id])

    assert (await world.head()).id == winner.id
    assert (await world.head()).paged_by == "to-pager"


def make_row(responder: str, rung: str | None = None) -> ActionRow:
    """A notice as far as a route is found by it."""
    return cast(
        "ActionRow",
        SimpleNamespace(
            responder=responder,
            rung=Rung(escalation=rung, number=0) if rung is not None else None,
        ),
    )


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (make_row("soc"), "all"),
        (make_row("pager"), "routes[2]"),
        (make_row("phone", "high"), "night"),
        # A fallback, and what no route sends any more.
        (make_row("mail", ""), "first"),
        (make_row("gone"), "first"),
        (make_row("phone", "gone"), "first"),
    ],
)
def test_a_notice_goes_by_the_route_that_names_it(row: ActionRow, label: str) -> None:
    """By its responder, or by the escalation that called."""
    routing = Routing(
        [
            Route(name="first", escalate="other", goes_on=True),
            Route(to=("soc",), name="all", goes_on=True),
            Route(to=("pager",), goes_on=True),
            Route(name="night", escalate="high"),
            Route(to=("soc",), name="never"),
        ]
    )
    assert routing.label(make_incident(), row) == label
    assert Routing([]).label(make_incident(), row) == ""


class TestReading:
    """What was opened since a moment, in both tables."""

    async def kept(self, past: History, head: Incident) -> None:
        """Put an incident into history."""
        await past.keep({head.id: [Row(rows.incident(head.id), rows.encode(head), "")]})

    async def test_what_ended_long_ago_is_found_by_its_months(self) -> None:
        """Also where the last month is younger than the moment is in its own."""
        table = FakeTable(Clock(NOON.replace(month=12, day=1, hour=0, minute=5)))
        world, past = World(), History(table)
        since = NOON.replace(month=9, day=20, hour=18)
        for number, (opened, ended) in enumerate(
            [
                (since - MINUTE, since + MINUTE),
                (since, since + MINUTE),
                (since, NOON.replace(month=10, day=31)),
                (NOON, NOON.replace(month=12, day=1, hour=0, minute=1)),
            ]
        ):
            head = make_incident(
                id=f"0a{number:014x}",
                opened_at=opened,
                status=IncidentStatus.RESOLVED,
                resolved=Mark(by="ana", at=ended),
            )
            await self.kept(past, head)
        await world.feed([event()])

        found = await history.opened_since(world.ledger, past, since)

        ids = {head.id for head in found.heads}
        assert ids == {f"0a{n:014x}" for n in (1, 2, 3)} | {(await world.head()).id}

    async def test_one_that_lies_in_both_is_one(self) -> None:
        """It is on its way to history."""
        world = World()
        await world.feed([event()])
        mark = Mark(by="ana", at=NOON + MINUTE)
        head = replace(
            await world.head(), status=IncidentStatus.RESOLVED, resolved=mark
        )
        past = History(FakeTable(world.clock))
        await self.kept(past, head)

        found = await history.opened_since(world.ledger, past, NOON)

        assert [head.id for head in found.heads] == [(await world.head()).id]


async def filled(world: World) -> None:
    """A high incident that was told after a minute, and answered after three."""
    await world.worker.ingest([event()])
    world.clock.step(MINUTE)
    await world.deliver()
    world.clock.step(2 * MINUTE)
    await world.worker.commands.acknowledge((await world.head()).id, Order("ana"))
    await world.settle()


async def test_how_long_containment_took_is_measured() -> None:
    """Until the first change took effect; what was taken back since still counts."""
    world = acting()
    world.estate.slow = timedelta(seconds=50)
    await comes(world)
    await world.settle(most=timedelta(hours=6))
    head = await world.head()
    assert [gist.status for gist in head.deeds.values()] == [DeedStatus.EXPIRED]

    found = measured([head], By.SEVERITY, since=NOON, until=world.clock())

    (ours,) = [
        m
        for m in found.total.measures
        if (m.until, m.since) == (Until.CONTAIN, Since.FIREWATCH)
    ]
    assert (ours.count, ours.unknown) == (1, 0)
    assert ours.median == 0


async def test_the_api_gives_them(tmp_path: Path) -> None:
    """In seconds, of the days that are asked for."""
    api = Api(tmp_path)
    await filled(api.world)

    reply = await api.get("/api/measures?days=7&by=route")

    assert reply.status == 200
    (group,) = reply.body["groups"]
    assert (group["name"], group["incidents"]) == ("to-pager", 1)
    ours = [m for m in group["measures"] if m["since"] == "firewatch"]
    assert [(m["until"], m["count"], m["median"], m["max"]) for m in ours] == [
        ("first_page", 1, 60.0, 60.0),
        ("acknowledge", 1, 180.0, 180.0),
        ("contain", 0, None, None),
        ("resolve", 0, None, None),
    ]
    shown = await api.get(f"/api/incidents/{(await api.world.head()).id}")
    assert shown.body["paged_by"] == "to-pager"

    api.world.clock.step(timedelta(days=8))
    reply = await api.get("/api/measures?days=7&by=route")
    assert reply.body["groups"] == []
    assert reply.body["total"]["incidents"] == 0


@pytest.mark.parametrize("query", ["days=0", "days=367", "by=moon", "weeks=1"])
async def test_the_api_says_what_is_wrong(tmp_path: Path, query: str) -> None:
    """With its name."""
    reply = await Api(tmp_path).get(f"/api/measures?{query}")

    assert reply.status == 400
    (problem,) = reply.body["problems"]
    assert problem["path"] == f"query.{query.partition('=')[0]}"


def test_the_command_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As durations that people read."""
    world = World()
    asyncio.run(filled(world))

    async def close() -> None:
        pass

    async def opened(_: str) -> Storage:
        storage = SimpleNamespace(
            ledger=world.worker.ledger, history=world.history, close=close
        )
        return cast("Storage", storage)

    monkeypatch.setattr(incidents, "open_account", opened)
    monkeypatch.setattr(measures, "console", Console(width=120))
    done = CliRunner().invoke(main.app, ["measures", "--account", "fake"])

    assert done.exit_code == 0, done.output
    assert "1 incident opened in 30 days" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [
        "high",
        "first",
        "page",
        "the",
        "detector",
        "1",
        "0",
        "1m",
        "0s",
        "1m",
        "0s",
        "1m",
        "0s",
    ] in lines
    assert [
        "acknowledge",
        "Firewatch",
        "1",
        "0",
        "3m",
        "0s",
        "3m",
        "0s",
        "3m",
        "0s",
    ] in lines
    assert ["resolve", "Firewatch", "0", "1", "-", "-", "-"] in lines

    done = CliRunner().invoke(main.app, ["measures", "--account", "fake", "--json"])
    assert json.loads(done.stdout)["total"]["incidents"] == 1


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.0, "0.0s"),
        (0.44, "0.4s"),
        (59.4, "59s"),
        (59.6, "1m 0s"),
        (130.0, "2m 10s"),
        (3_599.0, "59m 59s"),
        (7_260.0, "2h 1m"),
        (273_600.0, "3d 4h"),
    ],
)
def test_durations_are_short(seconds: float | None, shown: str) -> None:
    """Two units say enough."""
    assert lasting(seconds) == shown
