"""Law 3: nothing acts twice, as far as the other side allows."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    StoreError,
    TransientFailure,
)
from shared.model.incident import IncidentStatus
from shared.store import messages
from shared.store.memory import Memory
from tests.fakes.enriched import enriched, tagging, verdicts
from tests.fakes.firewatch import HIDDEN, World
from tests.fakes.logs import FakeLogs
from tests.fakes.store import Faults
from tests.property.feeds import QUICK, SHORT, SOAK, WIDE, arriving, feeds

if TYPE_CHECKING:
    from shared.model.event import Event
    from tests.fakes.firewatch import Worker


def open_notices(world: World) -> set[str]:
    """The keys that the other side was told to open and not to close since."""
    last = {sent.dedup_key: sent.verb for sent in world.pager.sent}
    return {key for key, verb in last.items() if verb != "resolve"}


async def check_notices(world: World) -> None:
    """One open notice for each open incident that ever was active, no other."""
    heads = await world.heads()
    told = [h for h in heads if h.status is IncidentStatus.OPEN and h.was_active]
    assert len(open_notices(world)) == len(told)
    # PagerDuty would open an alert anew for an update that comes after the end.
    seen: dict[str, str] = {}
    for sent in world.pager.sent:
        assert sent.verb != "update" or seen.get(sent.dedup_key) != "resolve"
        seen[sent.dedup_key] = sent.verb


class _Crowd:
    """Two workers on one store, their calls interleaved as a seed has it."""

    def __init__(self, events: list[Event], seed: int, logs: FakeLogs | None) -> None:
        self.draw = random.Random(seed)
        pauses = (0, 0, 0, 1, 2, 5)
        faults = Faults(lambda: self.draw.choice(pauses))
        remembered = self.draw.choice((0, 1, 1_000))
        given: dict[str, Any] = {
            "caps": WIDE,
            "faults": faults,
            "memory": lambda: Memory(alerts=remembered),
        }
        self.world = (
            World(**given)
            if logs is None
            else enriched(logs, others=verdicts, tagging=tagging, **given)
        )
        self.world.pager.meanwhile = [self._dawdle] * 200
        self.events = events
        self.is_fed = False

    async def _dawdle(self) -> None:
        for _ in range(self.draw.choice((0, 10, 60, 200))):
            await asyncio.sleep(0)
        if self.draw.random() < 0.15:
            raise TransientFailure(FailureReason.UNAVAILABLE, "down for a moment")

    async def feed(self, worker: Worker) -> None:
        rest = list(self.events)
        self.draw.shuffle(rest)
        while rest:
            size = self.draw.randint(1, 4)
            try:
                await worker.ingest(rest[:size])
            except StoreError:
                continue
            rest = rest[size:]
            for _ in range(self.draw.choice((0, 3, 30, 100))):
                await asyncio.sleep(0)

    async def look(self, worker: Worker) -> None:
        while not self.is_fed:
            message = self.world.queue.receive()
            if message is None:
                await asyncio.sleep(0)
                continue
            try:
                await worker.respond(messages.decode(message.body))
            except StoreError:
                self.world.queue.give_back(message, HIDDEN)

    async def run(self) -> World:
        workers = [self.world.new_worker(), self.world.new_worker()]
        looking = [asyncio.create_task(self.look(worker)) for worker in workers]
        await asyncio.gather(*(self.feed(worker) for worker in workers))
        self.is_fed = True
        await asyncio.gather(*looking)
        # What logs are late with is asked again within hours.
        await self.world.settle(most=timedelta(hours=12))
        return self.world


async def _crowd(
    bodies: list[dict[str, Any]], seed: int, logs: FakeLogs | None = None
) -> None:
    events = arriving(bodies)
    alone = World(caps=WIDE)
    await alone.feed(events)

    world = await _Crowd(events, seed, logs).run()

    await world.check_rested()
    assert await world.stories() == await alone.stories()
    await check_notices(world)
    # Nobody died and no answer was lost: not one copy is excused.
    assert set(Counter(world.pager.sent).values()) <= {1}


@SHORT
@given(feeds(), st.integers(0, 2**32))
async def test_two_workers_on_one_store_act_as_one(
    bodies: list[dict[str, Any]], seed: int
) -> None:
    """Interleaved anyhow, they end as one alone would, and page once each."""
    await _crowd(bodies, seed)


@SHORT
@given(feeds(), st.integers(0, 2**32))
async def test_two_workers_that_ask_logs_act_as_one(
    bodies: list[dict[str, Any]], seed: int
) -> None:
    """Evidence is told once, with the page or after it."""
    await _crowd(bodies, seed, FakeLogs())


@pytest.mark.soak
@SOAK
@given(feeds(most=12), st.integers(0, 2**32))
async def test_two_workers_on_one_store_act_as_one_at_length(
    bodies: list[dict[str, Any]], seed: int
) -> None:
    """The same, for minutes."""
    await _crowd(bodies, seed)


@pytest.mark.soak
@SOAK
@given(feeds(most=12), st.integers(0, 2**32))
async def test_two_workers_that_ask_logs_act_as_one_at_length(
    bodies: list[dict[str, Any]], seed: int
) -> None:
    """The same, for minutes."""
    await _crowd(bodies, seed, FakeLogs())


_FAILURES = (
    TransientFailure(FailureReason.UNAVAILABLE, "down"),
    TransientFailure(
        FailureReason.RATE_LIMITED, "slow down", retry_after=timedelta(minutes=3)
    ),
    TimeoutError(),
    PermanentFailure(FailureReason.INVALID, "never"),
)


@QUICK
@given(
    feeds(),
    st.lists(st.sampled_from(_FAILURES), max_size=6),
    st.lists(st.sampled_from(_FAILURES[:3]), max_size=6),
)
async def test_a_failing_side_hears_each_thing_once(
    bodies: list[dict[str, Any]],
    failures: list[Exception],
    lost_answers: list[Exception],
) -> None:
    """Only an answer that was lost is worth a second copy, under the same key."""
    world = World(caps=WIDE)
    world.pager.failures = list(failures)
    world.pager.lost_answers = list(lost_answers)

    for event in arriving(bodies):
        await world.feed([event])

    await world.check_rested()
    lost = len(lost_answers) - len(world.pager.lost_answers)
    copies = sum(count - 1 for count in Counter(world.pager.sent).values())
    assert copies <= lost
