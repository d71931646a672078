"""What would lose evidence waits until it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.deed import Guard, Says
from shared.model.deed_status import DeedStatus
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.guards import Contain, Mode
from tests.fakes.estate import FakeDoer
from tests.unit.containment.kit import (
    A_VM,
    RULE,
    Snapshot,
    acting,
    comes,
    guards,
    passes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.deed import Deed


async def test_evidence_of_a_target_goes_first() -> None:
    """For a minute at most; then it is contained without."""
    rule = Contain(do=("snapshot", "isolate"), match=RULE.match)
    for broken in (False, True):
        world = acting(Mode.ACT, rule)
        snapshot = Snapshot(world)
        world.doers["snapshot"] = snapshot
        world.restart()
        away: Exception = TransientFailure(FailureReason.TIMEOUT, "no answer")
        snapshot.failures = [away] * 9 * broken

        await comes(world)
        contain = next(r for r in await world.deeds() if r.deed.responder == "isolate")
        assert guards(contain) == [(Guard.EVIDENCE, Says.WAIT)]
        assert A_VM not in world.estate.isolated
        for _ in range(3):
            await passes(world)

        assert A_VM in world.estate.isolated


async def test_what_wipes_waits_for_evidence_or_is_asked_for() -> None:
    """Half an hour; what failed, or never came, people may do without."""
    rule = Contain(do=("snapshot", "isolate"), match=RULE.match)
    for failure in (
        TransientFailure(FailureReason.TIMEOUT, "no answer"),
        PermanentFailure(FailureReason.AUTH, "side answered 403"),
    ):
        world = acting(Mode.ACT, rule)
        snapshot = world.doers["snapshot"] = Snapshot(world)
        world.doers["isolate"] = Wiper(world.estate)
        world.restart()
        snapshot.failures = [failure] * 99

        await comes(world)
        for _ in range(3):
            await passes(world)
        is_waiting = isinstance(failure, TransientFailure)
        contain = next(r for r in await world.deeds() if r.deed.responder == "isolate")
        assert guards(contain) == [
            (Guard.EVIDENCE, Says.WAIT if is_waiting else Says.ASK)
        ]
        for _ in range(6):
            await passes(world, timedelta(minutes=5))

        contain = next(r for r in await world.deeds() if r.deed.responder == "isolate")
        assert contain.status is DeedStatus.AWAITING
        assert guards(contain) == [(Guard.EVIDENCE, Says.ASK)]
        assert A_VM not in world.estate.isolated


class Wiper(FakeDoer):
    """Loses what nobody kept."""

    def deed(self, target: str, alerts: Sequence[str]) -> Deed:
        return replace(super().deed(target, alerts), wipes=True)
