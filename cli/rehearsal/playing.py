"""A policy played against alerts, each at its own time: the app's own code, in memory.

Resources are stand-ins', filled from an inventory. Owners vouch for every alert that came,
as they are on record; nobody approves anything, and logs are not asked.
"""

from __future__ import annotations

import secrets
import tempfile
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec

from cli.rehearsal.memory import MemoryBlobs, MemoryQueue, MemoryTable
from devhost.outside import Outside
from devhost.rehearsal import rehearse
from shared import settings as environment
from shared import sources
from shared.bootstrap import App
from shared.model.alert import Alert
from shared.model.event import Event
from shared.store import messages, reading
from shared.store.archive import Archive
from shared.store.history import History
from shared.store.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from datetime import datetime

    from devhost.outside.azure.inventory import Inventory
    from shared.clouds.storage import Storage
    from shared.containment.planning import Reads
    from shared.model.alert import AlertRow
    from shared.model.deed import DeedRow
    from shared.model.incident import Incident
    from shared.model.rest import Rest

SOURCE = "hub/rehearsal/0"
# What is due later than this after the last alert says nothing of what was planned.
REST = timedelta(hours=2)
SOONEST = timedelta(seconds=1)
# A policy asks nobody here but who is on record.
LEFT_OUT = ("workspaces", "reconcile", "heartbeat")


class Told(NamedTuple):
    """An event of the feed, when it came, and the alerts in it."""

    body: bytes
    at: datetime
    alerts: tuple[Alert, ...]


class Played(NamedTuple):
    """What came of it: every deed, and the incidents that there were."""

    deeds: list[DeedRow]
    incidents: dict[str, Incident]


class Stepped:
    """A clock that is set."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        """The time it shows."""
        return self._now

    def set(self, at: datetime) -> None:
        """Set it on, never back."""
        self._now = max(self._now, at)


def told(bodies: Iterable[bytes], *, now: datetime) -> list[Told]:
    """The events in the order in which their alerts were seen; ``now`` bounds times."""
    found: list[Told] = []
    for body in bodies:
        units = sources.read(body, received_at=now)
        alerts = tuple(unit for unit in units if isinstance(unit, Alert))
        if alerts:
            at = max(max(a.version.at, a.ended_at) for a in alerts)
            found.append(Told(body, min(at, now), alerts))
    return sorted(found, key=lambda each: each.at)


async def play(
    policy: bytes, feed: Sequence[Told], *, inventory: Inventory | None
) -> Played:
    """Play the feed to its end. Raises SettingsError for a policy that does not load."""
    if not feed:
        return Played([], {})
    clock = Stepped(feed[0].at)
    async with _app(policy, clock, inventory) as app:
        for number, each in enumerate(feed):
            await app.until(each.at)
            app.known |= {alert.id.lower(): alert for alert in each.alerts}
            event = Event(each.body, SOURCE, f"{number:020d}", clock())
            await (await app.ingest())([event])
            await app.deliver()
        await app.until(clock() + REST)
        ledger = app.ledger
        heads = {head.id: head for head in await reading.incidents(ledger)}
        return Played(await reading.deeds(ledger), heads)


class _App(App):
    """The app with storage in memory, and owners that know what came."""

    def __init__(self, settings: environment.Settings, clock: Stepped) -> None:
        super().__init__(settings, clock)
        self.known: dict[str, Alert] = {}
        self._stepped = clock
        self._queue = MemoryQueue(clock)
        self._blobs = MemoryBlobs()
        self.ledger = Ledger(MemoryTable(clock), 16)
        self._history = History(MemoryTable(clock))

    async def storage(self) -> Storage:
        """All that a verb asks of it."""
        found = SimpleNamespace(
            ledger=self.ledger,
            history=self._history,
            blobs=self._blobs,
            archive=Archive(self._blobs),
            queue=self._queue,
        )
        return cast("Storage", found)

    def reads(self, arm: Rest) -> Reads:
        """Each alert is as it came last; tags are the inventory's."""
        return super().reads(arm)._replace(confirm=self._confirm)

    async def _confirm(self, row: AlertRow) -> Alert | None:
        return self.known.get(row.id.lower())

    async def deliver(self) -> None:
        """Look at what the messages name, until there is none to be seen."""
        respond = await self.respond()
        while (body := self._queue.take()) is not None:
            await respond(messages.decode(body))

    async def until(self, end: datetime) -> None:
        """Let the app live until then, by itself."""
        tick = await self.tick()
        while self._stepped() < end:
            due = await reading.oldest_due(self.ledger)
            soon = [at for at in (due, self._queue.next_at) if at is not None]
            at = min((*soon, end))
            self._stepped.set(min(max(at, self._stepped() + SOONEST), end))
            await tick()
            await self.deliver()


@asynccontextmanager
async def _app(
    policy: bytes, clock: Stepped, inventory: Inventory | None
) -> AsyncIterator[_App]:
    raw = msgspec.yaml.decode(policy)
    kept = {name: value for name, value in raw.items() if name not in LEFT_OUT}
    async with Outside.start(clock=clock, inventory=inventory) as outside:
        made = rehearse(
            msgspec.json.encode(kept), outside=outside.url, live=(), environment={}
        )
        for name, secret in made.webhook_secrets.items():
            outside.webhook.trust(name, secret)
        with tempfile.TemporaryDirectory(prefix="firewatch-") as folder:
            path = Path(folder) / "policy.yaml"
            path.write_bytes(made.policy)
            settings = environment.from_environment(
                {
                    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
                    "FIREWATCH_POLICY": str(path),
                    "FIREWATCH_ARM_URL": f"{outside.url}/arm",
                    "FIREWATCH_GRAPH_URL": f"{outside.url}/graph",
                    "FIREWATCH_ENDPOINT_URL": f"{outside.url}/defender-endpoint",
                    "FIREWATCH_VAULT_URL": f"{outside.url}/vault",
                    "FIREWATCH_LOGS_URL": f"{outside.url}/log-analytics",
                    # People could be asked, so that the policy's own mode counts.
                    "EASY_AUTH": "1",
                    "FIREWATCH_LINK_KEY": secrets.token_hex(32),
                    **made.environment,
                }
            )
            app = _App(settings, clock)
            try:
                yield app
            finally:
                await app.close()
