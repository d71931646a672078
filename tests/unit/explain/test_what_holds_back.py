"""Why notices of an incident are held back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.explain.report import Bearing
from shared.model.silence import Mode, Silence
from shared.model.storm import STORM, Storm
from tests.alerts import NOON, event, vm
from tests.fakes.firewatch import World
from tests.unit.explain.explained import body, incident_of


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
