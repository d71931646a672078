"""The whole core over fake storage: workers come and go, the store stays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

from msgspec.structs import replace

from shared.actions.containment import Rules as ContainRules
from shared.actions.routing import Route, Routed, Rules
from shared.answers.keys import Keys
from shared.audit import Audit
from shared.clouds.credentials import LOCAL_ID
from shared.commands import Commands
from shared.containment.approving import Approving
from shared.containment.containing import Containing
from shared.containment.deciding import Deciding
from shared.containment.doing import Doing
from shared.containment.judging import Judging
from shared.containment.planning import Planning, Reads, Terms
from shared.containment.stopping import Stopping
from shared.containment.tagging import Tagging
from shared.containment.targets import Targets
from shared.ingest import Ingest
from shared.looks.escalating import Escalating
from shared.looks.gathering import USUAL, Gathering
from shared.model.correlation import Correlation
from shared.model.errors import StoreError
from shared.model.guards import Contain, Guards
from shared.model.incident import Incident, IncidentStatus
from shared.model.secret import Secret
from shared.model.storm import Storm
from shared.noise import Noise
from shared.oncall.duty import on_duty
from shared.oncall.policy import OnCall
from shared.purge import Purge
from shared.regrouping import Regrouping
from shared.respond import Respond
from shared.retention import Retention
from shared.silences import Silences
from shared.store import messages, reading, rows
from shared.store.archive import Archive
from shared.store.history import History
from shared.store.ledger import Ledger
from shared.store.memory import Memory
from shared.tick import Tick
from shared.ticketing import Ticketing
from tests.fakes.clock import Clock
from tests.fakes.estate import Estate, FakeDoer, Owner, Tags
from tests.fakes.forwarder import FakeForwarder
from tests.fakes.responder import FakeResponder
from tests.fakes.store import FakeBlobs, FakeQueue, FakeTable, Faults
from tests.fakes.tracker import FakeTracker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from responders.tickets import TicketConfig
    from shared.enrichment.enrichment import Enrichment
    from shared.enrichment.inquiries import Inquiry
    from shared.enrichment.tagging import ResourceTags
    from shared.heartbeat import Beating
    from shared.model.action import ActionRow
    from shared.model.alert import Severity
    from shared.model.deed import DeedRow
    from shared.model.enrich import Enrich
    from shared.model.event import Event
    from shared.model.rest import Rest
    from shared.model.silence import Silence

LEASE = timedelta(seconds=120)
# What host.json says of the queue: review F16.
HIDDEN = timedelta(seconds=30)
MOST_DEQUEUES = 5
MINUTE = timedelta(minutes=1)
# How long what ended stays beside what goes on.
KEEP = timedelta(days=37)
# What signs approvals, of every process.
APPROVING = Approving(Keys(Secret("0123456789abcdef0123456789abcdef0123456789a")))
# More first pages than any test sends but one about storms.
CALM = Storm(pages=1_000_000)


async def _nothing(*_: object) -> tuple[str, ...]:
    """The app may do everything."""
    return ()


async def _itself() -> frozenset[str]:
    """Whom the app runs as."""
    return frozenset({LOCAL_ID})


class Story(NamedTuple):
    """What an incident comes to in the end, whatever its id is."""

    alerts: frozenset[str]
    status: IncidentStatus
    severity: Severity
    first_seen: datetime
    last_seen: datetime
    total: int
    active: int
    problems: tuple[tuple[str, int, Severity], ...]


class Worker(NamedTuple):
    """The verbs of one process, with a memory of their own."""

    ledger: Ledger
    archive: Archive
    ingest: Ingest
    respond: Respond
    tick: Tick
    commands: Commands
    regrouping: Regrouping
    silences: Silences
    retention: Retention
    ticketing: Ticketing
    audit: Audit
    stopping: Stopping
    deciding: Deciding


class World:
    """Fake storage, a clock, responders, and workers that can be thrown away."""

    def __init__(
        self,
        *,
        names: Sequence[str] = ("pager",),
        trackers: Mapping[str, TicketConfig] | None = None,
        forwarders: Sequence[str] = (),
        route: Callable[[Incident], Iterable[str]] | None = None,
        caps: Correlation | None = None,
        lease: timedelta = LEASE,
        suppress: Sequence[Silence] = (),
        storm: Storm = CALM,
        limits: Mapping[str, Storm] | None = None,
        quiet: timedelta | None = None,
        partitions: int = 16,
        faults: Faults | None = None,
        enrichment: Callable[[], Awaitable[Enrichment]] | None = None,
        how: Enrich = USUAL,
        on_call: OnCall | None = None,
        escalate: Sequence[str] = (),
        heartbeat: Beating | None = None,
        others: Callable[[Ledger, History], Sequence[Inquiry]] = lambda *_: (),
        tagging: Callable[[Noise], ResourceTags] | None = None,
        memory: Callable[[], Memory] = Memory,
        contain: Sequence[Contain] = (),
        guards: Guards | None = None,
        can_ask: bool = True,
    ) -> None:
        self.heartbeat = heartbeat
        self.contain, self.guards = tuple(contain), guards or Guards()
        self.can_ask = can_ask
        self.on_call, self.escalate = on_call or OnCall(), tuple(escalate)
        self.enrichment, self.how = enrichment, how
        self.others, self.tagging = others, tagging
        self.memory = memory
        self.clock = Clock()
        self.faults = faults or Faults()
        self.table = FakeTable(self.clock, self.faults)
        self.past = FakeTable(self.clock, self.faults)
        self.blobs = FakeBlobs(self.faults)
        self.queue = FakeQueue(self.clock, self.faults)
        self.responders = {name: FakeResponder(name, self.faults) for name in names}
        for name, config in (trackers or {}).items():
            self.responders[name] = FakeTracker(name, self.faults, config)
        for name in forwarders:
            self.responders[name] = FakeForwarder(name, self.faults)
        self.route = route or (lambda _: tuple(self.responders))
        self.again = Route(to=tuple(self.responders))
        self.estate = Estate(self.clock, self.faults)
        self.owner = Owner(self.faults)
        named = {name: None for rule in self.contain for name in rule.do}
        self.doers = {name: FakeDoer(self.estate, name) for name in named}
        # Incidents that end by themselves have a due line for days.
        self.caps = replace(caps or Correlation(), quiet=quiet)
        self.suppress = list(suppress)
        self.storm, self.limits = storm, limits or {}
        self.lease = lease
        self.partitions = partitions
        self.lacking = _nothing
        self.itself: Callable[[], Awaitable[frozenset[str]]] = _itself
        self.worker = self.new_worker()

    @property
    def tracker(self) -> FakeTracker:
        """The first responder that keeps tickets."""
        return next(r for r in self.responders.values() if isinstance(r, FakeTracker))

    @property
    def forwarder(self) -> FakeForwarder:
        """The first responder that forwards."""
        return next(r for r in self.responders.values() if isinstance(r, FakeForwarder))

    @property
    def pager(self) -> FakeResponder:
        """The first responder."""
        return next(iter(self.responders.values()))

    @property
    def doer(self) -> FakeDoer:
        """The first doer."""
        return next(iter(self.doers.values()))

    def new_worker(self) -> Worker:
        """A process that remembers nothing."""
        ledger = Ledger(self.table, self.partitions, self.memory())
        history = History(self.past)
        stopping = Stopping(ledger)
        archive = Archive(self.blobs)
        silences = Silences(ledger, self.queue, of_policy=self._suppress)
        noise = Noise(
            ledger,
            self.queue,
            silences,
            storm=self.storm,
            limits=self.limits,
            caps=self.caps,
        )
        commands = Commands(ledger, self.queue)
        tagging = self.tagging(noise) if self.tagging else None
        others = [*([tagging] if tagging else []), *self.others(ledger, history)]
        return Worker(
            ledger,
            archive,
            Ingest(ledger, archive, self.queue, self.caps),
            Respond(
                ledger,
                self.queue,
                responders=self.responders,
                rules=self._rules,
                noise=noise,
                escalating=Escalating(self._who),
                gathering=Gathering(
                    ledger,
                    self.enrichment,
                    self.how,
                    others=others,
                    tagging=tagging,
                ),
                containing=self._containing(ledger, stopping, noise),
                lease=self.lease,
                quiet=self.caps.quiet,
            ),
            Tick(ledger, self.queue, noise, self.heartbeat),
            commands,
            Regrouping(ledger, self.queue, self.caps),
            silences,
            Retention(
                ledger,
                history,
                Purge(ledger, gap=self.caps.gap),
                keep=KEEP,
            ),
            Ticketing(ledger, commands, self.responders),
            Audit(ledger, self.blobs),
            stopping,
            Deciding(ledger, self.queue, APPROVING, lasts=self.guards.approval),
        )

    def _containing(
        self, ledger: Ledger, stopping: Stopping, noise: Noise
    ) -> Containing:
        terms = Terms(
            ContainRules(self.contain), self.guards, self.doers, can_ask=self.can_ask
        )
        reads = Reads(
            self.owner.confirm,
            self.estate.tags_of,
            self.lacking,
            self.itself,
            self.estate.groups_of,
        )
        planning = Planning(ledger, terms, reads)
        return Containing(
            ledger,
            terms,
            planning,
            Judging(
                ledger,
                terms,
                planning,
                stopping,
                approved=APPROVING.holds,
                say=noise.say,
            ),
            Doing(
                ledger,
                Targets(ledger, lease=self.lease),
                stopping,
                lambda deed: self.doers.get(deed.responder),
                say=noise.say,
                tagging=Tagging(cast("Rest", Tags(self.estate))),
            ),
            claims_last=self.lease,
        )

    async def _suppress(self) -> Sequence[Silence]:
        return self.suppress

    async def _rules(self) -> Rules:
        def routing(incident: Incident) -> list[Routed]:
            names = self.route(incident)
            return [Routed(name, self.again, 0) for name in names]

        return Rules(
            routing,
            escalations=lambda _: self.escalate,
            on_call=self.on_call,
            label=lambda _, row: f"to-{row.responder}",
        )

    async def _who(self, name: str, at: datetime) -> Sequence[str]:
        return on_duty(self.on_call.schedules[name], at)

    def restart(self) -> None:
        """Throw the worker away; the store is well again."""
        self.faults.heal()
        self.worker = self.new_worker()

    async def deliver(self) -> int:
        """Give every message that can be seen to respond, as the host would."""
        delivered = 0
        while (message := self.queue.receive()) is not None:
            delivered += 1
            try:
                await self.worker.respond(messages.decode(message.body))
            except StoreError:
                if message.dequeued < MOST_DEQUEUES:
                    self.queue.give_back(message, HIDDEN)
                else:
                    found = messages.decode(message.body)
                    await self.worker.respond.give_up_on(found)
        return delivered

    async def settle(
        self,
        *,
        most: timedelta = timedelta(hours=2),
        step: timedelta = timedelta(seconds=30),
    ) -> None:
        """Run queue and timer until nothing is due and nothing is under way.

        What is due later than ``most`` from now, such as the end of a silence, is left.
        """
        end = self.clock() + most
        while True:
            await self.deliver()
            soon = [key for key in self._due_lines() if rows.due_at(key) < end]
            if not self.queue.messages and not soon:
                return
            # Nothing happens until the first of them is due, or a message shows.
            idle = min(map(rows.due_at, soon), default=self.clock()) - self.clock()
            self.clock.step(step if self.queue.messages else max(step, idle))
            assert self.clock() < end, f"never quiet: {self._due_lines()}"
            await self.worker.tick()

    async def feed(self, events: Sequence[Event]) -> None:
        """Ingest a batch and settle what came of it."""
        await self.worker.ingest(events)
        await self.settle()

    # -- what is in the store --------------------------------------------------------

    @property
    def ledger(self) -> Ledger:
        """A reader that nobody's memory colours and that no fault meets."""
        table = FakeTable(self.clock)
        table._rows = self.table._rows
        return Ledger(table, self.partitions)

    @property
    def history(self) -> History:
        """A reader of what ended long ago."""
        table = FakeTable(self.clock)
        table._rows = self.past._rows
        return History(table)

    async def heads(self) -> list[Incident]:
        """Every incident that was not merged into another."""
        found = await reading.incidents(self.ledger)
        return [head for head in found if head.status is not IncidentStatus.MERGED]

    async def head(self) -> Incident:
        """The only incident there is."""
        (found,) = await self.heads()
        return found

    async def actions(self) -> list[ActionRow]:
        """Every action row."""
        return await reading.actions(self.ledger)

    async def deeds(self) -> list[DeedRow]:
        """Every deed, the first planned first."""
        return await reading.deeds(self.ledger)

    async def stories(self) -> frozenset[Story]:
        """What every incident came to."""
        everything = {h.id: h for h in await reading.incidents(self.ledger)}
        holds: dict[str, set[str]] = {}
        for alert in await reading.alerts(self.ledger):
            head = everything[alert.incident]
            while head.merged_into is not None:
                head = everything[head.merged_into]
            holds.setdefault(head.id, set()).add(alert.id)
        return frozenset(
            Story(
                alerts=frozenset(holds.get(head.id, set())),
                status=head.status,
                severity=head.severity,
                first_seen=head.first_seen,
                last_seen=head.last_seen,
                total=head.alerts,
                active=head.active,
                problems=tuple(
                    sorted(
                        (name, problem.count, problem.severity)
                        for name, problem in head.problems.items()
                    )
                ),
            )
            for head in everything.values()
            if head.merged_into is None
        )

    async def check(self) -> None:
        """Hold the store to everything that must be true of it at any moment."""
        everything = {h.id: h for h in await reading.incidents(self.ledger)}
        await self._check_counts(everything)
        for head in everything.values():
            await self._check_chain(head)
        lines = {rows.due(h.due, h.id) for h in everything.values() if h.due}
        assert set(self._due_lines()) == lines

    async def check_rested(self) -> None:
        """Hold it to what must be true when all is done."""
        await self.check()
        assert self._due_lines() == []
        for head in await reading.incidents(self.ledger):
            assert not head.is_dirty, head.id
            # Nobody looks at a merged one again: its worker may have died with it.
            assert head.lease is None or head.merged_into, head.id

    async def _check_counts(self, everything: dict[str, Incident]) -> None:
        holds: dict[str, int] = {}
        for alert in await reading.alerts(self.ledger):
            head = everything[alert.incident]
            for _ in everything:
                if head.merged_into is not None:
                    head = everything[head.merged_into]
            assert head.merged_into is None, "merged in a circle"
            holds[head.id] = holds.get(head.id, 0) + 1
        for head in everything.values():
            if head.merged_into is None:
                assert head.alerts == holds.get(head.id), head.id
                counts = [problem.count for problem in head.problems.values()]
                assert head.alerts == sum(counts), head.id

    async def _check_chain(self, head: Incident) -> None:
        entries = await reading.timeline(self.ledger, head.id)
        assert [e.sequence for e in entries] == list(range(1, head.sequence + 1))
        previous = ""
        for entry in entries:
            assert entry.previous == previous, f"the chain of {head.id} is broken"
            previous = rows.chained(entry)
        assert head.chain == previous

    def _due_lines(self) -> list[str]:
        return [key for key in self.table.keys if key.startswith("d|")]
