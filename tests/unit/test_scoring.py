"""The score in a look: who is woken by it, and what becomes of it without logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.actions.routing import Route, Routing
from shared.model.evidence import Lack
from shared.model.logs import Answer
from shared.store import reading
from tests.alerts import NOON, alert_id, defender_alert, event, stamp
from tests.fakes.enriched import enriched
from tests.fakes.firewatch import World
from tests.fakes.logs import FakeLogs, Slow, refused
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.model.event import Event
    from shared.model.incident import Incident

NOTHING = Answer(columns=(), rows=())
KNOWN = Answer(columns=("Indicator", "Threat"), rows=(("192.0.2.4", "botnet"),))
NAMES = ("pager", "chat")


def routed(*routes: tuple[str, str]) -> dict[str, Any]:
    """A world's routes: each a matcher, and who is told by it."""
    routing = Routing([Route(match=(test,), to=(to,)) for test, to in routes])

    def route(incident: Incident) -> Iterable[str]:
        return [each.responder for each in routing(incident)]

    return {"names": NAMES, "route": route}


def an_alert(number: int = 1, severity: str = "Low") -> Event:
    """One about a machine, of now."""
    return event(
        defender_alert(
            SystemAlertId=alert_id(number),
            ProcessingEndTime=stamp(NOON),
            Severity=severity,
            Entities=[{"Type": "ip", "Address": "192.0.2.4"}],
        ),
        place=number,
    )


def told(world: World) -> list[str]:
    """Who was told that it opened."""
    return [
        name
        for name, responder in world.responders.items()
        for sent in responder.sent
        if (sent.verb, sent.occasion) == ("trigger", "opened")
    ]


def after(make: Callable[[], World], *events: Event) -> tuple[World, Incident]:
    """A world that looked at an alert, and the incident."""
    found: list[tuple[World, Incident]] = []

    async def scenario() -> None:
        world = make()
        await world.worker.ingest(events or [an_alert()])
        await world.deliver()
        found.append((world, await world.head()))

    in_virtual_time(scenario())
    return found[0]


def test_without_logs_the_alerts_alone_are_scored() -> None:
    """And routes know it at the first look."""
    routes = routed(("risk>=50", "pager"), ("risk<50", "chat"))

    world, head = after(lambda: World(**routes))

    assert head.risk is not None
    assert head.risk.missing == 0
    assert 0 < head.risk.total < 50
    assert {factor.evidence for factor in head.risk.factors} == {""}
    assert told(world) == ["chat"]


def test_a_score_rises_with_its_alerts() -> None:
    """Without a question being asked."""
    routes = routed(("risk>=40", "pager"), ("risk<40", "chat"))

    async def scenario() -> None:
        world = World(**routes)
        await world.worker.ingest([an_alert(1)])
        await world.deliver()
        assert told(world) == ["chat"]

        await world.worker.ingest([an_alert(2, "High")])
        await world.deliver()

        assert told(world) == ["pager", "chat"]

    in_virtual_time(scenario())


def test_what_logs_say_decides_who_is_told() -> None:
    """The same alert, of an address that threat intelligence knows or does not."""
    routes = routed(("risk>=30", "pager"), ("risk<30", "chat"))
    known = FakeLogs(NOTHING)
    known.will(KNOWN, query="threat-intelligence")

    alarming, high = after(lambda: enriched(known, **routes))
    harmless, low = after(lambda: enriched(FakeLogs(NOTHING), **routes))

    assert told(alarming) == ["pager"]
    assert told(harmless) == ["chat"]
    assert high.risk is not None
    assert low.risk is not None
    assert high.risk.total == low.risk.total + 20
    assert high.risk.factors[-1].evidence == "threat-intelligence"


def test_a_route_of_low_scores_alone_is_reached() -> None:
    """Logs are asked for it, though nobody is to be told before they answer."""
    world, head = after(
        lambda: enriched(FakeLogs(NOTHING), **routed(("risk<30", "chat")))
    )

    assert told(world) == ["chat"]
    assert head.risk is not None


@pytest.mark.parametrize(
    "logs",
    [
        lambda: FakeLogs(Slow(3600, NOTHING)),
        lambda: FakeLogs(refused(Lack.FORBIDDEN)),
    ],
)
def test_somebody_is_told_when_logs_do_not_answer(
    logs: Callable[[], FakeLogs],
) -> None:
    """A route of high scores takes it; the score says what it lacks."""
    routes = routed(("risk<100", "chat"), ("risk>=100", "pager"))

    world, head = after(lambda: enriched(logs(), **routes))

    assert told(world) == ["pager"]
    assert head.risk is not None
    assert head.risk.total < 100
    assert head.risk.missing > 0


def test_a_score_costs_no_request() -> None:
    """It is written with the claim, as all that a look finds."""
    world, head = after(World)

    assert head.risk is not None
    assert world.faults.calls["table.scan"] == 3
    assert world.faults.calls["table.commit"] == 4


def test_the_score_is_of_all_evidence_that_is_kept() -> None:
    """A later look about other things forgets nothing."""
    known = FakeLogs(NOTHING)
    known.will(KNOWN, query="threat-intelligence")

    async def scenario() -> None:
        world = enriched(known)
        await world.worker.ingest([an_alert()])
        await world.deliver()
        before = (await world.head()).risk
        await world.worker.ingest([an_alert(2, "High")])
        await world.deliver()
        head = await world.head()

        assert before is not None
        assert head.risk is not None
        assert head.risk.total >= before.total + 30
        assert before.factors[-1] in head.risk.factors
        assert await reading.evidence(world.ledger)

    in_virtual_time(scenario())
