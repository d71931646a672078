"""The verb that looks at what there is of logs and detection, and keeps what it found.

It reads, and changes nothing of what it looks at. Findings are alerts like others: they
open, stay and close, and go where the policy's routes say.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from shared import telemetry
from shared.enrichment.pack import pack
from shared.held import held
from shared.model.posture import CheckName, Posture
from shared.model.resource import canonical
from shared.model.retention import Retention
from shared.model.workspaces import Topology
from shared.posture import store
from shared.posture.estate import path_of
from shared.posture.gate import Gate
from shared.posture.look import look
from shared.posture.report import report
from shared.posture.wanted import RETENTION, Wanted
from shared.triage import own

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.model.workspaces import Workspaces
    from shared.posture.audited import Report
    from shared.posture.finding import Finding
    from shared.posture.look import Sides
    from shared.posture.store import Blobs
    from shared.store.ledger import Ledger
    from shared.triage.policy import Policy

# The platform ends the whole worker after five minutes of one function. What is not read
# by then is not known; to tell takes its time too.
READ_S = 180.0

# For so long after its end a finding is said to be over: a run may break in between.
CLOSES_FOR = timedelta(days=3)

# A run may be late, or break.
SLACK = timedelta(days=2)

NEVER = timedelta(days=36_500)

# The worst first. Nobody is told of more at once; all of them are in the report.
MOST_TOLD = 1_000


class AuditPosture:
    """Looks at everything, keeps the report, and says what is new.

    ``wanted`` is None where the policy has no such section. ``say`` takes alerts of
    Firewatch's own. ``quiet`` is after what time an incident ends of which nothing is
    heard, if any: of what is still wrong something is, before that.
    """

    def __init__(
        self,
        sides: Sides,
        ledger: Ledger,
        blobs: Blobs,
        *,
        wanted: Callable[[datetime], Wanted] | None,
        say: Callable[..., Awaitable[None]],
        clock: Callable[[], datetime],
        quiet: timedelta | None = None,
    ) -> None:
        self._sides = sides
        self._ledger = ledger
        self._blobs = blobs
        self._wanted = wanted
        self._say = say
        self._clock = clock
        self._heard_each = max((quiet or NEVER) - SLACK, timedelta(days=1))

    async def __call__(self) -> Report | None:
        """One audit; None where there is to be none.

        The report is kept before anything is said: what was not said then is the next
        time, as the same alerts. Raises StoreError.
        """
        if self._wanted is None:
            telemetry.emit(telemetry.POSTURE_OFF)
            return None
        loop = asyncio.get_running_loop()
        began = loop.time()
        gate = Gate(seconds=loop.time)
        last = await store.load(self._blobs)
        estate, wanted = await look(
            self._sides,
            self._wanted(self._clock()),
            gate=gate,
            held=await held(self._ledger),
            deadline=began + READ_S,
        )
        found = report(estate, wanted, last.findings if last else ())
        await store.keep(self._blobs, found)
        await self._say(*self._alerts(found))
        _tell(found, reads=gate.done, seconds=loop.time() - began)
        return found

    def _alerts(self, found: Report) -> list[Alert]:
        told = [
            each
            for each in found.findings
            if each.closed_at is None or found.at - each.closed_at < CLOSES_FOR
        ]
        return [
            _alert(each, found.at, (found.at - each.first_seen) // self._heard_each)
            for each in told[:MOST_TOLD]
        ]


def _alert(found: Finding, now: datetime, again: int) -> Alert:
    """One finding as an alert; one that comes again is another."""
    return own.posture(
        found.check,
        f"{found.id}|{found.first_seen}",
        found.title,
        f"{found.why} {found.clause}.",
        severity=found.severity,
        subscription=path_of(found.resource),
        since=found.first_seen,
        now=now,
        is_over=not found.is_open,
        again=again,
    )


def _tell(found: Report, *, reads: int, seconds: float) -> None:
    """One line for the audit, and one for each thing that is not known."""
    telemetry.emit(
        telemetry.POSTURE_DONE,
        subscriptions=len(found.subscriptions),
        resources=found.resources,
        open=sum(found.open.values()),
        unknown=found.unknown,
        reads=reads,
        took_s=round(seconds),
    )
    for each in found.findings:
        if each.check is CheckName.UNKNOWN and each.is_open:
            telemetry.emit(
                telemetry.POSTURE_UNKNOWN, subscription=each.resource, reason=each.title
            )


def wanted_of(policy: Policy, *, hub: str, now: datetime) -> Wanted:
    """What a policy wants. ``hub`` is what the app reads, where the policy names none."""
    posture = policy.posture or Posture()
    named = canonical(posture.hub) or ""
    _, _, rest = named.partition("/microsoft.eventhub/namespaces/")
    return Wanted(
        now=now,
        posture=posture,
        retention=RETENTION if policy.retention == Retention() else policy.retention,
        tables=frozenset(t for query in pack().values() for t in query.tables),
        hub=rest.replace("/eventhubs/", "/") or hub,
        home=path_of(named),
        asked=_asked(policy.workspaces),
    )


def _asked(workspaces: Workspaces) -> frozenset[str]:
    """The workspaces that are asked; none where each resource's own is."""
    if workspaces.topology is not Topology.CENTRAL:
        return frozenset()
    return frozenset(each.lower() for each in workspaces.central)
