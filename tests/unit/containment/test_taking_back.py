"""Deeds are taken back: at their end, by somebody, and once for all who hold a target."""

from __future__ import annotations

from datetime import timedelta

from shared.model.deed import Undo
from shared.model.deed_status import DeedStatus
from shared.model.incident import IncidentStatus
from shared.store import reading
from tests.fakes.estate import OPEN
from tests.unit.containment.kit import (
    A_VM,
    ADA,
    HOUR,
    acting,
    comes,
    only,
    passes,
    said,
    undo,
)


async def test_it_is_taken_back_at_its_end() -> None:
    """By the timer, and people hear of that too."""
    world = acting()
    await comes(world)

    await passes(world, timedelta(hours=4))

    assert (await only(world)).status is DeedStatus.EXPIRED
    assert world.estate.isolated == set()
    assert world.pager.sent[-1].occasion == "deed"
    assert await reading.targets(world.ledger) == []


async def test_two_incidents_hold_one_machine() -> None:
    """The first to come isolates it, the last to leave lets it go (review F4)."""
    world = acting()
    await comes(world, Intent="Probing")
    await passes(world, HOUR / 2)
    await comes(world, 2, AlertType="Other", Intent="Execution")
    assert len(await world.heads()) == 2
    (target,) = await reading.targets(world.ledger)
    assert len(target.holders) == 2

    await passes(world, timedelta(hours=3.5))
    assert world.estate.isolated == {A_VM}
    await passes(world, HOUR / 2)

    assert world.estate.isolated == set()
    assert world.doer.sent == [("apply", A_VM), ("undo", A_VM)]
    details = [row.detail for row in await world.deeds()]
    assert sorted(details) == ["", "another incident needs it so"]


async def test_what_somebody_changed_since_is_left_and_said() -> None:
    """The difference is named; a person may force it, or leave it."""
    for how, after in ((Undo.FORCE, OPEN), (Undo.LEAVE, "elsewhere")):
        world = acting()
        await comes(world)
        world.estate.put(A_VM, "elsewhere")

        await passes(world, timedelta(hours=4))
        row = await only(world)
        assert (row.status, row.detail) == (DeedStatus.STRANDED, "it is elsewhere")
        assert said(world, "news") == [
            "Isolate vm-a: somebody has to look, it is elsewhere"
        ]
        assert world.pager.sent[-1].occasion == "action_failed"
        await undo(world, row, how)

        assert world.pager.sent[-1].occasion == "deed"
        assert (await only(world)).status is DeedStatus.UNDONE
        assert world.estate.is_(A_VM) == after
        assert await reading.targets(world.ledger) == []


async def test_what_strands_after_the_end_has_an_incident_of_its_own() -> None:
    """Nobody would hear of it by the notices of one that is closed."""
    world = acting()
    await comes(world)
    head = await world.head()
    await world.worker.commands.resolve(head.id, ADA)
    world.estate.put(A_VM, "elsewhere")

    await passes(world, timedelta(hours=4))
    await passes(world)

    (own,) = [h for h in await world.heads() if h.status is IncidentStatus.OPEN]
    assert own.title == (
        f"Isolate vm-a: was not taken back, it is elsewhere (incident {head.id})"
    )
    assert world.pager.sent[-1].occasion == "opened"


async def test_somebody_takes_it_back() -> None:
    """At once, and who is on record; again it is nothing."""
    world = acting()
    await comes(world)

    await undo(world, await only(world))

    row = await only(world)
    assert row.status is DeedStatus.UNDONE
    assert row.ending is not None
    assert row.ending.by == "entra:ada"
    assert said(world, "done")[0].startswith("Isolate vm-a: taken back by entra:ada")


async def test_an_undo_while_it_is_being_done_is_heeded() -> None:
    """What a person says while a worker is at it is not lost."""
    world = acting()
    others = world.new_worker()

    async def meanwhile() -> None:
        row = await only(world)
        await others.deciding.undo(row.incident, row.key, ADA)

    world.doer.meanwhile = [meanwhile]
    await comes(world)
    await passes(world)

    assert (await only(world)).status is DeedStatus.UNDONE
    assert world.estate.isolated == set()


async def test_a_merge_keeps_one_deed_for_a_target() -> None:
    """What one of two incidents did, the other does not do again."""
    world = acting()
    await comes(world, Intent="Probing")
    await comes(world, 2, AlertType="Other", Intent="Execution")
    first, second = await world.heads()
    await world.worker.regrouping.merge(first.id, second.id, ADA)
    await world.deliver()
    await comes(world, 3, AlertType="Third", Intent="Execution")

    assert len(await world.deeds()) == 2
    assert world.doer.sent == [("apply", A_VM)]
    await passes(world, timedelta(hours=4))
    assert world.estate.isolated == set()
    assert [row.status for row in await world.deeds()] == [DeedStatus.EXPIRED] * 2
