"""Page tests: who is told, who is not, and what a test leaves alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.actions.routing import Route
from shared.commands import Order
from shared.drills import MOST_TARGETS, Drills, targets_of
from shared.model.action import Verb
from shared.model.correlation import Correlation
from shared.model.errors import (
    CommandRefused,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.incident import IncidentStatus
from shared.model.silence import Silence
from shared.model.storm import Slots, Storm
from shared.oncall.policy import Escalation, Layer, OnCall, Person, Schedule, Step
from shared.store import reading, rows
from tests.alerts import NOON, event
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.incident import Incident

MINUTE = timedelta(minutes=1)
DOWN = TransientFailure(FailureReason.UNAVAILABLE, "the side is down")
REFUSED = PermanentFailure(FailureReason.NOT_FOUND, "no such number")
BOB = Order("cli:bob")

ON_CALL = OnCall(
    people={
        "ana": Person(contacts={"phone": "ana-1", "mail": "ana@example.com"}),
        "ben": Person(contacts={"phone": "ben-1"}),
    },
    schedules={
        "primary": Schedule(
            time_zone="Europe/Oslo",
            layers=(
                Layer(
                    people=("ana", "ben"),
                    # NOON is 13:00 in Oslo: Ben has it from then on, until tomorrow.
                    starts=datetime(2026, 11, 22, 13),  # noqa: DTZ001  a wall-clock time
                    turn=timedelta(days=1),
                ),
            ),
        ),
        "nights": Schedule(
            time_zone="Europe/Oslo",
            layers=(Layer(people=("ana",), starts=datetime(2030, 1, 1, 9)),),  # noqa: DTZ001
        ),
    },
    escalations={"high": Escalation(steps=(Step(to=("primary",)),))},
    fallback=("room",),
)


def make_world(**changes: Any) -> World:  # noqa: ANN401  what a World takes
    """A world with people, whose every incident goes to a room and to who is on call."""
    default: dict[str, Any] = {
        "names": ("phone", "mail", "room"),
        "route": lambda _: ("room",),
        "on_call": ON_CALL,
        "escalate": ["high"],
    }
    return World(**default | changes)


async def begin(world: World, *targets: str, order: Order = BOB) -> Incident:
    """A test that nobody has looked at yet."""
    drills = Drills(world.worker.ledger, world.queue, Correlation())
    return await drills.begin(targets, order)


async def looked_at(world: World, *targets: str) -> Incident:
    """A test that a worker looked at."""
    head = await begin(world, *targets)
    await world.deliver()
    return head


def told(world: World) -> list[tuple[str, str, str]]:
    """Every notice that arrived: by what, to whom, and at which address."""
    return [
        (responder.name, action.target, action.address)
        for responder in world.responders.values()
        for action in responder.actions
        if action.verb is Verb.TRIGGER
    ]


def verbs(world: World) -> dict[str, list[str]]:
    """What each responder was sent."""
    return {name: r.sent_verbs() for name, r in world.responders.items() if r.sent}


async def test_a_person_is_told_by_each_contact() -> None:
    """Also by those that only count where another fails."""
    world = make_world()

    await looked_at(world, "ana")

    assert told(world) == [
        ("phone", "ana/phone", "ana-1"),
        ("mail", "ana/mail", "ana@example.com"),
    ]


async def test_a_schedule_is_whoever_has_it_now_and_a_responder_is_itself() -> None:
    """Nobody else is told: no route, no escalation, no fallback."""
    world = make_world()

    await looked_at(world, "primary")
    assert told(world) == [("phone", "ben/phone", "ben-1")]

    world = make_world()
    await looked_at(world, "room")
    assert told(world) == [("room", "room", "")]


async def test_each_notice_says_which_target_it_is_for() -> None:
    """Who is named twice, by name and by a schedule, is told for each."""
    world = make_world()

    await looked_at(world, "ben", "primary", "room")

    found = [(r.rung and r.rung.escalation, r.target) for r in await world.actions()]
    assert sorted(found, key=str) == [
        ("ben", "ben/phone"),
        ("primary", "ben/phone"),
        ("room", "room"),
    ]
    assert len({r.dedup_key for r in await world.actions()}) == 3


async def test_it_says_that_it_is_a_test() -> None:
    """In every text that somebody may read."""
    world = make_world()

    await looked_at(world, "ana", "room")

    action = world.responders["phone"].actions[0]
    assert action.message is not None
    assert action.message.why == "This is a test"
    assert action.message.headline == (
        "[SAMPLE] Informational: Page test for ana, room, asked for by cli:bob"
        " (1 alert)"
    )
    assert action.message.is_sample


async def test_its_end_closes_what_it_opened() -> None:
    """And each side is told of it once."""
    world = make_world()
    head = await looked_at(world, "ana", "room")

    await world.worker.commands.resolve(head.id, BOB)
    await world.settle()

    assert verbs(world) == {
        name: ["trigger", "resolve"] for name in ("phone", "mail", "room")
    }
    await world.check_rested()


async def test_it_ends_by_itself() -> None:
    """Whoever asked for it may have died; nobody is left with an open page."""
    world = make_world(quiet=timedelta(days=7))
    head = await looked_at(world, "room")

    await world.settle()

    (found,) = await reading.lineage(world.ledger, head.id)
    assert found.status is IncidentStatus.RESOLVED
    assert found.resolved is not None
    assert found.resolved.note == "the page test is over"
    assert found.resolved.at - head.opened_at == timedelta(minutes=15)
    assert verbs(world) == {"room": ["trigger", "resolve"]}
    await world.check_rested()


async def test_no_message_waits_for_its_end() -> None:
    """The timer sees to it, so that the queue says what is to be done and no more."""
    world = make_world()

    await looked_at(world, "room", "ana")

    assert world.queue.messages == []


async def test_nobody_is_tried_to_be_reached_after_its_end() -> None:
    """A side that is down for a day gets no test of yesterday."""
    world = make_world()
    world.responders["phone"].failures = [DOWN] * 100
    head = await looked_at(world, "ana")
    await world.worker.commands.resolve(head.id, BOB)

    await world.settle(most=timedelta(days=2))

    assert verbs(world) == {"mail": ["trigger", "resolve"]}
    await world.check_rested()


async def test_it_is_tried_again_while_it_lasts() -> None:
    """As any notice, under the same key."""
    world = make_world()
    world.responders["phone"].failures = [DOWN] * 2
    await begin(world, "ana")

    await world.settle()

    (row,) = [r for r in await world.actions() if r.target == "ana/phone"][:1]
    assert (row.attempts, row.verb) == (3, Verb.TRIGGER)
    assert verbs(world)["phone"] == ["trigger", "resolve"]


async def test_a_contact_that_fails_is_not_helped_by_another() -> None:
    """That it does not work is what is to be found."""
    world = make_world()
    world.responders["phone"].failures = [REFUSED]

    await begin(world, "ana")
    await world.settle()

    assert verbs(world) == {"mail": ["trigger", "resolve"]}
    assert [n for n, _, _ in told(world)] == ["mail"]


async def test_an_acknowledgement_does_not_end_it() -> None:
    """Who is reached first says so, while others are still to be."""
    world = make_world()
    world.responders["mail"].failures = [DOWN]
    head = await looked_at(world, "ana")
    await world.worker.commands.acknowledge(head.id, Order("ana"))

    await world.settle()

    assert [n for n, _, _ in told(world)] == ["phone", "mail"]


async def test_a_schedule_with_nobody_tells_nobody() -> None:
    """And no more than that: the others are told."""
    world = make_world()

    await looked_at(world, "nights", "room")

    assert told(world) == [("room", "room", "")]


async def test_a_name_that_the_app_does_not_know_tells_nobody() -> None:
    """Whoever asked went by another policy."""
    world = make_world()

    await looked_at(world, "zoe", "room")

    assert told(world) == [("room", "room", "")]
    await world.settle()
    await world.check_rested()


async def test_a_hand_off_in_between_changes_nobody() -> None:
    """A retry goes to whom it was for."""
    world = make_world()
    world.clock.step(timedelta(hours=23, minutes=58))
    world.responders["phone"].failures = [DOWN] * 6
    await begin(world, "primary")

    await world.settle()

    assert told(world) == [("phone", "ben/phone", "ben-1")]


@pytest.mark.parametrize("kills", range(1, 6))
async def test_a_worker_that_dies_tells_nobody_twice(kills: int) -> None:
    """Wherever it dies, each contact is one notice by its key (law 4)."""
    world = make_world()
    await begin(world, "ana", "room")
    world.faults.fail_after(kills, for_good=True)
    await world.deliver()
    world.restart()

    await world.settle()

    assert {
        (r.name, a.target, a.dedup_key)
        for r in world.responders.values()
        for a in r.actions
        if a.verb is Verb.TRIGGER
    } == {
        (row.responder, row.target, row.dedup_key)
        for row in await world.actions()
        if row.verb is Verb.TRIGGER
    }
    assert {row.target for row in await world.actions()} == {
        "ana/phone",
        "ana/mail",
        "room",
    }
    await world.check_rested()


async def test_silences_storms_and_queries_have_no_part_in_it() -> None:
    """It tests the way to people; and it takes no real page's turn."""

    async def nobody() -> Any:  # noqa: ANN401
        raise AssertionError("logs were asked")

    everything = Silence(
        name="all",
        match=("severity>=informational",),
        reason="x",
        owner="ana",
        until=NOON + timedelta(hours=1),
    )
    storm = Storm(pages=1, within=timedelta(hours=1))
    world = make_world(suppress=[everything], storm=storm, enrichment=nobody)

    head = await looked_at(world, "room")
    await looked_at(world, "room", "ana")

    assert len(told(world)) == 4
    assert world.worker.ledger.recall(rows.SHARED, rows.STORM, Slots) is None
    (found,) = await reading.lineage(world.ledger, head.id)
    assert (found.risk, found.evidence, found.hidden_by) == (None, None, ())


async def test_two_tests_are_two_and_one_of_a_key_is_one() -> None:
    """A program that sends its request again rings nobody again."""
    world = make_world()
    first = await looked_at(world, "room")
    world.clock.step(MINUTE)
    assert (await looked_at(world, "room")).id != first.id

    once = BOB._replace(once="a")
    kept = await begin(world, "room", order=once)
    world.clock.step(MINUTE)
    again = await begin(world, "room", order=once)
    assert again.id == kept.id
    with pytest.raises(CommandRefused):
        await begin(world, "ana", order=once)
    await world.deliver()
    assert len(told(world)) == 3


async def test_with_a_real_alert_on_it_it_is_no_test_any_more() -> None:
    """Whoever makes one of the two, its routes are those of the policy."""
    world = make_world(partitions=1, escalate=())
    test = await looked_at(world, "mail")
    await world.worker.ingest([event()])
    (real,) = [head for head in await world.heads() if not head.drill]

    await world.worker.regrouping.merge(test.id, real.id, BOB)
    await world.settle()

    (head,) = await world.heads()
    assert not head.is_drill
    assert head.status is IncidentStatus.OPEN
    assert ("room", "room", "") in told(world)


async def test_how_many_are_told_at_once_has_a_limit() -> None:
    """And nobody is tested without being named."""
    world = make_world()

    for targets in ((), ["room"] * (MOST_TARGETS + 1)):
        with pytest.raises(CommandRefused):
            await begin(world, *targets)


class TestTargets:
    """Names and routes, and whom they mean."""

    ROUTES = (
        Route(to=("room", "desk"), name="soc", goes_on=True),
        Route(to=("mail",), escalate="high"),
        Route(to=("desk",), name="desk-alone"),
        Route(name="nobody"),
    )

    def of(self, named: Sequence[str], routes: Sequence[str] = ()) -> list[str]:
        """Whom a test is for, by a policy in which the desk makes tickets."""
        return targets_of(
            named,
            routes,
            routes=self.ROUTES,
            on_call=ON_CALL,
            responders=["phone", "mail", "room", "desk"],
            quiet=["desk"],
        )

    @pytest.mark.parametrize(
        ("named", "routes", "found"),
        [
            (["ana", "primary", "room", "ana"], [], ["ana", "primary", "room"]),
            # Somebody who names it wants a ticket.
            (["desk"], [], ["desk"]),
            ([], ["soc"], ["room"]),
            ([], ["routes[1]"], ["mail", "primary"]),
            (["room"], ["soc", "routes[1]"], ["room", "mail", "primary"]),
        ],
    )
    def test_each_is_named_once(
        self, named: list[str], routes: list[str], found: list[str]
    ) -> None:
        """A route is whom it tells, and the first step of its escalation."""
        assert self.of(named, routes) == found

    @pytest.mark.parametrize(
        ("named", "routes", "said"),
        [
            (["zoe"], [], "no person, schedule or responder is named zoe"),
            (["high"], [], "no person, schedule or responder is named high"),
            ([], ["sok"], "no route is named sok"),
            ([], ["desk-alone"], "route desk-alone tells nobody"),
            ([], ["nobody"], "route nobody tells nobody"),
        ],
    )
    def test_what_is_not_known_is_said(
        self, named: list[str], routes: list[str], said: str
    ) -> None:
        """Before anybody is told."""
        with pytest.raises(ValueError, match=said):
            self.of(named, routes)
