"""Why somebody was told of an incident, or was not."""

from __future__ import annotations

from datetime import timedelta

from shared.actions.routing import Route
from shared.commands import Order
from shared.model.errors import FailureReason, TransientFailure
from tests.alerts import NOON, event
from tests.fakes.firewatch import World
from tests.unit.explain.explained import body, incident_of


class TestWhoWasTold:
    """Routes and responders."""

    async def test_whoever_was_told_is_named_with_the_route(self) -> None:
        """By its name in the policy; and when the notice arrived."""
        world = World()
        await world.feed([event()])

        found = await incident_of(world)

        (said,) = found.responders
        assert (said.responder, said.route, said.is_told) == (
            "pager",
            "everybody",
            True,
        )
        assert said.why == "it was told at 2026-11-23T12:00:00.000Z"
        assert "Route everybody takes it (everything), for pager." in found.lines
        assert "Its score is 40 (40 = 40): severity." in found.lines
        assert [(s.occasion, s.status) for s in found.actions] == [
            ("opened", "applied")
        ]
        assert found.otherwise == ()

    async def test_whoever_has_a_copy_is_said_to(self) -> None:
        """A forwarder tells nobody, and is not missing a notice."""
        world = World(forwarders=("siem",))
        await world.feed([event()])

        found = await incident_of(world, (Route(to=("pager", "siem")),))

        said = {each.responder: (each.is_told, each.why) for each in found.responders}
        assert said["siem"] == (
            True,
            "it was forwarded, first at 2026-11-23T12:00:00.000Z",
        )

    async def test_each_route_says_where_it_stops_fitting(self) -> None:
        """The first matcher that does not; those below the one that took it are shown."""
        world = World()
        await world.feed([event()])
        routes = (
            Route(to=("a",), match=("severity>=medium", "severity=low")),
            Route(to=("b",), match=("tag.owner=ops",)),
            Route(to=("pager",), match=("severity>=high",), name="high"),
            Route(to=("c", "d"), name="rest"),
        )

        found = await incident_of(world, routes)

        assert [(r.label, r.fits, r.fails_at) for r in found.routes] == [
            ("routes[0]", False, "severity=low"),
            ("routes[1]", False, "tag.owner=ops"),
            ("high", True, None),
            ("rest", True, None),
        ]
        assert [r.is_reached for r in found.routes] == [True, True, True, False]
        assert found.routes[1].is_unknown
        assert [r.responder for r in found.responders] == ["pager"]
        assert found.otherwise == (
            "Without route high, route rest would take it, for c and d.",
        )

    async def test_where_no_route_fits_nobody_is_told(self) -> None:
        """And which matcher would have had to hold."""
        world = World(route=lambda _: ())
        await world.feed([event()])

        found = await incident_of(world, (Route(to=("x",), match=("severity=low",)),))

        assert found.responders == ()
        assert "Nobody was told: no route takes it." in found.lines
        assert found.otherwise == (
            "If severity=low held, route routes[0] might take it.",
        )

    async def test_what_was_never_active_is_not_told(self) -> None:
        """All its alerts were closed when they came."""
        world = World()
        await world.feed([event(body(Status="Dismissed"))])

        found = await incident_of(world)

        (said,) = found.responders
        assert (said.is_told, said.why) == (
            False,
            "none of its alerts was ever active",
        )
        assert found.otherwise == (
            "Had one of its alerts been active, pager would be told.",
        )

    async def test_whoever_was_told_before_its_route_went_is_named(self) -> None:
        """Without a route."""
        world = World()
        await world.feed([event()])

        found = await incident_of(world, (Route(to=("other",)),))

        assert [(r.responder, r.route, r.is_told) for r in found.responders] == [
            ("other", "routes[0]", False),
            ("pager", None, True),
        ]
        assert "newer than the last look" in found.responders[0].why

    async def test_what_nobody_looked_at_yet_is_waiting(self) -> None:
        """And the timer would look, should the message be lost."""
        world = World()
        await world.worker.ingest([event()])

        found = await incident_of(world)

        assert found.responders[0].why == "no worker has looked at it yet"
        (look,) = found.upcoming
        assert look.at == NOON + timedelta(seconds=30)
        assert "should the message be lost" in look.what

    async def test_a_reopened_one_is_told_anew(self) -> None:
        """That it was told of its earlier epoch does not count."""
        world = World()
        await world.feed([event()])
        head = await world.head()
        await world.worker.commands.resolve(head.id, Order("ada"))
        await world.settle()
        await world.worker.commands.reopen(head.id, Order("ada"))

        waiting = await incident_of(world)
        await world.settle()
        told = await incident_of(world)

        assert not waiting.responders[0].is_told
        assert waiting.responders[0].why.startswith("it was told before, and that")
        assert told.responders[0].is_told

    async def test_a_notice_that_did_not_arrive_is_due_again(self) -> None:
        """With the reason, and when."""
        world = World()
        away = TransientFailure(FailureReason.UNAVAILABLE, "not there")
        world.pager.failures.append(away)
        await world.worker.ingest([event()])
        await world.deliver()

        found = await incident_of(world)

        assert not found.responders[0].is_told
        assert "did not arrive" in found.responders[0].why
        assert [each.what for each in found.upcoming] == [
            "pager is sent the notice again (opened)"
        ]
