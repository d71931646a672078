"""What every doer is measured by: a case for each, and a life of one deed.

Adding a doer: write its ``DoerCase`` in a module of its kind and join that to ``CASES``;
test_doers.py does the rest, against the stand-ins of devhost and by the app's own client.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from devhost.outside.azure.upsets import Upset, Way
from responders import DOERS
from shared.actions import deed_plans, deeds
from shared.containment.doing import Doing, Job
from shared.containment.stopping import Stopping
from shared.containment.tagging import Tagging
from shared.containment.targets import Targets
from shared.model import resource
from shared.model.deed import DeedRow, Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import FailureReason, TransientFailure
from shared.model.incident import Mark
from shared.model.rest import Remotes
from shared.store.ledger import Ledger
from tests.conformance.cases_accounts import ACCOUNTS
from tests.conformance.cases_data import DATA
from tests.conformance.cases_endpoint import ENDPOINT
from tests.conformance.cases_evidence import EVIDENCE
from tests.conformance.cases_network import NETWORK
from tests.conformance.cases_power import POWER
from tests.conformance.cases_storage import STORAGE
from tests.conformance.cases_vaults import VAULTS
from tests.factories import NOON, make_incident
from tests.fakes.azure import Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import FakeKept, make_ports
from tests.fakes.store import FakeTable

_T = TypeVar("_T")
_OBJECT_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

_MACHINE = re.compile(r"[0-9a-f]{40}")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from responders.base import Doer
    from shared.model.blobs import Blob, Blobs
    from shared.model.deed import Deed
    from shared.model.kept import Kept
    from shared.model.rest import Document, Done, Pending, Rest
    from tests.conformance.doer_case import DoerCase

LEASE = timedelta(seconds=120)
# What is tried for half an hour, and then put back.
MOST_TURNS = 90
PAUSE = timedelta(seconds=30)
# It is the core that tags, whoever the doer is: two of them die of it, one of which
# shares its resource's tag with nobody and one that may have several there.
DIE_TAGGING = {"vm-deallocate", "nsg-deny"}


CASES: Mapping[str, DoerCase] = {
    **NETWORK,
    **ACCOUNTS,
    **STORAGE,
    **VAULTS,
    **DATA,
    **EVIDENCE,
    **ENDPOINT,
    **POWER,
}


@dataclass(kw_only=True)
class Calls:
    """The calls of all APIs, counted; one of them breaks, before or after.

    ``before_change`` is called before each that would change something.
    """

    count: int = 0
    changes: int = 0
    breaks_at: int | None = None
    took_effect: bool = False
    before_change: Callable[[], None] = field(default=lambda: None)

    async def make(self, work: Callable[[], Awaitable[_T]]) -> _T:
        self.count += 1
        is_broken = self.count == self.breaks_at
        if is_broken and not self.took_effect:
            raise TransientFailure(FailureReason.UNAVAILABLE, "broken before")
        found = await work()
        if is_broken:
            raise TransientFailure(FailureReason.UNAVAILABLE, "broken after")
        return found


class Faulty:
    """A ``Rest`` whose calls are counted, and may break."""

    def __init__(self, rest: Rest, calls: Calls) -> None:
        self.rest = rest
        self.calls = calls

    async def read(self, path: str, *, permission: str = "") -> Document:
        return await self._make(lambda: self.rest.read(path, permission=permission))

    async def find(self, path: str, *, permission: str = "") -> Document | None:
        return await self._make(lambda: self.rest.find(path, permission=permission))

    async def list_all(
        self, path: str, *, permission: str = ""
    ) -> list[dict[str, Any]]:
        return await self._make(lambda: self.rest.list_all(path, permission=permission))

    async def change(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        if_match: str = "",
        permission: str = "",
    ) -> Done | Pending:
        self._changing()
        return await self._make(
            lambda: self.rest.change(
                method, path, content, if_match=if_match, permission=permission
            )
        )

    async def look(self, pending: Pending, *, permission: str = "") -> Done | Pending:
        return await self._make(lambda: self.rest.look(pending, permission=permission))

    def _changing(self) -> None:
        self.calls.changes += 1
        self.calls.before_change()

    async def _make(self, work: Callable[[], Awaitable[_T]]) -> _T:
        return await self.calls.make(work)


class Died(Exception):
    """The process died in a call."""


class Mortal(Faulty):
    """What tags by a ``Rest``: a call that breaks takes the process with it.

    What a call only answers with is no reason to do anything again, and a tag is no
    change of what is contained.
    """

    def _changing(self) -> None:
        pass

    async def _make(self, work: Callable[[], Awaitable[_T]]) -> _T:
        is_last = self.calls.count + 1 == self.calls.breaks_at
        try:
            return await self.calls.make(work)
        except TransientFailure as error:
            if is_last:
                raise Died from error
            raise


class FaultyKept:
    """A ``Kept`` whose calls are counted, and may break."""

    def __init__(self, kept: Kept, calls: Calls) -> None:
        self.kept = kept
        self.calls = calls

    async def put(self, name: str, content: bytes) -> None:
        self.calls.changes += 1
        await self.calls.make(lambda: self.kept.put(name, content))

    async def get(self, name: str) -> bytes | None:
        return await self.calls.make(lambda: self.kept.get(name))


class FaultyBlobs:
    """``Blobs`` whose calls are counted, and may break."""

    def __init__(self, blobs: Blobs, calls: Calls) -> None:
        self.blobs = blobs
        self.calls = calls

    async def find(self, path: str, *, permission: str = "") -> Blob | None:
        return await self.calls.make(
            lambda: self.blobs.find(path, permission=permission)
        )

    async def copy(
        self, source: str, target: str, *, etag: str, permission: str = ""
    ) -> None:
        self.calls.changes += 1
        self.calls.before_change()
        await self.calls.make(
            lambda: self.blobs.copy(source, target, etag=etag, permission=permission)
        )

    async def remove(self, path: str, *, etag: str, permission: str = "") -> None:
        self.calls.changes += 1
        self.calls.before_change()
        await self.calls.make(
            lambda: self.blobs.remove(path, etag=etag, permission=permission)
        )


class Life:
    """One doer, its other side, and the core's own steps over fake storage."""

    def __init__(self, name: str, side: Azure) -> None:
        self.case = CASES[name]
        self.side = side
        self.calls = Calls()
        self.dies_tagging = name in DIE_TAGGING
        self.kept = FakeKept()
        ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
        ports = ports._replace(kept=FaultyKept(self.kept, self.calls))
        azure_ = Remotes(
            arm=Faulty(side.arm, self.calls),
            graph=Faulty(side.graph, self.calls),
            endpoint=Faulty(side.endpoint, self.calls),
            vault=lambda uri: Faulty(side.remotes.vault(uri), self.calls),
            blobs=lambda uri: FaultyBlobs(side.remotes.blobs(uri), self.calls),
        )
        kind: Any = DOERS[name]
        config = msgspec.convert(self.case.settings, kind.Config)
        self.doer: Doer = kind(f"{name}-1", config, ports._replace(azure=azure_))
        self.bare: Doer = kind(f"{name}-1", None, ports._replace(azure=azure_))
        table = FakeTable(lambda: side.now)
        self.ledger = Ledger(table, 2)
        self.stopping = Stopping(self.ledger)
        self.doing = self.worker()

    def worker(self) -> Doing:
        """A process that remembers nothing."""
        ledger = Ledger(self.ledger.table, 2)
        return Doing(
            ledger,
            Targets(ledger, lease=LEASE),
            Stopping(ledger),
            lambda _: self.doer,
            say=_say,
            tagging=Tagging(
                Mortal(self.side.arm, self.calls)
                if self.dies_tagging
                else self.side.arm
            ),
        )

    @property
    def state(self) -> Any:  # noqa: ANN401  all of the other side
        """All of the other side, as it is, and what is kept here."""
        kept = {name: content.decode() for name, content in self.kept.kept.items()}
        return {**self.side.outside.state(), "kept": kept}

    @property
    def taken(self) -> int:
        """How many changes the other sides took, but for tags: those may be renewed."""
        outside = self.side.outside
        sides = (outside.manager, outside.graph, outside.vault, outside.blob)
        told = outside.endpoint.received()["actions"]
        here = len(self.kept.kept) + outside.endpoint.indicators.changes
        tags = sum(
            "/providers/microsoft.resources/tags/" in each["path"].lower()
            for each in outside.manager.changes
        )
        return sum(len(each.changes) for each in sides) + len(told) + here - tags

    def upset(self, way: Way, *, times: int | None = 1, reads: int = 2) -> None:
        """Have the change go wrong, by those that an apply sends."""
        case = self.case
        if case.keeps:
            self.kept.loses = way in {Way.FAILS, Way.IS_LOST}
            self.kept.late = reads if way is Way.IS_STALE else 0
            return
        upset = Upset(
            side=case.side,
            way=way,
            about=case.resource,
            method=case.method,
            reads=reads,
            times=times,
        )
        self.side.outside.upsets.add(upset)

    async def planned(self) -> DeedRow:
        """The row of the one deed that it plans."""
        (deed,) = await self.doer.plan(make_incident(), self.case.alerts())
        row = deed_plans.planned(make_incident(), deed, now=self.side.now, policy="")
        lasts = timedelta(hours=4) if deed.reversible else None
        return replace(row, status=DeedStatus.GUARDED, lasts=lasts)

    async def until(self, row: DeedRow, *ends: DeedStatus) -> DeedRow:
        """The deed, stepped until it comes to one of these."""
        for _ in range(MOST_TURNS):
            if row.status in ends:
                return row
            row = await self.turn(row)
            self.side.step(PAUSE)
        raise AssertionError(f"it never ends: {row.status} {row.detail}")

    async def turn(self, row: DeedRow) -> DeedRow:
        """One step, by a process that remembers nothing; a death leaves the claim."""
        now = self.side.now
        step = deeds.step(row, now)
        if step is None:
            return row
        claimed = deeds.claimed(row, step, now, now + LEASE)
        doing = self.worker()
        try:
            came = await doing(Job(step, claimed))
        except Died:
            return claimed
        except TransientFailure as error:
            came = deeds.broken(claimed, step, error, now)
        return deeds.concluded(claimed, came, self.side.now)

    def taken_back(self, row: DeedRow, how: Undo = Undo.CAREFUL) -> DeedRow:
        """The row as somebody wants it undone."""
        return replace(row, ending=Mark(by="ada", at=self.side.now), how=how)


@asynccontextmanager
async def life(name: str) -> AsyncIterator[Life]:
    """A doer, and Azure at noon."""
    async with azure() as side:
        side.now = NOON
        CASES[name].arrange(side)
        yield Life(name, side)


async def _say(_: object) -> None:
    """Nobody listens."""


def is_exact(deed: Deed) -> bool:
    """Whether everything that it touches is named as one thing."""
    return (
        all(resource.whole_id(each) == each for each in deed.resources)
        and all(map(_OBJECT_ID.fullmatch, deed.accounts))
        and all(map(_MACHINE.fullmatch, deed.machines))
        and bool(deed.resources or deed.accounts or deed.machines or deed.names)
    )
