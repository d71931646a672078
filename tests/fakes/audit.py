"""A world whose estate is audited each day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.audit_posture import AuditPosture
from shared.model.correlation import Correlation
from shared.model.logs import Answer
from shared.noise import Noise
from shared.posture.look import Sides
from tests.fakes.arm_reads import FakeArm
from tests.fakes.firewatch import CALM, World
from tests.fakes.logs import FakeLogs
from tests.faults import Case

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from shared.model.incident import Incident
    from shared.model.storm import Storm
    from shared.posture.audited import Report
    from shared.posture.wanted import Wanted

DAY = timedelta(days=1)
QUIET = timedelta(days=7)


class Days:
    """A world whose estate is audited each day; ``case`` is what there is to read."""

    def __init__(self, world: World | None = None, storm: Storm = CALM) -> None:
        self.world = world or World(storm=storm)
        self.case = Case()
        self.arm: FakeArm | None = None
        self.storm = storm

    def wanted(self, now: datetime) -> Wanted:
        """What the case wants, at a time."""
        return self.case.wanted._replace(now=now)

    def noise(self) -> Noise:
        """What says what Firewatch has to say itself."""
        worker = self.world.worker
        return Noise(
            worker.ledger,
            self.world.queue,
            worker.silences,
            storm=self.storm,
            limits={},
            caps=Correlation(),
        )

    def verb(
        self,
        *,
        is_on: bool = True,
        say: Callable[..., Awaitable[None]] | None = None,
    ) -> AuditPosture:
        documents = self.case.estate.documents
        arm = self.arm or FakeArm([*documents.values()])
        machines = [d for d in documents if d.count("/") == 8 and "/virtualmac" in d]
        stamp = self.world.clock().isoformat()
        logs = FakeLogs(
            Answer(
                columns=("Machine", "Last"), rows=tuple((m, stamp) for m in machines)
            )
        )
        return AuditPosture(
            Sides(arm, arm, logs),
            self.world.worker.ledger,
            self.world.blobs,
            wanted=self.wanted if is_on else None,
            say=say or self.noise().say,
            clock=self.world.clock,
            quiet=QUIET,
        )

    async def audit(self) -> Report:
        """One audit, and all that comes of it."""
        found = await self.verb()()
        assert found is not None
        await self.world.settle()
        return found

    async def heads(self) -> dict[str, Incident]:
        """The incidents by the type of their alerts."""
        found = await self.world.heads()
        return {head.worst_first[0].alert_type: head for head in found}
