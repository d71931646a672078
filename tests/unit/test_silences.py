"""Silences that people make while the app runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.commands import Order
from shared.model.errors import CommandRefused
from shared.model.silence import Mode, Silence
from tests.alerts import NOON
from tests.fakes.firewatch import World

HOUR = timedelta(hours=1)
ADA = Order("ada")


def _silence(**changes: object) -> Silence:
    default: dict[str, object] = {
        "name": "patching",
        "match": ("resource_type=microsoft.compute/virtualmachines",),
        "reason": "patch night",
        "owner": "ops",
        "until": NOON + 6 * HOUR,
    }
    return Silence(**(default | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "two words"}, "name"),
        ({"name": "the storm breaker"}, "name"),
        ({"match": ()}, "match"),
        ({"match": ("colour=red",)}, "unknown field"),
        ({"match": ("risk<30",)}, "risk is for routes"),
        ({"match": ("severity>=low",), "break_through": ("((",)}, "expected"),
        ({"reason": " "}, "reason"),
        ({"owner": ""}, "owner"),
        ({"until": NOON}, "until"),
        ({"starts": NOON + 7 * HOUR}, "until"),
        ({"until": NOON + timedelta(days=91)}, "90 days"),
    ],
)
async def test_a_wrong_one_is_refused_with_the_reason(
    changes: dict[str, object], says: str
) -> None:
    """And nothing is kept."""
    silences = World().worker.silences

    with pytest.raises(CommandRefused, match=says):
        await silences.create(_silence(**changes), ADA)

    assert await silences.every() == []


async def test_a_name_is_one_silence_at_a_time() -> None:
    """Whoever made it, in any case, the policy's too; one that is over makes room."""
    world = World(suppress=[_silence(name="policy-one")])
    silences = world.worker.silences
    await silences.create(_silence(), ADA)

    for taken in ("patching", "Patching", "policy-one"):
        with pytest.raises(CommandRefused, match="of that name"):
            await silences.create(_silence(name=taken), ADA)
    world.clock.step(7 * HOUR)
    again = _silence(until=NOON + 9 * HOUR)

    assert await silences.create(again, ADA) == again


async def test_the_same_command_under_one_key_is_carried_out_once() -> None:
    """And another one under it is refused."""
    silences = World().worker.silences
    order = Order("ada", once="k1")

    assert await silences.create(_silence(), order) == _silence()
    assert await silences.create(_silence(), order) == _silence()
    with pytest.raises(CommandRefused, match="another command"):
        await silences.create(_silence(name="other"), order)


async def test_other_workers_heed_it_after_a_moment() -> None:
    """Their list is read anew each quarter of a minute, not at each look."""
    world = World()
    other = world.new_worker()
    assert await other.silences.in_force() == []

    await world.worker.silences.create(_silence(), ADA)
    assert await other.silences.in_force() == []
    world.clock.step(timedelta(seconds=16))

    assert await other.silences.in_force() == [_silence()]


async def test_only_those_whose_time_it_is_are_in_force() -> None:
    """Neither what has not begun nor what is over."""
    world = World()
    silences = world.worker.silences
    await silences.create(_silence(starts=NOON + HOUR), ADA)
    assert await silences.in_force() == []
    world.clock.step(2 * HOUR)
    assert [s.name for s in await silences.in_force()] == ["patching"]
    world.clock.step(5 * HOUR)
    assert await silences.in_force() == []


async def test_ending_one_that_is_none_or_the_policys() -> None:
    """None; and a word on where to end it."""
    silences = World(suppress=[_silence(name="policy-one")]).worker.silences

    assert await silences.end("nobody", ADA) is None
    with pytest.raises(CommandRefused, match="end it there"):
        await silences.end("policy-one", ADA)


async def test_a_reminder_never_comes_before_half_of_its_time() -> None:
    """A silence of an hour with a reminder of an hour reminds after half an hour."""
    short = _silence(until=NOON + HOUR, starts=NOON, warn=HOUR)

    assert short.warns_at(None) == NOON + HOUR / 2
    assert _silence().warns_at(NOON) == NOON + 5 * HOUR


async def test_the_report_has_what_each_hid_or_would_have() -> None:
    """Of those that are over too."""
    world = World(suppress=[_silence(name="watch", mode=Mode.MONITOR)])

    assert [
        (h.silence.name, h.incidents) for h in await world.worker.silences.report()
    ] == [("watch", ())]
