"""Any crowd of incidents that ask any workspaces, on any of their days."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from shared.enrichment.cache import MOST_AGE
from shared.enrichment.runner import Runner
from shared.model.evidence import Evidence, EvidenceStatus, Lack
from tests.fakes.logs import WORKSPACE, FakeLogs, Slow, an_ask, refused, rows, wall
from tests.fakes.loop import in_virtual_time
from tests.property.feeds import QUICK

# Two timers of one moment: the deadline is kept to less than anybody could notice.
A_MOMENT = 1e-6

SECONDS = st.sampled_from([0, 0.1, 0.7, 3, 9, 15])
SAID = st.sampled_from(
    [
        rows("a"),
        refused(Lack.THROTTLED),
        refused(Lack.THROTTLED, retry_after=1),
        refused(Lack.THROTTLED, retry_after=30),
        refused(Lack.UNREACHABLE),
        refused(Lack.FORBIDDEN),
        refused(Lack.MISSING_TABLE, table="AzureActivity"),
    ]
)
ANSWERS = st.builds(Slow, SECONDS, SAID)


class Wants(NamedTuple):
    """One incident: when it comes, which queries it asks, how long it can wait."""

    after: float
    queries: list[int]
    deadline: float
    gives_up_after: float | None


WANTS = st.builds(
    Wants,
    after=st.sampled_from([0, 0.05, 1, 5, 120, 299, 400]),
    queries=st.lists(st.integers(0, 9), max_size=12, unique=True),
    deadline=st.sampled_from([0.5, 5, 20]),
    gives_up_after=st.sampled_from([None, None, 0, 0.3]),
)


class Seen(NamedTuple):
    """What came of an incident's asks, and how long that took."""

    wanted: Wants
    evidence: list[Evidence] | None
    took: float


def played(logs: FakeLogs, crowd: list[Wants]) -> list[Seen]:
    """All of them, at their times."""

    async def scenario() -> list[Seen]:
        run = Runner(logs, clock=wall, draw=lambda _, most: most)
        loop = asyncio.get_running_loop()

        async def one(wants: Wants) -> Seen:
            await asyncio.sleep(wants.after)
            began = loop.time()
            asked = [an_ask(f"query-{n}") for n in wants.queries]
            running = run(
                asked, [WORKSPACE], deadline=timedelta(seconds=wants.deadline)
            )
            try:
                found = await asyncio.wait_for(running, wants.gives_up_after)
            except TimeoutError:
                return Seen(wants, None, loop.time() - began)
            return Seen(wants, found, loop.time() - began)

        return await asyncio.gather(*(one(wants) for wants in crowd))

    return in_virtual_time(scenario())


@given(crowd=st.lists(WANTS, max_size=6), script=st.lists(ANSWERS, max_size=30))
@QUICK
def test_everybody_has_an_answer_in_time(
    crowd: list[Wants], script: list[Slow]
) -> None:
    """One evidence for each ask, in order, before the deadline; five asked at once."""
    logs = FakeLogs(Slow(0.2, rows("a")))
    logs.will(*script)

    seen = played(logs, crowd)

    assert logs.most_at_once <= 5
    assert logs.running == 0
    for each in seen:
        assert each.took <= each.wanted.deadline + A_MOMENT
        if each.evidence is not None:
            assert [found.query for found in each.evidence] == [
                f"query-{n}" for n in each.wanted.queries
            ]
            for found in each.evidence:
                lacks = found.status is not EvidenceStatus.COMPLETE
                assert lacks == bool(found.reason)


@given(crowd=st.lists(WANTS, max_size=6), delay=SECONDS)
@QUICK
def test_nothing_is_asked_twice_within_the_time(
    crowd: list[Wants], delay: float
) -> None:
    """Of a workspace that answers, each query is asked once in five minutes at most.

    Whoever gives up and is the last takes the question along; then it is a new one.
    """
    patient = [
        Wants(each.after, each.queries, deadline=600, gives_up_after=None)
        for each in crowd
    ]
    logs = FakeLogs(Slow(min(delay, 9), rows("a")))

    played(logs, patient)

    times: dict[str, float] = {}
    for asked in logs.asked:
        before = times.get(asked.query)
        assert before is None or asked.at - before >= MOST_AGE.total_seconds()
        times[asked.query] = asked.at
