"""Machines that only Defender for Endpoint knows: which are meant, and which may not be."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shared.actions import deed_plans, guards
from shared.actions.guards import Facts
from shared.containment.judging import of_evidence
from shared.model.action import Kind
from shared.model.deed import Deed, Guard
from shared.model.deed_status import DeedStatus
from shared.model.entity import Host
from shared.model.guards import Guards, Mode, Protected
from shared.triage import grounds
from shared.triage.alert_rows import row_of
from shared.triage.involved import involved
from tests.alerts import NOON, read_alert
from tests.factories import make_incident

ONE, OTHER = "a" * 40, "b" * 40


def deed(*machines: str) -> Deed:
    """One that names nothing but machines."""
    return Deed(
        responder="isolate",
        use="endpoint-isolate",
        kind=Kind.CONTAIN,
        target=ONE,
        says="Isolate it",
        alerts=("1",),
        machines=machines,
    )


def found(asked: Deed, *protected: str) -> list[Guard]:
    """The guards that have something to say of what it names."""
    known = Guards(protected=Protected(machines=protected))
    alert = row_of(read_alert(), "0a" * 8, "fp", None)
    said = guards.judge(
        make_incident(), asked, Mode.ACT, known, Facts([alert]), now=NOON
    )
    return [
        each.guard for each in said if each.guard in {Guard.IDENTITY, Guard.PROTECTED}
    ]


@pytest.mark.parametrize(
    ("machines", "protected", "guard"),
    [
        ((ONE,), (), []),
        ((ONE,), (OTHER,), []),
        ((ONE,), (ONE.upper(),), [Guard.PROTECTED]),
        (("web01",), (), [Guard.IDENTITY]),
        ((ONE.upper(),), (), [Guard.IDENTITY]),
        ((), (), [Guard.IDENTITY]),
    ],
)
def test_a_machine_is_named_by_its_id(
    machines: tuple[str, ...], protected: tuple[str, ...], guard: list[Guard]
) -> None:
    """And kept from everything where the policy lists it."""
    assert found(deed(*machines), *protected) == guard


def test_a_rule_is_asked_of_the_machine_alone() -> None:
    """Another one of the same alert is no reason."""
    hosts = (Host(name="lap-weber", device_id=ONE), Host(name="kiosk", device_id=OTHER))
    row = replace(row_of(read_alert(), "0a" * 8, "fp", None), entities=hosts)

    view = grounds.view(make_incident(), deed(ONE), [row])

    assert view.hosts == involved(hosts[:1]).hosts


@pytest.mark.parametrize(("machine", "waits"), [(ONE, True), (OTHER, False)])
def test_evidence_of_a_machine_goes_first(machine: str, *, waits: bool) -> None:
    """Of that machine; it need not be a resource."""
    head = make_incident()
    kept = replace(deed(machine), kind=Kind.EVIDENCE, responder="package")
    collecting = replace(
        deed_plans.planned(head, kept, now=NOON, policy=""), status=DeedStatus.GUARDED
    )
    row = deed_plans.planned(head, deed(ONE), now=NOON, policy="")

    found = [each.guard for each in of_evidence(row, [collecting], NOON)]

    assert found == [Guard.EVIDENCE] * waits
