"""In shadow everything is said, and nothing done."""

from __future__ import annotations

from shared.model.deed_status import DeedStatus
from shared.model.guards import Contain, Mode
from shared.store import reading
from tests.alerts import event
from tests.fakes.firewatch import World
from tests.unit.containment.kit import (
    A_VM,
    acting,
    comes,
    only,
    said,
)


async def test_in_shadow_everything_is_said_and_nothing_done() -> None:
    """On the page, in the timeline, on record; and nothing is sent or reserved."""
    world = acting(Mode.SHADOW)

    await comes(world)

    row = await only(world)
    assert row.status is DeedStatus.PLANNED
    assert (row.deed.target, row.rules) == (A_VM, ("contain[0]",))
    assert world.doer.sent == []
    assert world.estate.changes == []
    assert not [key for key in world.table.keys if key.startswith(("g|budget", "o|"))]
    line = "Isolate vm-a: not done, the mode is shadow"
    assert said(world, "planned") == [line]
    timeline = await reading.timeline(world.ledger, (await world.head()).id)
    facts = [(fact.kind, fact.detail) for entry in timeline for fact in entry.facts]
    assert ("deed.planned", line) in facts
    await world.settle()
    await world.check_rested()


async def test_shadow_is_what_there_is_where_nobody_can_sign_in() -> None:
    """Whoever would be asked could not answer (review F14)."""
    world = acting(Mode.ACT, can_ask=False)

    await comes(world)

    assert (await only(world)).status is DeedStatus.PLANNED
    assert world.doer.sent == []


async def test_shadow_says_what_would_have_been_asked() -> None:
    """An alert that nobody vouches for would have been a question."""
    world = acting(Mode.SHADOW)

    await comes(world, is_real=False)

    (line,) = said(world, "planned")
    assert line.endswith(
        "people would have been asked: no alert that it goes by was confirmed at its"
        " owner"
    )


async def test_without_rules_a_look_costs_what_it_cost() -> None:
    """Nothing is read for what is not to be contained."""
    plain, world = (
        World(),
        acting(Mode.ACT, Contain(do=("isolate",), match=("title=x",))),
    )

    for each in (plain, world):
        await each.worker.ingest([event()])
        await each.deliver()

    assert world.faults.calls == plain.faults.calls
