"""Verdicts that people gave before, in the page and in the score of what comes again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.commands import Order
from shared.enrichment.inquiries import WAITS
from shared.enrichment.verdicts import OwnVerdicts
from shared.model.errors import StoreUnavailable
from shared.model.evidence import VERDICTS, Evidence, EvidenceStatus, Lack
from shared.model.incident import Classification, Judged, Verdict
from shared.store import reading
from tests.alerts import alert_id, defender_alert, event, stamp
from tests.fakes.enriched import enriched, verdicts
from tests.fakes.firewatch import KEEP, World
from tests.fakes.logs import FakeLogs
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from shared.enrichment.enrichment import Enrichment
    from shared.model.event import Event
    from shared.model.incident import Incident

FALSE = Verdict(classification=Classification.FALSE_POSITIVE)
TRUE = Verdict(classification=Classification.TRUE_POSITIVE)


def an_alert(number: int, world: World, **changes: Any) -> Event:  # noqa: ANN401
    """One of now, always about the same."""
    now = stamp(world.clock())
    times = {
        "StartTimeUtc": now,
        "EndTimeUtc": now,
        "TimeGenerated": now,
        "ProcessingEndTime": now,
    }
    return event(
        defender_alert(**{"SystemAlertId": alert_id(number)} | times | changes),
        place=number,
    )


async def opened(world: World, number: int, **changes: Any) -> Incident:  # noqa: ANN401
    """An incident that was just paged."""
    await world.feed([an_alert(number, world, **changes)])
    heads = await world.heads()
    return max(heads, key=lambda head: head.opened_at)


async def closed(world: World, verdict: Verdict, *numbers: int) -> None:
    """Such incidents, a day apart, each closed so."""
    for number in numbers:
        head = await opened(world, number)
        await world.worker.commands.resolve(head.id, Order("ada"), verdict)
        await world.settle()
        world.clock.step(timedelta(days=1))


def shown(world: World) -> list[Evidence]:
    """What the last page says of earlier verdicts."""
    opening = [a for a in world.pager.actions if a.occasion == "opened"]
    found: list[Evidence] = opening[-1].content.get("evidence", [])
    return [each for each in found if each.query == VERDICTS]


def points(head: Incident) -> list[int]:
    """What earlier verdicts are worth in its score."""
    assert head.risk is not None
    return [f.points for f in head.risk.factors if f.evidence == VERDICTS]


async def test_a_noise_that_comes_again_scores_less() -> None:
    """And the page says how often, when last and by whom."""
    world = World(others=verdicts)
    await closed(world, FALSE, 1, 2, 3)

    head = await opened(world, 4)

    assert points(head) == [-20]
    (said,) = shown(world)
    last = world.clock() - timedelta(days=1)
    assert f"as false positive 3 times, last on {last:%Y-%m-%d} by ada" in said.reading
    assert head.risk is not None
    assert head.risk.factors[-1].because.startswith(
        f"Closed as false positive 3 times, last on {last:%Y-%m-%d} by ada"
    )


async def test_what_turned_out_true_scores_more() -> None:
    """Whatever was said since."""
    world = World(others=verdicts)
    await closed(world, TRUE, 1)
    await closed(world, FALSE, 2)

    assert points(await opened(world, 3)) == [15]


async def test_something_new_says_that_it_is() -> None:
    """That there is no verdict is an answer, and no doubt about the score."""
    world = World(others=verdicts)

    head = await opened(world, 1)

    (said,) = shown(world)
    assert (said.status, said.rows) == (EvidenceStatus.COMPLETE, ())
    assert points(head) == []
    assert head.risk is not None
    assert head.risk.missing == 0


async def test_verdicts_in_history_count() -> None:
    """Long after the incidents left."""
    world = World(others=verdicts)
    await closed(world, FALSE, 1)
    world.clock.step(KEEP + timedelta(days=1))
    await world.worker.retention()
    assert await world.heads() == []

    assert points(await opened(world, 2)) == [-20]


async def test_a_verdict_that_was_taken_back_counts_for_nothing() -> None:
    """Reopening is how it is."""
    world = World(others=verdicts)
    await closed(world, FALSE, 1)
    before = await world.head()
    await world.worker.commands.reopen(before.id, Order("bob"))
    await world.worker.commands.resolve(before.id, Order("bob"))
    await world.settle()

    assert points(await opened(world, 2)) == []


async def test_something_worse_beside_a_noise_raises_the_score_again() -> None:
    """The incident is asked about anew when it is about more than was judged."""
    world = World(others=verdicts)
    await closed(world, FALSE, 1)
    quiet = await opened(world, 2)
    assert points(quiet) == [-20]

    loud = await opened(world, 3, AlertType="VM_Other", Severity="High")

    assert loud.id == quiet.id
    assert points(loud) == []


async def test_more_of_the_same_is_not_asked_about_again() -> None:
    """Once is enough."""
    world = World(others=verdicts)
    await opened(world, 1)
    asked = await reading.evidence(world.ledger)

    for number in range(2, 6):
        world.clock.step(timedelta(minutes=10))
        await opened(world, number)

    kept = await reading.evidence(world.ledger)
    assert [row.at for row in kept] == [row.at for row in asked]
    assert (await world.head()).alerts == 5


async def test_it_costs_one_or_two_requests() -> None:
    """A range of history, and a row of the store where another worker ingested."""
    plain, asks = World(), World(others=verdicts)
    for world in (plain, asks):
        await world.worker.ingest([an_alert(1, world)])
        await world.deliver()
    assert asks.faults.calls - plain.faults.calls == {"table.scan": 1}

    plain, asks = World(), World(others=verdicts)
    for world in (plain, asks):
        await world.worker.ingest([an_alert(1, world)])
        world.worker = world.new_worker()
        await world.deliver()
    more = asks.faults.calls - plain.faults.calls
    assert more == {"table.scan": 1, "table.get": 1}


async def test_without_a_store_the_page_goes_out() -> None:
    """It says what is missing, and the score is in doubt until it was asked again."""
    find = _Flaky()
    world = World(others=lambda *_: [OwnVerdicts(find)])

    await world.worker.ingest([an_alert(1, world)])
    await world.deliver()

    (said,) = shown(world)
    assert (said.status, said.reason) == (EvidenceStatus.UNAVAILABLE, Lack.UNREACHABLE)
    head = await world.head()
    assert head.risk is not None
    assert head.risk.missing == 1

    await world.settle()

    head = await world.head()
    assert find.asked == 2
    assert head.risk is not None
    assert head.risk.missing == 0
    await world.check_rested()


class _Flaky:
    """A store that is away at first."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, *_: object) -> tuple[list[Judged], bool]:
        self.asked += 1
        if self.asked == 1:
            raise StoreUnavailable("fake")
        return [], True


def test_a_store_that_hangs_holds_no_page_back() -> None:
    """Nor does it cost what the logs said meanwhile."""

    async def hang(*_: object) -> tuple[list[Judged], bool]:
        await asyncio.sleep(3600)
        raise AssertionError

    async def scenario() -> None:
        world = enriched(FakeLogs(), others=lambda *_: [OwnVerdicts(hang)])
        await world.worker.ingest([an_alert(1, world)])
        began = asyncio.get_running_loop().time()
        await world.deliver()

        took = asyncio.get_running_loop().time() - began
        assert took == pytest.approx(WAITS.total_seconds(), abs=0.2)
        (said,) = shown(world)
        assert said.reason == Lack.TIMEOUT
        (page,) = world.pager.actions
        assert len(page.content["evidence"]) > 3

    in_virtual_time(scenario())


def test_dead_logs_cost_no_verdict() -> None:
    """What breaks over the ones leaves the others."""

    async def broken() -> Enrichment:
        raise RuntimeError("boom")

    async def scenario() -> None:
        world = World(enrichment=broken, others=verdicts)
        await world.worker.ingest([an_alert(1, world)])
        await world.deliver()

        (page,) = world.pager.actions
        assert [each.reason for each in page.content["evidence"]] == ["", Lack.DEFECT]
        head = await world.head()
        assert head.evidence is not None
        assert (head.evidence.asked, head.evidence.answered) == (1, 1)
        assert [r.evidence.query for r in await reading.evidence(world.ledger)] == [
            VERDICTS
        ]

    in_virtual_time(scenario())
