"""Who is called when, until somebody answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.commands import Order
from shared.model.action import Occasion, Verb
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.incident import IncidentStatus
from shared.model.silence import Silence
from shared.oncall.policy import Escalation, Layer, OnCall, Person, Schedule, Step
from tests.alerts import NOON, alert_id, defender_alert, event, stamp
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE = timedelta(minutes=1)
DOWN = TransientFailure(FailureReason.UNAVAILABLE, "the side is down")
REFUSED = PermanentFailure(FailureReason.NOT_FOUND, "no such number")

PEOPLE = {
    "ana": Person(contacts={"phone": "ana-1", "mail": "ana@example.com"}),
    "ben": Person(contacts={"phone": "ben-1"}),
}


def schedule(*people: str, **changes: Any) -> Schedule:  # noqa: ANN401
    """A rotation by the week, or as said."""
    layer: dict[str, Any] = {
        "people": people,
        "starts": datetime(2026, 11, 2, 9),  # noqa: DTZ001  a wall-clock time
    }
    return Schedule(time_zone="Europe/Oslo", layers=(Layer(**(layer | changes)),))


def make_world(
    *steps: Step,
    names: Sequence[str] = ("phone", "mail", "room"),
    route: Sequence[str] = (),
    fallback: Sequence[str] = (),
    **changes: Any,  # noqa: ANN401
) -> World:
    """A world whose incidents all go by one escalation."""
    silences = changes.pop("suppress", ())
    on_call = OnCall(
        people={**PEOPLE},
        schedules={"primary": schedule("ana"), "secondary": schedule("ben")},
        escalations={"high": Escalation(steps=steps, **changes)},
        fallback=tuple(fallback),
    )
    return World(
        names=names,
        route=lambda _: tuple(route),
        on_call=on_call,
        escalate=["high"],
        suppress=silences,
    )


LADDER = (
    Step(to=("primary",)),
    Step(to=("secondary",), after=5 * MINUTE),
    Step(to=("room",), after=15 * MINUTE),
)


def told(world: World) -> list[tuple[str, str, str]]:
    """Every notice that arrived: by what, to whom, and at which address."""
    return [
        (responder.name, action.target, action.address)
        for responder in world.responders.values()
        for action in responder.actions
        if action.verb is Verb.TRIGGER
    ]


async def minutes(world: World, count: int) -> None:
    """Let time pass, a tick each minute."""
    for _ in range(count):
        world.clock.step(MINUTE)
        await world.worker.tick()
        await world.deliver()


async def begun(world: World) -> None:
    """A High incident that was looked at."""
    await world.worker.ingest([event()])
    await world.deliver()


async def answer(world: World) -> None:
    """Somebody acknowledges."""
    await world.worker.commands.acknowledge((await world.head()).id, Order("ana"))
    await world.deliver()


async def test_the_next_step_is_taken_at_its_minute_until_somebody_answers() -> None:
    """The primary, the secondary five minutes later, then nobody: it was answered."""
    world = make_world(*LADDER)
    await begun(world)
    assert told(world) == [("phone", "ana", "ana-1")]

    await minutes(world, 4)
    assert len(told(world)) == 1
    await minutes(world, 1)
    assert told(world)[1:] == [("phone", "ben", "ben-1")]

    await answer(world)
    await minutes(world, 60)

    assert len(told(world)) == 2
    await world.check_rested()


async def test_each_step_rings_by_a_key_of_its_own() -> None:
    """To a side that drops repeats of a key the second step would be one."""
    world = make_world(Step(to=("ben",)), Step(to=("ben",), after=5 * MINUTE))
    await begun(world)
    await minutes(world, 5)

    assert len({a.dedup_key for a in world.responders["phone"].actions}) == 2


async def test_it_begins_anew_as_often_as_the_policy_says_and_then_falls_back() -> None:
    """After the last round somebody else is told, once."""
    world = make_world(
        Step(to=("ana",)),
        Step(to=("ben",), after=5 * MINUTE),
        repeat=1,
        pause=10 * MINUTE,
        fallback=["room"],
    )
    await begun(world)

    await minutes(world, 15)
    assert [target for _, target, _ in told(world)] == ["ana", "ben", "ana"]
    await minutes(world, 14)
    assert ("room", "room", "") not in told(world)
    await minutes(world, 1)
    assert told(world)[-1] == ("room", "room", "")
    await minutes(world, 120)

    assert len(told(world)) == 5
    assert world.responders["room"].actions[-1].occasion is Occasion.FALLBACK
    await world.check_rested()


async def test_who_is_not_reached_by_one_contact_is_called_by_the_next() -> None:
    """A number that does not exist at once, a side that is down after two minutes."""
    world = make_world(*LADDER)
    world.responders["phone"].failures = [REFUSED]
    await begun(world)
    await minutes(world, 1)
    assert told(world) == [("mail", "ana", "ana@example.com")]

    world = make_world(*LADDER)
    world.responders["phone"].failures = [DOWN] * 9
    await begun(world)
    await minutes(world, 1)
    assert told(world) == []
    await minutes(world, 1)
    assert told(world) == [("mail", "ana", "ana@example.com")]


async def test_a_step_that_reaches_nobody_hands_over_to_the_next() -> None:
    """Nobody waits five minutes for somebody who was never called."""
    world = make_world(Step(to=("ben",)), Step(to=("room",), after=30 * MINUTE))
    world.responders["phone"].failures = [REFUSED]
    await begun(world)

    await minutes(world, 1)

    assert told(world) == [("room", "room", "")]


async def test_a_gap_in_a_schedule_is_no_reason_to_wait() -> None:
    """The step after it is taken at once, and if there is none the fallback."""
    steps = (Step(to=("primary",)), Step(to=("room",), after=30 * MINUTE))
    world = make_world(*steps)
    world.on_call.schedules["primary"] = schedule(
        "ana",
        starts=datetime(2030, 1, 1, 9),  # noqa: DTZ001
    )
    await begun(world)
    assert told(world) == [("room", "room", "")]

    world = make_world(steps[0], fallback=["mail"])
    world.on_call.schedules["primary"] = schedule(
        "ana",
        starts=datetime(2030, 1, 1, 9),  # noqa: DTZ001
    )
    await begun(world)
    assert told(world) == [("mail", "mail", "")]


@pytest.mark.parametrize("kills", range(1, 8))
async def test_a_worker_that_dies_between_steps_calls_nobody_twice(kills: int) -> None:
    """Wherever it dies, each step is one notice by its key (law 4)."""
    world = make_world(*LADDER)
    await world.worker.ingest([event()])
    world.faults.fail_after(kills, for_good=True)
    await world.deliver()
    world.restart()
    await minutes(world, 30)

    by_key = {
        a.dedup_key: (r.name, a.target)
        for r in world.responders.values()
        for a in r.actions
    }
    # A worker that died over a call leaves it unanswered for longer than a High waits:
    # then the next contact is called too.
    whole = [("phone", "ana"), ("phone", "ben"), ("room", "room")]
    assert sorted({*by_key.values()} - {("mail", "ana")}) == whole
    assert len(by_key) == len({*by_key.values()})


async def test_two_workers_at_once_call_once() -> None:
    """The step is claimed with the head."""
    world = make_world(*LADDER)
    await begun(world)
    rival = world.new_worker()
    incident = (await world.head()).id
    world.clock.step(5 * MINUTE)
    world.table.before_commit(lambda: rival.respond([incident]))

    await world.worker.respond([incident])
    await world.deliver()

    assert [target for _, target, _ in told(world)] == ["ana", "ben"]


async def test_a_hand_off_in_between_changes_nobody_who_was_called() -> None:
    """A retry goes to whom it was for; the next step to who has it then."""
    world = make_world(Step(to=("primary",)), Step(to=("primary",), after=5 * MINUTE))
    # NOON is 13:00 in Oslo.
    world.on_call.schedules["primary"] = schedule(
        "ana",
        "ben",
        starts=datetime(2026, 11, 22, 13, 1),  # noqa: DTZ001
        turn=timedelta(days=1),
    )
    world.responders["phone"].failures = [DOWN]
    await begun(world)
    await minutes(world, 1)
    assert [target for _, target, _ in told(world)] == ["ana"]

    await minutes(world, 4)

    assert [target for _, target, _ in told(world)] == ["ana", "ben"]


async def test_what_a_silence_holds_back_begins_at_its_first_step() -> None:
    """Nobody is called meanwhile, and the secondary not before the primary."""
    silence = Silence(
        name="patching",
        match=("severity>=low",),
        reason="patch night",
        owner="ops",
        until=NOON + timedelta(hours=1),
        warn=timedelta(0),
    )
    world = make_world(*LADDER, suppress=[silence])
    await begun(world)
    await minutes(world, 59)
    assert told(world) == []

    await minutes(world, 1)

    assert [target for _, target, _ in told(world)] == ["ana"]


async def test_outside_of_its_hours_it_waits_for_them() -> None:
    """What can wait until the morning does; NOON is a Monday, 13:00 in Oslo."""
    world = make_world(*LADDER, hours=("mon-fri 14:00-15:00",), time_zone="Europe/Oslo")
    await begun(world)
    await minutes(world, 59)
    assert told(world) == []

    await minutes(world, 1)
    assert [target for _, target, _ in told(world)] == ["ana"]


async def test_after_an_outage_nobody_is_called_for_every_step_that_was_missed() -> (
    None
):
    """Everybody who should know by now is told once, and then time goes on."""
    world = make_world(
        Step(to=("ana",)),
        Step(to=("ben",), after=5 * MINUTE),
        Step(to=("ana", "room"), after=10 * MINUTE),
        pause=30 * MINUTE,
        fallback=["mail"],
    )
    await begun(world)

    world.clock.step(11 * MINUTE)
    await minutes(world, 1)
    assert [target for _, target, _ in told(world)] == [
        "ana",
        "ben",
        "ana",
        "room",
    ] or (
        sorted(target for _, target, _ in told(world)) == ["ana", "ana", "ben", "room"]
    )
    await minutes(world, 27)
    assert ("mail", "mail", "") not in told(world)
    await minutes(world, 1)
    assert ("mail", "mail", "") in told(world)


async def test_a_responder_that_a_route_names_and_that_is_down_has_a_fallback() -> None:
    """A High waits two minutes for it, the rest ten; the pager goes on being tried."""
    for severity, waits in (("High", 2), ("Medium", 10)):
        world = World(names=("pager", "room"), route=lambda _: ("pager",))
        world.on_call = OnCall(fallback=("room",))
        world.responders["pager"].failures = [DOWN] * 99
        await world.worker.ingest([event(defender_alert(Severity=severity))])
        await world.deliver()
        await minutes(world, waits - 1)
        assert told(world) == []

        await minutes(world, 1)
        assert told(world) == [("room", "room", "")]

        world.responders["pager"].failures = []
        await minutes(world, 6)
        assert len(told(world)) == 2


async def test_everybody_who_was_called_hears_of_the_end() -> None:
    """And of a raised severity, each under the key that they have."""
    world = make_world(*LADDER)
    await world.worker.ingest([event(defender_alert(Severity="Medium"))])
    await world.deliver()
    await minutes(world, 5)
    worse = defender_alert(
        SystemAlertId=alert_id(2), ProcessingEndTime=stamp(NOON + MINUTE)
    )
    await world.worker.ingest([event(worse, place=2)])
    await world.deliver()
    await world.worker.commands.resolve((await world.head()).id, Order("ana"))
    await world.deliver()

    phone = world.responders["phone"]
    by_target: dict[str, list[str]] = {}
    for action in phone.actions:
        assert action.address
        by_target.setdefault(action.target, []).append(action.verb)
    assert by_target == {
        "ana": ["trigger", "update", "resolve"],
        "ben": ["trigger", "update", "resolve"],
    }
    news = [a.news for a in phone.actions if a.verb is Verb.UPDATE]
    assert news[0][0] == "Severity raised from medium to high"
    await minutes(world, 60)
    await world.check_rested()


async def test_an_incident_that_is_reopened_is_called_about_again() -> None:
    """From the first step, by new keys."""
    world = make_world(*LADDER)
    await begun(world)
    await answer(world)
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ana"))
    await world.deliver()
    await world.worker.commands.reopen(head.id, Order("ana"))
    await world.deliver()

    assert (await world.head()).status is IncidentStatus.OPEN
    assert [target for _, target, _ in told(world)] == ["ana", "ana"]
    assert len({a.dedup_key for a in world.responders["phone"].actions}) == 2


async def test_who_left_the_policy_is_called_no_more() -> None:
    """A retry to somebody whom nobody knows an address of goes to nobody else."""
    world = make_world(*LADDER)
    world.responders["phone"].failures = [DOWN]
    await begun(world)
    del world.on_call.people["ana"]

    await minutes(world, 4)
    assert told(world) == []
    await minutes(world, 1)

    assert [target for _, target, _ in told(world)] == ["ben"]


async def test_a_first_step_may_wait_too() -> None:
    """It counts from when the room was told, or from the incident where nobody was."""
    for room in (["room"], []):
        world = make_world(Step(to=("ana",), after=3 * MINUTE), route=room)
        await begun(world)
        await minutes(world, 2)
        assert ("phone", "ana", "ana-1") not in told(world)

        await minutes(world, 1)
        assert told(world)[0] == ("phone", "ana", "ana-1")


async def test_reminders_go_on_until_somebody_acknowledges() -> None:
    """Each under the key of the notice, at the interval of the route."""
    world = World()
    world.again = msgspec.structs.replace(world.again, repeat=10 * MINUTE)
    await begun(world)
    await minutes(world, 25)
    assert world.pager.sent_verbs() == ["trigger", "update", "update"]
    assert {a.occasion for a in world.pager.actions[1:]} == {Occasion.REMINDER}
    assert len({a.dedup_key for a in world.pager.actions}) == 1

    await answer(world)
    await minutes(world, 60)

    assert world.pager.sent_verbs() == ["trigger", "update", "update"]
    await world.check_rested()


async def test_acknowledging_is_told_where_it_means_anything_and_never_back() -> None:
    """A side that acknowledged itself is not told so; neither of a resolve."""
    world = World(names=("pager", "room"))
    world.pager.verbs = frozenset(Verb)
    await begun(world)
    head = await world.head()
    commands = world.worker.commands
    await commands.acknowledge(head.id, Order("ana", via="pager"))
    await world.deliver()
    await commands.resolve(head.id, Order("ana", via="pager"))
    await world.deliver()

    assert world.pager.sent_verbs() == ["trigger"]
    assert world.responders["room"].sent_verbs() == ["trigger", "resolve"]
    await world.check_rested()

    world = World(names=("pager", "room"))
    world.pager.verbs = frozenset(Verb)
    await begun(world)
    await answer(world)
    assert world.pager.sent_verbs() == ["trigger", "acknowledge"]
    opened, acknowledged = world.pager.actions
    assert acknowledged.reference == f"ref-{opened.dedup_key}"
    assert world.responders["room"].sent_verbs() == ["trigger"]


async def test_a_stuck_incident_pages_by_the_fallback() -> None:
    """And by whatever there is where that takes nothing (review F16)."""
    for refused, expected in (([], ["mail"]), ([REFUSED], ["phone", "room"])):
        world = make_world(*LADDER, fallback=["mail"])
        world.responders["phone"].broken_plan = RuntimeError("a defect")
        world.responders["mail"].failures = [*refused]
        await world.worker.ingest([event()])
        incident = (await world.head()).id
        for _ in range(4):
            await world.worker.respond([incident])
            due = (await world.head()).due
            assert due is not None
            world.clock.step(due - world.clock())
        world.responders["phone"].broken_plan = None
        await world.worker.respond.give_up_on([incident])

        stuck = [
            responder.name
            for responder in world.responders.values()
            for action in responder.actions
            if action.occasion is Occasion.STUCK
        ]
        assert stuck == expected
