"""The page arrives on time, whatever becomes of its evidence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.looks.gathering import HIGH_WAITS, USUAL
from shared.looks.turn import BRIEF
from shared.model.evidence import Lack
from shared.model.logs import Answer
from shared.store import reading
from shared.store import rows as store_rows
from shared.store.ports import Delete, Put
from tests.fakes.enriched import enriched
from tests.fakes.firewatch import World
from tests.fakes.logs import FakeLogs, Slow, rows

if TYPE_CHECKING:
    from datetime import timedelta

    from shared.enrichment.enrichment import Enrichment

from tests.unit.looks.evidence import (
    OPENED,
    an_alert,
    heard,
    looked,
    reasons,
    run,
    told,
)


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
