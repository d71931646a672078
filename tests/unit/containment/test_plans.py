"""Plans that are refused, come late or lapse."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from shared.containment import containing
from shared.model.deed_status import DeedStatus
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    TransientFailure,
)
from shared.model.guards import Mode
from shared.store import reading
from tests.alerts import NOON, stamp
from tests.unit.containment.kit import (
    A_VM,
    B_VM,
    HOUR,
    acting,
    comes,
    only,
    passes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from shared.model.deed import Deed


async def test_a_plan_that_is_refused_is_said() -> None:
    """Once; the page goes out all the same."""
    world = acting()
    world.doer.broken_plan = ActionRefused("two machines have that name")

    await comes(world)

    assert await world.deeds() == []
    assert world.pager.sent_verbs() == ["trigger"]
    timeline = await reading.timeline(world.ledger, (await world.head()).id)
    facts = [f for entry in timeline for f in entry.facts if f.kind == "deed.unplanned"]
    assert [f.detail for f in facts] == ["isolate: two machines have that name"]


async def test_a_plan_that_cannot_be_made_now_is_made_later() -> None:
    """As soon as its side answers; a defect is a refusal, and no more."""
    world = acting()
    world.doer.broken_plan = TransientFailure(FailureReason.UNAVAILABLE, "away")
    await comes(world)
    assert await world.deeds() == []

    world.doer.broken_plan = None
    await passes(world)

    assert (await only(world)).status is DeedStatus.VERIFIED
    broken = acting()
    broken.doer.broken_plan = RuntimeError("a defect")
    await comes(broken)
    await broken.settle()
    await broken.check_rested()


async def test_the_page_does_not_wait_for_a_slow_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It goes out without, and what is planned later follows."""
    monkeypatch.setattr(containing, "BRIEF_S", 0.01)
    world = acting()
    plan, never = world.doer.plan, asyncio.Event()

    async def slow(*_: object) -> Sequence[Deed]:
        await never.wait()
        return ()

    world.doer.plan = slow  # type: ignore[method-assign, assignment]
    await comes(world)
    assert world.pager.sent_verbs() == ["trigger"]

    world.doer.plan = plan  # type: ignore[method-assign]
    await passes(world)

    assert (await only(world)).status is DeedStatus.VERIFIED


async def test_what_nothing_speaks_for_any_more_lapses() -> None:
    """Its alerts are closed where they came from before anybody approved it."""
    world = acting(Mode.APPROVE)
    tie: dict[str, Any] = {"Entities": [{"Type": "ip", "Address": "52.174.10.20"}]}
    fields = await comes(world, **tie)
    await comes(world, 2, "vm-b", **tie)
    closed = fields | {"ProcessingEndTime": stamp(NOON + HOUR), "Status": "Resolved"}

    await comes(world, 3, is_real=False, **closed)

    statuses = {row.deed.target: row.status for row in await world.deeds()}
    assert statuses == {A_VM: DeedStatus.LAPSED, B_VM: DeedStatus.AWAITING}
