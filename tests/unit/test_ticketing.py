"""What people do to tickets, and what comes of it here."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from responders.tickets import Acknowledges, TicketConfig
from shared import ticketing
from shared.commands import Order
from shared.model.action import Verb
from shared.model.errors import FailureReason, StoreUnavailable, TransientFailure
from shared.model.incident import IncidentStatus
from shared.model.ticket import Stage, Ticket
from shared.store import reading, rows
from shared.store.ports import Put
from shared.ticketing import Read
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp, vm
from tests.fakes.firewatch import KEEP, World
from tests.fakes.tracker import FakeTracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.store.draft import Draft

RESOLVES = TicketConfig(resolves=True)


async def make_world(config: TicketConfig = RESOLVES) -> World:
    """One open incident that has a ticket, and a page."""
    world = World(trackers={"tickets": config})
    await world.feed([event()])
    return world


@pytest.fixture
async def world() -> World:
    return await make_world()


async def told(world: World) -> list[tuple[str, str, str]]:
    """What tickets have added to the timeline: by whom, what, in which words."""
    head = await world.head()
    entries = await reading.timeline(world.ledger, head.id)
    return [
        (entry.by, fact.kind, fact.detail)
        for entry in entries
        for fact in entry.facts
        if entry.by.startswith("ticket:")
    ]


def known(world: World) -> list[Ticket]:
    """The rows of tickets that may be open."""
    keys = sorted(world.table._rows)
    return [
        rows.decode(world.table._rows[key], Ticket)
        for key in keys
        if key[1].startswith(f"{rows.TICKET}|")
    ]


# Finding them


async def test_what_opens_a_ticket_makes_it_known(world: World) -> None:
    """In the transaction that records the notice; a page makes nothing known."""
    head = await world.head()

    [ticket] = known(world)

    assert (ticket.incident, ticket.responder) == (head.id, "tickets")
    assert (ticket.reference, ticket.version) == ("T-1", "")
    assert ticket.dedup_key == world.tracker.actions[0].dedup_key


async def test_a_run_is_one_range_of_each_partition(world: World) -> None:
    """However many incidents there are; what is not changed costs nothing else."""
    await world.worker.ticketing()
    world.faults.calls.clear()

    read = await world.worker.ticketing()

    assert read == {"tickets": Read(asked=1, changed=0)}
    assert world.faults.calls == {"table.scan": 16, "tracker.changed": 1}


async def test_without_a_responder_that_keeps_tickets_nothing_is_read() -> None:
    """Most apps have none."""
    world = World()
    await world.feed([event()])
    world.faults.calls.clear()

    assert await world.worker.ticketing() == {}

    assert world.faults.calls == {}


async def test_that_firewatch_is_stuck_is_no_ticket_of_the_incident() -> None:
    """What people do about that ticket says nothing of the incident."""
    world = World(trackers={"tickets": RESOLVES})
    world.pager.broken_plan = RuntimeError("broken")
    await world.worker.ingest([event()])
    for _ in range(8):
        await world.deliver()
        world.clock.step(timedelta(minutes=30))
        await world.worker.tick()

    assert [action.occasion for action in world.tracker.actions] == ["stuck"]
    assert known(world) == []


# What comes of it


async def test_what_people_write_is_a_comment_here(world: World) -> None:
    """By the ticket, with who wrote it; nobody is told of it."""
    world.tracker.person(says="It is us.")
    before = world.pager.sent_verbs()

    await world.worker.ticketing()
    await world.settle()

    assert await told(world) == [
        ("ticket:tickets", "comment", "Grace Hopper: It is us.")
    ]
    assert world.pager.sent_verbs() == before


async def test_an_owner_there_acknowledges_here(world: World) -> None:
    """Others are told; the ticket is not, since it says so itself."""
    world.tracker.person(owner="Grace Hopper")

    await world.worker.ticketing()
    await world.settle()

    head = await world.head()
    assert head.acknowledged is not None
    assert (head.acknowledged.by, head.acknowledged.via) == (
        "ticket:tickets",
        "tickets",
    )
    assert head.acknowledged.note == "T-1 is assigned to Grace Hopper"
    assert world.tracker.sent_verbs() == ["trigger"]


async def test_a_ticket_goes_by_the_name_that_people_call_it(world: World) -> None:
    """Its reference may be a number that nobody has seen."""
    world.tracker.person(owner="Grace Hopper", name="INC0010023")

    await world.worker.ticketing()

    [(_, _, said)] = await told(world)
    assert said == "INC0010023 is assigned to Grace Hopper"


@pytest.mark.parametrize(
    ("acknowledges", "owner", "stage", "is_marked"),
    [
        (Acknowledges.OWNER, "ada", Stage.NEW, True),
        (Acknowledges.OWNER, "", Stage.IN_PROGRESS, True),
        (Acknowledges.OWNER, "", Stage.NEW, False),
        (Acknowledges.PROGRESS, "ada", Stage.NEW, False),
        (Acknowledges.PROGRESS, "", Stage.IN_PROGRESS, True),
        (Acknowledges.NEVER, "ada", Stage.IN_PROGRESS, False),
    ],
)
async def test_the_policy_says_what_acknowledges(
    acknowledges: Acknowledges, owner: str, stage: Stage, *, is_marked: bool
) -> None:
    """Where every ticket gets an owner by itself, an owner means nothing."""
    world = await make_world(TicketConfig(acknowledges=acknowledges))
    world.tracker.person(owner=owner, stage=stage)

    await world.worker.ticketing()

    assert ((await world.head()).acknowledged is not None) is is_marked


async def test_another_owner_later_is_a_comment(world: World) -> None:
    """The first mark stands; who has it now can be read."""
    world.tracker.person(owner="Grace Hopper")
    await world.worker.ticketing()
    world.tracker.person(owner="Ada Lovelace")
    await world.worker.ticketing()
    world.tracker.person(says="thanks")
    await world.worker.ticketing()

    assert [detail for _, _, detail in await told(world)] == [
        "T-1 is assigned to Grace Hopper",
        "T-1 is assigned to Ada Lovelace",
        "Grace Hopper: thanks",
    ]


async def test_closing_it_there_resolves_here_by_policy(world: World) -> None:
    """What they wrote comes before; others are told, and the ticket is not."""
    world.tracker.person(says="rotated the keys", stage=Stage.CLOSED)

    await world.worker.ticketing()
    await world.settle()

    head = await world.head()
    assert head.status is IncidentStatus.RESOLVED
    assert await told(world) == [
        ("ticket:tickets", "comment", "Grace Hopper: rotated the keys"),
        ("ticket:tickets", "incident.resolved", "T-1 was closed"),
    ]
    assert world.pager.sent_verbs() == ["trigger", "resolve"]
    assert world.tracker.sent_verbs() == ["trigger"]
    assert known(world) == []


async def test_closing_it_there_is_a_comment_without_the_policy() -> None:
    """Once, and the incident goes on; so does reading the ticket."""
    world = await make_world(TicketConfig())
    world.tracker.person(stage=Stage.CLOSED)
    await world.worker.ticketing()
    world.tracker.person(says="really")

    await world.worker.ticketing()

    assert (await world.head()).status is IncidentStatus.OPEN
    assert [detail for _, _, detail in await told(world)] == [
        "T-1 was closed",
        "Grace Hopper: really",
    ]


async def test_hostile_words_are_plain_here(world: World) -> None:
    """One line, nothing unseen, no live URL, and not too long for a row."""
    text = "\u202eevil\x1b[31m\r\n" + "https://evil.example " + "x" * 40_000
    world.tracker.person(says=text, by="a\u2028b" * 200, owner="o\x00" * 500)

    await world.worker.ticketing()

    comment, mark = [detail for _, _, detail in await told(world)]
    assert "hxxps://evil.example" in comment
    assert all(text.isprintable() for text in (comment, mark))
    assert len(comment) <= 4_000
    assert comment.endswith("…")


async def test_empty_words_are_no_comment(world: World) -> None:
    """A picture, perhaps."""
    world.tracker.person(says="\u200b \n")

    await world.worker.ticketing()

    assert await told(world) == []


# Once, and no echo


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


# When it is over


async def test_a_ticket_that_we_closed_says_nothing_any_more(world: World) -> None:
    """Its end is our own; it is not read again."""
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()
    world.tracker.person(stage=Stage.CLOSED, says="too late")

    await world.worker.ticketing()

    assert await told(world) == []
    assert known(world) == []


async def test_a_ticket_that_is_being_closed_says_nothing(world: World) -> None:
    """The worker closed it there, and died before it could write that down."""
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    # What the responder did is done; the record of it is not.
    world.faults.fail_after(2, of="table.commit")
    await world.deliver()
    assert world.tracker.sent_verbs() == ["trigger", "resolve"]
    world.restart()
    await world.worker.commands.reopen(head.id, Order("bob"))
    world.tracker.person(stage=Stage.CLOSED)

    await world.worker.ticketing()

    assert (await world.head()).status is IncidentStatus.OPEN
    assert await told(world) == []


async def test_the_ticket_of_an_earlier_epoch_ends_nothing() -> None:
    """An incident that was reopened has a ticket of its own."""
    world = await make_world()
    head = await world.head()
    world.tracker.person(stage=Stage.CLOSED)
    await world.worker.ticketing()
    await world.settle()
    await world.worker.commands.reopen(head.id, Order("bob"))
    await world.settle()

    assert [ticket.reference for ticket in known(world)] == ["T-2"]
    world.tracker.person("T-1", says="old", stage=Stage.CLOSED)
    world.tracker.person("T-2", says="new")
    await world.worker.ticketing()

    assert (await world.head()).status is IncidentStatus.OPEN
    assert "Grace Hopper: new" in [detail for _, _, detail in await told(world)]
    assert "Grace Hopper: old" not in [detail for _, _, detail in await told(world)]


@pytest.fixture
async def merged() -> World:
    """An incident that is two merged, each with a ticket."""
    world = await many(2)
    one, two = sorted(await world.heads(), key=lambda head: head.id)
    await world.worker.regrouping.merge(one.id, two.id, Order("ada"))
    await world.settle()
    return world


async def test_a_ticket_of_a_merged_incident_speaks_for_what_it_is_part_of(
    merged: World,
) -> None:
    """Its row names the incident that it was opened for."""
    [reference] = await speaking(merged)
    merged.tracker.person(reference, says="still here")

    await merged.worker.ticketing()

    assert [detail for _, _, detail in await told(merged)] == [
        "Grace Hopper: still here"
    ]


async def test_the_ticket_that_the_merge_closed_ends_nothing(merged: World) -> None:
    """It was closed by us, since another one speaks."""
    [reference] = await speaking(merged)
    [other] = {"T-1", "T-2"} - {reference}
    merged.tracker.person(other, says="why?", stage=Stage.CLOSED)

    await merged.worker.ticketing()

    assert (await merged.head()).status is IncidentStatus.OPEN
    assert await told(merged) == []
    assert [ticket.reference for ticket in known(merged)] == [reference]


async def speaking(world: World) -> Sequence[str]:
    """The tickets that nobody has closed."""
    actions = await world.actions()
    ended = {row.dedup_key for row in actions if row.verb is Verb.RESOLVE}
    return [
        row.reference
        for row in actions
        if row.verb is Verb.TRIGGER and row.dedup_key not in ended
    ]


async def test_a_ticket_leaves_with_its_incident() -> None:
    """Rows of what ended long ago are in history, this one too."""
    world = await make_world(TicketConfig())
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()
    assert len(known(world)) == 1
    world.clock.step(KEEP + timedelta(days=1))

    await world.worker.retention()

    assert known(world) == []
    assert await world.heads() == []


# Sides that fail


async def test_a_side_that_fails_is_told_of_and_read_the_next_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And it keeps no other side from being read."""
    caplog.set_level(logging.INFO)
    world = World(trackers={"one": RESOLVES, "two": RESOLVES})
    await world.feed([event()])
    one, two = world.responders["one"], world.responders["two"]
    assert isinstance(one, FakeTracker)
    assert isinstance(two, FakeTracker)
    one.unread.append(TransientFailure(FailureReason.RATE_LIMITED, "wait"))
    two.person(says="from two")

    read = await world.worker.ticketing()

    assert (read["one"].changed, read["two"].changed) == (0, 1)
    assert 'tickets.unread responder="one" reason="rate_limited"' in caplog.text
    assert (await world.worker.ticketing())["one"].asked == 1


async def test_what_was_read_before_a_side_failed_is_taken(world: World) -> None:
    """Version by version, so that the next run goes on from there."""
    world.tracker.person(says="first")
    world.tracker.broken.append(TransientFailure(FailureReason.TIMEOUT, "no answer"))

    read = await world.worker.ticketing()

    assert read["tickets"].changed == 1
    assert [ticket.version for ticket in known(world)] == ["2"]


async def test_a_defect_of_ours_is_told_of_with_where_it_is(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The run ends well; others are read."""
    world.tracker.unread.append(RuntimeError("broken"))

    await world.worker.ticketing()

    assert "tickets.broke_us" in caplog.text
    assert "RuntimeError" in caplog.text


async def test_a_store_that_is_down_is_said(world: World) -> None:
    """The timer fails, and comes again."""
    world.faults.go_down()

    with pytest.raises(StoreUnavailable):
        await world.worker.ticketing()


async def test_a_row_of_another_version_is_left_alone(world: World) -> None:
    """It keeps no other from being read."""
    head = await world.head()
    partition = rows.partition_of_incident(head.id)
    await world.table.commit(
        partition, [Put(rows.ticket(head.id, "0" * 32), b'{"later": 1}')]
    )
    world.tracker.person(says="It is us.")

    assert (await world.worker.ticketing())["tickets"].changed == 1


# Bounds


async def test_many_changes_are_taken_a_part_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is left is newer than what is known the next time too."""
    monkeypatch.setattr(ticketing, "MOST_TAKEN", 2)
    world = await many(5)

    taken = [(await world.worker.ticketing())["tickets"].changed for _ in range(4)]

    assert taken == [2, 2, 1, 0]


async def test_many_tickets_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is asked about after as many runs as it takes."""
    monkeypatch.setattr(ticketing, "MOST_ASKED", 2)
    world = await many(5)

    for _ in range(5):
        await world.worker.ticketing()
        world.clock.step(ticketing.EVERY)

    assert {len(asked) for asked in world.tracker.asked} == {2}
    assert {name for asked in world.tracker.asked for name in asked} == {
        f"T-{number}" for number in range(1, 6)
    }


async def many(count: int) -> World:
    """As many incidents, each with a ticket."""
    world = World(trackers={"tickets": RESOLVES}, route=lambda _: ("tickets",))
    await world.feed(
        batch(
            *(
                defender_alert(
                    SystemAlertId=alert_id(n),
                    AlertType=f"VM_{n}",
                    AzureResourceId=vm(f"v{n}"),
                    StartTimeUtc=stamp(NOON),
                )
                for n in range(count)
            )
        )
    )
    assert len(known(world)) == count
    return world
