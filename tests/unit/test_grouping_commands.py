"""Groups made and unmade by people: merge and split."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.commands import Order
from shared.model.correlation import Correlation
from shared.model.errors import CommandRefused
from shared.model.incident import Incident, IncidentStatus
from shared.store import messages, reading
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.fakes.firewatch import World

ELSEWHERE: dict[str, Any] = {
    "AzureResourceId": vm("vm-b"),
    "ResourceIdentifiers": [],
    "Entities": [],
}


async def feed(world: World, number: int, hours: float = 0, **changes: Any) -> str:  # noqa: ANN401
    """Bring one alert in and let all come to rest; its id."""
    at = NOON + timedelta(hours=hours)
    default: dict[str, Any] = {
        "SystemAlertId": alert_id(number),
        "StartTimeUtc": stamp(at),
        "EndTimeUtc": stamp(at),
        "ProcessingEndTime": stamp(at),
        "Entities": [],
    }
    body = defender_alert(**default | changes)
    received_at = NOON + timedelta(hours=12)
    await world.feed([event(body, place=number, received_at=received_at)])
    return alert_id(number)


async def where(world: World, *numbers: int) -> list[Incident]:
    """The incidents that the alerts are on."""
    everything = {h.id: h for h in await reading.incidents(world.ledger)}
    on = {row.id: row.incident for row in await reading.alerts(world.ledger)}
    found = []
    for number in numbers:
        head = everything[on[alert_id(number)]]
        while head.merged_into:
            head = everything[head.merged_into]
        found.append(head)
    return found


@pytest.fixture
async def world() -> World:
    """Three problems of one machine, paged as one incident."""
    world = World()
    for number, kind in enumerate(("VM_A", "VM_B", "VM_C"), 1):
        await feed(world, number, AlertType=kind)
    assert len(await world.heads()) == 1
    return world


async def two(world: World) -> list[Incident]:
    """Two incidents of one subscription that share nothing."""
    await feed(world, 1)
    await feed(world, 2, 1, **ELSEWHERE)
    return await where(world, 1, 2)


class TestSplit:
    async def test_what_is_taken_out_is_an_incident_of_its_own(
        self, world: World
    ) -> None:
        """Counts, problems and severity are those of each one's alerts; both are news."""
        head = await world.head()

        done = await world.worker.regrouping.split(
            head.id, [alert_id(3).upper()], Order("ada", "other team")
        )

        assert done is not None
        remains, taken = done
        assert (remains.id, remains.alerts, taken.alerts) == (head.id, 2, 1)
        assert [p.alert_type for p in taken.problems.values()] == ["VM_C"]
        assert (remains.apart, taken.apart) == ((taken.id,), (head.id,))
        assert taken.id.startswith(head.id[:2])
        assert taken.root == taken.id
        (message,) = world.queue.messages
        assert set(messages.decode(message.body)) == {remains.id, taken.id}
        await world.settle()
        await world.check_rested()
        assert world.pager.sent_verbs() == ["trigger", "trigger"]
        row = next(r for r in await reading.alerts(world.ledger) if r.id == alert_id(3))
        assert row.joined is not None
        assert row.joined.because == f"taken out of incident {head.id} by ada"

    async def test_it_does_not_drift_back(self, world: World) -> None:
        """Copies, updates and recurrences of either side land where their problem is."""
        head = await world.head()
        await world.worker.regrouping.split(head.id, [alert_id(3)], Order("ada"))
        (taken,) = await where(world, 3)
        later: dict[str, Any] = {"ProcessingEndTime": stamp(NOON + timedelta(hours=3))}

        await feed(world, 3, AlertType="VM_C")
        await feed(world, 3, AlertType="VM_C", Severity="Low", **later)
        await feed(world, 1, AlertType="VM_A", Severity="Low", **later)
        await feed(world, 4, 1, AlertType="VM_C")
        await feed(world, 5, 1, AlertType="VM_A")
        await feed(world, 6, 1, AlertType="VM_D")

        found = await where(world, 1, 3, 4, 5)
        assert [h.id for h in found] == [head.id, taken.id, taken.id, head.id]
        assert len(await world.heads()) == 2
        await world.check_rested()

    async def test_its_problem_goes_with_it_at_once(self, world: World) -> None:
        """The first thing that comes after the split lands where it belongs."""
        head = await world.head()
        await world.worker.regrouping.split(head.id, [alert_id(3)], Order("ada"))
        (taken,) = await where(world, 3)

        await feed(world, 5, 2, AlertType="VM_C")

        assert [h.id for h in await where(world, 5)] == [taken.id]
        await world.check_rested()

    async def test_nor_through_what_takes_over_when_it_has_ended(
        self, world: World
    ) -> None:
        """A recurrence of what was taken out and resolved is no news of the rest."""
        head = await world.head()
        await world.worker.regrouping.split(head.id, [alert_id(3)], Order("ada"))
        (taken,) = await where(world, 3)
        await world.worker.commands.resolve(taken.id, Order("ada"))

        await feed(world, 4, 1, AlertType="VM_C")
        await feed(world, 5, 1, AlertType="VM_D")

        (successor,) = await where(world, 4)
        assert successor.predecessor == taken.id
        assert successor.apart == (head.id,)
        assert len(await world.heads()) == 3

    async def test_what_is_taken_out_of_the_taken_keeps_its_distance(self) -> None:
        """Seen by the machine: parts of two parts of one incident came together."""
        world = World()
        for number, kind in enumerate(("VM_A", "VM_B", "VM_C", "VM_D"), 1):
            await feed(world, number, AlertType=kind)
        head, regrouping = await world.head(), world.worker.regrouping
        first = await regrouping.split(
            head.id, [alert_id(1), alert_id(2)], Order("ada")
        )
        await regrouping.split(head.id, [alert_id(4)], Order("ada"))
        assert first is not None
        await regrouping.split(first[1].id, [alert_id(1)], Order("ada"))
        ties: dict[str, Any] = {
            "Intent": "",
            "Entities": [{"Type": "ip", "Address": "203.0.113.9"}],
        }
        later: dict[str, Any] = {"ProcessingEndTime": stamp(NOON + timedelta(hours=3))}

        await feed(world, 1, AlertType="VM_A", **ties, **later)
        await feed(world, 4, AlertType="VM_D", **ties, **later)

        ids = [h.id for h in await where(world, 1, 2, 3, 4)]
        assert len(set(ids)) == 4
        await world.check_rested()

    async def test_it_is_done_once_however_often_it_is_said(self, world: World) -> None:
        """The id follows from what is asked, and the second time nothing is written."""
        head = await world.head()
        first = await world.worker.regrouping.split(
            head.id, [alert_id(3)], Order("ada")
        )
        before = len(world.table.commits)

        again = await world.worker.regrouping.split(
            head.id, [alert_id(3)], Order("ada")
        )

        assert first is not None
        assert again is not None
        assert [h.id for h in again] == [h.id for h in first]
        assert len(world.table.commits) == before

    @pytest.mark.parametrize(
        ("names", "said"),
        [
            ([], "0 alerts named, 1 to 40 may be"),
            ([alert_id(n) for n in range(41)], "41 alerts named"),
            ([alert_id(n) for n in (1, 2, 3)], "no alert would be left"),
            ([alert_id(9)], "is not on incident"),
        ],
    )
    async def test_it_refuses_what_cannot_be(
        self, world: World, names: list[str], said: str
    ) -> None:
        """It says why, and nothing is written or sent."""
        head = await world.head()
        before = len(world.table.commits)

        with pytest.raises(CommandRefused, match=said):
            await world.worker.regrouping.split(head.id, names, Order("ada"))

        assert len(world.table.commits) == before
        assert world.queue.messages == []

    async def test_an_alert_that_comes_meanwhile_is_not_lost(
        self, world: World
    ) -> None:
        """Whoever writes first is seen: the rows are read again."""
        head = await world.head()
        rival = world.new_worker()
        other = event(defender_alert(SystemAlertId="x", AlertType="VM_E"), place=9)
        world.table.before_commit(lambda: rival.ingest([other]))

        done = await world.worker.regrouping.split(head.id, [alert_id(3)], Order("ada"))

        assert done is not None
        assert (done[0].alerts, done[1].alerts) == (3, 1)
        await world.settle()
        await world.check_rested()

    async def test_there_may_be_no_such_incident(self, world: World) -> None:
        """It is none."""
        regrouping = world.worker.regrouping

        assert await regrouping.split("0a" * 8, [alert_id(1)], Order("ada")) is None
        assert await regrouping.split("nonsense", [alert_id(1)], Order("ada")) is None
        assert await regrouping.merge("0a" * 8, "0a" * 8, Order("ada")) is None
        assert await regrouping.merge("nonsense", "0a" * 8, Order("ada")) is None

    async def test_nobody_goes_by_the_name_of_a_machine(self, world: World) -> None:
        """The detector and quiet have names that mean something."""
        head = await world.head()

        for name in ("source", "quiet"):
            with pytest.raises(CommandRefused, match="name of their own"):
                await world.worker.regrouping.split(head.id, [alert_id(1)], Order(name))


class TestMerge:
    async def test_two_that_share_nothing_become_one(self) -> None:
        """The senior survives, whichever is named first; its page has what it took in."""
        world = World()
        senior, junior = await two(world)

        said = await world.worker.regrouping.merge(
            junior.id, senior.id, Order("ada", "same actor")
        )
        await world.settle()

        assert said is not None
        assert said.id == senior.id
        head = await world.head()
        assert (head.alerts, head.absorbed) == (2, (junior.id,))
        assert world.pager.sent_verbs() == ["trigger", "trigger", "resolve", "update"]
        await world.check_rested()

    async def test_said_from_both_sides_at_once_it_ends_in_one(self) -> None:
        """A into B and B into A cannot cycle, and the second changes nothing."""
        world = World()
        senior, junior = await two(world)
        rival = world.new_worker()

        said = await asyncio.gather(
            world.worker.regrouping.merge(senior.id, junior.id, Order("ada")),
            rival.regrouping.merge(junior.id, senior.id, Order("bob")),
        )
        await world.settle()

        assert {head.id for head in said if head} == {senior.id}
        assert (await world.head()).absorbed == (junior.id,)
        await world.check_rested()

    async def test_a_person_overrides_an_earlier_split(self, world: World) -> None:
        """What was kept apart from them by others stays apart."""
        head = await world.head()
        regrouping = world.worker.regrouping
        await regrouping.split(head.id, [alert_id(3)], Order("ada"))
        await regrouping.split(head.id, [alert_id(2)], Order("ada"))
        third, second = await where(world, 3, 2)

        said = await regrouping.merge(head.id, third.id, Order("bob"))
        await world.settle()

        assert said is not None
        assert said.apart == (second.id,)
        await feed(world, 4, 1, AlertType="VM_D")
        assert len(await world.heads()) == 2
        await world.check_rested()

    async def test_what_was_brought_together_can_be_taken_apart_again(
        self, world: World
    ) -> None:
        """The second time under another id: the first one answers for the merged."""
        head = await world.head()
        regrouping = world.worker.regrouping
        first = await regrouping.split(head.id, [alert_id(3)], Order("ada"))
        assert first is not None
        await regrouping.merge(head.id, first[1].id, Order("ada"))

        second = await regrouping.split(head.id, [alert_id(3)], Order("ada"))
        await world.settle()

        assert second is not None
        assert second[1].id != first[1].id
        await world.check_rested()

    async def test_it_refuses_what_has_ended(self) -> None:
        """A resolved incident is not gone on with by being merged."""
        world = World()
        senior, junior = await two(world)
        await world.worker.commands.resolve(junior.id, Order("ada"))

        with pytest.raises(CommandRefused, match="has ended"):
            await world.worker.regrouping.merge(senior.id, junior.id, Order("ada"))

        assert {h.status for h in await where(world, 1, 2)} == {
            IncidentStatus.OPEN,
            IncidentStatus.RESOLVED,
        }

    @pytest.mark.parametrize(
        ("caps", "said"),
        [
            (Correlation(max_age=timedelta(minutes=59)), "older than"),
            (Correlation(max_problems=1), "over 1 problems"),
        ],
    )
    async def test_it_refuses_to_pass_a_cap(self, caps: Correlation, said: str) -> None:
        """A head must fit its row, whoever asks."""
        world = World(caps=caps)
        senior, junior = await two(world)

        with pytest.raises(CommandRefused, match=said):
            await world.worker.regrouping.merge(senior.id, junior.id, Order("ada"))

    async def test_it_refuses_what_no_transaction_spans(self) -> None:
        """Two partitions are two, and it says what to do instead."""
        world = World()
        await feed(world, 1)
        head = await world.head()
        other = ("00" if head.id[:2] != "00" else "01") + head.id[2:]

        with pytest.raises(CommandRefused, match="different partitions"):
            await world.worker.regrouping.merge(head.id, other, Order("ada"))
