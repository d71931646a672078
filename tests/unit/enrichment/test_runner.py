"""Asks put to workspaces: on time, side by side, and nothing twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.enrichment.limiter import Limiter
from shared.enrichment.runner import QUERY_LIMIT, Runner
from shared.model.errors import LogsUnavailable
from shared.model.evidence import EvidenceStatus, Lack
from shared.model.logs import Answer
from tests.fakes.clock import START
from tests.fakes.logs import (
    OTHER,
    WORKSPACE,
    FakeLogs,
    Slow,
    an_ask,
    asks,
    refused,
    rows,
    wall,
)
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.enrichment.asking import Ask
    from shared.model.evidence import Evidence

DEADLINE = timedelta(seconds=20)
SECOND = timedelta(seconds=1)


def a_runner(logs: FakeLogs, *, limiter: Limiter | None = None) -> Runner:
    return Runner(logs, clock=wall, limiter=limiter, draw=lambda _, most: most)


def now() -> float:
    return asyncio.get_running_loop().time()


def gathered(
    logs: FakeLogs,
    asked: Sequence[Ask],
    *workspaces: str,
    deadline: timedelta = DEADLINE,
) -> tuple[list[Evidence], float]:
    """The evidence, and how many seconds it took."""

    async def scenario() -> tuple[list[Evidence], float]:
        found = await a_runner(logs)(
            asked, workspaces or (WORKSPACE,), deadline=deadline
        )
        return found, now()

    return in_virtual_time(scenario())


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


class Stubborn(FakeLogs):
    """Takes half a minute to be cancelled."""

    async def _answer(self, workspace: str, name: str) -> Answer:
        try:
            return await super()._answer(workspace, name)
        except asyncio.CancelledError:
            await asyncio.sleep(30)
            raise


def test_a_client_that_will_not_be_cancelled_holds_nobody_up() -> None:
    """The deadline is kept even by those who wait for one that ignores it."""
    _, took = gathered(
        Stubborn(Slow(60, rows("late"))), [an_ask()], deadline=5 * SECOND
    )

    assert took == 5


class TestThrottling:
    """What a workspace says with 429."""

    def test_the_wait_that_was_asked_for_is_kept(self) -> None:
        """With Retry-After, the second request goes when it says."""
        logs = FakeLogs()
        logs.will(refused(Lack.THROTTLED, retry_after=3))

        [found], _ = gathered(logs, [an_ask()])

        assert found.status is EvidenceStatus.COMPLETE
        assert [each.at for each in logs.asked] == [0, 3]

    def test_everybody_waits_who_asks_as_the_same_identity(self) -> None:
        """It is the identity that is throttled: no other query goes meanwhile."""
        logs = FakeLogs(Slow(0.2, rows("a")))
        logs.will(refused(Lack.THROTTLED, retry_after=3), query="query-0")

        found, _ = gathered(logs, asks(8))

        assert [each.status for each in found] == [EvidenceStatus.COMPLETE] * 8
        assert not [each for each in logs.asked if 0 < each.at < 3]

    def test_without_a_wait_it_is_tried_again_soon(self) -> None:
        """Pauses grow, and the answer still comes within the deadline."""
        logs = FakeLogs()
        logs.will(*[refused(Lack.THROTTLED)] * 3)

        [found], _ = gathered(logs, [an_ask()])

        assert found.status is EvidenceStatus.COMPLETE
        assert [each.at for each in logs.asked] == [0, 0.25, 0.75, 1.75]

    @pytest.mark.parametrize("retry_after", [None, 30])
    def test_the_deadline_is_no_later_for_it(self, retry_after: float | None) -> None:
        """Who is throttled to the end is told that, and when there was time."""
        logs = FakeLogs(refused(Lack.THROTTLED, retry_after=retry_after))

        [found], took = gathered(logs, [an_ask()], deadline=5 * SECOND)

        assert found.reason == Lack.THROTTLED
        assert took <= 5

    def test_nothing_is_sent_while_it_is_known_to_be_in_vain(self) -> None:
        """A second incident does not even ask before the wait is over."""
        logs = FakeLogs()
        logs.will(refused(Lack.THROTTLED, retry_after=30))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            await run([an_ask("one")], [WORKSPACE], deadline=5 * SECOND)
            return await run([an_ask("two")], [OTHER], deadline=5 * SECOND)

        [found] = in_virtual_time(scenario())

        assert found.reason == Lack.THROTTLED
        assert len(logs.asked) == 1

    def test_a_wait_of_hours_holds_nobody_for_hours(self) -> None:
        """Whatever one answer says, a minute later somebody asks again."""
        logs = FakeLogs()
        logs.will(refused(Lack.THROTTLED, retry_after=86_400))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            await run([an_ask()], [WORKSPACE], deadline=5 * SECOND)
            await asyncio.sleep(60)
            return await run([an_ask()], [WORKSPACE], deadline=5 * SECOND)

        [found] = in_virtual_time(scenario())

        assert found.status is EvidenceStatus.COMPLETE

    def test_the_rate_of_an_identity_is_kept_under(self) -> None:
        """No more requests start in half a minute than Log Analytics takes."""
        logs = FakeLogs()

        async def scenario() -> None:
            run = a_runner(logs, limiter=Limiter(most_starts=10))
            await run(asks(25), [WORKSPACE], deadline=120 * SECOND)

        in_virtual_time(scenario())

        assert [each.at for each in logs.asked] == [0] * 10 + [30] * 10 + [60] * 5


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


class TestRefusals:
    """What a workspace will not answer for a while."""

    def test_a_missing_table_is_not_asked_for_again_within_the_hour(self) -> None:
        """Neither by the query that missed it nor by another one of that table alone."""
        logs = FakeLogs()
        missing = refused(Lack.MISSING_TABLE, table="AzureActivity")
        logs.will(missing, missing, query="one")

        async def scenario() -> list[str]:
            run = a_runner(logs)

            async def ask(name: str, *tables: str) -> str:
                asked = an_ask(name, tables=tables)
                [found] = await run([asked], [WORKSPACE], deadline=DEADLINE)
                return found.reason

            found = [await ask("one", "AzureActivity", "AuditLogs")]
            found.append(await ask("one", "AzureActivity", "AuditLogs"))
            found.append(await ask("two", "AzureActivity"))
            found.append(await ask("three", "AzureActivity", "AuditLogs"))
            await asyncio.sleep(3_600)
            found.append(await ask("one", "AzureActivity", "AuditLogs"))
            return found

        reasons = in_virtual_time(scenario())

        lack = Lack.MISSING_TABLE
        assert reasons == [lack, lack, lack, "", lack]
        assert [each.query for each in logs.asked] == ["one", "three", "one"]

    def test_it_is_missing_in_that_workspace_alone(self) -> None:
        """Another one may have it."""
        logs = FakeLogs()
        logs.will(refused(Lack.MISSING_TABLE, table="AzureActivity"))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            await run([an_ask()], [WORKSPACE], deadline=DEADLINE)
            return await run([an_ask()], [OTHER], deadline=DEADLINE)

        [found] = in_virtual_time(scenario())

        assert found.status is EvidenceStatus.COMPLETE

    def test_a_missing_permission_is_said_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Per workspace, however many queries and incidents; again after it was there."""
        logs = FakeLogs()

        async def scenario() -> list[int]:
            run = a_runner(logs)
            said = []
            for answers in (True, True, False, True):
                logs.default = rows("a") if not answers else refused(Lack.FORBIDDEN)
                await run(
                    asks(7), [WORKSPACE], deadline=DEADLINE, most_age=timedelta(0)
                )
                said.append(caplog.text.count("evidence.forbidden"))
                await asyncio.sleep(301)
            return said

        said = in_virtual_time(scenario())

        assert said == [1, 1, 1, 2]
        assert f'workspace="{WORKSPACE}"' in caplog.text

    def test_a_workspace_that_refuses_is_left_alone_for_minutes(self) -> None:
        """The second incident has its answer at once: there is none."""
        logs = FakeLogs(refused(Lack.FORBIDDEN))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            await run([an_ask("one")], [WORKSPACE], deadline=DEADLINE)
            return await run([an_ask("two")], [WORKSPACE], deadline=DEADLINE)

        [found] = in_virtual_time(scenario())

        assert found.reason == Lack.FORBIDDEN
        assert len(logs.asked) == 1


class TestTwice:
    """What is known is not asked again."""

    def test_a_second_incident_about_the_same_asks_nothing(self) -> None:
        """Its evidence is that of the first, minutes later."""
        logs = FakeLogs()

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            first = await run([an_ask()], [WORKSPACE], deadline=DEADLINE)
            await asyncio.sleep(240)
            return first + await run([an_ask()], [WORKSPACE], deadline=DEADLINE)

        first, second = in_virtual_time(scenario())

        assert len(logs.asked) == 1
        assert second == first
        assert second.asked_at == START

    def test_two_incidents_at_the_same_time_share_one_request(self) -> None:
        """The second waits for what the first has asked."""
        logs = FakeLogs(Slow(2, rows("a")))

        async def scenario() -> tuple[list[Evidence], list[Evidence]]:
            run = a_runner(logs)
            first = run.start([an_ask()], [WORKSPACE], deadline=DEADLINE)
            await asyncio.sleep(1)
            second = run.start([an_ask()], [WORKSPACE], deadline=DEADLINE)
            return await first.rest(), await second.rest()

        first, second = in_virtual_time(scenario())

        assert len(logs.asked) == 1
        assert first == second

    def test_one_that_gives_up_takes_nothing_from_the_other(self) -> None:
        """The request goes on for whoever still waits."""
        logs = FakeLogs(Slow(4, rows("a")))

        async def scenario() -> tuple[list[Evidence], list[Evidence]]:
            run = a_runner(logs)
            hasty = run.start([an_ask()], [WORKSPACE], deadline=2 * SECOND)
            patient = run.start([an_ask()], [WORKSPACE], deadline=DEADLINE)
            return await hasty.rest(), await patient.rest()

        [hasty], [patient] = in_virtual_time(scenario())

        assert len(logs.asked) == 1
        assert hasty.reason == Lack.TIMEOUT
        assert patient.status is EvidenceStatus.COMPLETE

    def test_with_the_last_one_the_request_ends(self) -> None:
        """Nothing runs on that nobody waits for, and who asks then gets an answer."""
        logs = FakeLogs()
        logs.will(Slow(4, rows("a")))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            await run([an_ask()], [WORKSPACE], deadline=SECOND)
            # At once, before the request has had the time to end.
            return await run([an_ask()], [WORKSPACE], deadline=DEADLINE)

        [found] = in_virtual_time(scenario())

        assert found.status is EvidenceStatus.COMPLETE
        assert (logs.cancelled, len(logs.asked), logs.running) == (1, 2, 0)

    def test_nobody_waits_for_a_request_that_was_given_up(self) -> None:
        """It is on its way still, and will bring nothing: there is a new one."""
        logs = Stubborn()
        logs.will(Slow(60, rows("a")))

        async def scenario() -> tuple[list[Evidence], float]:
            run = a_runner(logs)
            await run([an_ask()], [WORKSPACE], deadline=SECOND)
            return await run([an_ask()], [WORKSPACE], deadline=DEADLINE), now()

        [found], at = in_virtual_time(scenario())

        assert (found.status, at) == (EvidenceStatus.COMPLETE, 1)

    def test_a_failure_is_told_to_all_who_wait(self) -> None:
        """One request, two evidences without an answer."""
        logs = FakeLogs(Slow(1, refused(Lack.UNREACHABLE)))

        async def scenario() -> list[list[Evidence]]:
            run = a_runner(logs)
            both = (run([an_ask()], [WORKSPACE], deadline=DEADLINE) for _ in range(2))
            return await asyncio.gather(*both)

        found = in_virtual_time(scenario())

        assert [each.reason for [each] in found] == [Lack.UNREACHABLE] * 2
        assert len(logs.asked) == 1

    @pytest.mark.parametrize(
        ("seconds", "second"),
        [
            (301, an_ask()),
            (1, an_ask(account="mallory@contoso.com")),
            (1, an_ask("another")),
            (1, an_ask(at=START + timedelta(hours=1))),
        ],
    )
    def test_what_is_not_the_same_is_asked(self, seconds: float, second: Ask) -> None:
        """A while later, or another parameter, query, or time."""
        logs = FakeLogs()

        async def scenario() -> None:
            run = a_runner(logs)
            await run([an_ask()], [WORKSPACE], deadline=DEADLINE)
            await asyncio.sleep(seconds)
            await run([second], [WORKSPACE], deadline=DEADLINE)

        in_virtual_time(scenario())

        assert len(logs.asked) == 2

    def test_it_can_be_asked_afresh(self) -> None:
        """Late rows: the same question again, after a while, past the cache."""
        logs = FakeLogs()

        async def scenario() -> None:
            run = a_runner(logs)
            for _ in range(2):
                await run(
                    [an_ask()], [WORKSPACE], deadline=DEADLINE, most_age=timedelta(0)
                )

        in_virtual_time(scenario())

        assert len(logs.asked) == 2


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


def test_each_start_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """How many are complete, partial, unavailable; nothing of what was asked."""
    caplog.set_level("INFO")
    logs = FakeLogs()
    logs.will(refused(Lack.UNREACHABLE), query="query-1")

    gathered(logs, asks(3))

    [line] = [each.message for each in caplog.records if "evidence" in each.message]
    assert line == "evidence.gathered complete=2 partial=0 unavailable=1"
