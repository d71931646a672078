"""Rows that belong to no incident are taken away."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from shared.commands import Order
from shared.model.silence import Silence
from shared.store import reading
from tests.alerts import (
    NOON,
    batch,
    defender_alert,
    event,
    stamp,
    vm,
)
from tests.fakes.firewatch import KEEP, World
from tests.unit.retention.kit import AT_LEAST, DAY, end, left, wait

if TYPE_CHECKING:
    import pytest


class TestPurge:
    """What belongs to no incident."""

    async def test_old_keys_go_and_those_of_use_stay(self, world: World) -> None:
        """An hour before its time a key ties, and it is taken by the last interval."""
        gap = world.caps.gap
        keys = {key for key in world.table.keys if key.startswith("k|")}

        assert (await wait(world, KEEP + gap - timedelta(hours=1))).purged == 0
        await world.feed([event(defender_alert(SystemAlertId="b"), place=2)])
        assert {key for key in world.table.keys if key.startswith("k|")} >= keys
        assert (await wait(world, timedelta(hours=2))).purged == len(keys)

    async def test_notes_of_commands_go(self, world: World) -> None:
        """The same key may then be another command's."""
        order = Order("ada", "x", once="key-1")
        head = await world.head()
        await world.worker.commands.comment(head.id, order)
        world.clock.step(KEEP)
        await world.worker.retention()
        assert "i" in left(world)

        await wait(world, timedelta(seconds=1))

        assert "i" not in left(world)
        again = order._replace(note="y")
        assert await world.worker.commands.comment(head.id, again) is not None

    async def test_silences_go_that_ended(self, world: World) -> None:
        """Those in force, and those to come, stay."""
        for days in (1, 80):
            silence = Silence(
                name=f"for-{days}",
                match=("severity=low",),
                reason="x",
                owner="ada",
                until=NOON + days * DAY,
            )
            await world.worker.silences.create(silence, Order("ada"))

        await wait(world, KEEP + 2 * DAY)

        found = [s.name for s, _ in await world.worker.silences.every()]
        assert found == ["for-80"]

    async def test_a_row_that_changes_meanwhile_stays(self, world: World) -> None:
        """Whoever uses it at this moment has it."""
        world.clock.step(KEEP + DAY)
        rival = world.new_worker()
        again = event(
            defender_alert(
                SystemAlertId="b",
                StartTimeUtc=stamp(world.clock()),
                EndTimeUtc=stamp(world.clock()),
            ),
            place=2,
            received_at=world.clock(),
        )
        world.table.before_commit(partial(rival.ingest, [again]))

        assert (await world.worker.retention()).purged == 0

        await world.settle()
        await world.check_rested()

    async def test_a_range_is_read_in_pages(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is skipped between two, and no more is in memory."""
        monkeypatch.setattr(reading, "PAGE", 3)
        bodies = [
            defender_alert(
                SystemAlertId=str(n), AlertType=f"K{n}", AzureResourceId=vm(f"vm-{n}")
            )
            for n in range(20)
        ]
        await world.feed(batch(*bodies, first=10))
        for head in await world.heads():
            await end(world, head)
        heads = len(await world.heads())

        done = await wait(world)

        assert done.moved == heads
        assert left(world) == AT_LEAST
