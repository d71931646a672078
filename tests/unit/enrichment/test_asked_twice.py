"""Nothing is asked twice within minutes, whoever asks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.model.evidence import EvidenceStatus, Lack
from tests.fakes.clock import START
from tests.fakes.logs import (
    WORKSPACE,
    FakeLogs,
    Slow,
    an_ask,
    refused,
    rows,
)
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    from shared.enrichment.asking import Ask
    from shared.model.evidence import Evidence

from tests.unit.enrichment.running import DEADLINE, SECOND, Stubborn, a_runner, now


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
