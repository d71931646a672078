"""The page arrives with the evidence in it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.looks.gathering import USUAL
from shared.model.enrich import Enrich
from shared.model.evidence import EvidenceStatus, Lack
from shared.model.incident import IncidentStatus
from shared.model.logs import Answer
from shared.store import reading
from tests.alerts import NOON, event, stamp
from tests.fakes.enriched import enriched
from tests.fakes.firewatch import World
from tests.fakes.logs import FakeLogs, Slow, refused, rows
from tests.unit.looks.evidence import (
    MINUTE,
    OPENED,
    an_alert,
    heard,
    looked,
    reasons,
    run,
    told,
)


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


async def test_the_policy_says_what_is_asked_and_how_much() -> None:
    """Only its queries, no more than so many."""
    logs = FakeLogs()
    how = Enrich(queries=("host-logons", "host-processes"), most=1)
    world = enriched(logs, how=how)

    await world.feed([event()])

    assert len({asked.query for asked in logs.asked}) == how.most
    assert {asked.query for asked in logs.asked} < {*how.queries}
