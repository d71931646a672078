"""What a run of retention that crashed has left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.model.errors import StoreConflict
from shared.model.incident import (
    Entry,
    Incident,
)
from shared.store import reading, rows
from shared.store.history import find
from shared.store.ports import Put
from tests.alerts import (
    alert_id,
    batch,
    defender_alert,
    event,
)
from tests.fakes.firewatch import KEEP, World
from tests.unit.retention.kit import AT_LEAST, DAY, end, left, of, renewed, wait

if TYPE_CHECKING:
    import pytest


class TestWhatAFormerRunLeft:
    """A worker died after the head went, or something is as it cannot be."""

    async def interrupted(self, world: World) -> Incident:
        """An incident whose head is in history, and some of whose rows are not gone."""
        bodies = [defender_alert(SystemAlertId=alert_id(n)) for n in range(150)]
        await world.feed(batch(*bodies))
        head = await end(world)
        world.clock.step(KEEP + DAY)
        commit, calls = world.table.commit, 0

        async def broken(partition: str, writes: Any) -> dict[str, str]:  # noqa: ANN401
            nonlocal calls
            calls += 1
            if calls == 2:
                raise StoreConflict("a row of it is another's by now")
            return await commit(partition, writes)

        world.table.commit = broken  # type: ignore[method-assign]
        assert (await world.worker.retention()).moved == 1
        world.table.commit = commit  # type: ignore[method-assign]
        assert rows.leaving(head.id) in world.table.keys
        return head

    async def test_is_taken_away_by_the_next(self) -> None:
        """And it is in history all the while."""
        world = World()
        head = await self.interrupted(world)
        shelf, _ = await find(world.ledger, world.history, head.id)
        assert shelf.is_history

        await world.worker.retention()

        assert left(world) == AT_LEAST
        assert len(await reading.alerts_of(world.history, {head.id})) == 150

    async def test_alerts_that_went_on_meanwhile_stay(self) -> None:
        """A row that is another incident's by now is none of it."""
        world = World()
        await self.interrupted(world)
        world.restart()
        await world.feed(
            [event(renewed(SystemAlertId=alert_id(n)), place=n) for n in range(150)]
        )

        await world.worker.retention()

        await world.check_rested()
        assert (await world.head()).alerts == 150

    async def test_another_incident_of_that_id_is_left_alone(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It cannot be; if it is, both are kept, and it is said."""
        head = await end(world)
        strange = rows.entry(head.id, 1)
        row = world.table._rows[head.id[:2], strange]
        entry = rows.decode(row, Entry)
        other = rows.encode(replace(entry, by="another"))
        await world.past.commit(head.id, [Put(strange, other)])

        done = await wait(world)

        assert (done.moved, done.remaining) == (0, 1)
        assert of(world, head.id) == {strange: other}
        assert f'retire.failed incident="{head.id}"' in caplog.text
        await world.check()

    async def test_a_marker_of_an_incident_that_is_there_moves_nothing(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its rows are its own."""
        head = await world.head()
        marker = rows.encode(rows.Leaving(incidents=(head.id,)))
        await world.table.commit(head.id[:2], [Put(rows.leaving(head.id), marker)])

        await world.worker.retention()

        assert "work has another incident" in caplog.text
        await world.check()
