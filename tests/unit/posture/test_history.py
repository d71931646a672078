"""Findings open, stand and close."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.model.posture import CheckName, Excuse, Posture
from shared.posture import store
from shared.posture.history import KEPT_FOR
from shared.posture.report import report
from tests.estates import WORKSPACE, Estate, sub
from tests.fakes.arm_reads import FakeArm, denied
from tests.fakes.clock import START
from tests.faults import FAULTS, Case, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.posture.audited import Report

DAY = timedelta(days=1)


async def audit(
    case: Case,
    before: Report | None = None,
    *,
    day: int = 0,
    arm: FakeArm | None = None,
) -> Report:
    """What an audit finds on a day, after another one."""
    case.wanted = case.wanted._replace(now=START + day * DAY)
    return report(*await read(case, arm), before.findings if before else ())


def with_fault(name: CheckName = CheckName.PLAN_OFF) -> Case:
    case = Case()
    FAULTS[name](case)
    return case


async def test_what_stays_wrong_is_one_finding() -> None:
    """First seen when it was, last seen now."""
    first = await audit(with_fault())
    [found] = (await audit(with_fault(), first, day=3)).findings

    assert found.first_seen == START
    assert found.last_seen == START + 3 * DAY
    assert found.closed_at is None
    assert found.is_open


async def test_what_was_mended_closes_and_is_told_of_for_a_while() -> None:
    """Then it is forgotten."""
    last = await audit(with_fault())
    for day in (1, 2):
        last = await audit(Case(), last, day=day)

    [found] = last.findings
    assert found.closed_at == START + DAY
    assert sum(last.open.values()) == 0
    assert (await audit(Case(), last, day=2 + KEPT_FOR.days)).findings == ()


async def test_what_comes_again_is_new() -> None:
    """It was well in between."""
    last = await audit(Case(), await audit(with_fault()), day=1)
    [found] = (await audit(with_fault(), last, day=2)).findings

    assert found.first_seen == START + 2 * DAY
    assert found.closed_at is None


@pytest.mark.parametrize(
    "fails",
    [
        f"{sub(1)}/providers/Microsoft.Security/pricings",
        "| where type in~ ('microsoft.apimanagement",
        "/subscriptions?api",
    ],
)
async def test_what_cannot_be_looked_at_stands(fails: str) -> None:
    """Whoever takes a right away mends nothing."""
    first = await audit(with_fault())
    arm = FakeArm([*Case().estate.documents.values()])
    arm.fails = {fails: [denied()]}

    last = await audit(Case(), first, day=1, arm=arm)

    [found] = [f for f in last.findings if f.check is CheckName.PLAN_OFF]
    assert found.is_open
    assert not found.is_seen
    assert found.last_seen == START


async def test_what_another_part_hides_closes_all_the_same() -> None:
    """Only what a check goes by counts."""
    first = await audit(with_fault())
    arm = FakeArm([*Case().estate.documents.values()])
    arm.fails = {
        "/tables?": [denied()],
        f"{sub(0)}/providers/Microsoft.Security": [denied()],
    }

    last = await audit(Case(), first, day=1, arm=arm)

    [found] = [f for f in last.findings if f.check is CheckName.PLAN_OFF]
    assert found.closed_at == START + DAY


async def test_a_subscription_that_is_not_shown_any_more_is_not_well() -> None:
    """Unless the policy does not name it any more."""
    first = await audit(with_fault())
    case = Case()
    case.estate = Estate(subscriptions=1)

    hidden = await audit(case, first, day=1)
    only = Posture(subscriptions=(sub(0).rpartition("/")[2],))
    case.wanted = case.wanted._replace(posture=only)
    named = await audit(case, first, day=1)

    assert [f.is_open for f in hidden.findings] == [True]
    assert [f.closed_at for f in named.findings] == [START + DAY]


async def test_what_could_not_be_read_closes_when_it_can() -> None:
    """It is a finding like others."""
    first = await audit(with_fault(CheckName.UNKNOWN))
    last = await audit(Case(), first, day=1)

    assert [f.check for f in last.findings] == [CheckName.UNKNOWN]
    assert last.findings[0].closed_at == START + DAY
    assert last.unknown == 0


def excuse(**changes: object) -> Excuse:
    given = {
        "check": CheckName.RETENTION_TOTAL,
        "reason": "archived elsewhere",
        "until": START + 2 * DAY,
        **changes,
    }
    return msgspec.convert(given, Excuse, strict=False)


@pytest.mark.parametrize(
    ("given", "is_open"),
    [
        (excuse(), False),
        (excuse(resource=WORKSPACE.upper()), False),
        (excuse(resource=sub(0)), False),
        (excuse(resource=sub(1)), True),
        (excuse(resource=f"{WORKSPACE}-2"), True),
        (excuse(subject="SecurityEvent"), False),
        (excuse(subject="Syslog"), True),
        (excuse(check=CheckName.RETENTION_INTERACTIVE), True),
        (excuse(until=START), True),
    ],
)
async def test_an_exception_lets_be_what_it_is_about(
    *, given: Excuse, is_open: bool
) -> None:
    """With its reason, and no longer than it says."""
    case = with_fault(CheckName.RETENTION_TOTAL)
    case.wanted = case.wanted._replace(posture=Posture(exceptions=(given,)))

    found = await audit(case)

    assert [each.is_open for each in found.findings] == [is_open]
    assert bool(found.findings[0].excused) is not is_open
    assert sum(found.open.values()) == is_open


async def test_a_report_is_kept_as_it_is() -> None:
    """Times, severities and fixes come back as they were."""
    kept: dict[str, bytes] = {}

    class Blobs:
        async def put(self, name: str, data: bytes) -> None:
            kept[name] = data

        async def get(self, name: str) -> bytes | None:
            return kept.get(name)

    found = await audit(with_fault())
    assert await store.load(Blobs()) is None

    await store.keep(Blobs(), found)

    assert await store.load(Blobs()) == found
    kept[store.BLOB] = b'{"at": 7}'
    assert await store.load(Blobs()) is None


def _case_of(estate: Estate) -> Case:
    case = Case()
    case.estate = estate
    return case


def _everybody_their_own(estate: Estate) -> None:
    _nobody(estate)
    for number, name in enumerate(estate.subscriptions):
        own = estate.add(
            f"{name}/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/law-{number}"
        )
        setting = estate.setting(name, "Administrative")
        estate.of(setting)["workspaceId"] = own


def _nobody(estate: Estate) -> None:
    for each in [e for e in estate.documents if "/diagnosticsettings/" in e]:
        estate.remove(each)
    for each in [e for e in estate.documents if "/datacollectionrules/" in e]:
        estate.remove(each)


LAYOUTS: dict[str, Callable[[Estate], object]] = {
    "central": Estate.inventory,
    "hybrid": lambda e: FAULTS[CheckName.WORKSPACE_NOT_ASKED](_case_of(e)),
    "decentralised": _everybody_their_own,
    "none": _nobody,
}


@pytest.mark.parametrize("model", LAYOUTS)
async def test_the_model_is_what_is_found(model: str) -> None:
    """And what it costs whoever investigates."""
    case = Case()
    LAYOUTS[model](case.estate)

    found = await audit(case)

    assert found.layout.model == model
    assert found.layout.costs


async def test_an_empty_subscription_lacks_what_every_subscription_needs() -> None:
    """And an empty estate is unknown: somebody sees nothing."""
    case = Case()
    case.estate = Estate(subscriptions=1, each=0)
    case.estate.documents = {sub(0): {"id": sub(0), "properties": {}}}
    found = await audit(case)
    case.estate.documents = {}
    nothing = await audit(case)

    assert {f.check for f in found.findings} == {
        CheckName.PLAN_OFF,
        CheckName.EXPORT_MISSING,
        CheckName.CONTACT_MISSING,
        CheckName.ACTIVITY_NOT_KEPT,
        CheckName.RULES_ABSENT,
        CheckName.OWN_RULE_MISSING,
    }
    assert {f.check for f in nothing.findings} == {CheckName.UNKNOWN}
    assert isinstance(found.at, datetime)
