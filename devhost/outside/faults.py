"""Failures on request: what a remote side does when it has a bad day."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Fault(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What one side does instead of answering, for so many requests or so long.

    Without ``times`` and ``for_s`` it lasts until it is taken away. ``delay_s`` alone
    only delays. ``taken`` lets the side do its work first, so that only the answer is
    lost: the case in which the sender cannot know. ``body`` goes with a ``status``: what
    a side says that answers 200 and means something else.
    """

    side: str
    status: int | None = None
    body: str = ""
    retry_after: str | int | None = None
    delay_s: float = 0.0
    drop: bool = False
    taken: bool = False
    times: int | None = None
    for_s: float | None = None

    def __post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status must be 200 to 599")
        if self.delay_s < 0:
            raise ValueError("delay_s must not be negative")


class Faults:
    """The faults in force; the oldest one of a side acts first."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._faults: list[tuple[Fault, datetime | None]] = []
        self._going_away = asyncio.Event()

    def add(self, fault: Fault) -> None:
        """Let a side fail from now on."""
        until = None
        if fault.for_s is not None:
            until = self._clock() + timedelta(seconds=fault.for_s)
        self._faults.append((fault, until))

    def clear(self) -> None:
        """Let every side be well from the next request on."""
        self._faults.clear()

    def give_up(self) -> None:
        """Cut off the requests that are being delayed: the server is going away."""
        self._going_away.set()

    async def answer(
        self,
        side: str,
        request: web.Request,
        work: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """What the side answers: its own answer where no fault is in force."""
        fault = self._next(side)
        if fault is None:
            return await work()
        # A slow side does its work even for a sender that has hung up meanwhile.
        await request.read()
        answer = await work() if fault.taken else None
        if await self._is_cut_off(fault.delay_s) or fault.drop:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if fault.status is not None:
            return web.Response(
                status=fault.status, headers=_headers(fault), text=fault.body
            )
        return await work() if answer is None else answer

    async def _is_cut_off(self, delay_s: float) -> bool:
        try:
            async with asyncio.timeout(delay_s):
                return await self._going_away.wait()
        except TimeoutError:
            return False

    def _next(self, side: str) -> Fault | None:
        now = self._clock()
        self._faults = [
            (fault, until)
            for fault, until in self._faults
            if (until is None or now < until) and fault.times != 0
        ]
        for fault, _ in self._faults:
            if fault.side == side:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


def _headers(fault: Fault) -> dict[str, str]:
    retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    code = _code(fault.body)
    # An answer to HEAD has no body: storage says it here.
    return {**retry, "x-ms-error-code": code} if code else retry


def _code(body: str) -> str:
    """The code of an error, where the body holds one as Azure writes it."""
    try:
        found = msgspec.json.decode(body, type=_Body)
    except msgspec.DecodeError:
        return ""
    return found.error.code


class _Error(msgspec.Struct, frozen=True):
    code: str = ""


class _Body(msgspec.Struct, frozen=True):
    error: _Error = _Error()
