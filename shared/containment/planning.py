"""What doers would change about an incident, and what guards go by: read, never written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared import telemetry
from shared.actions import budgets, guards
from shared.actions.containment import Rules
from shared.actions.guards import Facts
from shared.model.alert import Alert, AlertStatus
from shared.model.errors import FirewatchError, ResponderError, TransientFailure
from shared.model.guards import Guards, Mode
from shared.model.incident import Fact
from shared.model.tally import Group
from shared.model.text import plain
from shared.store import reading
from shared.triage.alert_rows import row_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from responders.base import Doer
    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.permission import Permission
    from shared.store.ledger import Ledger

# Alerts that may speak for a deed, the worst and the latest; each may be a request.
MOST_ALERTS = 16

_LONGEST = 300


class Terms(NamedTuple):
    """What the deployment lets Firewatch do.

    ``doers`` are those of the policy by name. ``can_ask`` is whether anybody could
    approve anything: where nobody can sign in, nothing leaves shadow (review F14).
    ``own`` are the resources of the app.
    """

    rules: Rules = Rules(())
    guards: Guards = Guards()
    doers: Mapping[str, Doer] = {}
    can_ask: bool = False
    own: tuple[str, ...] = ()

    @property
    def mode(self) -> Mode:
        """How far anything may go."""
        return self.guards.mode if self.can_ask else Mode.SHADOW


async def _nothing(_: Sequence[Permission], __: Sequence[str]) -> tuple[str, ...]:
    return ()


async def _nobody() -> frozenset[str]:
    return frozenset()


async def _unread(machines: Sequence[str]) -> dict[str, dict[str, int | None]]:
    return {machine: {machine: None} for machine in machines}


class Reads(NamedTuple):
    """What is read for guards.

    ``confirm`` gives an alert as its owner has it now; None where it has none such.
    ``tags`` gives those of the scopes that can be read. Both raise ResponderError.
    ``lacking`` says which of some permissions the app does not have at some resources.
    ``itself`` gives the ids of the app's identity; nothing while they cannot be read.
    ``groups`` gives the scale set and the subnets of machines, and how many machines each
    has, as ``shared.model.tally.Group`` says of what cannot be read.
    """

    confirm: Callable[[AlertRow], Awaitable[Alert | None]]
    tags: Callable[[Sequence[str]], Awaitable[Mapping[str, Mapping[str, str]]]]
    lacking: Callable[
        [Sequence[Permission], Sequence[str]], Awaitable[tuple[str, ...]]
    ] = _nothing
    itself: Callable[[], Awaitable[frozenset[str]]] = _nobody
    groups: Callable[
        [Sequence[str]], Awaitable[Mapping[str, Mapping[str, int | None]]]
    ] = _unread


class Ground(NamedTuple):
    """The alerts that may speak for a deed by their ids, as their owners have them.

    ``confirmed`` are those whose owners do, ``doubted`` those that look like a test, and
    ``unread`` those whose owners did not answer just now.
    """

    alerts: Mapping[str, AlertRow]
    confirmed: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()


class Planned(NamedTuple):
    """What doers planned; ``is_all`` is whether time will bring no more of it."""

    deeds: tuple[Deed, ...]
    facts: tuple[Fact, ...] = ()
    is_all: bool = True


class Planning:
    """Reads for deeds; one for the process."""

    def __init__(self, ledger: Ledger, terms: Terms, reads: Reads) -> None:
        self._ledger = ledger
        self._terms = terms
        self._reads = reads

    async def ground(self, head: Incident) -> Ground:
        """The alerts that an incident's deeds can go by. Raises StoreError."""
        found = await reading.some_alerts(self._ledger, head)
        active = [row for row in found if row.status is AlertStatus.OPEN]
        active.sort(key=lambda row: (row.severity.rank, row.ended_at), reverse=True)
        chosen = active[:MOST_ALERTS]
        answers = await asyncio.gather(*map(self._confirmed, chosen))
        by_id = {row.id: a for row, a in zip(chosen, answers, strict=True)}
        owned = {name: copy for name, copy in by_id.items() if isinstance(copy, Alert)}
        return Ground(
            {
                row.id: _as_owned(row, owned[row.id]) if row.id in owned else row
                for row in chosen
            },
            frozenset(owned),
            frozenset(name for name, copy in owned.items() if copy.sample_hints),
            frozenset(n for n, a in by_id.items() if isinstance(a, TransientFailure)),
        )

    async def facts(self, deeds: Iterable[Deed], ground: Ground) -> dict[str, Facts]:
        """What guards go by for each deed, by its digest; unread tags are missing."""
        wanted = {deed.digest: deed for deed in deeds}
        scopes = {s for deed in wanted.values() for s in guards.scopes_of(deed)}
        tags: Mapping[str, Mapping[str, str]] = {}
        if scopes and (self._terms.guards.protected.tags or self._terms.rules.tags):
            try:
                tags = await self._reads.tags(sorted(scopes))
            except ResponderError as error:
                telemetry.emit(telemetry.GUARD_UNREAD, reason=str(error))
        groups, rights = await asyncio.gather(
            self._groups(wanted),
            asyncio.gather(*map(self._lacking, wanted.values())),
        )
        lacking = dict(zip(wanted, rights, strict=True))
        is_about_accounts = any(deed.accounts for deed in wanted.values())
        itself = await self._reads.itself() if is_about_accounts else frozenset()
        return {
            digest: Facts(
                alerts=[ground.alerts[a] for a in deed.alerts if a in ground.alerts],
                confirmed=ground.confirmed,
                doubted=ground.doubted,
                unread=ground.unread,
                tags=tags,
                own=self._terms.own,
                lacking=lacking[digest],
                itself=itself,
                groups=groups[digest],
            )
            for digest, deed in wanted.items()
        }

    async def _groups(self, wanted: Mapping[str, Deed]) -> dict[str, tuple[Group, ...]]:
        """The groups of each deed's machines, where a budget is a share of any."""
        machines = {
            digest: budgets.machines(deed, self._terms.guards)
            for digest, deed in wanted.items()
        }
        every = dict.fromkeys(m for each in machines.values() for m in each)
        found = await self._reads.groups([*every]) if every else {}
        return {digest: _grouped(each, found) for digest, each in machines.items()}

    async def _lacking(self, deed: Deed) -> tuple[str, ...]:
        doer = self._terms.doers.get(deed.responder)
        rights = () if doer is None else doer.permissions
        return await self._reads.lacking(rights, deed.resources) if rights else ()

    async def plans(
        self, head: Incident, ground: Ground, evidence: Sequence[Evidence]
    ) -> Planned:
        """What each doer that a rule may want would do."""
        alerts = [*ground.alerts.values()]
        names = self._terms.rules.doers(head) if alerts else ()
        doers = [self._terms.doers[name] for name in names if name in self._terms.doers]
        results = await asyncio.gather(
            *(doer.plan(head, alerts, evidence) for doer in doers),
            return_exceptions=True,
        )
        found: list[Deed] = []
        facts: list[Fact] = []
        is_all = True
        for doer, result in zip(doers, results, strict=True):
            if not isinstance(result, BaseException):
                found += result
                continue
            if not isinstance(result, Exception):
                raise result
            is_all = is_all and not isinstance(result, TransientFailure)
            facts.append(_unplanned(head, doer, result))
        # Each says the same at every look; one that is tried again is told of at its end.
        return Planned(tuple(found), tuple(facts) if is_all else (), is_all)

    async def _confirmed(self, row: AlertRow) -> Alert | ResponderError | None:
        """The alert as its owner has it, while that is active; else why it has none."""
        try:
            copy = await self._reads.confirm(row)
        except ResponderError as error:
            telemetry.emit(telemetry.GUARD_UNREAD, reason=str(error))
            return error
        if copy is None or copy.id.lower() != row.id.lower():
            return None
        return copy if copy.status is AlertStatus.OPEN else None


def _grouped(
    machines: Sequence[str], found: Mapping[str, Mapping[str, int | None]]
) -> tuple[Group, ...]:
    """The groups that some machines are in, each with those of them that it has."""
    sizes: dict[str, int | None] = {}
    members: dict[str, list[str]] = {}
    for machine in machines:
        for group, size in found.get(machine, {machine: None}).items():
            sizes[group] = size
            members.setdefault(group, []).append(machine)
    return tuple(Group(g, sizes[g], tuple(each)) for g, each in members.items())


def _as_owned(row: AlertRow, copy: Alert) -> AlertRow:
    """What its owner says of the alert, on the incident that it is on."""
    owned = row_of(copy, row.incident, row.fingerprint, row.joined)
    # One that we took for a sample is one, whatever else is said.
    return replace(owned, id=row.id, is_sample=owned.is_sample or row.is_sample)


def _unplanned(head: Incident, doer: Doer, error: Exception) -> Fact:
    is_known = isinstance(error, FirewatchError)
    said = str(error) if is_known else f"a defect of Firewatch: {type(error).__name__}"
    telemetry.emit(
        telemetry.DEED_UNPLANNED,
        error=None if is_known else error,
        incident=head.id,
        responder=doer.name,
        reason=said,
    )
    return Fact(kind="deed.unplanned", detail=plain(f"{doer.name}: {said}", _LONGEST))
