"""Tags in a look: who is told by them, what is held back, and what when they are unknown."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.actions.routing import Route, Routing
from shared.commands import Order
from shared.enrichment.tagging import ResourceTags
from shared.enrichment.tags import Tags
from shared.looks.gathering import TAGS_WAIT
from shared.model.errors import FailureReason, TransientFailure
from shared.model.evidence import TAGS, Lack
from shared.model.logs import Answer
from shared.model.silence import Silence
from shared.store import reading
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.fakes.enriched import enriched
from tests.fakes.firewatch import World
from tests.fakes.logs import FakeLogs
from tests.fakes.loop import in_virtual_time
from tests.fakes.tags import FakeGraph

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from shared.model.event import Event
    from shared.model.incident import Incident
    from shared.noise import Noise

VM = vm().lower()
PROD, DEV = {VM: {"env": "Prod"}}, {VM: {"env": "dev"}}
NAMES = ("pager", "chat")
DOWN = TransientFailure(FailureReason.UNAVAILABLE, "no connection")


def a_world(
    graph: FakeGraph,
    *routes: tuple[str, str],
    critical: tuple[str, ...] = (),
    logs: FakeLogs | None = None,
    **changes: Any,  # noqa: ANN401
) -> World:
    """One with these routes: each a matcher, and who is told by it."""
    made = [Route(match=(test,), to=(to,)) for test, to in routes]
    routing = Routing(made)

    def route(incident: Incident) -> Iterable[str]:
        return [each.responder for each in routing(incident)]

    def tagging(noise: Noise) -> ResourceTags:
        # The world is in the making.
        tags = Tags(graph, clock=lambda: world.clock())  # noqa: PLW0108
        return ResourceTags(tags, critical=critical, names=lambda: noise.tags(made))

    given: dict[str, Any] = {"names": NAMES, "tagging": tagging, "route": route}
    given |= changes
    world = World(**given) if logs is None else enriched(logs, **given)
    return world


def an_alert(number: int = 1, **changes: Any) -> Event:  # noqa: ANN401
    """One about the machine, of now."""
    default = {"SystemAlertId": alert_id(number), "ProcessingEndTime": stamp(NOON)}
    return event(defender_alert(**default | changes), place=number)


def told(world: World) -> list[str]:
    """Who was told that it opened."""
    return [
        name
        for name, responder in world.responders.items()
        for sent in responder.sent
        if (sent.verb, sent.occasion) == ("trigger", "opened")
    ]


async def looked(world: World, *events: Event) -> None:
    await world.worker.ingest(events or [an_alert()])
    await world.deliver()


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    in_virtual_time(scenario())


@pytest.mark.parametrize(("tags", "names"), [(PROD, ["pager"]), (DEV, ["chat"])])
async def test_a_route_by_tag_is_taken_at_the_first_look(
    tags: dict[str, dict[str, str]], names: list[str]
) -> None:
    """One request, and the head keeps what came of it."""
    graph = FakeGraph(tags)
    world = a_world(graph, ("tag.env=prod", "pager"), ("tag.env!=prod", "chat"))

    await looked(world)

    assert told(world) == names
    assert len(graph.asked) == 1
    assert (await world.head()).tags == tags
    await world.settle()
    await world.check_rested()


async def test_a_silence_by_tag_holds_it_back() -> None:
    """Before logs are asked; those of people too."""
    logs = FakeLogs()
    world = a_world(FakeGraph(DEV), ("severity>=low", "pager"), logs=logs)
    silence = Silence(
        name="dev",
        match=("tag.env=dev",),
        reason="nobody is woken for these",
        owner="ops",
        until=world.clock() + timedelta(hours=1),
    )
    await world.worker.silences.create(silence, Order("ada"))

    await looked(world)

    head = await world.head()
    assert head.hold is not None
    assert head.hold.by == "dev"
    assert told(world) == []
    assert logs.asked == []


async def test_an_incident_that_reaches_further_is_told() -> None:
    """The other resource is no dev machine."""
    other = VM + "2"
    world = a_world(
        FakeGraph(DEV | {other: {"env": "prod"}}), ("severity>=low", "pager")
    )
    world.suppress = [
        Silence(
            name="dev",
            match=("tag.env=dev",),
            reason="r",
            owner="o",
            until=world.clock() + timedelta(days=1),
        )
    ]
    await looked(world)
    assert told(world) == []

    shared = [{"Type": "account", "Name": "eve", "UPNSuffix": "contoso.com"}]
    both = [
        an_alert(2, Entities=shared),
        an_alert(3, Entities=shared, AzureResourceId=other),
    ]
    await looked(world, *both)

    head = await world.head()
    assert {*head.tags} == {VM, other}
    assert told(world) == ["pager"]


async def test_tags_that_cannot_be_had_leave_nobody_untold() -> None:
    """The route is passed by for the next; they come later, and then it is taken."""
    graph = FakeGraph(PROD)
    graph.failures = [DOWN]
    world = a_world(graph, ("tag.env=prod", "pager"), ("severity>=low", "chat"))

    await looked(world)
    assert told(world) == ["chat"]
    assert (await world.head()).tags == {}

    await world.settle()

    assert told(world) == ["pager", "chat"]
    assert (await world.head()).tags == PROD
    await world.check_rested()


async def test_a_route_by_tag_alone_is_reached_when_they_come() -> None:
    """Though nobody was to be told before."""
    graph = FakeGraph(PROD)
    graph.failures = [DOWN]
    world = a_world(graph, ("tag.env=prod", "pager"))

    await looked(world)
    assert told(world) == []
    await world.settle()

    assert told(world) == ["pager"]
    await world.check_rested()


async def test_what_nobody_may_see_is_not_asked_for_over_and_over() -> None:
    """It is refused for good."""
    graph = FakeGraph({})
    world = a_world(graph, ("tag.env=prod", "pager"), ("severity>=low", "chat"))

    await looked(world)
    await world.settle()

    assert told(world) == ["chat"]
    assert len(graph.asked) == 1
    await world.check_rested()


async def test_a_storm_of_alerts_is_none_of_queries_for_want_of_a_tag() -> None:
    """What nobody may see makes no look ask logs again."""
    logs = FakeLogs(Answer(columns=(), rows=()))
    world = a_world(
        FakeGraph({}), ("tag.env=prod", "pager"), ("severity>=low", "chat"), logs=logs
    )
    world.clock.step(NOON + timedelta(days=2) - world.clock())
    await looked(world)
    asked = logs.counts()

    for number in range(2, 12):
        await looked(world, an_alert(number))

    assert logs.counts() == asked


async def test_a_silence_by_a_tag_that_is_not_known_holds_nothing() -> None:
    """Nor does it once it is known that another resource has it not."""
    world = a_world(FakeGraph({}), ("severity>=low", "pager"))
    world.suppress = [
        Silence(
            name="dev",
            match=("tag.env!=prod",),
            reason="r",
            owner="o",
            until=world.clock() + timedelta(days=1),
        )
    ]

    await looked(world)

    assert told(world) == ["pager"]


async def test_a_critical_tag_is_a_factor_of_the_score() -> None:
    """It names the tag and the resource, and comes from the evidence in the page."""
    world = a_world(FakeGraph(PROD), ("severity>=low", "pager"), critical=("env=prod",))

    await looked(world)

    head = await world.head()
    assert head.risk is not None
    factor = head.risk.factors[-1]
    assert (factor.name, factor.points, factor.evidence) == ("critical asset", 15, TAGS)
    assert factor.because == "vm-web-01 is tagged env=Prod."
    (page,) = world.pager.actions
    assert [e.query for e in page.content["evidence"]] == [TAGS]
    # No matcher asks for one.
    assert head.tags == {}


async def test_a_score_without_its_tags_is_in_doubt() -> None:
    """So a route of high scores takes it; when they are known it is not in doubt."""
    graph = FakeGraph(DEV)
    graph.failures = [DOWN]
    world = a_world(
        graph, ("risk<90", "chat"), ("risk>=90", "pager"), critical=("env=prod",)
    )

    await looked(world)
    head = await world.head()
    assert head.risk is not None
    assert head.risk.missing == 1
    assert told(world) == ["pager"]

    await world.settle()
    head = await world.head()
    assert head.risk is not None
    assert head.risk.missing == 0


async def test_where_no_tag_matters_nobody_is_asked() -> None:
    """Nor is there a word of tags in the page."""
    graph = FakeGraph(PROD)
    world = a_world(graph, ("severity>=low", "pager"))

    await looked(world)

    assert told(world) == ["pager"]
    assert graph.asked == []
    assert await reading.evidence(world.ledger) == []


def test_a_graph_that_hangs_holds_no_page_back() -> None:
    """It is waited for once; the answer that comes late is there the next time."""

    async def scenario() -> None:
        graph = FakeGraph(PROD, seconds=8)
        world = a_world(
            graph,
            ("tag.env=prod", "pager"),
            ("severity>=low", "chat"),
            logs=FakeLogs(),
        )
        await world.worker.ingest([an_alert(Severity="High")])
        began = asyncio.get_running_loop().time()
        await world.deliver()

        # Then beside the logs, for as long as any other.
        took = asyncio.get_running_loop().time() - began
        assert took == pytest.approx(TAGS_WAIT.total_seconds() + 3, abs=0.3)
        assert told(world) == ["chat"]
        kept = await reading.evidence(world.ledger)
        (asked,) = [row for row in kept if row.evidence.query == TAGS]
        assert asked.evidence.reason == Lack.TIMEOUT

        await asyncio.sleep(30)
        await world.settle()
        assert told(world) == ["pager", "chat"]
        assert len(graph.asked) == 1

    run(scenario)


async def test_what_breaks_over_tags_breaks_no_page() -> None:
    """It goes out as if there were none."""

    async def broken() -> frozenset[str]:
        raise RuntimeError("boom")

    world = World(
        tagging=lambda _: ResourceTags(
            Tags(FakeGraph({}), clock=lambda: NOON), critical=(), names=broken
        )
    )

    await looked(world)

    assert told(world) == ["pager"]


async def test_samples_are_not_asked_about() -> None:
    """Their resources are made up."""
    graph = FakeGraph(PROD)
    world = a_world(
        graph,
        ("tag.env=prod", "pager"),
        ("sample=true", "chat"),
        critical=("env=prod",),
    )
    sample = an_alert(AlertType="SIMULATED_VM_SuspiciousActivity")

    await looked(world, sample)

    assert (await world.head()).is_sample
    assert told(world) == ["chat"]
    assert graph.asked == []
