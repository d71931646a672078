"""The daily audit: from what is read to what people are told."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.measures import By, measured
from shared.model.alert import Severity
from shared.model.errors import StoreUnavailable
from shared.model.guards import Mode
from shared.model.incident import AUDIT, IncidentStatus
from shared.model.posture import CheckName, Excuse, Posture
from shared.model.silence import Silence
from shared.model.storm import Storm
from shared.posture import store
from tests.estates import WORKSPACE, Estate, sub
from tests.fakes.arm_reads import FakeArm, denied
from tests.fakes.audit import DAY, QUIET, Days
from tests.fakes.enriched import enriched
from tests.fakes.firewatch import World
from tests.fakes.logs import FakeLogs
from tests.faults import FAULTS, OF_DOCUMENTS, Case
from tests.unit.containment.kit import acting


async def test_a_finding_opens_an_incident_that_closes_when_it_is_mended() -> None:
    """It is told once, however often it is found, and its end is told."""
    days = Days()
    FAULTS[CheckName.PLAN_OFF](days.case)

    for _ in range(3):
        await days.audit()
        days.world.clock.step(DAY)
    [head] = (await days.heads()).values()
    assert head.title.startswith("KeyVaults is off: 14 documented alert types")
    assert (head.scope, head.sources) == (sub(1).rpartition("/")[2], (AUDIT,))
    assert (head.alerts, head.status) == (1, IncidentStatus.OPEN)
    assert days.world.pager.sent_verbs() == ["trigger"]

    days.case = Case()
    await days.audit()

    assert (await days.world.head()).status is IncidentStatus.RESOLVED
    assert days.world.pager.sent_verbs() == ["trigger", "resolve"]
    assert not (await days.world.head()).is_sample
    await days.world.check_rested()


async def test_what_stays_wrong_for_weeks_stays_open_and_is_told_once() -> None:
    """An incident of which nothing is heard would end by itself."""
    days = Days(World(quiet=QUIET))
    FAULTS[CheckName.PLAN_OFF](days.case)

    for _ in range(20):
        await days.audit()
        days.world.clock.step(DAY)

    head = await days.world.head()
    assert head.status is IncidentStatus.OPEN
    assert (head.alerts, head.epoch) == (1, 1)
    assert days.world.pager.sent_verbs() == ["trigger"]
    # Heard every five days, and not each day.
    assert head.sequence < 8


async def test_what_one_check_finds_in_a_subscription_is_one_incident() -> None:
    """With an alert for each finding; it is over when all are."""
    days = Days()
    vaults = [t for t in days.case.estate.things if "/vaults/" in t]
    for each in vaults:
        settings = "providers/Microsoft.Insights/diagnosticSettings/security"
        days.case.estate.remove(f"{each}/{settings}")
    OF_DOCUMENTS[CheckName.CONTACT_MISSING](days.case.estate, 1)

    await days.audit()

    heads = await days.world.heads()
    assert sorted((h.scope, h.alerts) for h in heads) == [
        (sub(0).rpartition("/")[2], 1),
        (sub(1).rpartition("/")[2], 1),
        (sub(1).rpartition("/")[2], 1),
    ]


async def test_many_findings_are_few_incidents() -> None:
    """Nobody is paged for each resource."""
    days = Days()
    days.case.estate = Estate(subscriptions=1, each=200)
    for each in [t for t in days.case.estate.things if "/vaults/" in t]:
        settings = "providers/Microsoft.Insights/diagnosticSettings/security"
        days.case.estate.remove(f"{each}/{settings}")

    found = await days.audit()

    assert sum(found.open.values()) == 20
    [head] = await days.world.heads()
    assert (head.alerts, head.active) == (20, 20)
    assert days.world.pager.sent_verbs() == ["trigger"]


async def test_what_comes_again_is_an_incident_of_its_own() -> None:
    """The first one was over."""
    days = Days()
    for is_wrong in (True, False, True):
        days.case = Case()
        if is_wrong:
            FAULTS[CheckName.CAP_REACHED](days.case)
        await days.audit()
        days.world.clock.step(DAY)

    assert sorted(h.status for h in await days.world.heads()) == ["open", "resolved"]


async def test_an_exception_closes_it_and_its_end_opens_it_again() -> None:
    """As the same finding: it was there all the time."""
    days = Days()
    FAULTS[CheckName.CAP_SET](days.case)
    await days.audit()
    excuse = Excuse(
        check=CheckName.CAP_SET,
        reason="it may stop",
        until=days.world.clock() + 2 * DAY,
    )
    posture = Posture(exceptions=(excuse,))
    days.case.wanted = days.case.wanted._replace(posture=posture)

    days.world.clock.step(DAY)
    await days.audit()
    assert (await days.world.head()).status is IncidentStatus.RESOLVED
    days.world.clock.step(DAY)
    found = await days.audit()

    assert (await days.world.head()).status is IncidentStatus.OPEN
    [finding] = found.findings
    assert finding.first_seen == days.world.clock() - 2 * DAY


async def test_what_cannot_be_read_is_told_and_closes_nothing() -> None:
    """Whoever takes a right away hears of it."""
    days = Days()
    FAULTS[CheckName.PLAN_OFF](days.case)
    await days.audit()
    days.arm = FakeArm([*Case().estate.documents.values()])
    days.arm.fails = {"/pricings": [denied("Security Reader")]}
    days.world.clock.step(DAY)

    await days.audit()

    heads = await days.heads()
    assert heads["Firewatch_Posture_plan-off"].status is IncidentStatus.OPEN
    unknown = heads["Firewatch_Posture_unknown"]
    assert unknown.title.endswith("it needs Security Reader")


async def test_a_crash_between_report_and_alerts_is_mended_the_next_day() -> None:
    """As the same alert, of the day on which it was found."""
    days = Days()
    FAULTS[CheckName.CAP_SET](days.case)

    async def broken(*_: object) -> None:
        raise StoreUnavailable("the table went away")

    with pytest.raises(StoreUnavailable):
        await days.verb(say=broken)()
    began = days.world.clock()
    assert await days.world.heads() == []
    days.world.clock.step(DAY)

    await days.audit()

    assert (await days.world.head()).first_seen == began


async def test_such_an_incident_waits_in_a_storm_and_can_be_silenced() -> None:
    """It is no word on Firewatch itself, and no more urgent than others."""
    days = Days(storm=Storm(pages=1, within=timedelta(hours=1)))
    for name in (CheckName.CAP_SET, CheckName.GROUP_DEAD, CheckName.RULE_MISSING):
        FAULTS[name](days.case)
    await days.verb()()
    turns = [await days.noise().turn(head) for head in await days.world.heads()]
    silence = Silence(
        name="posture",
        match=(f"source={AUDIT}",),
        reason="we know",
        owner="ada",
        until=days.world.clock() + DAY,
    )
    quiet = Days(World(suppress=[silence]))
    FAULTS[CheckName.CAP_REACHED](quiet.case)
    await quiet.audit()

    assert turns.count(None) == 1
    assert quiet.world.pager.sent == []


async def test_nothing_is_contained_by_it() -> None:
    """Whatever the policy contains by severity: no doer is asked."""
    days = Days(acting(Mode.ACT))
    FAULTS[CheckName.EXPORT_OFF](days.case)

    await days.audit()

    [head] = await days.world.heads()
    assert head.severity is Severity.HIGH
    asked = {name.partition(".")[0] for name in days.world.faults.calls}
    assert not asked & {"doer", "owner"}
    assert days.world.pager.sent_verbs() == ["trigger"]


async def test_it_counts_in_no_measure() -> None:
    """How fast people are with settings says nothing of how fast with attacks."""
    days = Days()
    FAULTS[CheckName.EXPORT_OFF](days.case)
    await days.audit()
    now = days.world.clock()

    found = measured(await days.world.heads(), By.SEVERITY, since=now - DAY, until=now)

    assert found.total.incidents == 0


async def test_no_log_is_asked_about_it() -> None:
    """Of a setting that is wrong no log tells."""
    logs = FakeLogs()
    days = Days(enriched(logs))
    FAULTS[CheckName.EXPORT_OFF](days.case)

    await days.audit()

    assert logs.asked == []
    assert days.world.pager.sent_verbs() == ["trigger"]


async def test_without_a_section_nothing_is_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor kept."""
    caplog.set_level(logging.DEBUG, logger="firewatch")
    days = Days()

    assert await days.verb(is_on=False)() is None
    assert await store.load(days.world.blobs) is None
    assert caplog.messages == ["posture.off "]


async def test_what_was_done_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """In numbers, and each thing that is not known by itself."""
    caplog.set_level(logging.INFO, logger="firewatch")
    days = Days()
    days.arm = FakeArm([*days.case.estate.documents.values()])
    days.arm.fails = {f"{WORKSPACE}/tables": [denied()]}

    await days.audit()

    [done] = [m for m in caplog.messages if m.startswith("posture.done ")]
    assert "subscriptions=2 resources=14 open=1 unknown=1 reads=" in done
    [said] = [m for m in caplog.messages if m.startswith("posture.unknown ")]
    assert said.startswith(f'posture.unknown subscription="{sub(0)}" reason="tables of')
