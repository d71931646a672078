"""What is read from a ticket counts once, and nothing of ours comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.commands import Order
from shared.model.errors import StoreUnavailable
from shared.model.incident import IncidentStatus
from shared.model.ticket import Stage
from shared.store import rows

if TYPE_CHECKING:
    from shared.store.draft import Draft
    from tests.fakes.firewatch import World

from tests.unit.ticketing.kit import known, make_world, told


async def test_what_was_read_is_not_read_again(world: World) -> None:
    """By its version, which the next run asks with."""
    world.tracker.person(says="It is us.", owner="Grace Hopper")
    await world.worker.ticketing()
    before = await told(world)

    await world.worker.ticketing()

    assert await told(world) == before
    assert [asked["T-1"] for asked in world.tracker.asked] == ["", "2"]


async def test_a_remark_that_is_read_twice_is_one(world: World) -> None:
    """A newer version of the ticket has its older remarks too."""
    world.tracker.person(says="first")
    await world.worker.ticketing()
    world.tracker.person(says="second")

    await world.worker.ticketing()

    said = [detail for _, _, detail in await told(world)]
    assert said == ["Grace Hopper: first", "Grace Hopper: second"]


async def test_a_run_that_crashed_before_it_noted_the_version_is_repeated(
    world: World,
) -> None:
    """Everything is taken again under the same keys, and changes nothing."""
    world.tracker.person(says="It is us.", owner="Grace Hopper")
    # Two commands, and then the note.
    world.faults.fail_after(3, of="table.commit")
    with pytest.raises(StoreUnavailable):
        await world.worker.ticketing()
    before = await told(world)
    assert [ticket.version for ticket in known(world)] == [""]

    world.restart()
    await world.worker.ticketing()

    assert len(before) == 2
    assert await told(world) == before
    assert [ticket.version for ticket in known(world)] == ["2"]


async def test_two_runs_at_once_are_one(world: World) -> None:
    """Whoever comes second finds the row written, and everything said."""
    world.tracker.person(says="It is us.", owner="Grace Hopper")
    rival = world.new_worker()

    async def meanwhile() -> None:
        await rival.ticketing()

    world.table.before_commit(meanwhile)
    await world.worker.ticketing()

    assert len(await told(world)) == 2
    assert [ticket.version for ticket in known(world)] == ["2"]


async def test_what_we_do_there_does_not_come_back(world: World) -> None:
    """An acknowledgement here is told there, makes a new version, and that is all."""
    head = await world.head()
    await world.worker.commands.acknowledge(head.id, Order("ada"))
    await world.settle()
    assert world.tracker.sent_verbs() == ["trigger", "acknowledge"]

    read = await world.worker.ticketing()
    await world.settle()

    assert read["tickets"].changed == 1
    assert await told(world) == []
    assert world.tracker.sent_verbs() == ["trigger", "acknowledge"]


async def test_a_side_that_calls_says_itself_what_people_write() -> None:
    """Only what must not be missed is read: that somebody has it, and its end."""
    world = await make_world()
    world.tracker.calls = True
    world.tracker.person(says="heard already", owner="Grace Hopper")
    await world.worker.ticketing()
    world.tracker.person(owner="Ada Lovelace")
    await world.worker.ticketing()

    assert [kind for _, kind, _ in await told(world)] == ["incident.acknowledged"]

    world.tracker.person(stage=Stage.CLOSED)
    await world.worker.ticketing()

    assert (await world.head()).status is IncidentStatus.RESOLVED


async def test_one_of_two_tickets_does_not_speak_for_the_other() -> None:
    """What is said of one is told to the other, by the same responder."""
    world = await make_world()
    [row] = [row for row in await world.actions() if row.responder == "tickets"]
    # Another notice of the same responder, as an escalation makes them.
    other = replace(row, key="f" * 32, dedup_key="fw-other", reference="T-2")

    def decide(draft: Draft) -> None:
        draft.put_action(other, None)

    partition = rows.partition_of_incident(row.incident)
    await world.worker.ledger.transact(partition, decide, by="test")
    world.tracker.tickets["T-2"] = world.tracker.tickets["T-1"]
    world.tracker.person("T-2", owner="Grace Hopper")

    await world.worker.ticketing()

    mark = (await world.head()).acknowledged
    assert mark is not None
    assert mark.via == ""
