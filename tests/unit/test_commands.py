"""What a person says about an incident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.commands import Order
from shared.model.errors import CommandRefused, CommandStale
from shared.model.incident import (
    Classification,
    ClosingReason,
    IncidentStatus,
    Verdict,
)
from shared.store import messages, reading
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp
from tests.fakes.firewatch import World


@pytest.fixture
async def world() -> World:
    """An app with one open incident that was paged."""
    world = World()
    await world.feed([event()])
    return world


async def test_an_acknowledgement_is_written_and_looked_at(world: World) -> None:
    """Who, when and why; the page stays open."""
    head = await world.head()

    said = await world.worker.commands.acknowledge(head.id, Order("ada", "on it"))

    assert said is not None
    assert said.acknowledged is not None
    assert (said.acknowledged.by, said.acknowledged.note) == ("ada", "on it")
    (message,) = world.queue.messages
    assert messages.decode(message.body) == (head.id,)
    await world.settle()
    assert world.pager.sent_verbs() == ["trigger"]
    entry = (await reading.timeline(world.ledger, head.id))[-1]
    assert (entry.by, entry.facts[0].kind) == ("ada", "incident.acknowledged")


async def test_the_first_acknowledgement_stands(world: World) -> None:
    """A second one changes nothing."""
    head = await world.head()
    await world.worker.commands.acknowledge(head.id, Order("ada"))

    said = await world.worker.commands.acknowledge(head.id, Order("bob"))

    assert said is not None
    assert said.acknowledged is not None
    assert said.acknowledged.by == "ada"


async def test_resolving_closes_the_page(world: World) -> None:
    """Once, however often it is said."""
    head = await world.head()

    for _ in range(2):
        await world.worker.commands.resolve(head.id, Order("ada", "false alarm"))
        await world.settle()

    assert (await world.head()).status is IncidentStatus.RESOLVED
    assert world.pager.sent_verbs() == ["trigger", "resolve"]
    await world.check_rested()


async def test_after_that_a_recurrence_pages_anew(world: World) -> None:
    """Another incident, with another key."""
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))
    await world.settle()

    await world.feed([event(defender_alert(SystemAlertId="2"), place=2)])

    new, old = sorted(await world.heads(), key=lambda head: head.status)
    assert new.predecessor == old.id
    assert world.pager.sent_verbs() == ["trigger", "resolve", "trigger"]
    assert len({sent.dedup_key for sent in world.pager.sent}) == 2


async def test_a_command_on_a_merged_incident_reaches_the_winner() -> None:
    """Both ids keep answering."""
    world = World()
    times = [NOON + timedelta(hours=h) for h in (0, 8, 4)]
    bodies = [
        defender_alert(
            SystemAlertId=alert_id(n, at), StartTimeUtc=stamp(at), EndTimeUtc=stamp(at)
        )
        for n, at in enumerate(times)
    ]
    for body, found in zip(batch(*bodies), [1, 2, 1], strict=True):
        late = body._replace(received_at=NOON + timedelta(days=1))
        await world.feed([late])
        assert len(await world.heads()) == found
    head = await world.head()

    said = await world.worker.commands.resolve(head.absorbed[0], Order("ada"))

    assert said is not None
    assert said.id == head.id
    await world.settle()
    assert (await world.head()).status is IncidentStatus.RESOLVED


@pytest.mark.parametrize("name", ["0a" * 8, "nonsense", "", "../x", "0A" * 8])
async def test_there_may_be_no_such_incident(world: World, name: str) -> None:
    """It is none, and nothing is written or sent."""
    before = world.table.keys

    assert await world.worker.commands.acknowledge(name, Order("ada")) is None
    assert await world.worker.commands.resolve(name, Order("ada")) is None

    assert world.table.keys == before
    assert world.queue.messages == []


async def test_a_command_beside_an_alert_loses_neither(world: World) -> None:
    """The alert came first: decide again on what is there now."""
    head = await world.head()
    rival = world.new_worker()
    other = event(defender_alert(SystemAlertId="2"), place=2)
    world.table.before_commit(lambda: rival.ingest([other]))

    await world.worker.commands.acknowledge(head.id, Order("ada"))

    after = await world.head()
    assert after.alerts == 2
    assert after.acknowledged is not None
    await world.settle()
    await world.check_rested()


async def test_a_comment_is_kept_and_nobody_is_told(world: World) -> None:
    """It makes no work for anybody."""
    head = await world.head()

    await world.worker.commands.comment(head.id, Order("ada", "seen this before"))

    assert not world.queue.messages
    entry = (await reading.timeline(world.ledger, head.id))[-1]
    assert [(f.kind, f.detail) for f in entry.facts] == [
        ("comment", "seen this before")
    ]
    assert (await world.head()).generation == head.generation
    with pytest.raises(CommandRefused, match="says something"):
        await world.worker.commands.comment(head.id, Order("ada", " "))


BENIGN = Verdict(
    classification=Classification.BENIGN_POSITIVE,
    reason=ClosingReason.SUSPICIOUS_BUT_EXPECTED,
)


async def test_with_a_verdict_it_is_closed(world: World) -> None:
    """Whoever was told hears of the end; the verdict is on the head and timeline."""
    head = await world.head()

    await world.worker.commands.resolve(head.id, Order("ada", "pen test"), BENIGN)
    await world.settle()

    head = await world.head()
    assert (head.status, head.verdict) == (IncidentStatus.CLOSED, BENIGN)
    assert world.pager.sent_verbs() == ["trigger", "resolve"]
    details = [
        fact.detail
        for entry in await reading.timeline(world.ledger, head.id)
        for fact in entry.facts
    ]
    assert "benign_positive, suspicious_but_expected: pen test" in details


async def test_a_resolved_one_can_be_given_a_verdict(world: World) -> None:
    """A closed one no other; that takes a reopening."""
    head = await world.head()
    commands = world.worker.commands
    await commands.resolve(head.id, Order("ada"))

    await commands.resolve(head.id, Order("bob"), BENIGN)
    await commands.resolve(head.id, Order("eve"))

    head = await world.head()
    assert head.resolved is not None
    assert (head.status, head.resolved.by) == (IncidentStatus.CLOSED, "bob")
    other = Verdict(classification=Classification.TRUE_POSITIVE)
    with pytest.raises(CommandRefused, match="reopen it"):
        await commands.resolve(head.id, Order("eve"), other)


async def test_a_reopened_one_pages_anew(world: World) -> None:
    """As another epoch: the page that was resolved stays so."""
    head = await world.head()
    commands = world.worker.commands
    await commands.resolve(head.id, Order("ada"), BENIGN)
    await world.settle()

    await commands.reopen(head.id, Order("bob", "it is back"))
    await world.settle()

    head = await world.head()
    assert (head.status, head.epoch, head.verdict) == (IncidentStatus.OPEN, 2, None)
    assert world.pager.sent_verbs() == ["trigger", "resolve", "trigger"]
    assert len({sent.dedup_key for sent in world.pager.sent}) == 2
    await world.check_rested()


async def test_an_acknowledgement_that_races_the_end_opens_nothing(
    world: World,
) -> None:
    """grafana/oncall#3161: acknowledged is a mark, not a state."""
    head = await world.head()
    commands = world.worker.commands
    await commands.resolve(head.id, Order("ada"))

    said = await commands.acknowledge(head.id, Order("bob"))

    assert said is not None
    assert said.status is IncidentStatus.RESOLVED
    assert said.acknowledged is not None


async def test_what_changed_since_it_was_looked_at_is_stale(world: World) -> None:
    """Two people at one incident: the second looks again."""
    seen = (await world.head()).revision
    commands, head = world.worker.commands, await world.head()
    first = await commands.acknowledge(head.id, Order("ada", expected=seen))

    with pytest.raises(CommandStale):
        await commands.resolve(head.id, Order("bob", expected=seen))

    assert first is not None
    assert first.revision == (await world.head()).revision
    done = await commands.resolve(head.id, Order("bob", expected=first.revision))
    assert done is not None
    assert done.status is IncidentStatus.RESOLVED


async def test_the_same_command_under_one_key_is_carried_out_once(
    world: World,
) -> None:
    """By any worker, whatever came of the first answer; what it expected is past."""
    head = await world.head()
    order = Order("ada", "once", expected=head.revision, once="k1")
    await world.worker.commands.comment(head.id, order)

    await world.new_worker().commands.comment(head.id, order)

    entries = await reading.timeline(world.ledger, head.id)
    assert [f.kind for e in entries for f in e.facts].count("comment") == 1
    with pytest.raises(CommandRefused, match="another command"):
        await world.worker.commands.acknowledge(head.id, order)
    # Keys are each sender's own.
    bobs = Order("bob", "twice", once="k1")
    await world.worker.commands.comment(head.id, bobs)


@pytest.mark.parametrize("by", ["", "source", "quiet"])
async def test_nobody_goes_by_our_own_names(world: World, by: str) -> None:
    """What they resolve means something else."""
    with pytest.raises(CommandRefused):
        await world.worker.commands.resolve((await world.head()).id, Order(by))


async def test_a_note_is_bounded(world: World) -> None:
    """An entry of the timeline must fit its row."""
    with pytest.raises(CommandRefused, match="4000"):
        await world.worker.commands.comment(
            (await world.head()).id, Order("ada", "x" * 4001)
        )
