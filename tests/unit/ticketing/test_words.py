"""What people do to a ticket is said of its incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from responders.tickets import Acknowledges, TicketConfig
from shared.model.incident import IncidentStatus
from shared.model.ticket import Stage
from tests.unit.ticketing.kit import known, make_world, told

if TYPE_CHECKING:
    from tests.fakes.firewatch import World


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
