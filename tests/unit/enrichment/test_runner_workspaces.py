"""Asks are put to whichever workspaces there are, and to all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.model.evidence import EvidenceStatus, Lack
from tests.fakes.logs import (
    OTHER,
    WORKSPACE,
    FakeLogs,
    Slow,
    an_ask,
    asks,
    refused,
    rows,
)
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    import pytest

    from shared.model.evidence import Evidence

from tests.unit.enrichment.running import DEADLINE, SECOND, a_runner, gathered, now


class TestWhere:
    """Workspaces that are to be found first."""

    def test_they_are_found_once_for_all_asks(self) -> None:
        """And the time that takes counts."""
        logs = FakeLogs()
        calls = 0

        async def find() -> list[str]:
            nonlocal calls
            calls += 1
            await asyncio.sleep(3)
            return [WORKSPACE, WORKSPACE]

        async def scenario() -> list[Evidence]:
            return await a_runner(logs)(asks(3), find, deadline=DEADLINE)

        found = in_virtual_time(scenario())

        assert calls == 1
        assert [each.status for each in found] == [EvidenceStatus.COMPLETE] * 3
        assert [each.at for each in logs.asked] == [3] * 3

    def test_nobody_waits_for_them_beyond_the_deadline(self) -> None:
        """Then nothing was asked, and the evidence says that it took too long."""

        async def find() -> list[str]:
            await asyncio.sleep(60)
            return [WORKSPACE]

        async def scenario() -> None:
            found = await a_runner(FakeLogs())(asks(3), find, deadline=5 * SECOND)
            assert now() == 5
            assert [each.reason for each in found] == [Lack.TIMEOUT] * 3

        in_virtual_time(scenario())

    def test_what_is_given_up_is_not_looked_for(self) -> None:
        """The search ends with the asks."""
        ended = []

        async def find() -> list[str]:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                ended.append(now())
                raise
            return [WORKSPACE]

        async def scenario() -> None:
            started = a_runner(FakeLogs()).start(asks(3), find, deadline=DEADLINE)
            await started.until(2)
            started.cancel()
            await asyncio.sleep(0.1)

        in_virtual_time(scenario())

        assert ended == [2]

    def test_a_search_that_breaks_is_no_reason_to_raise(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Evidence is a help; a page goes out without."""

        async def find() -> list[str]:
            raise ZeroDivisionError

        async def scenario() -> list[Evidence]:
            return await a_runner(FakeLogs())(asks(2), find, deadline=DEADLINE)

        found = in_virtual_time(scenario())

        assert [each.reason for each in found] == [Lack.UNREACHABLE] * 2
        assert "evidence.broke_us" in caplog.text


class TestManyWorkspaces:
    """One question to several."""

    def test_all_are_asked_at_once_and_merged(self) -> None:
        """One evidence, the rows of both, each once."""
        logs = FakeLogs(Slow(1, rows("a", "b")))
        logs.will(Slow(2, rows("b", "c")), workspace=OTHER)

        [found], took = gathered(logs, [an_ask()], WORKSPACE, OTHER)

        assert [row[1] for row in found.rows] == ["a", "b", "c"]
        assert (found.row_count, took, found.took_ms) == (3, 2, 2000)
        assert found.workspace == f"{WORKSPACE}, {OTHER}"
        assert found.reading.startswith("3 operations")

    def test_one_of_them_missing_makes_it_partial(self) -> None:
        """What there is is shown, with the reason why there is not more."""
        logs = FakeLogs()
        logs.will(refused(Lack.FORBIDDEN), workspace=OTHER)

        [found], _ = gathered(logs, [an_ask()], WORKSPACE, OTHER)

        assert (found.status, found.reason) == (EvidenceStatus.PARTIAL, Lack.FORBIDDEN)
        assert found.row_count == 1

    def test_a_table_that_only_one_of_them_has_is_not_missed(self) -> None:
        """Logs of one kind lie in one place."""
        logs = FakeLogs()
        logs.will(refused(Lack.MISSING_TABLE), workspace=OTHER)

        [found], _ = gathered(logs, [an_ask()], WORKSPACE, OTHER)

        assert found.status is EvidenceStatus.COMPLETE
