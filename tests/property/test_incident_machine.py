"""Any interleaving of alerts, copies, people, time and dying workers.

The model is simple: which alerts there are, who must not be with whom because a person
took them apart, which incidents a person ended, and that no notice is held for ever.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.commands import Order
from shared.model.alert import AlertStatus
from shared.model.correlation import AfterResolve, Correlation
from shared.model.errors import CommandRefused
from shared.model.incident import Classification, IncidentStatus, Verdict
from shared.model.silence import Silence
from shared.store import reading
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.fakes.firewatch import World
from tests.property.feeds import ARRIVAL, ENTITIES, INTENTS

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from shared.model.event import Event
    from shared.model.incident import Incident

MOST_ALERTS = 12
RESOURCES = (vm("vm-a"), vm("vm-a") + "/extensions/agent", vm("vm-b"), "")

KINDS = ("VM_A", "VM_B", "VM_C")

WHICH = st.integers(0, 50)


class Machine(RuleBasedStateMachine):
    """One store, one worker at a time, one person."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = World()
        self.bodies: dict[str, dict[str, Any]] = {}
        self.sent: list[Event] = []
        self.apart: set[frozenset[str]] = set()
        self.ended: set[str] = set()
        self.silenced: list[str] = []

    def teardown(self) -> None:
        self.do(self.world.settle(most=timedelta(days=30)))
        self.do(self.world.check_rested())
        # Whatever held notices back is over, and nothing was forgotten over it.
        for head in self.heads():
            assert head.hold is None
            if head.status is IncidentStatus.OPEN and head.root == head.id:
                assert self.told(head) or not head.was_active
        self.runner.close()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        """Run to its end."""
        return self.runner.run(work)

    def told(self, head: Incident) -> bool:
        """Whether somebody has a notice of the incident, or of one that it absorbed."""
        ids = {head.id, *head.absorbed}
        return any(row.incident in ids for row in self.do(self.world.actions()))

    def heads(self) -> list[Incident]:
        """The incidents that were not merged, in an order that does not change."""
        found: list[Incident] = self.do(self.world.heads())
        return sorted(found, key=lambda head: head.id)

    def pick(self, which: int) -> Incident:
        heads = self.heads()
        return heads[which % len(heads)]

    def groups(self) -> dict[str, set[str]]:
        """The alerts of each incident, by ids."""
        everything = {h.id: h for h in self.do(reading.incidents(self.world.ledger))}
        found: dict[str, set[str]] = {}
        for row in self.do(reading.alerts(self.world.ledger)):
            head = everything[row.incident]
            while head.merged_into:
                head = everything[head.merged_into]
            found.setdefault(head.id, set()).add(row.id)
        return found

    def send(self, body: dict[str, Any]) -> None:
        found = event(body, place=len(self.sent) + 1, received_at=ARRIVAL)
        self.sent.append(found)
        self.bodies[body["SystemAlertId"]] = body
        self.do(self.world.worker.ingest([found]))

    @initialize(after=st.sampled_from(AfterResolve), problems=st.integers(2, 5))
    def begin(self, after: AfterResolve, problems: int) -> None:
        caps = Correlation(after_resolve=after, max_problems=problems)
        self.world = World(caps=caps)
        # Something to take apart from the first step on.
        for kind in KINDS[:2]:
            self.arrives(kind, RESOURCES[0], 0, "", [])
            self.arrives(kind, RESOURCES[0], 1, "", [])

    @precondition(lambda self: len(self.bodies) < MOST_ALERTS)
    @rule(
        kind=st.sampled_from(KINDS),
        resource=st.sampled_from(RESOURCES),
        hours=st.sampled_from([0, 1, 2, 4, 9, 30]),
        intent=st.sampled_from(INTENTS),
        entities=st.lists(st.sampled_from(ENTITIES), max_size=2),
    )
    def new_alert(
        self,
        kind: str,
        resource: str,
        hours: int,
        intent: str,
        entities: list[dict[str, str]],
    ) -> None:
        self.arrives(kind, resource, hours, intent, entities)

    def arrives(
        self,
        kind: str,
        resource: str,
        hours: int,
        intent: str,
        entities: list[dict[str, str]],
    ) -> None:
        """A new alert is fed."""
        at = NOON + timedelta(hours=hours)
        self.send(
            defender_alert(
                SystemAlertId=alert_id(len(self.bodies)),
                AlertType=kind,
                AzureResourceId=resource,
                ResourceIdentifiers=[],
                StartTimeUtc=stamp(at),
                EndTimeUtc=stamp(at),
                ProcessingEndTime=stamp(at),
                Intent=intent,
                Entities=entities,
            )
        )

    @precondition(lambda self: self.bodies)
    @rule(
        which=WHICH,
        minutes=st.integers(-30, 30),
        status=st.sampled_from(["New", "Resolved"]),
        intent=st.sampled_from(INTENTS),
        entities=st.lists(st.sampled_from(ENTITIES), max_size=2),
    )
    def another_version(
        self,
        which: int,
        minutes: int,
        status: str,
        intent: str,
        entities: list[dict[str, str]],
    ) -> None:
        body = sorted(self.bodies.items())[which % len(self.bodies)][1]
        at = NOON + timedelta(hours=12, minutes=minutes)
        changes = {"Status": status, "Intent": intent, "Entities": entities}
        self.send(body | changes | {"ProcessingEndTime": stamp(at)})

    @precondition(lambda self: self.sent)
    @rule(which=WHICH, size=st.integers(1, 3))
    def redelivery(self, which: int, size: int) -> None:
        first = which % len(self.sent)
        before = [head.alerts for head in self.heads()]

        self.do(self.world.worker.ingest(self.sent[first : first + size]))

        assert sum(head.alerts for head in self.heads()) == sum(before)

    @precondition(lambda self: self.sent)
    @rule(which=WHICH)
    def acknowledge(self, which: int) -> None:
        self.do(
            self.world.worker.commands.acknowledge(self.pick(which).id, Order("ada"))
        )

    @precondition(lambda self: self.sent)
    @rule(which=WHICH)
    def resolve(self, which: int) -> None:
        head = self.pick(which)
        self.do(self.world.worker.commands.resolve(head.id, Order("ada")))
        self.ended.add(head.id)

    @precondition(lambda self: self.sent)
    @rule(which=WHICH)
    def close(self, which: int) -> None:
        head = self.pick(which)
        verdict = Verdict(classification=Classification.UNDETERMINED)
        self.do(self.world.worker.commands.resolve(head.id, Order("ada"), verdict))
        self.ended.add(head.id)

    @precondition(lambda self: self.ended)
    @rule(which=WHICH)
    def reopen(self, which: int) -> None:
        incident_id = sorted(self.ended)[which % len(self.ended)]
        self.do(self.world.worker.commands.reopen(incident_id, Order("ada")))
        self.ended.remove(incident_id)

    @rule(hours=st.integers(1, 30), breaks=st.booleans(), kind=st.sampled_from(KINDS))
    def silence(self, hours: int, kind: str, *, breaks: bool) -> None:
        made = Silence(
            name=f"s{len(self.silenced)}",
            match=(f"alert_type={kind}",),
            reason="because",
            owner="ada",
            until=self.world.clock() + timedelta(hours=hours),
            break_through=("tactic=Impact",) if breaks else (),
            warn=timedelta(0),
        )
        self.do(self.world.worker.silences.create(made, Order("ada")))
        self.silenced.append(made.name)

    @precondition(lambda self: self.silenced)
    @rule(which=WHICH)
    def end_a_silence(self, which: int) -> None:
        name = self.silenced[which % len(self.silenced)]
        self.do(self.world.worker.silences.end(name, Order("ada")))

    @precondition(lambda self: self.sent)
    @rule(one=WHICH, other=WHICH)
    def merge(self, one: int, other: int) -> None:
        winner, loser = self.pick(one), self.pick(other)
        groups = self.groups()
        try:
            self.do(
                self.world.worker.regrouping.merge(winner.id, loser.id, Order("ada"))
            )
        except CommandRefused:
            assert self.groups() == groups
            return
        together = groups[winner.id] | groups[loser.id]
        assert any(together <= group for group in self.groups().values())
        self.apart = {pair for pair in self.apart if not pair <= together}

    @precondition(lambda self: self.sent)
    @rule(which=WHICH, some=st.sets(st.integers(0, MOST_ALERTS), min_size=1))
    def split(self, which: int, some: set[int]) -> None:
        head = self.pick(which)
        on_it = sorted(self.groups()[head.id])
        names = {on_it[n % len(on_it)] for n in some}
        try:
            self.do(
                self.world.worker.regrouping.split(head.id, sorted(names), Order("ada"))
            )
        except CommandRefused:
            assert len(names) == len(on_it)
            return
        rest = set(on_it) - names
        assert {frozenset(names), frozenset(rest)} <= {
            frozenset(group) for group in self.groups().values()
        }
        self.apart |= {frozenset({a, b}) for a in names for b in rest}

    @rule(minutes=st.sampled_from([1, 90, 60 * 24]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.step(timedelta(minutes=minutes))
        self.do(self.world.worker.tick())

    @rule()
    def messages_are_delivered(self) -> None:
        self.do(self.world.deliver())

    @rule()
    def the_worker_is_another(self) -> None:
        self.world.restart()

    @invariant()
    def every_alert_is_on_one_incident_and_counts_add_up(self) -> None:
        self.do(self.world.check())
        rows = self.do(reading.alerts(self.world.ledger))
        assert {row.id for row in rows} == set(self.bodies)
        assert all(row.joined is not None for row in rows)
        groups = self.groups()
        by_id = {row.id: row for row in rows}
        for head in self.heads():
            states = [by_id[name].status for name in groups[head.id]]
            assert head.active == states.count(AlertStatus.OPEN)

    @invariant()
    def what_was_taken_apart_stays_apart(self) -> None:
        for group in self.groups().values():
            assert not any(pair <= group for pair in self.apart)

    @invariant()
    def caps_are_kept(self) -> None:
        caps = self.world.caps
        for head in self.heads():
            assert len(head.problems) <= caps.max_problems
            assert head.latest - head.earliest <= caps.max_age

    @invariant()
    def nothing_is_sent_twice_under_one_key(self) -> None:
        assert set(Counter(self.world.pager.sent).values()) <= {1}

    @invariant()
    def what_a_person_ended_is_not_opened_again(self) -> None:
        if self.world.caps.after_resolve is AfterResolve.SUCCESSOR:
            for head in self.heads():
                if head.id in self.ended:
                    assert head.status.has_ended


QUICK = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_any_interleaving_keeps_the_groups() -> None:
    """One incident for each alert, split ones apart, caps kept, chains whole."""
    run_state_machine_as_test(Machine, settings=QUICK)


@pytest.mark.soak
def test_any_interleaving_keeps_the_groups_at_length() -> None:
    """The same, for minutes."""
    run_state_machine_as_test(
        Machine, settings=settings(QUICK, max_examples=600, stateful_step_count=50)
    )
