"""Reading an estate: how fast, how gently, and what becomes of what cannot be read."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from shared.model.alert import Severity
from shared.model.errors import FailureReason, LogsUnavailable, TransientFailure
from shared.model.evidence import Lack
from shared.model.posture import CheckName, Posture
from shared.posture.estate import Part
from shared.posture.gate import AT_ONCE, Gate
from shared.posture.look import Sides, look
from shared.posture.report import report
from shared.posture.unknown import hidden
from tests.estates import WORKSPACE, Estate, sub
from tests.fakes.arm_reads import FakeArm, denied
from tests.fakes.logs import FakeLogs
from tests.fakes.loop import in_virtual_time
from tests.faults import Case, messy, read

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

BUSY = TransientFailure(
    FailureReason.RATE_LIMITED, "answered 429", retry_after=timedelta(seconds=7)
)


def timed(coroutine: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """What it comes to, and how many seconds it took where only waiting takes any."""

    async def go() -> tuple[T, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        return await coroutine, loop.time() - began

    return in_virtual_time(go())


def test_a_messy_estate_is_read_in_seconds_and_shows_what_was_planted() -> None:
    """2,000 resources, 20 ms a call: every fault that was planted, and no other."""
    case, expected = messy()
    arm = FakeArm([*case.estate.documents.values()])
    arm.latency = 0.02

    (estate, wanted), seconds = timed(read(case, arm))

    found = report(estate, wanted).findings
    assert {(each.check, each.resource, each.subject) for each in found} == expected
    assert len(case.estate.things) == 2_000
    assert len(arm.asked) < 1_500
    assert seconds < 20


def test_one_subscription_is_not_asked_so_often_that_others_are_refused() -> None:
    """Of 250 reads at once and 25 a second, a third is left to whoever contains."""
    case = Case()
    case.estate = Estate(subscriptions=1, each=800)
    arm = FakeArm([*case.estate.documents.values()])

    (estate, _), seconds = timed(read(case, arm))

    assert not estate.unread
    assert seconds > (len(arm.asked) - 150) / 15 - 2
    assert seconds < (len(arm.asked) - 150) / 15 + 2


async def test_no_more_is_asked_at_once_than_that() -> None:
    """However much there is."""
    running = most = 0

    class Counting(FakeArm):
        async def _looked(self, path: str) -> str:
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                return await super()._looked(path)
            finally:
                running -= 1

    case = Case()
    arm = Counting([*case.estate.documents.values()])
    arm.latency = 0.001

    await read(case, arm)

    assert most == AT_ONCE


def test_what_is_throttled_is_asked_again_when_the_side_says() -> None:
    """And it is no finding where it works then."""
    case = Case()
    arm = FakeArm([*case.estate.documents.values()])
    arm.fails = {"/pricings": [BUSY, BUSY, None]}

    (estate, wanted), seconds = timed(read(case, arm))

    assert report(estate, wanted).findings == ()
    assert seconds >= 7


def test_what_stays_throttled_is_unknown_and_not_well() -> None:
    """Its reason says so."""
    case = Case()
    arm = FakeArm([*case.estate.documents.values()])
    arm.fails = {f"{sub(1)}/providers/Microsoft.Security/pricings": [BUSY]}

    (estate, wanted), _ = timed(read(case, arm))

    [found] = report(estate, wanted).findings
    assert found.check is CheckName.UNKNOWN
    assert found.title == "Defender plans could not be read: answered 429"


@pytest.mark.parametrize("part", [*Part])
async def test_whatever_cannot_be_read_is_a_finding_of_its_own(part: Part) -> None:
    """Nothing that could not be read passes, and nothing else is found because of it."""
    case = Case()
    arm = FakeArm([*case.estate.documents.values()])
    paths = _PATHS.get(part)
    if paths is not None:
        arm.fails = {paths: [denied("Reader")]}
    logs = FakeLogs()
    logs.default = LogsUnavailable(Lack.FORBIDDEN)
    if part is not Part.HEARTBEATS:
        estate, wanted = await read(case, arm)
    else:
        estate, wanted = await look(
            Sides(arm, arm, logs), case.wanted, gate=Gate(seconds=lambda: 0), held=()
        )
    if part is Part.INCIDENTS:
        sides = Sides(arm, arm, FakeLogs())
        estate, wanted = await look(
            sides, case.wanted, gate=Gate(seconds=lambda: 0), held=None
        )
    if part is Part.HUB:
        estate, wanted = await look(
            Sides(arm, arm, FakeLogs()),
            case.wanted._replace(hub=""),
            gate=Gate(seconds=lambda: 0),
            held=(),
        )

    found = report(estate, wanted).findings

    unknown = [each for each in found if each.check is CheckName.UNKNOWN]
    assert {each.subject for each in unknown} >= {part.value}
    if part not in {Part.INCIDENTS, Part.HUB}:
        assert [*found] == unknown


@pytest.mark.parametrize(
    ("part", "severity"),
    [
        (Part.PLANS, Severity.HIGH),
        (Part.SUBSCRIPTIONS, Severity.HIGH),
        (Part.LOCKS, Severity.MEDIUM),
        (Part.CONTACTS, Severity.LOW),
        (Part.INCIDENTS, Severity.INFORMATIONAL),
    ],
)
def test_what_is_not_known_is_as_bad_as_what_it_may_hide(
    part: Part, severity: Severity
) -> None:
    """So a pipeline does not pass where a right was taken away."""
    assert hidden(part) is severity


_PATHS = {
    Part.SUBSCRIPTIONS: "/subscriptions?api-version",
    Part.RESOURCES: "| where type in~ ('microsoft.apimanagement",
    Part.PLANS: "Microsoft.Security/pricings",
    Part.EXPORTS: "Microsoft.Security/automations",
    Part.CONTACTS: "Microsoft.Security/securityContacts",
    Part.ACTIVITY: f"{sub(1)}/providers/Microsoft.Insights/diagnosticSettings",
    Part.SETTINGS: "vaults00",
    Part.AGENTS: "'microsoft.compute/virtualmachines/extensions'",
    Part.ASSOCIATIONS: "insightsresources",
    Part.RULES: "dataCollectionRules?",
    Part.WORKSPACES: "Microsoft.OperationalInsights/workspaces?",
    Part.TABLES: "/tables?",
    Part.DATA_EXPORTS: "/dataExports?",
    Part.SENTINEL: "/onboardingStates/",
    Part.ARCHIVES: "/blobServices/default/containers",
    Part.LOCKS: "Microsoft.Authorization/locks",
    Part.ROLES: "Microsoft.Authorization/roleAssignments",
    Part.ALERT_RULES: "Microsoft.Insights/metricAlerts",
    Part.ACTION_GROUPS: "Microsoft.Insights/actionGroups",
}


async def test_an_identity_that_may_not_see_all_is_said_to_be_one() -> None:
    """Resource Graph leaves out what it may not read, and says nothing of it."""
    case = Case()
    arm = FakeArm([*case.estate.documents.values()])
    actions = ("Microsoft.Security/*/read", "Microsoft.Insights/*/read")
    arm.rights.identity = type(arm.rights.identity)(actions=actions)

    estate, _ = await read(case, arm)

    assert {each.part for each in estate.unread} == {Part.RESOURCES}
    assert {each.scope for each in estate.unread} == {sub(0), sub(1)}


async def test_a_workspace_outside_of_what_is_looked_at_is_unknown() -> None:
    """Nobody knows how long it keeps what is sent there."""
    case = Case()
    only = Posture(subscriptions=(sub(1).rpartition("/")[2],))
    case.wanted = case.wanted._replace(posture=only)

    estate, _ = await read(case)

    assert estate.subscriptions == (sub(1),)
    assert (Part.WORKSPACES, sub(0)) in {(u.part, u.scope) for u in estate.unread}


def test_what_is_not_read_in_time_is_unknown() -> None:
    """An audit ends, whatever a side does."""
    case = Case()
    arm = FakeArm([*case.estate.documents.values()])
    arm.latency = 3.0

    async def in_five_seconds() -> set[str]:
        estate, _ = await look(
            Sides(arm, arm, FakeLogs()),
            case.wanted,
            gate=Gate(seconds=lambda: 0.0),
            held=(),
            deadline=5.0,
        )
        return {each.reason for each in estate.unread}

    reasons = in_virtual_time(in_five_seconds())

    assert "the time of an audit was over" in reasons


async def test_a_resource_that_is_gone_meanwhile_is_no_finding() -> None:
    """Resource Graph is some minutes late."""
    case = Case()
    arm = FakeArm([*case.estate.documents.values()])
    gone = type(denied())(FailureReason.NOT_FOUND, "it is not there")
    arm.fails = {"vaults00": [gone]}

    estate, wanted = await read(case, arm)

    assert report(estate, wanted).findings == ()


async def test_a_workspace_that_never_had_a_heartbeat_hears_of_nobody() -> None:
    """That is an answer: every machine that should be heard there is silent."""
    case = Case()
    arm = FakeArm([*case.estate.documents.values()])
    logs = FakeLogs()
    logs.default = LogsUnavailable(Lack.MISSING_TABLE, table="Heartbeat")

    estate, wanted = await look(
        Sides(arm, arm, logs), case.wanted, gate=Gate(seconds=lambda: 0), held=()
    )

    assert estate.beats == {WORKSPACE.lower(): {}}
    assert {each.check for each in report(estate, wanted).findings} == {
        CheckName.MACHINE_SILENT
    }
