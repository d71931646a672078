"""Many forwards in one call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from responders.forwards import batch
from responders.forwards.batch import Batch
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

DOWN = TransientFailure(FailureReason.UNAVAILABLE, "down")


class Side:
    """Takes what it is given, one call at a time, when it is let."""

    def __init__(self, *, most: int = 100) -> None:
        self.calls: list[list[bytes]] = []
        self.fails: Callable[[Sequence[bytes]], Exception | None] = lambda _: None
        self.permits = asyncio.Semaphore(100)
        self.at_once = 0
        self.batch = Batch(self._send, most=most)

    def lets(self, calls: int) -> None:
        """Let so many calls come to their end."""
        for _ in range(calls):
            self.permits.release()

    async def _send(self, records: Sequence[bytes]) -> int:
        assert self.at_once == 0, "two calls at once"
        self.at_once += 1
        try:
            self.calls.append([*records])
            await self.permits.acquire()
            if (error := self.fails(records)) is not None:
                raise error
        finally:
            self.at_once -= 1
        return sum(map(len, records))


async def begun(*parts: Awaitable[Traffic]) -> list[asyncio.Future[Traffic]]:
    """The parts under way, each where it can go no further."""
    tasks: list[asyncio.Future[Traffic]] = []
    for part in parts:
        tasks.append(asyncio.ensure_future(part))
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_alone_does_not_wait() -> None:
    """One call with all of it."""
    side = Side()

    traffic = await side.batch([b"a", b"b"])

    assert side.calls == [[b"a", b"b"]]
    assert traffic == Traffic(records=2, bytes=2, calls=1)


async def test_who_comes_meanwhile_goes_together() -> None:
    """The first has a call, the rest another; sums are true."""
    side = Side()
    side.permits = asyncio.Semaphore(0)
    tasks = await begun(*(side.batch([name]) for name in (b"a", b"b", b"c", b"d")))
    side.lets(100)

    parts = await asyncio.gather(*tasks)

    assert side.calls == [[b"a"], [b"b", b"c", b"d"]]
    assert (
        sum(parts, Traffic())
        == side.batch.total
        == Traffic(records=4, bytes=4, calls=2)
    )


async def test_no_call_is_larger_than_the_side_takes() -> None:
    """Neither of one that comes alone, nor of several."""
    side = Side(most=10)
    side.permits = asyncio.Semaphore(0)
    tasks = await begun(
        side.batch([b"x" * 4] * 5), side.batch([b"y" * 5]), side.batch([b"z" * 9])
    )
    side.lets(100)
    await asyncio.gather(*tasks)

    assert all(sum(map(len, call)) + len(call) <= 10 for call in side.calls)
    assert sum(map(len, side.calls)) == 7


async def test_a_failure_that_may_pass_is_everybodys() -> None:
    """Nobody is told that it went."""
    side = Side()
    side.permits = asyncio.Semaphore(0)
    side.fails = lambda records: DOWN if b"b" in records else None
    tasks = await begun(*(side.batch([name]) for name in (b"a", b"b", b"c")))
    side.lets(100)

    first, *others = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(first, Traffic)
    assert others == [DOWN, DOWN]


async def test_what_the_side_minds_in_one_keeps_no_other_from_it() -> None:
    """What is refused together is tried alone."""
    side = Side()
    side.permits = asyncio.Semaphore(0)
    no = PermanentFailure(FailureReason.INVALID, "no")
    side.fails = lambda records: no if b"bad" in records else None
    tasks = await begun(*(side.batch([name]) for name in (b"a", b"bad", b"c")))
    side.lets(100)

    first, second, third = await asyncio.gather(*tasks, return_exceptions=True)

    assert (isinstance(first, Traffic), second, isinstance(third, Traffic)) == (
        True,
        no,
        True,
    )
    assert side.calls == [[b"a"], [b"bad", b"c"], [b"bad"], [b"c"]]


async def test_whoever_is_stopped_takes_nobody_along() -> None:
    """The one that sends for others may be stopped: they come back later."""
    side = Side()
    side.permits = asyncio.Semaphore(0)
    first, second, third = await begun(
        *(side.batch([name]) for name in (b"a", b"b", b"c"))
    )
    side.lets(1)
    await first
    await begun()
    second.cancel()

    results = await asyncio.gather(second, third, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert isinstance(results[1], TransientFailure)
    side.lets(1)
    assert await side.batch([b"d"]) == Traffic(records=1, bytes=1, calls=1)


async def test_whoever_is_stopped_while_waiting_is_not_sent() -> None:
    """Its place is free."""
    side = Side()
    side.permits = asyncio.Semaphore(0)
    first, second = await begun(side.batch([b"a"]), side.batch([b"b"]))
    second.cancel()
    await asyncio.sleep(0)
    side.lets(100)
    await first

    assert side.calls == [[b"a"]]


async def test_a_side_that_is_too_slow_puts_off_what_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory is bounded; the core brings it back later."""
    monkeypatch.setattr(batch, "MOST_WAITING", 5)
    side = Side()
    side.permits = asyncio.Semaphore(0)
    tasks = await begun(side.batch([b"a"]), side.batch([b"b" * 9]))

    with pytest.raises(TransientFailure) as failure:
        await side.batch([b"c"])

    assert failure.value.reason == "rate_limited"
    side.lets(100)
    await asyncio.gather(*tasks)
