"""Whoever waits has what has come, and the rest goes on."""

from __future__ import annotations

import asyncio

import pytest

from shared.model.evidence import EvidenceStatus
from tests.fakes.logs import (
    WORKSPACE,
    FakeLogs,
    Slow,
    asks,
    rows,
)
from tests.fakes.loop import in_virtual_time
from tests.unit.enrichment.running import DEADLINE, a_runner, gathered, now


class TestEarly:
    """What has come when somebody cannot wait any longer."""

    def test_what_has_come_and_what_is_missing(self) -> None:
        """After so many seconds from the start, and the rest on time."""
        logs = FakeLogs()
        logs.will(Slow(8, rows("late")), query="query-1")

        async def scenario() -> None:
            started = a_runner(logs).start(asks(3), [WORKSPACE], deadline=DEADLINE)
            await asyncio.sleep(1)
            early = await started.until(5)
            assert now() == 5
            assert [each.query for each in early.evidence] == ["query-0", "query-2"]
            assert [each.query.name for each in early.missing] == ["query-1"]

            rest = await started.rest()
            assert now() == 8
            assert [each.status for each in rest] == [EvidenceStatus.COMPLETE] * 3

        in_virtual_time(scenario())

    def test_nobody_waits_for_what_is_there(self) -> None:
        """All answers at once: no five seconds."""

        async def scenario() -> None:
            started = a_runner(FakeLogs()).start(
                asks(3), [WORKSPACE], deadline=DEADLINE
            )
            early = await started.until(5)
            assert (len(early.evidence), early.missing, now()) == (3, [], 0)

        in_virtual_time(scenario())

    def test_a_look_that_is_cancelled_ends_nothing(self) -> None:
        """The asks go on, and their answers come."""
        logs = FakeLogs(Slow(3, rows("a")))

        async def scenario() -> None:
            started = a_runner(logs).start(asks(2), [WORKSPACE], deadline=DEADLINE)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(started.until(5), 1)
            found = await started.rest()
            assert [each.status for each in found] == [EvidenceStatus.COMPLETE] * 2

        in_virtual_time(scenario())

    def test_the_rest_that_is_cancelled_ends_everything(self) -> None:
        """No request of a worker that stops runs on."""
        logs = FakeLogs(Slow(9, rows("a")))

        async def scenario() -> None:
            started = a_runner(logs).start(asks(7), [WORKSPACE], deadline=DEADLINE)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(started.rest(), 1)
            await asyncio.sleep(0.1)

        in_virtual_time(scenario())

        assert (logs.running, logs.cancelled) == (0, 5)

    def test_nothing_asked_is_nothing_found(self) -> None:
        """No ask, no wait."""
        assert gathered(FakeLogs(), []) == ([], 0)
