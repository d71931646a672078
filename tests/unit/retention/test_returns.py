"""Alerts that come again once their incident has left."""

from __future__ import annotations

from shared.model.alert import AlertRow
from shared.model.books import Booking, booked
from shared.store import rows
from tests.alerts import (
    alert_id,
    defender_alert,
    event,
)
from tests.fakes.firewatch import KEEP, World
from tests.unit.retention.kit import DAY, end, of, renewed, wait


class TestAlertsThatComeAgain:
    """What a worker remembers is gone from the store."""

    async def test_a_new_version_is_a_new_alert(self, world: World) -> None:
        """The store says that the rows are gone, and the worker decides again."""
        old = await end(world)
        remembering, fresh = world.worker, world.new_worker()
        world.clock.step(KEEP + DAY)
        assert (await fresh.retention()).moved == 1
        known = remembering.ledger.recall(old.id[:2], rows.alert(alert_id()), AlertRow)

        taken = await remembering.ingest([event(renewed(), place=2)])

        assert known is not None
        assert taken.books == booked([Booking.STORED])
        await world.settle()
        await world.check_rested()
        head = await world.head()
        assert head.alerts == 1
        assert head.id != old.id
        assert world.pager.sent_verbs() == ["trigger", "resolve", "trigger"]

    async def test_a_new_alert_of_the_old_problem_opens_an_incident(
        self, world: World
    ) -> None:
        """The key that is remembered leads nowhere any more."""
        old = await end(world)
        remembering = world.worker
        world.clock.step(KEEP + DAY)
        assert (await world.new_worker().retention()).moved == 1

        for number in (2, 3):
            body = defender_alert(SystemAlertId=alert_id(number))
            taken = await remembering.ingest([event(body, place=number)])
            assert taken.books == booked([Booking.STORED])

        await world.settle()
        head = await world.head()
        assert (head.alerts, head.predecessor) == (2, None)
        assert old.id not in {head.id, *head.absorbed}

    async def test_a_copy_of_what_is_remembered_is_a_duplicate(
        self, world: World
    ) -> None:
        """It is stored, in history."""
        await end(world)
        remembering = world.worker
        world.clock.step(KEEP + DAY)
        await world.new_worker().retention()

        taken = await remembering.ingest([event(place=2)])

        assert taken.books == booked([Booking.DUPLICATE])

    async def test_the_same_alert_again_is_another_incident(self, world: World) -> None:
        """Under an id of its own, and both are kept."""
        old = await end(world)
        await wait(world)
        world.restart()

        await world.feed([event(place=2)])

        new = await end(world)
        assert new.id != old.id
        assert (await wait(world)).moved == 1
        assert of(world, old.id) != {}
        assert of(world, new.id) != {}

    async def test_a_row_that_is_about_to_follow_its_incident_holds_no_alert(
        self, world: World
    ) -> None:
        """Where a worker died between the head and the rest."""
        old = await end(world)
        world.clock.step(KEEP + DAY)
        row = world.table._rows[old.id[:2], rows.alert(alert_id())]
        await world.worker.retention()
        world.table._rows[old.id[:2], row.key] = row
        world.restart()

        taken = await world.worker.ingest([event(renewed(), place=2)])

        assert taken.books == booked([Booking.STORED])
        await world.settle()
        await world.check_rested()
