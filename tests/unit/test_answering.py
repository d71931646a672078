"""What a link is for, and what comes of it, below the page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.answering import Answering
from shared.answers.state import Sight, State
from shared.answers.token import Refusal, Token, Verb
from shared.commands import Order
from shared.model.errors import CommandRefused
from shared.model.incident import IncidentStatus
from shared.store import reading
from tests.alerts import defender_alert, event, vm
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from shared.model.incident import Incident
    from tests.fakes.firewatch import Worker

OTHER = vm(subscription="0c1f6471-1bf0-4dda-aec3-cb9272f09590")


@pytest.fixture
async def world() -> World:
    """An app with one open incident that was told."""
    world = World()
    await world.feed([event()])
    return world


def answering(world: World, worker: Worker | None = None) -> Answering:
    """The verb of a worker."""
    worker = worker or world.worker
    return Answering(
        worker.ledger,
        world.history,
        worker.commands,
        worker.silences,
        worker.deciding,
    )


def token(head: Incident, verb: Verb = Verb.ACKNOWLEDGE, jti: str = "j") -> Token:
    """A token that was verified."""
    return Token(
        jti=jti,
        inc=head.id,
        epoch=head.epoch,
        verb=verb,
        exp=0,
        aud="h",
        hint="ana",
        via="soc",
    )


async def kinds(world: World) -> list[str]:
    """What the timelines of all incidents say."""
    heads = await reading.incidents(world.ledger)
    found = [await reading.timeline(world.ledger, head.id) for head in heads]
    return [f.kind for entries in found for e in entries for f in e.facts]


async def test_two_workers_take_one_press(world: World) -> None:
    """The other was faster, between our look and our write."""
    head = await world.head()
    rival = answering(world, world.new_worker())
    world.table.before_commit(lambda: rival.act(token(head)))

    await answering(world).act(token(head))

    assert (await kinds(world)).count("incident.acknowledged") == 1
    assert (await answering(world).look(token(head))).state is Refusal.USED


async def test_somebody_else_was_faster(world: World) -> None:
    """By another road, between our look and our write: they did it, and not we."""
    head = await world.head()
    rival = world.new_worker().commands
    world.table.before_commit(lambda: rival.acknowledge(head.id, Order("bob")))

    sight = await answering(world).act(token(head))

    assert sight.state is State.ALREADY
    assert sight.mark is not None
    assert sight.mark.by == "bob"


async def test_an_answer_has_the_incident_looked_at(world: World) -> None:
    """By a message, as any other command; a look at the page has not."""
    head = await world.head()
    await answering(world).look(token(head))
    assert world.queue.messages == []

    await answering(world).act(token(head, Verb.RESOLVE), "entra:ana")
    await world.settle()

    assert (await world.head()).status is IncidentStatus.RESOLVED
    assert world.pager.sent_verbs() == ["trigger", "resolve"]
    await world.check_rested()


async def test_a_link_of_a_merged_incident_acts_on_the_winner(world: World) -> None:
    """Who was told of the one has the other before them."""
    mine = await world.head()
    await world.feed(
        [
            event(
                defender_alert(
                    SystemAlertId="2", AzureResourceId=vm("vm-2"), AlertType="Other"
                ),
                place=2,
            )
        ]
    )
    other = next(head for head in await world.heads() if head.id != mine.id)
    await world.worker.regrouping.merge(mine.id, other.id, Order("ada"))
    winner = await world.head()
    loser = mine if winner.id != mine.id else other

    sight = await answering(world).act(token(loser))

    assert sight.state is State.DONE
    assert (await world.head()).acknowledged is not None


@pytest.mark.parametrize("verb", [verb for verb in Verb if not verb.is_of_deed])
async def test_what_is_in_history_is_over(world: World, verb: Verb) -> None:
    """It is shown, and cannot be changed."""
    head = await world.head()
    await world.worker.commands.resolve(head.id, Order("ada"))
    await world.settle()
    world.clock.step(KEEP + timedelta(days=1))
    await world.worker.retention()
    assert await world.heads() == []

    sight = await answering(world).act(token(head, verb), "entra:ana")

    assert sight.state is Refusal.ENDED
    assert sight.head is not None


async def test_of_an_incident_that_is_not_there_nothing_is_known(world: World) -> None:
    """It was deleted, or is of another account."""
    head = await world.head()
    gone = replace(token(head), inc="0d" * 8)

    assert await answering(world).act(gone) == Sight(gone, Refusal.OTHER)


async def test_a_silence_of_that_name_may_be_in_force(world: World) -> None:
    """Somebody made it meanwhile; the link is good for another time."""
    head = await world.head()
    rival = answering(world, world.new_worker())
    mine, theirs = token(head, Verb.SILENCE), token(head, Verb.SILENCE, "k")
    world.table.before_commit(lambda: rival.act(theirs, "entra:bob"))

    with pytest.raises(CommandRefused, match="in force"):
        await answering(world).act(mine, "entra:ana")

    assert (await answering(world).look(mine)).state is State.ALREADY
    world.clock.step(timedelta(hours=1))
    assert (await answering(world).look(mine)).state is State.READY
