"""The fifth verb: what ended long ago leaves the working table."""

from __future__ import annotations

import itertools
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from shared import retention, timeline
from shared.commands import Order
from shared.model.alert import AlertRow
from shared.model.books import Booking, booked
from shared.model.errors import StoreConflict
from shared.model.incident import (
    Classification,
    Entry,
    Incident,
    IncidentStatus,
    Verdict,
)
from shared.model.silence import Silence
from shared.store import reading, rows
from shared.store.history import find
from shared.store.ports import Put
from tests.alerts import (
    NOON,
    SUBSCRIPTION,
    alert_id,
    batch,
    defender_alert,
    event,
    stamp,
    vm,
)
from tests.factories import make_evidence_row
from tests.fakes.app import POLICY, FakeApp
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from pathlib import Path

    from shared.retention import Retired

DAY = timedelta(days=1)
ORDER = Order("ada", "done")
# The books, and the slots of the storm breaker.
AT_LEAST = ["b", "g"]


@pytest.fixture
async def world() -> World:
    """An app with one incident of one alert, which was told."""
    world = World()
    await world.feed([event()])
    return world


def renewed(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """The alert in a later version."""
    return defender_alert(ProcessingEndTime=stamp(NOON + timedelta(hours=1)), **changes)


async def end(world: World, head: Incident | None = None) -> Incident:
    """Resolve an incident, and let whoever was told of it be told."""
    head = head or await world.head()
    ended = await world.worker.commands.resolve(head.id, ORDER)
    await world.settle()
    assert ended is not None
    return ended


async def wait(world: World, days: timedelta = KEEP + DAY) -> Retired:
    """Let days pass, and then move what is to be moved."""
    world.clock.step(days)
    return await world.worker.retention()


def of(world: World, incident_id: str) -> dict[str, bytes]:
    """The rows of an incident in history."""
    return {
        key: row.doc
        for (partition, key), row in world.past._rows.items()
        if partition == incident_id
    }


def left(world: World) -> list[str]:
    """What kinds of rows the working table still has."""
    return sorted({key[0] for key in world.table.keys})


async def test_an_incident_leaves_whole(world: World) -> None:
    """All its rows are in history as they were, and nowhere else."""
    head = await end(world)
    said = make_evidence_row(head.id, "host-logons")
    key = rows.evidence(head.id, "host-logons", said.about)
    partition = rows.partition_of_incident(head.id)
    await world.table.commit(partition, [Put(key, rows.encode(said))])
    before = {
        row.key: row.doc
        for (_, key), row in world.table._rows.items()
        if key[0] in "aehtx"
    }

    done = await wait(world)

    assert len(before) >= 5
    assert (done.moved, done.remaining) == (1, 0)
    assert of(world, head.id) == before
    assert left(world) == AT_LEAST


async def test_a_small_incident_leaves_in_one_transaction(world: World) -> None:
    """There is no moment at which some of its rows are gone."""
    await end(world)
    commits = len(world.table.commits)

    await wait(world)

    assert len(world.table.commits) == commits + 2  # and one that purges keys


async def test_the_timeline_still_proves_itself(world: World) -> None:
    """The chain holds from history, of what was merged too."""
    head = await end(world)
    await wait(world)

    found = await reading.chained(world.history, head.id)

    assert found is not None
    assert timeline.prove(*found).verified


@pytest.mark.parametrize("early", [timedelta(0), timedelta(seconds=1)])
async def test_it_stays_for_the_keep_time(world: World, early: timedelta) -> None:
    """To the second, from when it last changed."""
    await end(world)
    world.clock.step(-(world.clock() - (await world.head()).changed_at))

    assert (await wait(world, KEEP - early)).moved == 0
    assert (await wait(world, early + timedelta(seconds=1))).moved == 1


async def test_what_goes_on_stays(world: World) -> None:
    """However old it is; and so does what was opened again."""
    assert (await wait(world)).remaining == 0
    head = await end(world)
    await world.worker.commands.reopen(head.id, ORDER)
    await world.settle()

    assert await wait(world) == retention.Retired(moved=0, remaining=0, purged=0)
    assert (await world.head()).status is IncidentStatus.OPEN


async def test_a_comment_keeps_it(world: World) -> None:
    """Somebody still works on it, though nothing of it changes by that."""
    head = await end(world)
    world.clock.step(KEEP)
    await world.worker.commands.comment(head.id, Order("ada", "look here"))

    done = await wait(world, DAY)
    assert (done.moved, done.remaining) == (0, 0)
    assert (await wait(world, KEEP)).moved == 1


async def test_what_somebody_is_to_look_at_stays(world: World) -> None:
    """Its end is not told yet."""
    await world.worker.commands.resolve((await world.head()).id, ORDER)
    world.queue.messages.clear()

    assert (await wait(world)).moved == 0

    await world.settle()
    assert (await wait(world)).moved == 1


async def test_what_was_merged_goes_with_what_it_was_merged_into() -> None:
    """Both ids answer from history, and neither goes alone."""
    world = World()
    one, other = (
        defender_alert(
            SystemAlertId=alert_id(n), AzureResourceId=vm(f"vm-{n}"), Entities=[]
        )
        for n in range(2)
    )
    await world.feed(batch(one, other))
    heads = await world.heads()
    await world.worker.regrouping.merge(heads[0].id, heads[1].id, ORDER)
    await world.settle()
    winner = await world.head()
    (loser,) = {head.id for head in heads} - {winner.id}
    assert (await wait(world)).moved == 0

    await end(world)
    assert (await wait(world)).moved == 1

    for asked in (winner.id, loser):
        shelf, lineage = await find(world.ledger, world.history, asked)
        assert shelf.is_history
        assert lineage[-1].id == winner.id
    family = {winner.id, loser}
    found = await reading.alerts_of(world.history, family)
    assert {row.id for row in found} == {alert_id(0), alert_id(1)}
    actions = await reading.actions_of(world.history, family)
    assert {row.incident for row in actions} == family
    assert left(world) == AT_LEAST


async def test_a_place_held_for_an_alert_goes_along() -> None:
    """Nothing that names the incident is left behind."""
    world = World()
    named = defender_alert(
        IsIncident=True,
        Entities=[{"$id": "1", "Type": "SecurityAlert", "SystemAlertId": "expected-1"}],
    )
    await world.feed([event(named)])
    assert rows.alert("expected-1") in world.table.keys
    await end(world)

    await wait(world)

    assert left(world) == AT_LEAST


async def test_a_large_incident_leaves_whole() -> None:
    """More rows than a transaction holds: the head first, then the rest."""
    world = World()
    bodies = [defender_alert(SystemAlertId=alert_id(n)) for n in range(250)]
    await world.feed(batch(*bodies))
    head = await end(world)

    assert (await wait(world)).moved == 1

    assert len(await reading.alerts_of(world.history, {head.id})) == 250
    assert left(world) == AT_LEAST


async def test_one_that_changed_meanwhile_stays(world: World) -> None:
    """Its copy is overwritten when its time has come again."""
    head = await end(world)
    rival = world.new_worker()
    world.table.before_commit(partial(rival.commands.reopen, head.id, ORDER))

    done = await wait(world)

    assert (done.moved, done.remaining) == (0, 0)
    shelf, lineage = await find(world.ledger, world.history, head.id)
    assert not shelf.is_history
    assert lineage[-1].status is IncidentStatus.OPEN
    await world.settle()
    await world.check()
    await rival.commands.resolve(
        head.id, ORDER, Verdict(classification=Classification.FALSE_POSITIVE)
    )
    await world.settle()
    assert (await wait(world)).moved == 1
    past = await reading.head(world.history, head.id)
    assert past is not None
    assert past.status is IncidentStatus.CLOSED
    # It is listed once, by its last end.
    assert [h.id for h in await world.history.month(past.resolved.at)] == [head.id]  # type: ignore[union-attr]
    lines = [key for p, key in world.past._rows if p.startswith(("m|", "f|"))]
    assert len(lines) == 2


async def test_at_most_so_many_go_in_one_run(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that rested longest; how many are left is said."""
    caplog.set_level("INFO", "firewatch")
    monkeypatch.setattr(retention, "MOST_PER_RUN", 1)
    first = await end(world)
    await world.feed(
        [event(defender_alert(SystemAlertId="b", AzureResourceId=vm("vm-b")), place=2)]
    )
    other = next(h for h in await world.heads() if h.id != first.id)
    await end(world, other)

    assert await wait(world) == retention.Retired(moved=1, remaining=1, purged=4)

    assert "retire.done moved=1 remaining=1 purged=4" in caplog.messages
    assert [head.id for head in await world.heads()] == [other.id]
    assert (await world.worker.retention()).moved == 1


async def test_a_run_whose_time_is_over_says_what_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins nothing that the platform would break off."""
    await end(world)
    monkeypatch.setattr(retention, "WHOLE_TIMEOUT_S", 0.0)

    assert await wait(world) == retention.Retired(moved=0, remaining=1, purged=0)


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


def test_a_page_knows_no_row_twice() -> None:
    """A key that follows another sorts behind the place that was come to."""
    keys = sorted(["s|a", "s|a-b", "s|ab", "s|b"])

    for here, following in itertools.pairwise(keys):
        assert here < here + " " < following


class TestTheKeepTime:
    """That of the running app."""

    LISTED = POLICY + "reconcile: {subscriptions: [" + SUBSCRIPTION + "]}\n"

    @pytest.mark.parametrize(
        ("policy", "days", "kept"),
        [
            (POLICY, "", 37),
            (POLICY, "8", 8),
            (LISTED, "", 97),
            (LISTED, "8", 97),
            (LISTED, "120", 120),
        ],
    )
    async def test_is_longer_than_anything_gives_an_alert_again(
        self, tmp_path: Path, policy: str, days: str, kept: int
    ) -> None:
        """As the setting says, and longer than Defender lists what is listed."""
        app = FakeApp(tmp_path, policy=policy, changes={"FIREWATCH_KEEP_DAYS": days})
        await app.world.feed([event()])
        await end(app.world)
        verb, audit = await app.retention(), await app.audit()

        app.world.clock.step(kept * DAY - timedelta(hours=1))
        await audit()
        assert (await verb()).moved == 0
        app.world.clock.step(timedelta(hours=2))
        assert (await verb()).moved == 1
