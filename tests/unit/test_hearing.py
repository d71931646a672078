"""What other sides say of notices, and what comes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.answers.said import Does, Said
from shared.answers.sides import SIDES, Listener
from shared.commands import Order
from shared.hearing import Came, Hearing
from shared.model.action import Occasion
from shared.model.incident import IncidentStatus
from shared.store import reading, rows
from shared.store.ports import Put
from tests.alerts import NOON, defender_alert, event, vm
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from shared.hearing import Result
    from shared.model.incident import Entry, Incident

PAGERDUTY = Listener(
    "pagerduty", SIDES["pagerduty"], (), resolves=True, acknowledges="owner"
)
SLACK = Listener("slack", SIDES["slack"], (), resolves=False, acknowledges="owner")
JIRA = Listener("jira", SIDES["jira"], (), resolves=True, acknowledges="owner")


@pytest.fixture
async def world() -> World:
    """An app with one open incident that was told."""
    world = World()
    await world.feed([event()])
    return world


def hearing(world: World) -> Hearing:
    """The verb of the worker that is there."""
    worker = world.worker
    return Hearing(worker.ledger, world.history, worker.commands)


async def key(world: World, verb: str = "trigger", number: int = -1) -> str:
    """The key of the latest notice of a verb."""
    return [sent for sent in world.pager.sent if sent.verb == verb][number].dedup_key


def said(
    key: str,
    does: Does = Does.ACKNOWLEDGE,
    name: str = "1",
    *,
    who: str = "Ana",
    note: str = "",
) -> Said:
    """Something that Ana says."""
    return Said(name, key, does, who, note)


async def say(
    world: World,
    what: Said,
    listener: Listener = PAGERDUTY,
    name: str = "pager",
) -> Result:
    """Have the side of a responder say it."""
    return await hearing(world)(name, listener, what)


async def timeline(world: World) -> list[Entry]:
    """What was done to the incident."""
    return await reading.timeline(world.ledger, (await world.head()).id)


async def merged(world: World) -> tuple[str, Incident]:
    """Two told incidents become one: the key of the notice that was closed, the winner."""
    other = defender_alert(
        SystemAlertId="2", AzureResourceId=vm("vm-2"), AlertType="Other"
    )
    await world.feed([event(other, place=2)])
    one, two = await world.heads()
    await world.worker.regrouping.merge(one.id, two.id, Order("ada"))
    await world.settle()
    return await key(world, "resolve"), await world.head()


async def test_an_acknowledgement_comes_back(world: World) -> None:
    """Who, where, and through which responder, once however often it is said."""
    first = await say(world, said(await key(world)))
    before = dict(world.table._rows)
    again = await say(world, said(await key(world)))

    head = await world.head()
    assert first == again == (Came.TAKEN, head.id)
    assert dict(world.table._rows) == before
    assert head.acknowledged is not None
    assert head.acknowledged.by == "pagerduty:pager (Ana)"
    assert head.acknowledged.via == "pager"
    kinds = [f.kind for e in await timeline(world) for f in e.facts]
    assert kinds.count("incident.acknowledged") == 1


async def test_an_end_comes_back(world: World) -> None:
    """The incident ends, and whoever is told of it is told so."""
    await say(world, said(await key(world), Does.RESOLVE))
    await world.settle()

    head = await world.head()
    assert head.status is IncidentStatus.RESOLVED
    assert head.resolved is not None
    assert (head.resolved.by, head.resolved.via) == ("pagerduty:pager (Ana)", "pager")
    # Not what said it.
    assert world.pager.sent_verbs() == ["trigger"]
    await world.check_rested()


@pytest.mark.parametrize("does", [Does.ACKNOWLEDGE, Does.RESOLVE])
async def test_one_of_several_pages_speaks_for_the_incident(
    world: World, does: Does
) -> None:
    """The others are told: each of them is another page at that side."""
    (row,) = await world.actions()
    other = replace(
        row,
        key="0" * 32,
        dedup_key=f"fw-{row.incident}-{'0' * 32}",
        occasion=Occasion.ESCALATED,
        target="bob",
    )
    place = rows.action(row.incident, other.key)
    partition = rows.partition_of_incident(row.incident)
    await world.table.commit(partition, [Put(place, rows.encode(other))])

    result = await say(world, said(other.dedup_key, does))

    head = await world.head()
    mark = head.acknowledged or head.resolved
    assert result.came is Came.TAKEN
    assert mark is not None
    assert mark.via == ""


async def test_nobody_in_particular_says_it(world: World) -> None:
    """An automation of theirs; it still has a name that is no person's."""
    await say(world, said(await key(world), who=""))

    head = await world.head()
    assert head.acknowledged is not None
    assert head.acknowledged.by == "pagerduty:pager"


async def test_an_acknowledgement_after_the_end_opens_nothing(world: World) -> None:
    """They come in any order; acknowledged is a mark, and the end stays the end."""
    await say(world, said(await key(world), Does.RESOLVE, "1"))
    await world.settle()

    result = await say(world, said(await key(world), Does.ACKNOWLEDGE, "2"))

    head = await world.head()
    assert result.came is Came.TAKEN
    assert head.status is IncidentStatus.RESOLVED
    assert head.acknowledged is not None


async def test_our_own_end_does_not_come_back(world: World) -> None:
    """The side says that what we ended has ended: nobody said so there."""
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))
    await world.settle()
    before = await world.head()

    result = await say(world, said(await key(world), Does.RESOLVE))

    assert result.came is Came.OVER
    assert await world.head() == before


async def test_the_end_of_a_merged_notice_ends_nothing(world: World) -> None:
    """We closed it because the incident goes on elsewhere; the side says it is closed."""
    closed, winner = await merged(world)

    results = [await say(world, said(closed, does, does.value)) for does in Does]

    assert [result.came for result in results] == [Came.OVER] * 3
    assert await world.head() == winner


async def test_what_is_said_of_a_loser_that_is_open_reaches_the_winner(
    world: World,
) -> None:
    """Before we closed its notice; that one is still to be told, so it goes through none."""
    other = defender_alert(
        SystemAlertId="2", AzureResourceId=vm("vm-2"), AlertType="Other"
    )
    await world.feed([event(other, place=2)])
    one, two = await world.heads()
    await world.worker.regrouping.merge(one.id, two.id, Order("ada"))
    winner = await world.head()
    keys = {await key(world, number=n) for n in range(2)}
    (loser,) = (k for k in keys if winner.id not in k)

    await say(world, said(loser))

    head = await world.head()
    assert head.acknowledged is not None
    assert head.acknowledged.via == ""


@pytest.mark.parametrize("is_settled", [True, False])
async def test_what_is_said_of_an_epoch_that_is_over_is_late(
    world: World, *, is_settled: bool
) -> None:
    """The incident was opened again: who closes the old page does not mean the new one."""
    old, commands = await key(world), world.worker.commands
    await say(world, said(old, Does.RESOLVE, "1"))
    head = await world.head()
    if is_settled:
        await world.settle()
    await commands.reopen(head.id, Order("ada"))

    late = [await say(world, said(old, does, f"2{does}")) for does in Does]

    assert [result.came for result in late] == [Came.OVER] * 3
    assert (await world.head()).status is IncidentStatus.OPEN
    await world.settle()
    new = await key(world)
    assert new != old
    await say(world, said(new, Does.RESOLVE, "3"))
    assert (await world.head()).status is IncidentStatus.RESOLVED


async def test_a_notice_is_its_responders(world: World) -> None:
    """No other side speaks for it, and no key that we did not send is ours."""
    mine = await key(world)
    before = await world.head()
    wrong = [
        (mine, "other"),
        ("", "pager"),
        ("nonsense", "pager"),
        (f"fw-{mine.rpartition('-')[2]}", "pager"),
        (f"{mine[:-1]}{'0' if mine[-1] != '0' else '1'}", "pager"),
        (mine.replace(before.id, "0d" * 8), "pager"),
    ]

    results = [await say(world, said(each), name=name) for each, name in wrong]

    assert {result.came for result in results} == {Came.UNKNOWN}
    assert await world.head() == before


async def test_what_ended_long_ago_is_over(world: World) -> None:
    """It is in history, where nothing changes."""
    mine, head = await key(world), await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()
    world.clock.step(KEEP + timedelta(days=1))
    await world.worker.retention()

    assert (await say(world, said(mine))).came is Came.OVER


async def test_what_changes_nothing_is_a_comment(world: World) -> None:
    """Not acknowledged any more, opened again: in the timeline, by whoever said so."""
    before = await world.head()

    await say(world, said(await key(world), Does.COMMENT, note="opened again there"))

    renamed = said(await key(world), Does.COMMENT, note="opened again there", who="B")
    await say(world, renamed)
    entry = (await timeline(world))[-1]
    assert entry.by == "pagerduty:pager (Ana)"
    assert [(f.kind, f.detail) for f in entry.facts] == [
        ("comment", "opened again there")
    ]
    assert (await world.head()).generation == before.generation


async def test_a_side_resolves_where_the_policy_says_so(world: World) -> None:
    """Who is who in a chat, the chat knows alone (review F14)."""
    mine = await key(world)

    await say(world, said(mine, Does.RESOLVE), SLACK)

    head = await world.head()
    assert head.status is IncidentStatus.OPEN
    assert (await timeline(world))[-1].facts[0].detail == "resolved on their side"
    await say(world, said(mine, Does.RESOLVE, "2"), SLACK._replace(resolves=True))
    assert (await world.head()).status is IncidentStatus.RESOLVED


async def test_a_chat_has_no_state_of_its_own(world: World) -> None:
    """Its message still shows what it showed: it is told like everybody else."""
    await say(world, said(await key(world)), SLACK)

    head = await world.head()
    assert head.acknowledged is not None
    assert (head.acknowledged.by, head.acknowledged.via) == ("slack:pager (Ana)", "")
    resolve = said(await key(world), Does.RESOLVE, "2")
    await say(world, resolve, SLACK._replace(resolves=True))
    await world.settle()
    assert world.pager.sent_verbs() == ["trigger", "resolve"]


async def test_of_two_changes_the_later_counts(world: World) -> None:
    """Done and not done any more, in the wrong order; in the right one it ends."""
    mine, at = await key(world), NOON

    def changed(does: Does, minutes: int) -> Said:
        when = at + timedelta(minutes=minutes)
        return Said(f"{does}{minutes}", mine, does, "Ana", "x", "SEC-12 status", when)

    await say(world, changed(Does.COMMENT, 10), JIRA)
    await say(world, changed(Does.RESOLVE, 5), JIRA)
    assert (await world.head()).status is IncidentStatus.OPEN

    await say(world, changed(Does.RESOLVE, 15), JIRA)
    assert (await world.head()).status is IncidentStatus.RESOLVED
    other = Said("o", mine, Does.ACKNOWLEDGE, "Ana", "x", "SEC-12 assignee", at)
    await say(world, other, JIRA)
    assert (await world.head()).acknowledged is not None


async def test_two_workers_hear_the_same(world: World) -> None:
    """The other was faster, between our look and our write."""
    mine = await key(world)
    rival = world.new_worker()
    theirs = Hearing(rival.ledger, world.history, rival.commands)
    comment = said(mine, Does.COMMENT, note="seen")
    world.table.before_commit(lambda: theirs("pager", PAGERDUTY, comment))

    await say(world, comment)

    kinds = [f.kind for e in await timeline(world) for f in e.facts]
    assert kinds.count("comment") == 1


async def test_a_name_that_means_something_else_is_refused(world: World) -> None:
    """A side that uses one name for two things is heard once."""
    mine = await key(world)
    await say(world, said(mine, Does.COMMENT, note="one"))

    result = await say(world, said(mine, Does.COMMENT, note="two"))

    assert result.came is Came.REFUSED
