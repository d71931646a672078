"""Things that can be isolated, a doer that isolates them, and whoever vouches for alerts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.actions.containment_tag import PREFIX
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    ResponderError,
    StoreUnavailable,
    TransientFailure,
)
from shared.model.rest import Document, Done
from tests.fakes.clock import Clock
from tests.fakes.store import Faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from shared.model.alert import Alert, AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.permission import Permission

OPEN, ISOLATED = "open", "isolated"
USE = "isolate"


class Change(NamedTuple):
    """What somebody changed, and when."""

    at: datetime
    target: str
    before: str
    after: str


class Estate:
    """The other side: what each thing is now, and every change that was made.

    ``slow`` is how long a change takes until it shows; ``deaf`` targets take a change
    and do nothing. ``tags`` are those of scopes; ``unread`` scopes show none.
    ``accounts`` is what a thing runs as, where to isolate it touches that too; ``groups``
    are those of machines, with how many each has.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] | None = None,
        faults: Faults | None = None,
        *,
        slow: timedelta = timedelta(0),
    ) -> None:
        self.clock = clock or Clock()
        self.faults = faults or Faults()
        self.slow = slow
        self.deaf: set[str] = set()
        self.tags: dict[str, dict[str, str]] = {}
        self.unread: set[str] = set()
        self.accounts: dict[str, str] = {}
        self.groups: dict[str, dict[str, int | None]] = {}
        self.changes: list[Change] = []
        self._now: dict[str, str] = {}
        self._coming: dict[str, tuple[datetime, str]] = {}

    def is_(self, target: str) -> str:
        """What a thing is."""
        at, after = self._coming.get(target, (None, ""))
        if at is not None and at <= self.clock():
            self._now[target] = after
            del self._coming[target]
        return self._now.get(target, OPEN)

    def is_changing(self, target: str) -> bool:
        """Whether a change is under way."""
        self.is_(target)
        return target in self._coming

    def put(self, target: str, after: str) -> None:
        """Change it, whoever does."""
        if target in self.deaf:
            return
        before = self.is_(target)
        if before != after or self.is_changing(target):
            self.changes.append(Change(self.clock(), target, before, after))
            self._coming[target] = (self.clock() + self.slow, after)

    @property
    def tagged(self) -> dict[str, str]:
        """What the tags of contained things say, by those."""
        return {
            thing: value
            for thing, tags in self.tags.items()
            for name, value in tags.items()
            if name.startswith(PREFIX)
        }

    @property
    def isolated(self) -> set[str]:
        """What is isolated now."""
        return {
            target
            for target in {*self._now, *self._coming}
            if self.is_(target) == ISOLATED
        }

    async def tags_of(self, scopes: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """The tags of the scopes that can be read."""
        async with self.faults.call("estate.tags"):
            return {s: self.tags.get(s, {}) for s in scopes if s not in self.unread}

    async def groups_of(
        self, machines: Sequence[str]
    ) -> Mapping[str, Mapping[str, int | None]]:
        """The groups of each machine; in none that can be read unless it has some."""
        async with self.faults.call("estate.groups"):
            return {m: self.groups.get(m, {m: None}) for m in machines}


class Tags:
    """What of Resource Manager it takes to tag things of an estate, by its own names."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    async def read(self, path: str, *, permission: str = "") -> Document:  # noqa: ARG002
        async with _called(self._estate.faults, "tags.read"):
            found = self._estate.tags.get(_scope(path), {})
            return Document(content={"properties": {"tags": {**found}}})

    async def change(
        self,
        method: str,  # noqa: ARG002  as the port
        path: str,
        content: object = None,
        *,
        if_match: str = "",  # noqa: ARG002
        permission: str = "",  # noqa: ARG002
    ) -> Done:
        change: Any = content
        given: dict[str, str] = change["properties"]["tags"]
        async with _called(self._estate.faults, "tags.change"):
            tags = {**self._estate.tags.get(_scope(path), {})}
            if change["operation"] == "Merge":
                tags |= given
            else:
                tags = {n: v for n, v in tags.items() if given.get(n) != v}
            self._estate.tags[_scope(path)] = tags
        return Done()


def _scope(path: str) -> str:
    return path.partition("/providers/Microsoft.Resources/tags/")[0]


class Owner:
    """Who knows which alerts are real: those that it was ``told``, by their ids."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.told: dict[str, Alert] = {}
        self.failure: ResponderError | None = None

    async def confirm(self, row: AlertRow) -> Alert | None:
        """The alert as it is."""
        async with self.faults.call("owner.confirm"):
            if self.failure is not None:
                raise self.failure
            return self.told.get(row.id.lower())


class FakeDoer:
    """Isolates each resource that an alert names.

    ``failures`` are raised one per change before anything is sent, ``lost_answers``
    after. ``meanwhile`` is awaited within the next change, before it is made.
    """

    use = USE
    permissions: tuple[Permission, ...] = ()

    def __init__(
        self, estate: Estate, name: str = "isolate", kind: Kind = Kind.CONTAIN
    ) -> None:
        self.name = name
        self.kind = kind
        self.reversible = True
        self.estate = estate
        self.failures: list[Exception] = []
        self.lost_answers: list[Exception] = []
        self.broken_plan: Exception | None = None
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []
        self.sent: list[tuple[str, str]] = []

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        async with _called(self.estate.faults, "doer.plan"):
            if self.broken_plan is not None:
                raise self.broken_plan
            by_target: dict[str, list[str]] = {}
            for alert in alerts:
                found = resource.whole(alert.resource) if alert.resource else None
                if found is not None:
                    by_target.setdefault(found, []).append(alert.id)
            return [self.deed(target, names) for target, names in by_target.items()]

    def deed(self, target: str, alerts: Sequence[str]) -> Deed:
        """What it would do."""
        return Deed(
            responder=self.name,
            use=self.use,
            kind=self.kind,
            target=target,
            says=f"Isolate {resource.display_name(target)}",
            alerts=tuple(sorted(alerts)),
            resources=(target,),
            accounts=tuple(a for t, a in self.estate.accounts.items() if t == target),
            reversible=self.reversible,
        )

    async def before(self, deed: Deed) -> Before:
        async with _called(self.estate.faults, "doer.before"):
            now = self.estate.is_(deed.target)
            if now == ISOLATED:
                raise ActionRefused(f"{deed.target} is isolated already")
            return Before(state={"was": now}, by_hand=(f"open {deed.target}",))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        self.sent.append(("apply", deed.target))
        await self._change("doer.apply", deed.target, ISOLATED)
        return Outcome(reference=f"job-{len(self.sent)}")

    async def verify(self, deed: Deed, before: Before) -> Sight:
        async with _called(self.estate.faults, "doer.verify"):
            if self.estate.is_changing(deed.target):
                return Sight(state=State.UNDER_WAY, retry_after=timedelta(seconds=20))
            now = self.estate.is_(deed.target)
            if now == ISOLATED:
                return Sight(state=State.IN_FORCE)
            if now == before.state["was"]:
                return Sight(state=State.AS_BEFORE)
            return Sight(state=State.OTHERWISE, difference=f"it is {now}")

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        self.sent.append(("undo", deed.target))
        await self._change("doer.undo", deed.target, before.state["was"])
        return Outcome()

    async def _change(self, name: str, target: str, after: str) -> None:
        async with _called(self.estate.faults, name):
            if self.meanwhile:
                await self.meanwhile.pop(0)()
            if self.failures:
                raise self.failures.pop(0)
            self.estate.put(target, after)
            if self.lost_answers:
                raise self.lost_answers.pop(0)


@asynccontextmanager
async def _called(faults: Faults, name: str) -> AsyncIterator[None]:
    """A call of the other side; one that breaks is as any that got no answer."""
    try:
        async with faults.call(name):
            yield
    except StoreUnavailable as error:
        said = str(error)
        raise TransientFailure(FailureReason.UNAVAILABLE, said) from error
