"""What a runner does when it is told to wait, or would be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.enrichment.limiter import Limiter
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
    from shared.model.evidence import Evidence

from tests.unit.enrichment.running import SECOND, a_runner, gathered, now


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

    def test_who_would_come_too_late_does_not_wait_in_vain(self) -> None:
        """Of nine who come when one may start each second, those in time wait; no other."""
        logs = FakeLogs()

        async def scenario() -> list[tuple[str, float]]:
            run = a_runner(logs, limiter=Limiter(most_starts=10))
            for number in range(10):
                await run([an_ask(f"early-{number}")], [WORKSPACE], deadline=SECOND)
                await asyncio.sleep(1)
            await asyncio.sleep(18)

            async def late(number: int) -> tuple[str, float]:
                asked = [an_ask(f"late-{number}")]
                [found] = await run(asked, [WORKSPACE], deadline=5 * SECOND)
                return found.reason, now()

            return await asyncio.gather(*map(late, range(9)))

        found = in_virtual_time(scenario())

        assert sorted(found[:3]) == [("", 30), ("", 31), ("", 32)]
        assert found[3:] == [(Lack.THROTTLED, 28)] * 6

    def test_whoever_is_cancelled_leaves_the_line(self) -> None:
        """A look that gave up holds nobody back."""

        async def scenario() -> float:
            limiter = Limiter(at_once=1, most_starts=2)
            async with limiter.slot():
                waiting = [asyncio.create_task(_started(limiter)) for _ in range(5)]
                await asyncio.sleep(0)
                for each in waiting:
                    each.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
            return limiter.opens_in()

        assert in_virtual_time(scenario()) == 0


async def _started(limiter: Limiter) -> None:
    async with limiter.slot():
        pass
