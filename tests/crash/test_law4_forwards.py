"""Law 4 for forwards: whatever breaks, the copy of each timeline is whole in the end."""

from __future__ import annotations

import pytest

from responders.forwards.records import Sort
from shared.model.incident import IncidentStatus
from shared.store import reading
from tests.crash.test_law4_converges import NAMES, VARIANTS, Crash, _run
from tests.fakes.firewatch import World


def forwarding() -> World:
    """A pager, and a sink beside it."""
    return World(forwarders=("siem",))


async def check_copies(world: World) -> None:
    """Every incident that was ever told of is in the sink, with all of its timeline."""
    copies = [r for r in world.forwarder.records if r.sort is Sort.INCIDENT]
    last = {record.incident: record for record in copies}
    for head in await reading.incidents(world.ledger):
        if not head.was_active or (
            head.status is IncidentStatus.MERGED and head.id not in last
        ):
            # Whoever was merged before it was forwarded is in the other alone.
            continue
        entries = await reading.timeline(world.ledger, head.id)
        written = {(e.sequence, f.kind) for e in entries for f in e.facts}
        assert {*world.forwarder.audit(head.id)} == written, head.id
        assert last[head.id].data["status"] == head.status.value


async def calls() -> int:
    """How many calls a run without a crash makes."""
    world = await _run(world=forwarding())
    await check_copies(world)
    return world.faults.total


@pytest.mark.parametrize(
    "every", [23, pytest.param(1, marks=pytest.mark.soak)], ids=["some", "all"]
)
@pytest.mark.parametrize(("took_effect", "for_good"), VARIANTS, ids=NAMES)
async def test_a_crash_anywhere_leaves_whole_copies(
    *, took_effect: bool, for_good: bool, every: int
) -> None:
    """Some records come twice; none is missing, and every row is at its end."""
    # Each kind of crash begins elsewhere: together they meet most of the calls.
    first = 1 + VARIANTS.index((took_effect, for_good)) % every
    for call in range(first, await calls() + 1, every):
        crash = Crash(call, took_effect, for_good)
        world = await _run(crash, world=forwarding())

        await check_copies(world)
