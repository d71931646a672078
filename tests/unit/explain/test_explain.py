"""Why an alert is where it is, who was told, and what would be otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from shared.actions.routing import Route
from shared.commands import Order
from shared.explain import answer
from shared.explain.answer import explained
from shared.explain.case import Case, Ruleset
from shared.explain.report import Bearing, ExplainedIncident
from shared.model.alert import Joined
from shared.model.correlation import Correlation
from shared.model.errors import FailureReason, TransientFailure
from shared.model.incident import Entry, Fact
from shared.model.silence import Mode, Silence
from shared.model.storm import STORM, Storm
from shared.store import reading
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.explain.report import ExplainedAlert
    from shared.model.alert import AlertRow
    from shared.model.incident import Incident

EVERYBODY = (Route(to=("pager",), name="everybody"),)


def silence(**changes: Any) -> Silence:  # noqa: ANN401
    """A day in which high incidents are not told of."""
    default: dict[str, Any] = {
        "name": "patching",
        "match": ("severity=high",),
        "reason": "patches",
        "owner": "ops",
        "until": NOON + timedelta(days=1),
    }
    return Silence(**default | changes)


def body(number: int = 1, **changes: str) -> dict[str, Any]:
    """An alert with an id of its own."""
    return defender_alert(**{"SystemAlertId": alert_id(number), **changes})


async def incident_of(
    world: World,
    routes: Sequence[Route] = EVERYBODY,
    *,
    head: Incident | None = None,
    quiet: timedelta | None = None,
) -> ExplainedIncident:
    """The explanation of the one incident, or of that one."""
    rules = Ruleset(routes, world.suppress, quiet)
    head = head or await world.head()
    found = await answer.of_incident(world.ledger, head.id, rules)
    assert found is not None
    return found


async def alert_of(world: World, **changes: object) -> ExplainedAlert:
    """The explanation of the first alert, were its row changed so."""
    row: AlertRow = (await reading.alerts(world.ledger))[0]
    rules = Ruleset(EVERYBODY, world.suppress)
    return await answer.of_alert(world.ledger, replace(row, **changes), rules)


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


class TestWhatHoldsBack:
    """Silences and storms."""

    async def test_a_silence_that_holds_is_named_with_its_end(self) -> None:
        """And who would have been told without it."""
        world = World(suppress=[silence()])
        await world.worker.ingest([event()])
        await world.deliver()

        found = await incident_of(world)

        (said,) = found.silences
        assert (said.name, said.bearing, said.owner) == (
            "patching",
            Bearing.HOLDS,
            "ops",
        )
        assert found.hold is not None
        assert found.responders[0].why == (
            "patching holds it back until 2026-11-24T12:00:00.000Z"
        )
        assert found.otherwise == ("Without patching, pager would have been told.",)
        assert [each.at for each in found.upcoming] == [silence().until]

    @pytest.mark.parametrize(
        ("changes", "bearing", "otherwise"),
        [
            (
                {"break_through": ("severity=high",)},
                Bearing.BROKEN,
                "If it did not break through, patching would hold it back.",
            ),
            (
                {"mode": Mode.MONITOR},
                Bearing.WATCHES,
                "If patching did not only count, it would hold it back from pager.",
            ),
        ],
    )
    async def test_one_that_does_not_hold_says_why(
        self, changes: dict[str, Any], bearing: Bearing, otherwise: str
    ) -> None:
        """It breaks through, or the silence only counts."""
        world = World(suppress=[silence(**changes)])
        await world.feed([event()])

        found = await incident_of(world)

        assert [each.bearing for each in found.silences] == [bearing]
        assert found.responders[0].is_told
        assert found.otherwise == (otherwise,)

    async def test_one_that_is_gone_is_still_named(self) -> None:
        """It held it once; what it was, nobody knows any more."""
        world = World(
            suppress=[silence(until=NOON + timedelta(minutes=5), warn=timedelta(0))]
        )
        await world.worker.ingest([event()])
        await world.settle(step=timedelta(minutes=1))
        world.suppress.clear()

        found = await incident_of(world)

        (said,) = found.silences
        assert (said.name, said.bearing, said.until) == (
            "patching",
            Bearing.HID,
            None,
        )

    async def test_a_silence_that_has_nothing_to_do_with_it_is_not_named(self) -> None:
        """Neither one that does not cover it nor one that is over."""
        world = World(
            suppress=[silence(match=("severity=low",)), silence(name="b", until=NOON)]
        )
        await world.feed([event()])

        assert (await incident_of(world)).silences == ()

    async def test_a_storm_makes_the_first_page_wait(self) -> None:
        """Its turn is said, and that it would have gone at once."""
        world = World(storm=Storm(pages=1))
        for number, name in enumerate(("a", "b"), start=1):
            alert = body(
                number,
                Severity="Low",
                AzureResourceId=vm(name),
                CompromisedEntity=name,
            )
            alert["ResourceIdentifiers"] = alert["Entities"] = []
            await world.worker.ingest([event(alert, place=number)])
            await world.deliver()
        held = [head for head in await world.heads() if head.hold is not None]

        found = await incident_of(world, head=held[0])

        assert found.hold is not None
        assert found.hold.by == STORM
        assert found.silences == ()
        assert any(line.startswith("There is a storm") for line in found.lines)
        assert found.otherwise == (
            (
                "Without the storm breaker, pager would have been told at once, at"
                " 2026-11-23T12:00:00.000Z."
            ),
        )


class TestWhyThere:
    """Joining, merging, and going on after."""

    @pytest.mark.parametrize(
        ("joined", "line", "otherwise"),
        [
            (
                Joined(strategy="same account", key="ada@example.org"),
                "It joined incident {}: same account (ada@example.org).",
                "Without that key it would have opened an incident of its own.",
            ),
            (
                Joined(strategy="same host", key="web01", also=("ip 203.0.113.7",)),
                "It shares one more key: ip 203.0.113.7.",
                "Without that key it would have joined through the next: ip 203.0.113.7.",
            ),
            (
                Joined(because="taken out of incident aa by ada"),
                "Incident {} was opened for it: taken out of incident aa by ada.",
                "But for that, it might be on an incident that was there.",
            ),
            (
                Joined(strategy="same host", because="incident aa kept apart"),
                "A key did match another incident too, but: incident aa kept apart.",
                "Without that key it would have opened an incident of its own.",
            ),
            (
                Joined(strategy="same host", merged=("aa", "bb")),
                "It tied incidents together: aa and bb.",
                "Without it, aa and bb would be apart from {} still.",
            ),
            (
                Joined(),
                "It opened incident {}: it shared no key with an open one.",
                None,
            ),
        ],
    )
    async def test_how_it_joined_is_told(
        self, joined: Joined, line: str, otherwise: str | None
    ) -> None:
        """With the key that decided, and where it would be without."""
        world = World()
        await world.feed([event()])

        found = await alert_of(world, joined=joined)

        assert line.format(found.put_on) in found.lines
        if otherwise is None:
            assert found.otherwise == ()
        else:
            assert otherwise.format(found.put_on) in found.otherwise

    async def test_an_older_row_is_told_by_its_timeline(self) -> None:
        """That the key was not written down is said."""
        world = World()
        await world.feed([event(body(1), body(2))])

        found = [
            await answer.of_alert(
                world.ledger, replace(row, joined=None), Ruleset(EVERYBODY, ())
            )
            for row in await reading.alerts(world.ledger)
        ]

        said = sorted(next(x for x in f.lines if "older version" in x) for f in found)
        assert said[0].partition("says that it ")[2].startswith("joined incident")
        assert said[1].partition("says that it ")[2].startswith("opened incident")

    async def test_the_version_that_counts_is_told(self) -> None:
        """When, by which road, and what it says."""
        world = World()
        await world.feed([event()])

        found = await alert_of(world)

        assert found.road == "hub"
        assert found.lines[0].startswith(
            "The version that counts is of 2026-11-23T12:00:30.000Z, by road hub"
        )

    async def test_a_merger_names_the_alert_that_tied_them(self) -> None:
        """And the alert of the loser is on the winner now."""
        world = World()
        gap = timedelta(hours=4)
        times = {1: NOON, 2: NOON + 2 * gap, 3: NOON + gap}
        for number, at in times.items():
            alert = body(number, StartTimeUtc=stamp(at), EndTimeUtc=stamp(at))
            late = NOON + timedelta(days=1)
            await world.feed([event(alert, place=number, received_at=late)])
        everything = await reading.incidents(world.ledger)
        loser = next(head for head in everything if head.merged_into)

        rows = [a for a in await reading.alerts(world.ledger) if a.incident == loser.id]
        found = await answer.of_alert(world.ledger, rows[0], Ruleset(EVERYBODY, ()))

        (merger,) = found.mergers
        assert (merger.loser, merger.winner) == (loser.id, loser.merged_into)
        assert merger.alert == alert_id(3)
        assert (found.put_on, found.incident) == (loser.id, loser.merged_into)
        about = await incident_of(world)
        assert about.mergers == (merger,)
        asked = await incident_of(world, head=loser)
        assert (asked.asked, asked.incident) == (loser.id, loser.merged_into)
        assert asked.mergers == (merger,)

    async def test_a_merger_by_a_person_names_the_person(self) -> None:
        """No alert tied the two."""
        world = World()
        await world.feed([event()])
        head = await world.head()
        facts = (
            Fact(kind="incident.absorbed", detail="0" * 16),
            Fact(kind="incident.noted", detail="the same attack"),
        )
        entry = Entry(sequence=1, at=NOON, by="ada", facts=facts, previous="")

        found = explained(
            Case(NOON, Ruleset(EVERYBODY, ()), [head], {head.id: [entry]}, [])
        )

        (merger,) = found.mergers
        assert (merger.by, merger.alert) == ("ada", "")
        assert (
            f"Incident {'0' * 16} was merged into {head.id} at"
            " 2026-11-23T12:00:00.000Z, by ada." in found.lines
        )

    async def test_a_successor_says_whose_notices_speak_for_it(self) -> None:
        """It was opened since the one before it was full."""
        world = World(caps=Correlation(max_problems=1, quiet=None))
        await world.feed([event(body(1), body(2, AlertType="VM_Other"))])
        heads = {head.id: head for head in await world.heads()}
        after = next(head for head in heads.values() if head.predecessor)

        found = await incident_of(world, head=after)

        (said,) = found.responders
        assert said.why == (
            f"it goes on after {after.predecessor}, whose notices speak for both"
        )
        assert any(line.startswith("It was opened after") for line in found.lines)

    async def test_an_incident_that_is_lost_is_said_to_be(self) -> None:
        """A restore may leave alerts without their incident."""
        world = World()
        await world.feed([event()])

        found = await alert_of(world, incident="0" * 16)

        assert found.about is None
        assert found.lines[-1] == f"Incident {'0' * 16} is not in the store."

    async def test_quiet_is_told_ahead(self) -> None:
        """When it is resolved, if nothing more is heard."""
        world = World(caps=Correlation(quiet=timedelta(days=7)))
        await world.worker.ingest([event()])
        await world.deliver()

        found = await incident_of(world, quiet=timedelta(days=7))

        head = await world.head()
        heard_at = head.heard_at or head.changed_at
        assert [(each.at, each.what) for each in found.upcoming] == [
            (
                heard_at + timedelta(days=7),
                "it is resolved, if nothing is heard of it",
            )
        ]

    async def test_no_policy_at_hand_is_said(self) -> None:
        """Rather than that no route fits."""
        world = World()
        await world.feed([event()])

        found = await incident_of(world, ())

        assert "The routes of the policy are not at hand." in found.lines


async def test_one_that_is_not_there_has_no_answer() -> None:
    """None, whether the id could be one or not."""
    world = World()

    for name in ("0" * 16, "../x"):
        assert await answer.of_incident(world.ledger, name, Ruleset((), ())) is None
