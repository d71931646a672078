"""Tags of resources: asked for together, and nothing over and over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest

from shared.enrichment.tags import (
    FAILED_FOR,
    HIDDEN_FOR,
    KNOWN_FOR,
    LONGEST_REST,
    MOST_AT_ONCE,
    Found,
    Tags,
)
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.evidence import Lack
from tests.fakes.clock import Clock
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

SECOND = timedelta(seconds=1)
PROD = {"env": "prod"}


class Shown(NamedTuple):
    """As the client gives it."""

    tags: dict[str, dict[str, str]]
    rest: timedelta = timedelta(0)


class Graph:
    """Shows every resource but the hidden, after a time; what was asked."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.hidden: set[str] = set()
        self.failures: list[Exception] = []
        self.rest = timedelta(0)
        self.asked: list[list[str]] = []
        self.clock = Clock()
        self.tags = Tags(self, clock=self.clock)

    async def __call__(self, resources: Sequence[str]) -> Shown:
        self.asked.append([*resources])
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if self.failures:
            raise self.failures.pop(0)
        shown = {each: PROD for each in resources if each not in self.hidden}
        return Shown(shown, self.rest)


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    in_virtual_time(scenario())


async def test_what_is_known_is_not_asked_for_again() -> None:
    """For an hour."""
    graph = Graph()

    assert await graph.tags.of(["a", "b"]) == Found({"a": PROD, "b": PROD})
    assert await graph.tags.of(["b", "c"]) == Found({"b": PROD, "c": PROD})
    graph.clock.step(KNOWN_FOR)
    await graph.tags.of(["a"])

    assert graph.asked == [["a", "b"], ["c"], ["a"]]


async def test_nothing_is_asked_about_nothing() -> None:
    """Of an incident that names no resource."""
    graph = Graph()

    assert await graph.tags.of([]) == Found({})
    assert graph.asked == []


async def test_what_is_not_shown_is_not_known() -> None:
    """It may be there and not for us to see; it is asked for again in five minutes."""
    graph = Graph()
    graph.hidden = {"b"}

    assert await graph.tags.of(["a", "b"]) == Found({"a": PROD}, Lack.FORBIDDEN)
    assert await graph.tags.of(["b"]) == Found({}, Lack.FORBIDDEN)
    graph.clock.step(HIDDEN_FOR)
    graph.hidden.clear()
    assert await graph.tags.of(["b"]) == Found({"b": PROD})

    assert graph.asked == [["a", "b"], ["b"]]


def test_a_storm_is_a_few_requests() -> None:
    """What is wanted while one is under way goes with the next."""

    async def scenario() -> None:
        graph = Graph(seconds=0.2)
        first = asyncio.create_task(graph.tags.of(["r0"]))
        await asyncio.sleep(0.1)

        found = await asyncio.gather(
            *(graph.tags.of([f"r{n}", "shared"]) for n in range(250))
        )

        assert await first == Found({"r0": PROD})
        assert all(len(each.tags) == 2 for each in found)
        assert [len(batch) for batch in graph.asked] == [
            1,
            MOST_AT_ONCE,
            MOST_AT_ONCE,
            50,
        ]
        every = [each for batch in graph.asked for each in batch]
        assert len(every) == len({*every}) == 251

    run(scenario)


def test_who_gives_up_disturbs_nobody() -> None:
    """The answer comes all the same, and is there for whoever asks later."""

    async def scenario() -> None:
        graph = Graph(seconds=5)
        patient = asyncio.create_task(graph.tags.of(["a"]))
        await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await graph.tags.of(["a", "b"])

        assert await patient == Found({"a": PROD})
        assert await graph.tags.of(["b"]) == Found({"b": PROD})
        assert graph.asked == [["a"], ["b"]]

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await graph.tags.of(["c"])
        await asyncio.sleep(5)
        assert await graph.tags.of(["c"]) == Found({"c": PROD})
        assert graph.asked == [["a"], ["b"], ["c"]]

    run(scenario)


@pytest.mark.parametrize(
    ("error", "lack"),
    [
        (PermanentFailure(FailureReason.AUTH, "403"), Lack.FORBIDDEN),
        (PermanentFailure(FailureReason.INVALID, "400"), Lack.BAD_QUERY),
        (TransientFailure(FailureReason.RATE_LIMITED, "429"), Lack.THROTTLED),
        (TransientFailure(FailureReason.TIMEOUT, "slow"), Lack.TIMEOUT),
        (TransientFailure(FailureReason.SERVER, "500"), Lack.UNREACHABLE),
        (RuntimeError("boom"), Lack.DEFECT),
    ],
)
async def test_a_failure_says_what_is_lacking(error: Exception, lack: Lack) -> None:
    """For a moment, so that a burst of incidents does not ask in vain each."""
    graph = Graph()
    graph.failures = [error]

    assert await graph.tags.of(["a"]) == Found({}, lack)
    assert await graph.tags.of(["a"]) == Found({}, lack)
    assert graph.asked == [["a"]]

    graph.clock.step(FAILED_FOR)
    assert await graph.tags.of(["a"]) == Found({"a": PROD})


async def test_what_was_known_is_not_lost_to_a_failure() -> None:
    """What they were an hour ago they most likely still are."""
    graph = Graph()
    await graph.tags.of(["a"])
    graph.clock.step(KNOWN_FOR)
    graph.failures = [TransientFailure(FailureReason.SERVER, "500")]

    assert await graph.tags.of(["a", "b"]) == Found({"a": PROD}, Lack.UNREACHABLE)


@pytest.mark.parametrize("asked", [4 * SECOND, timedelta(days=3)])
async def test_who_was_told_to_wait_asks_for_nothing(asked: timedelta) -> None:
    """About no resource, until then, or for a minute."""
    graph = Graph()
    graph.failures = [
        TransientFailure(FailureReason.RATE_LIMITED, "429", retry_after=asked)
    ]

    assert (await graph.tags.of(["a"])).lack is Lack.THROTTLED
    assert (await graph.tags.of(["b"])).lack is Lack.THROTTLED
    assert graph.asked == [["a"]]

    graph.clock.step(min(asked, LONGEST_REST))
    assert (await graph.tags.of(["b"])).tags == {"b": PROD}


async def test_a_quota_that_is_used_up_is_not_run_against() -> None:
    """What came with it counts."""
    graph = Graph()
    graph.rest = 5 * SECOND

    assert (await graph.tags.of(["a"])).tags == {"a": PROD}
    assert (await graph.tags.of(["b"])).lack is Lack.THROTTLED
    graph.clock.step(5 * SECOND)
    assert (await graph.tags.of(["b"])).tags == {"b": PROD}


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest unused is forgotten first."""
    monkeypatch.setattr("shared.enrichment.tags.MOST_KNOWN", 2)
    graph = Graph()
    await graph.tags.of(["a", "b"])
    await graph.tags.of(["a"])
    await graph.tags.of(["c"])

    await graph.tags.of(["a"])
    await graph.tags.of(["b"])

    assert graph.asked == [["a", "b"], ["c"], ["b"]]
