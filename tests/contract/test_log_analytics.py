"""One suite for the fake workspaces and for the SDK over the stand-in of devhost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from aiohttp import web

from devhost.outside import Fault, Outside
from devhost.outside.log_analytics import Answers, Column, Odd, Told, Way
from shared.clouds.credentials import Credentials
from shared.clouds.log_analytics import LogAnalytics
from shared.enrichment.runner import Runner
from shared.model.errors import (
    FailureReason,
    LogsUnavailable,
    PermanentFailure,
    TransientFailure,
)
from shared.model.evidence import EvidenceStatus, Lack
from shared.model.logs import TOGETHER, Answer
from tests.fakes.clock import START, Clock
from tests.fakes.logs import OTHER, WORKSPACE, FakeLogs, Slow, an_ask, asks, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shared.model.logs import Logs

RESOURCE = (
    "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourcegroups/rg-shop"
    "/providers/microsoft.compute/virtualmachines/web01"
)
KQL = "// firewatch: caller-operations\nAzureActivity\n| take 100\n"
SINCE = START - timedelta(hours=24)

ANSWERS = Answers(
    columns=(
        Column("TimeGenerated", "datetime"),
        Column("Caller", "string"),
        Column("Number", "long"),
        Column("Share", "real"),
        Column("IsNew", "bool"),
        Column("Details", "dynamic"),
    ),
    told=(
        Told(
            rows=(
                (
                    "2026-11-23T11:00:00.1234567Z",
                    'a "quoted" caller',
                    7,
                    0.5,
                    True,
                    '{"a": [1]}',
                ),
                (None, "", None, None, None, None),
            )
        ),
    ),
)
ANSWER = Answer(
    columns=("TimeGenerated", "Caller", "Number", "Share", "IsNew", "Details"),
    rows=(
        (
            "2026-11-23T11:00:00.123Z",
            'a "quoted" caller',
            "7",
            "0.5",
            "true",
            '{"a": [1]}',
        ),
        ("",) * 6,
    ),
)
NOTHING = Answer(columns=(), rows=())


class Side(NamedTuple):
    """The port, and how its other side is made to behave."""

    logs: Logs
    will: Callable[[Answer | LogsUnavailable | Slow], None]


def told(outside: Outside, answer: Answer | LogsUnavailable | Slow) -> None:
    """Have the stand-in do what the fake would."""
    match answer:
        case Slow():
            outside.faults.add(Fault(side="log-analytics", delay_s=answer.seconds))
        case LogsUnavailable(lack=Lack.MISSING_TABLE):
            outside.log_analytics.odd.append(Odd(missing=("AzureActivity",)))
        case LogsUnavailable(lack=Lack.BAD_QUERY):
            outside.log_analytics.odd.append(Odd(way=Way.BAD_QUERY))
        case LogsUnavailable(lack=Lack.UNREACHABLE):
            outside.faults.add(Fault(side="log-analytics", drop=True))
        case LogsUnavailable():
            status = {Lack.FORBIDDEN: 403, Lack.THROTTLED: 429}[answer.lack]
            wait = answer.retry_after
            seconds = None if wait is None else int(wait.total_seconds())
            outside.faults.add(
                Fault(side="log-analytics", status=status, retry_after=seconds)
            )
        case Answer(columns=()):
            outside.log_analytics.odd.append(Odd(way=Way.NO_CONTENT))
        case Answer(rows=()):
            empty = Answers(columns=ANSWERS.columns, told=())
            outside.log_analytics.put("caller-operations", empty)
        case Answer():
            outside.log_analytics.put("caller-operations", ANSWERS)
            if answer.is_partial:
                outside.log_analytics.odd.append(Odd(way=Way.PARTIAL))


def client(outside: Outside) -> LogAnalytics:
    """The app's client, of a stand-in."""
    return LogAnalytics(f"{outside.url}/log-analytics", token=Credentials("").token)


@pytest.fixture(params=["fake", "sdk"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    """Workspaces of each kind."""
    if request.param == "fake":
        fake = FakeLogs()
        yield Side(fake, fake.will)
        return
    async with Outside.start() as outside:
        logs = client(outside)
        yield Side(logs, lambda answer: told(outside, answer))
        await logs.close()


async def asked(
    logs: Logs, workspace: str = WORKSPACE, *, within: float = 5, kql: str = KQL
) -> Answer:
    return await logs.query(
        workspace,
        kql,
        since=SINCE,
        until=START,
        within=timedelta(seconds=within),
    )


async def refusal(logs: Logs, *, within: float = 5) -> LogsUnavailable:
    with pytest.raises(LogsUnavailable) as caught:
        await asyncio.wait_for(asked(logs, within=within), within)
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        Answer(columns=ANSWER.columns, rows=()),
        NOTHING,
        Answer(columns=ANSWER.columns, rows=ANSWER.rows, is_partial=True),
    ],
    ids=["rows", "no rows", "no content", "partial"],
)
async def test_an_answer_is_texts(side: Side, answer: Answer) -> None:
    """Rows, an empty table, 204, and less than all: times in UTC, nothing as ''."""
    side.will(answer)

    assert await asked(side.logs) == answer


@pytest.mark.parametrize(
    "said",
    [
        refused(Lack.MISSING_TABLE, table="AzureActivity"),
        refused(Lack.BAD_QUERY),
        refused(Lack.FORBIDDEN),
        refused(Lack.THROTTLED),
        refused(Lack.THROTTLED, retry_after=17),
        refused(Lack.UNREACHABLE),
    ],
    ids=lambda said: f"{said.lack} {said.retry_after or ''}".strip(),
)
async def test_a_failure_is_a_reason(side: Side, said: LogsUnavailable) -> None:
    """At once, with what was said of the table and of the wait."""
    side.will(said)

    found = await refusal(side.logs)

    assert (found.lack, found.table, found.retry_after) == (
        said.lack,
        said.table,
        said.retry_after,
    )


async def test_a_slow_workspace_keeps_nobody_waiting(side: Side) -> None:
    """Whoever asks can stop at any time."""
    side.will(Slow(30, ANSWER))

    with pytest.raises((LogsUnavailable, TimeoutError)):
        await asyncio.wait_for(asked(side.logs, within=0.2), 0.2)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    """A stand-in."""
    async with Outside.start() as made:
        yield made


@pytest.fixture
async def logs(outside: Outside) -> AsyncIterator[LogAnalytics]:
    """The app's client of it."""
    made = client(outside)
    yield made
    await made.close()


async def test_the_request_is_as_the_service_wants_it(
    outside: Outside, logs: LogAnalytics
) -> None:
    """Token, content type, time range, and how long the service may take."""
    await asked(logs, within=4.2)

    [request] = outside.log_analytics.asked
    assert request["workspace"] == WORKSPACE
    assert request["query"] == "caller-operations"
    assert request["timespan"] == "2026-11-22T12:00:00.000Z/2026-11-23T12:00:00.000Z"
    assert request["prefer"] == "wait=5"
    assert request["kql"] == KQL
    assert outside.log_analytics.refused == []


async def test_several_workspaces_are_one_request(
    outside: Outside, logs: LogAnalytics
) -> None:
    """The first in the path, the others beside the query."""
    await asked(logs, f"{WORKSPACE}{TOGETHER}{OTHER}")

    [request] = outside.log_analytics.asked
    assert (request["workspace"], request["with"]) == (WORKSPACE, [OTHER])


async def test_a_resource_is_asked_for_its_own_logs(
    outside: Outside, logs: LogAnalytics
) -> None:
    """By the path of the resource, which is where its team gives access."""
    await asked(logs, RESOURCE)

    [request] = outside.log_analytics.asked
    assert request["workspace"] == RESOURCE


@pytest.mark.parametrize(
    ("status", "lack"),
    [
        (401, Lack.FORBIDDEN),
        (404, Lack.NO_WORKSPACE),
        (408, Lack.TIMEOUT),
        (413, Lack.UNREACHABLE),
        (500, Lack.UNREACHABLE),
        (502, Lack.UNREACHABLE),
        (503, Lack.UNREACHABLE),
        (504, Lack.TIMEOUT),
        (599, Lack.UNREACHABLE),
        (302, Lack.UNREACHABLE),
    ],
)
async def test_every_status_has_a_reason(
    outside: Outside, logs: LogAnalytics, status: int, lack: Lack
) -> None:
    """Also without a body, over which the SDK fails in a way of its own."""
    outside.faults.add(Fault(side="log-analytics", status=status))

    assert (await refusal(logs)).lack is lack


async def test_one_call_is_one_request(outside: Outside, logs: LogAnalytics) -> None:
    """The SDK's own retries are off: it would wait without regard to the deadline."""
    outside.faults.add(
        Fault(side="log-analytics", status=503, taken=True, retry_after=1)
    )

    await refusal(logs)

    assert len(outside.log_analytics.asked) == 1


async def test_no_redirect_takes_the_token_along() -> None:
    """Whoever answers for the service may not send us elsewhere."""
    reached = []

    async def sent_on(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    application = web.Application()
    application.router.add_post("/{path:.*}", sent_on)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    logs = LogAnalytics(url, token=Credentials("").token)

    lack = (await refusal(logs)).lack

    await logs.close()
    await runner.cleanup()
    assert lack is Lack.UNREACHABLE
    assert reached == [f"/v1/workspaces/{WORKSPACE}/query"]


async def test_a_workspace_that_is_away_is_unreachable() -> None:
    """Nobody listens there."""
    logs = LogAnalytics("http://127.0.0.1:9", token=Credentials("").token)

    assert (await refusal(logs)).lack is Lack.UNREACHABLE

    await logs.close()


@pytest.mark.parametrize(
    ("error", "lack"),
    [
        (PermanentFailure(FailureReason.AUTH, "no identity"), Lack.FORBIDDEN),
        (TransientFailure(FailureReason.UNAVAILABLE, "no answer"), Lack.UNREACHABLE),
    ],
)
async def test_without_a_token_nothing_is_sent(
    outside: Outside, error: Exception, lack: Lack
) -> None:
    """Nobody vouches for the app, or nobody could be asked."""
    scopes = []

    async def token(scope: str) -> str:
        scopes.append(scope)
        raise error

    logs = LogAnalytics(f"{outside.url}/log-analytics", token=token)

    assert (await refusal(logs)).lack is lack
    assert scopes == [f"{outside.url}/.default"]
    assert outside.log_analytics.asked == []

    await logs.close()


async def test_what_is_wrong_with_a_query_is_said(
    outside: Outside, logs: LogAnalytics
) -> None:
    """From the outside in, for whoever wrote it."""
    outside.log_analytics.odd.append(Odd(way=Way.BAD_QUERY))

    said = str(await refusal(logs))

    assert said.startswith("answered 400: The request had some invalid properties: ")
    assert said.endswith("Query could not be parsed")


@pytest.mark.parametrize("is_empty", [False, True])
async def test_an_answer_that_is_none_is_unreachable(
    outside: Outside, logs: LogAnalytics, *, is_empty: bool
) -> None:
    """What the SDK cannot make out comes out of the client as a reason all the same."""
    if is_empty:
        outside.faults.add(Fault(side="log-analytics", status=200))
    else:
        outside.log_analytics.odd.append(Odd(way=Way.GARBLED))

    assert (await refusal(logs)).lack is Lack.UNREACHABLE


async def test_a_client_that_was_closed_opens_again(
    outside: Outside, logs: LogAnalytics
) -> None:
    """The next use of it makes a new one."""
    await asked(logs)
    await logs.close()
    await asked(logs)

    assert len(outside.log_analytics.asked) == 2


async def test_the_runner_keeps_its_time_over_the_sdk(
    outside: Outside, logs: LogAnalytics
) -> None:
    """12 queries of 200 ms in 700, with real requests; a little is left to the machine."""
    outside.faults.add(Fault(side="log-analytics", delay_s=0.2))
    loop = asyncio.get_running_loop()
    # The SDK takes its time to be imported, once for each process.
    await asked(logs)

    began = loop.time()
    found = await Runner(logs, clock=Clock())(
        asks(12), [WORKSPACE], deadline=timedelta(seconds=20)
    )
    took = loop.time() - began

    assert [each.status for each in found] == [EvidenceStatus.COMPLETE] * 12
    assert took <= 1.0


async def test_what_is_late_is_given_up_over_the_sdk(
    outside: Outside, logs: LogAnalytics
) -> None:
    """A workspace that hangs costs its own evidence, and no more time than there is."""
    outside.faults.add(Fault(side="log-analytics", delay_s=30, times=1))
    loop = asyncio.get_running_loop()

    began = loop.time()
    found = await Runner(logs, clock=Clock())(
        [an_ask("one"), an_ask("two")], [WORKSPACE], deadline=timedelta(seconds=1)
    )

    assert sorted(each.reason for each in found) == ["", Lack.TIMEOUT]
    assert loop.time() - began < 2
