"""Asks put to workspaces: on time, side by side, and each failure an evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.enrichment.runner import QUERY_LIMIT
from shared.model.errors import LogsUnavailable
from shared.model.evidence import EvidenceStatus, Lack
from shared.model.logs import Answer
from tests.fakes.clock import START
from tests.fakes.logs import (
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
    from shared.model.evidence import Evidence

from tests.unit.enrichment.running import DEADLINE, SECOND, Stubborn, a_runner, gathered


def test_an_answer_becomes_evidence() -> None:
    """All that one needs to doubt it is in it."""
    logs = FakeLogs(Slow(0.2, rows("mallory@contoso.com", "jdoe@contoso.com")))

    [found], _ = gathered(logs, [an_ask()])

    assert found.query == "caller-operations"
    assert found.question == "What says caller-operations?"
    assert found.subject == "account jdoe@contoso.com"
    assert found.workspace == WORKSPACE
    assert (found.since, found.until) == (
        START - timedelta(hours=24),
        START + timedelta(hours=1),
    )
    assert found.asked_at == START
    assert found.columns == ("TimeGenerated", "Caller")
    assert [row[1] for row in found.rows] == ["mallory@contoso.com", "jdoe@contoso.com"]
    assert (found.row_count, found.is_truncated, found.took_ms) == (2, False, 200)
    assert (found.status, found.reason) == (EvidenceStatus.COMPLETE, "")
    assert found.reading == "2 operations, first by mallory@contoso.com."


def test_nothing_found_is_an_answer() -> None:
    """No rows is COMPLETE, and says so in words."""
    [found], _ = gathered(FakeLogs(Answer(columns=(), rows=())), [an_ask()])

    assert (found.status, found.row_count, found.rows) == (
        EvidenceStatus.COMPLETE,
        0,
        (),
    )
    assert found.columns == ("TimeGenerated", "Caller")
    assert found.reading == "No operations."


def test_twelve_queries_of_200_ms_take_less_than_700() -> None:
    """Three rounds of five at once."""
    logs = FakeLogs(Slow(0.2, rows("a")))

    found, took = gathered(logs, asks(12))

    assert [each.status for each in found] == [EvidenceStatus.COMPLETE] * 12
    assert took <= 0.7
    assert logs.most_at_once == 5


def test_evidence_comes_in_the_order_of_the_asks() -> None:
    """The weightiest stays first, however late its answer."""
    logs = FakeLogs()
    logs.will(Slow(3, rows("late")), query="query-0")

    found, _ = gathered(logs, asks(3))

    assert [each.query for each in found] == ["query-0", "query-1", "query-2"]


def test_what_is_late_is_given_up_at_the_deadline() -> None:
    """The rest has its answer; the late one says why it has none."""
    logs = FakeLogs()
    logs.will(Slow(60, rows("late")), query="query-1")

    found, took = gathered(logs, asks(3), deadline=5 * SECOND)

    assert took == 5
    assert [each.reason for each in found] == ["", Lack.TIMEOUT, ""]
    assert found[1].status is EvidenceStatus.UNAVAILABLE
    assert found[1].columns == ("TimeGenerated", "Caller")
    assert logs.cancelled == 1


def test_a_query_has_a_limit_of_its_own() -> None:
    """One that hangs gives its slot back long before the deadline."""
    logs = FakeLogs(Slow(60, rows("late")))

    [found], took = gathered(logs, [an_ask()], deadline=60 * SECOND)

    assert took == QUERY_LIMIT.total_seconds()
    assert found.reason == Lack.TIMEOUT


def test_a_client_that_will_not_be_cancelled_holds_nobody_up() -> None:
    """The deadline is kept even by those who wait for one that ignores it."""
    _, took = gathered(
        Stubborn(Slow(60, rows("late"))), [an_ask()], deadline=5 * SECOND
    )

    assert took == 5


class TestFailures:
    """What else a workspace says in place of an answer."""

    @pytest.mark.parametrize("lack", [each for each in Lack if each != Lack.THROTTLED])
    def test_each_is_evidence_and_asked_once(self, lack: Lack) -> None:
        """No failure but throttling is tried again, and none is raised."""
        logs = FakeLogs(LogsUnavailable(lack))

        [found], took = gathered(logs, [an_ask()])

        assert (found.status, found.reason) == (EvidenceStatus.UNAVAILABLE, lack)
        assert (len(logs.asked), took) == (1, 0)
        assert found.reading == ""

    def test_a_defect_of_ours_is_evidence_too(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """An error nobody thought of costs one evidence, and is told with its traceback."""
        logs = FakeLogs()
        logs.will(ZeroDivisionError("oops"), query="query-1")

        found, _ = gathered(logs, asks(3))

        assert [each.reason for each in found] == ["", Lack.UNREACHABLE, ""]
        [record] = [each for each in caplog.records if "broke_us" in each.message]
        assert record.exc_info

    def test_what_cannot_be_rendered_is_not_asked(self) -> None:
        """A value that KQL cannot hold, or one of another type."""
        logs = FakeLogs()

        found, _ = gathered(logs, [an_ask(account="\ud800"), an_ask(account=7)])

        assert [each.reason for each in found] == [Lack.BAD_QUERY] * 2
        assert logs.asked == []

    def test_no_workspace_is_a_reason(self) -> None:
        """Where there is nobody to ask, the page says so."""

        async def scenario() -> list[Evidence]:
            return await a_runner(FakeLogs())([an_ask()], [], deadline=DEADLINE)

        [found] = in_virtual_time(scenario())

        assert found.reason == Lack.NO_WORKSPACE

    def test_failures_are_not_remembered_as_answers(self) -> None:
        """The next incident asks again."""
        logs = FakeLogs()
        logs.will(refused(Lack.UNREACHABLE))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            await run([an_ask()], [WORKSPACE], deadline=DEADLINE)
            return await run([an_ask()], [WORKSPACE], deadline=DEADLINE)

        [found] = in_virtual_time(scenario())

        assert found.status is EvidenceStatus.COMPLETE

    def test_partial_answers_are_labelled_and_not_kept(self) -> None:
        """What there is is shown; the next incident may get more."""
        logs = FakeLogs()
        some = rows("a")
        logs.will(Answer(columns=some.columns, rows=some.rows, is_partial=True))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            first = await run([an_ask()], [WORKSPACE], deadline=DEADLINE)
            return first + await run([an_ask()], [WORKSPACE], deadline=DEADLINE)

        found = in_virtual_time(scenario())

        assert [(each.status, each.reason) for each in found] == [
            (EvidenceStatus.PARTIAL, Lack.PARTIAL),
            (EvidenceStatus.COMPLETE, ""),
        ]
        assert found[0].row_count == 1


def test_each_start_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """How many are complete, partial, unavailable; nothing of what was asked."""
    caplog.set_level("INFO")
    logs = FakeLogs()
    logs.will(refused(Lack.UNREACHABLE), query="query-1")

    gathered(logs, asks(3))

    [line] = [each.message for each in caplog.records if "evidence" in each.message]
    assert line == "evidence.gathered complete=2 partial=0 unavailable=1"
