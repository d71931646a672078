"""Incidents that ended long ago leave, whole."""

from __future__ import annotations

import itertools
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared import retention, timeline
from shared.commands import Order
from shared.model.incident import (
    Classification,
    IncidentStatus,
    Verdict,
)
from shared.store import reading, rows
from shared.store.history import find
from shared.store.ports import Put
from tests.alerts import (
    SUBSCRIPTION,
    alert_id,
    batch,
    defender_alert,
    event,
    vm,
)
from tests.factories import make_evidence_row
from tests.fakes.app import POLICY, FakeApp
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from pathlib import Path


from tests.unit.retention.kit import AT_LEAST, DAY, ORDER, end, left, of, wait


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
