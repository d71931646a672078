"""What every doer is measured by: a case for each, and a life of one deed.

Adding a doer: write its ``DoerCase`` here and name it in ``CASES``; test_doers.py does the
rest, against the stand-ins of devhost and by the app's own client.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from responders import DOERS
from shared.actions import deeds
from shared.containment.doing import Doing, Job
from shared.containment.stopping import Stopping
from shared.containment.targets import Targets
from shared.model import resource
from shared.model.deed import DeedRow, Undo
from shared.model.deed_status import DeedStatus
from shared.model.entity import Ip
from shared.model.errors import FailureReason, TransientFailure
from shared.model.incident import Mark
from shared.model.rest import Remotes
from shared.store.ledger import Ledger
from shared.triage.alert_rows import row_of
from tests.alerts import read_alert
from tests.factories import NOON, make_incident
from tests.fakes.azure import NSG, QUARANTINE, WEB01, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports
from tests.fakes.store import FakeTable

_T = TypeVar("_T")
_OBJECT_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from responders.base import Doer
    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
    from shared.model.rest import Document, Done, Pending, Rest

ATTACKER = "203.0.113.77"
LEASE = timedelta(seconds=120)
# What is tried for half an hour, and then put back.
MOST_TURNS = 90
PAUSE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class DoerCase:
    """One doer of the table: how it is set, and what alerts it acts on.

    ``drift`` is what somebody else does to the target meanwhile: a resource, and its
    properties then. ``resource`` is the one that the change shows at, as a part of paths,
    ``side`` the API that is asked for it, and ``method`` how. ``unclear`` are alerts that
    name the target in no exact way, and ``gone`` makes one name what is not there.

    What is not ``reversible`` is never taken back, and nobody looks at it again.
    """

    settings: Mapping[str, Any]
    alerts: Callable[[], Sequence[AlertRow]]
    unclear: Callable[[], Sequence[AlertRow]]
    resource: str
    side: str = "arm"
    method: str = "PUT"
    gone: Callable[[AlertRow], AlertRow] = field(
        default=lambda alert: replace(alert, resource=f"{alert.resource}-gone")
    )
    drift: Callable[[Azure, Deed], None] = field(default=lambda *_: None)
    reversible: bool = True


def alert(resource_id: str | None = WEB01, *entities: Any, **changes: Any) -> AlertRow:  # noqa: ANN401
    """An alert about a resource, and what it names."""
    found = read_alert(
        AzureResourceId=resource_id or "",
        ResourceIdentifiers=[],
        Entities=[*entities],
        **changes,
    )
    return row_of(found, "0a" * 8, "fp", None)


def attack(resource_id: str | None = WEB01, address: str = ATTACKER) -> AlertRow:
    """An alert that names who attacks."""
    return replace(alert(resource_id), entities=(Ip(address=address, is_public=True),))


def _regroup(side: Azure, deed: Deed) -> None:
    """Somebody gives the interface another security group."""
    nic = deed.content["interfaces"][0]
    found = side.outside.manager.resources.find(nic)
    assert found is not None
    other = NSG.replace("nsg-web", "nsg-vnet-shop")
    properties = {**found["properties"], "networkSecurityGroup": {"id": other}}
    side.outside.manager.resources.write({**found, "properties": properties})


def _rewrite(side: Azure, deed: Deed) -> None:
    """Somebody has the rule allow what it denied."""
    group = side.outside.manager.resources.find(deed.content["group"])
    assert group is not None
    rules = [
        {**rule, "properties": {**rule["properties"], "access": "Allow"}}
        if rule["name"] == deed.content["rule"]
        else rule
        for rule in group["properties"]["securityRules"]
    ]
    properties = {**group["properties"], "securityRules": rules}
    side.outside.manager.resources.write({**group, "properties": properties})


_SET = f"{WEB01.rpartition('/virtualMachines')[0]}/virtualMachineScaleSets/web/virtualMachines/0"

CASES: Mapping[str, DoerCase] = {
    "vm-quarantine": DoerCase(
        settings={"groups": [QUARANTINE]},
        alerts=lambda: [alert()],
        unclear=lambda: [
            alert(None, {"HostName": "web01", "Type": "host"}),
            alert(_SET),
        ],
        resource="networkInterfaces",
        drift=_regroup,
    ),
    "nsg-deny": DoerCase(
        settings={},
        alerts=lambda: [attack()],
        unclear=lambda: [
            attack(None),
            attack(_SET),
            replace(alert(), entities=(Ip(address="10.0.0.4"),)),
            replace(
                alert(),
                entities=(Ip(address=ATTACKER, is_public=True, is_asset=True),),
            ),
        ],
        resource="securityRules",
        drift=_rewrite,
    ),
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
        return await self.calls.make(
            lambda: self.rest.read(path, permission=permission)
        )

    async def find(self, path: str, *, permission: str = "") -> Document | None:
        return await self.calls.make(
            lambda: self.rest.find(path, permission=permission)
        )

    async def list_all(
        self, path: str, *, permission: str = ""
    ) -> list[dict[str, Any]]:
        return await self.calls.make(
            lambda: self.rest.list_all(path, permission=permission)
        )

    async def change(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        if_match: str = "",
        permission: str = "",
    ) -> Done | Pending:
        self.calls.changes += 1
        self.calls.before_change()
        return await self.calls.make(
            lambda: self.rest.change(
                method, path, content, if_match=if_match, permission=permission
            )
        )

    async def look(self, pending: Pending, *, permission: str = "") -> Done | Pending:
        return await self.calls.make(
            lambda: self.rest.look(pending, permission=permission)
        )


class Life:
    """One doer, its other side, and the core's own steps over fake storage."""

    def __init__(self, name: str, side: Azure) -> None:
        self.case = CASES[name]
        self.side = side
        self.calls = Calls()
        ports = make_ports(FakeHttp(), {})
        azure_ = Remotes(
            arm=Faulty(side.arm, self.calls),
            graph=Faulty(side.graph, self.calls),
            endpoint=Faulty(side.endpoint, self.calls),
            vault=lambda uri: Faulty(side.remotes.vault(uri), self.calls),
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
            _say,
        )

    @property
    def state(self) -> Any:  # noqa: ANN401  all of the other side
        """All of the other side, as it is."""
        return self.side.outside.state()

    @property
    def taken(self) -> int:
        """How many changes the other sides took."""
        outside = self.side.outside
        sides = (outside.manager, outside.graph, outside.vault)
        told = outside.endpoint.received()["actions"]
        return sum(len(each.changes) for each in sides) + len(told)

    async def planned(self) -> DeedRow:
        """The row of the one deed that it plans."""
        (deed,) = await self.doer.plan(make_incident(), self.case.alerts())
        row = deeds.planned(make_incident(), deed, now=self.side.now, policy="")
        return replace(row, status=DeedStatus.GUARDED, lasts=timedelta(hours=4))

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
        yield Life(name, side)


async def _say(_: object) -> None:
    """Nobody listens."""


def is_exact(deed: Deed) -> bool:
    """Whether everything that it touches is named as one thing."""
    return (
        all(resource.whole_id(each) == each for each in deed.resources)
        and all(map(_OBJECT_ID.fullmatch, deed.accounts))
        and bool(deed.resources or deed.accounts)
    )
