"""Sides on a development machine fail as they are told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devhost.outside import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

from tests.unit.devhost.sending import Sender, sending


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with sending() as made:
        yield made


async def test_a_fault_by_count_passes(sender: Sender) -> None:
    """So many requests fail, on one side, with the answer that was asked for."""
    fault = {"side": "pagerduty", "status": 503, "retry_after": 7, "times": 2}
    await sender.control("POST", "faults", json=fault)

    replies = [await sender.page() for _ in range(3)]
    other = await sender.notify()

    assert [reply.status_code for reply in replies] == [503, 503, 202]
    assert replies[0].headers["retry-after"] == "7"
    assert other.status_code == 200
    assert len(sender.outside.pagerduty.events) == 1


async def test_a_fault_by_duration_passes(sender: Sender) -> None:
    """It ends when its time is over, by the injected clock."""
    sender.outside.faults.add(Fault(side="pagerduty", status=500, for_s=60))

    during = await sender.page()
    sender.clock.step(seconds=60)
    after = await sender.page()

    assert (during.status_code, after.status_code) == (500, 202)


async def test_a_fault_lasts_until_it_is_taken_away(sender: Sender) -> None:
    """Without count or duration it is for good."""
    await sender.control("POST", "faults", json={"side": "pagerduty", "status": 429})
    during = [await sender.page() for _ in range(5)]
    cleared = await sender.control("DELETE", "faults")
    after = await sender.page()

    assert {reply.status_code for reply in during} == {429}
    assert (cleared.status_code, after.status_code) == (204, 202)


@pytest.mark.parametrize(("is_taken", "events"), [(False, 0), (True, 1)])
async def test_a_dropped_connection_may_have_been_taken(
    sender: Sender, *, is_taken: bool, events: int
) -> None:
    """The sender cannot tell the two apart."""
    sender.outside.faults.add(
        Fault(side="pagerduty", drop=True, taken=is_taken, times=1)
    )

    with pytest.raises(httpx.TransportError):
        await sender.page()

    assert len(sender.outside.pagerduty.events) == events


async def test_a_slow_side_answers_in_the_end(sender: Sender) -> None:
    """A delay alone changes nothing else."""
    sender.outside.faults.add(Fault(side="pagerduty", delay_s=0.01))

    assert (await sender.page()).status_code == 202


async def test_leaving_does_not_wait_for_a_delay() -> None:
    """A request is done to the end for a sender that hung up, but nobody waits for it."""
    async with sending() as sender:
        sender.outside.faults.add(Fault(side="pagerduty", delay_s=3600, taken=True))
        sender.client.timeout = httpx.Timeout(0.1)
        with pytest.raises(httpx.ReadTimeout):
            await sender.page()

    assert len(sender.outside.pagerduty.events) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"side": "nobody"},
        {"side": "pagerduty", "status": 99},
        {"side": "pagerduty", "delay_s": -1},
        {"side": "pagerduty", "stauts": 500},
    ],
)
async def test_a_fault_that_is_none_is_refused(
    sender: Sender, fault: dict[str, Any]
) -> None:
    """A misspelt fault must not look like a healthy side."""
    assert (await sender.control("POST", "faults", json=fault)).status_code == 400
