"""The page arrives with the evidence in it, and on time whatever becomes of that."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from shared.actions.routing import Route
from shared.looks.gathering import HIGH_WAITS, USUAL
from shared.looks.turn import BRIEF
from shared.model.action import Change
from shared.model.enrich import Enrich
from shared.model.evidence import Evidence, EvidenceStatus, Lack
from shared.model.incident import IncidentStatus
from shared.model.logs import Answer
from shared.store import reading
from shared.store import rows as store_rows
from shared.store.ports import Delete, Put
from tests.alerts import NOON, alert_id, defender_alert, event, stamp
from tests.fakes.enriched import enriched
from tests.fakes.firewatch import World
from tests.fakes.logs import FakeLogs, Slow, refused, rows
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from shared.enrichment.enrichment import Enrichment
    from shared.model.event import Event

MINUTE = timedelta(minutes=1)
OPENED = ("trigger", "opened")
LATE = ("update", "evidence")


def an_alert(number: int = 1, **changes: Any) -> Event:  # noqa: ANN401
    """One about a machine, of now."""
    body = defender_alert(
        **{
            "SystemAlertId": alert_id(number),
            "ProcessingEndTime": stamp(NOON + number * MINUTE),
            "Severity": "Low",
        }
        | changes
    )
    return event(body, place=number)


def heard(world: World) -> list[tuple[str, str]]:
    return [(sent.verb, sent.occasion) for sent in world.pager.sent]


def told(world: World, number: int = 0) -> list[Evidence]:
    """The evidence in the notice of that number."""
    found: list[Evidence] = world.pager.actions[number].content.get("evidence", [])
    return found


def reasons(found: Sequence[Evidence]) -> set[str]:
    return {each.reason for each in found}


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    in_virtual_time(scenario())


async def looked(world: World, *events: Event) -> float:
    """Ingest and deliver; how many seconds that took."""
    await world.worker.ingest(events or [an_alert()])
    began = asyncio.get_running_loop().time()
    await world.deliver()
    return asyncio.get_running_loop().time() - began


def test_the_page_has_what_the_logs_say() -> None:
    """In one notice, and kept with the incident."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(0.2, rows("mallory@contoso.com"))))

        took = await looked(world)

        assert took < 2
        assert heard(world) == [OPENED]
        assert 0 < len(told(world)) <= USUAL.most
        assert {each.status for each in told(world)} == {EvidenceStatus.COMPLETE}
        kept = await reading.evidence(world.ledger)
        assert [row.evidence for row in kept] == told(world)
        head = await world.head()
        assert head.evidence is not None
        assert head.evidence.answered == head.evidence.asked == len(kept)
        facts = [
            f for e in await reading.timeline(world.ledger, head.id) for f in e.facts
        ]
        assert f"{len(kept)} of {len(kept)} answered" in [f.detail for f in facts]

    run(scenario)


def test_off_costs_nothing() -> None:
    """Not one request more than before there was any enrichment, and no wait."""

    async def scenario() -> None:
        world = World()

        took = await looked(world)

        assert took == 0
        assert not told(world)
        assert (await world.head()).evidence is None
        assert not await reading.evidence(world.ledger)
        # Looks: the first, the record's, and the one that finds nothing more to do.
        assert world.faults.calls["table.scan"] == 3
        assert world.faults.calls["table.commit"] == 4

    run(scenario)


@pytest.mark.parametrize(
    ("severity", "waits"), [("High", HIGH_WAITS), ("Medium", USUAL.deadline)]
)
def test_a_dead_workspace_holds_no_page_back(severity: str, waits: timedelta) -> None:
    """A High waits 5 s, others 20 s; the page says what is missing."""

    async def scenario() -> None:
        logs = FakeLogs(Slow(3600, Answer(columns=(), rows=())))
        world = enriched(logs)

        took = await looked(world, an_alert(Severity=severity))

        assert took == pytest.approx(waits.total_seconds(), abs=0.2)
        assert heard(world) == [OPENED]
        assert told(world)
        assert reasons(told(world)) == {Lack.TIMEOUT}

    run(scenario)


def test_nobody_waits_for_a_side_that_just_said_nothing() -> None:
    """Else each incident of a burst would wait for it in turn."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(3600, Answer(columns=(), rows=()))))
        await looked(world)

        elsewhere = "/subscriptions/9d1c6b1e-7f5e-4f0c-8a52-0f3a5a1c2b3d"
        other = f"{elsewhere}/resourceGroups/rg/providers/Microsoft.Compute"
        took = await looked(
            world, an_alert(2, AzureResourceId=f"{other}/virtualMachines/vm-z")
        )

        assert heard(world) == [OPENED, OPENED]
        assert took <= BRIEF.total_seconds() + 0.1

    run(scenario)


def test_many_wait_side_by_side() -> None:
    """More incidents of a message than are looked at together wait no longer."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(3600, Answer(columns=(), rows=()))))
        events = [
            an_alert(
                n,
                Severity="High",
                AzureResourceId=f"/subscriptions/9d1c6b1e-7f5e-4f0c-8a52-0f3a5a1c2b{n:02x}"
                "/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm",
            )
            for n in range(1, 31)
        ]
        await world.worker.ingest(events)
        heads = [head.id for head in await world.heads()]
        assert len(heads) == 30

        began = asyncio.get_running_loop().time()
        await world.worker.respond(heads)

        assert heard(world) == [OPENED] * 30
        took = asyncio.get_running_loop().time() - began
        assert took == pytest.approx(HIGH_WAITS.total_seconds(), abs=1)

    run(scenario)


@pytest.mark.parametrize(
    ("lack", "again"),
    [(Lack.THROTTLED, True), (Lack.FORBIDDEN, False), (Lack.BAD_QUERY, False)],
)
def test_what_is_refused_is_missing_and_said(lack: Lack, *, again: bool) -> None:
    """At once where nothing else can come."""

    async def scenario() -> None:
        world = enriched(FakeLogs(refused(lack)))

        took = await looked(world)

        assert took <= USUAL.deadline.total_seconds() + 0.2
        assert reasons(told(world)) == {lack}
        head = await world.head()
        assert head.evidence is not None
        assert (head.evidence.again is not None) is again

    run(scenario)


def test_part_of_an_answer_is_told_as_that() -> None:
    """It is answered, and says that there is more."""

    async def scenario() -> None:
        some = rows("mallory@contoso.com")
        world = enriched(FakeLogs(replace(some, is_partial=True)))

        await looked(world)

        assert {each.status for each in told(world)} == {EvidenceStatus.PARTIAL}
        assert reasons(told(world)) == {Lack.PARTIAL}

    run(scenario)


def test_what_comes_late_follows_as_one_update() -> None:
    """Under the same key, and no second one however much more comes."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(6, rows("mallory@contoso.com"))))
        await looked(world, an_alert(Severity="High"))
        assert reasons(told(world)) == {Lack.TIMEOUT}
        # The flights go on meanwhile.
        await asyncio.sleep(30)

        await world.settle()

        assert heard(world) == [OPENED, LATE]
        assert len({sent.dedup_key for sent in world.pager.sent}) == 1
        assert reasons(told(world, 1)) == {""}
        await world.feed([an_alert(2, CompromisedEntity="vm-other")])
        assert heard(world).count(LATE) == 1
        await world.check_rested()

    run(scenario)


def test_a_route_may_leave_late_evidence_out() -> None:
    """As any other change."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(6, rows("mallory@contoso.com"))))
        world.again = Route(to=("pager",), again=(Change.SEVERITY_RAISED,))
        await looked(world, an_alert(Severity="High"))
        await asyncio.sleep(30)

        await world.settle()

        assert heard(world) == [OPENED]
        await world.check_rested()

    run(scenario)


def test_late_evidence_takes_nothing_else_for_told() -> None:
    """A new tactic is told at its time all the same, and evidence does not wait."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(6, rows("mallory@contoso.com"))))
        await looked(world, an_alert(Severity="High"))
        more = an_alert(2, AlertType="VM_Other", Intent="Impact")
        await looked(world, more)
        await asyncio.sleep(30)

        await world.settle()

        assert heard(world) == [OPENED, LATE, ("update", "new_tactic")]
        await world.check_rested()

    run(scenario)


def test_logs_that_were_late_are_asked_once_more() -> None:
    """When rows about the alert can have arrived; then never again."""

    async def scenario() -> None:
        logs = FakeLogs(Answer(columns=(), rows=()))
        world = enriched(logs)
        world.clock.step(NOON + MINUTE - world.clock())
        await looked(world)
        first = logs.counts()
        assert set(first.values()) == {1}
        logs.default = rows("mallory@contoso.com")

        await world.settle(most=timedelta(hours=10))

        assert set(logs.counts().values()) == {2}
        assert heard(world) == [OPENED, LATE]
        await world.check_rested()

    run(scenario)


def test_an_alert_of_long_ago_is_asked_about_once() -> None:
    """All rows about it are there."""

    async def scenario() -> None:
        logs = FakeLogs()
        world = enriched(logs)
        world.clock.step(NOON + timedelta(days=2) - world.clock())
        await looked(world)

        await world.settle()

        assert set(logs.counts().values()) == {1}

    run(scenario)


def test_a_storm_of_alerts_is_no_storm_of_queries() -> None:
    """What changes nothing that is told is asked about after a while, and once."""

    async def scenario() -> None:
        logs = FakeLogs(Answer(columns=(), rows=()))
        world = enriched(logs)
        world.clock.step(NOON + timedelta(days=2) - world.clock())
        await looked(world)
        asked = logs.counts()

        for number in range(2, 12):
            await looked(world, an_alert(number))
        assert logs.counts() == asked

        await world.settle()
        assert set(logs.counts().values()) == {2}
        head = await world.head()
        assert head.evidence is not None
        assert head.evidence.alerts == head.alerts == 11

    run(scenario)


def test_a_second_incident_about_the_same_asks_nothing_twice() -> None:
    """A page that goes out again carries what is kept."""

    async def scenario() -> None:
        logs = FakeLogs()
        world = enriched(logs)
        world.pager.failures = [TimeoutError()]
        await looked(world)
        asked = logs.counts()

        world.clock.step(MINUTE)
        await world.worker.respond([(await world.head()).id])

        assert heard(world) == [OPENED]
        assert told(world)
        assert logs.counts() == asked

    run(scenario)


async def test_evidence_whose_mark_was_lost_holds_no_page_back() -> None:
    """An older app that ran in between knew no mark, and the rows are there."""
    world = enriched(FakeLogs())
    world.pager.failures = [TimeoutError()]
    await world.worker.ingest([an_alert()])
    await world.deliver()
    rows_before = await reading.evidence(world.ledger)
    assert rows_before
    assert heard(world) == []
    head = await world.head()
    key, partition = store_rows.incident(head.id), head.id[:2]
    found = (await world.table.get(partition, [key]))[key]
    unmarked = replace(head, evidence=None, risk=None)
    put = Put(key, store_rows.encode(unmarked), found.etag)
    await world.table.commit(partition, [put])
    for row in await world.table.scan(partition, "x|", "x}"):
        await world.table.commit(partition, [Delete(row.key)])
    world.restart()

    await world.settle()

    assert heard(world) == [OPENED]
    assert (await world.head()).evidence is not None
    assert len(await reading.evidence(world.ledger)) == len(rows_before)


@pytest.mark.parametrize("error", [RuntimeError("boom"), ValueError(), OSError()])
def test_what_breaks_over_evidence_breaks_no_page(error: Exception) -> None:
    """It goes out at once, and says so."""

    async def scenario() -> None:
        async def broken() -> Enrichment:
            raise error

        world = World(enrichment=broken)

        took = await looked(world)

        assert took == 0
        assert heard(world) == [OPENED]
        assert reasons(told(world)) == {Lack.DEFECT}
        await world.settle()
        await world.check_rested()

    run(scenario)


def test_what_hangs_before_it_asks_holds_no_page_back() -> None:
    """Whatever it is."""

    async def scenario() -> None:
        async def hanging() -> Enrichment:
            await asyncio.sleep(3600)
            raise AssertionError

        world = World(enrichment=hanging)

        took = await looked(world, an_alert(Severity="High"))

        assert took == pytest.approx(HIGH_WAITS.total_seconds(), abs=0.2)
        assert reasons(told(world)) == {Lack.TIMEOUT}
        await world.settle()
        await world.check_rested()

    run(scenario)


def test_nobody_waits_with_the_lease() -> None:
    """While a look waits, the incident may change, and the page tells of it."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(2, rows("mallory@contoso.com"))))
        await world.worker.ingest([an_alert()])
        waiting = asyncio.create_task(world.deliver())
        await asyncio.sleep(1)
        assert (await world.head()).lease is None
        await world.worker.ingest([an_alert(2, Severity="High")])

        await waiting
        await world.settle()

        assert heard(world)[0] == OPENED
        (opened, *_) = await world.actions()
        assert opened.told is not None
        assert opened.told.severity == "high"
        await world.check_rested()

    run(scenario)


def test_rows_of_an_incident_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many things it comes to be about."""
    monkeypatch.setattr("shared.looks.round.MOST_ROWS", 5)

    async def scenario() -> None:
        world = enriched(FakeLogs())
        for number in range(1, 4):
            await world.feed([an_alert(number)])

        head = await world.head()
        kept = await reading.evidence_of(world.ledger, [head.id])
        assert len(kept) == 5
        assert head.evidence is not None
        assert head.evidence.asked == 5

    run(scenario)


def test_an_incident_that_ended_is_not_asked_about() -> None:
    """Nor is one that a silence holds back."""

    async def scenario() -> None:
        logs = FakeLogs(Answer(columns=(), rows=()))
        world = enriched(logs)
        await looked(world)
        asked = logs.counts()
        await world.feed(
            [
                an_alert(
                    Status="Dismissed",
                    ProcessingEndTime=stamp(NOON + timedelta(hours=1)),
                )
            ]
        )

        assert (await world.head()).status is IncidentStatus.RESOLVED
        assert logs.counts() == asked
        assert heard(world) == [OPENED, ("resolve", "resolved")]
        await world.check_rested()

    run(scenario)


def test_an_incident_that_changes_all_the_time_is_paged_on_time() -> None:
    """It is waited for once, not once for each change."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(3600, Answer(columns=(), rows=()))))
        await world.worker.ingest([an_alert(Severity="High")])
        waiting = asyncio.create_task(world.deliver())
        for number in range(2, 14):
            await asyncio.sleep(0.45)
            await world.worker.ingest([an_alert(number)])

        assert heard(world) == [OPENED]
        await waiting
        head = await world.head()
        assert head.evidence is not None
        assert head.evidence.alerts < head.alerts

    run(scenario)


async def test_the_policy_says_what_is_asked_and_how_much() -> None:
    """Only its queries, no more than so many."""
    logs = FakeLogs()
    how = Enrich(queries=("host-logons", "host-processes"), most=1)
    world = enriched(logs, how=how)

    await world.feed([event()])

    assert len({asked.query for asked in logs.asked}) == how.most
    assert {asked.query for asked in logs.asked} < {*how.queries}
