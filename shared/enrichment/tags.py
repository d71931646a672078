"""Tags of resources: asked for together, believed for a while, and never waited for long.

One request is under way at a time, and whatever is wanted meanwhile goes with the next:
Resource Graph takes three a second of one identity, and a storm of incidents wants more.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared import telemetry
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.evidence import Lack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

# Somebody changes tags by hand or in a deployment.
KNOWN_FOR = timedelta(hours=1)
HIDDEN_FOR = timedelta(minutes=5)
# Less than what a look waits until it asks again.
FAILED_FOR = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=1)

# Resources of one request, and of how many is remembered what they said.
MOST_AT_ONCE = 100
MOST_KNOWN = 5_000

_LACKS = {
    FailureReason.AUTH: Lack.FORBIDDEN,
    FailureReason.NOT_FOUND: Lack.FORBIDDEN,
    FailureReason.INVALID: Lack.BAD_QUERY,
    FailureReason.RATE_LIMITED: Lack.THROTTLED,
    FailureReason.TIMEOUT: Lack.TIMEOUT,
}


class Shown(Protocol):
    """The tags of the resources that were shown; and for how long not to ask again."""

    @property
    def tags(self) -> Mapping[str, dict[str, str]]: ...
    @property
    def rest(self) -> timedelta: ...


class Found(NamedTuple):
    """The tags of each resource of which they are known; why not of the others."""

    tags: dict[str, dict[str, str]]
    lack: Lack | None = None


class _Known(NamedTuple):
    """What is known of a resource, and until when that is believed."""

    until: datetime
    tags: dict[str, str] | None = None
    lack: Lack | None = None


class Tags:
    """What ``ask`` says of resources, by their canonical ids; one for the process.

    ``ask`` raises TransientFailure and PermanentFailure.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[str]], Awaitable[Shown]],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._waiting: dict[str, None] = {}
        self._flying: list[str] = []
        self._flight: asyncio.Task[None] | None = None
        self._opens_at: datetime | None = None

    async def of(self, resources: Sequence[str]) -> Found:
        """The tags of these resources, once those that are not known were asked for.

        Whoever gives up waiting disturbs nobody, and finds them here later.
        """
        asked = [each for each in resources if not self._is_known(each)]
        new = (each for each in asked if each not in self._flying)
        self._waiting.update(dict.fromkeys(new))
        while any(each in self._waiting or each in self._flying for each in asked):
            if self._flight is None or self._flight.done():
                self._flying = [*self._waiting][:MOST_AT_ONCE]
                for each in self._flying:
                    del self._waiting[each]
                self._flight = asyncio.create_task(self._fly())
            await asyncio.wait({self._flight})
        known = [(each, self._known[each]) for each in resources if each in self._known]
        lacks = [found.lack for _, found in known if found.lack is not None]
        return Found(
            {each: found.tags for each, found in known if found.tags is not None},
            lacks[0] if lacks else None,
        )

    def _is_known(self, resource: str) -> bool:
        known = self._known.get(resource)
        if known is None or self._clock() >= known.until:
            return False
        self._known.move_to_end(resource)
        return True

    async def _fly(self) -> None:
        """Ask for those that are flying; afterwards something is known of each."""
        try:
            await self._asked(self._flying)
        finally:
            self._flying = []

    async def _asked(self, batch: Sequence[str]) -> None:
        now = self._clock()
        if self._opens_at is not None and now < self._opens_at:
            return self._failed(batch, Lack.THROTTLED, self._opens_at)
        try:
            shown = await self._ask(batch)
        except (PermanentFailure, TransientFailure) as error:
            telemetry.emit(telemetry.TAGS_UNREAD, reason=f"{error.reason}: {error}")
            until = self._clock() + FAILED_FOR
            if isinstance(error, TransientFailure) and error.retry_after is not None:
                until = self._opens_at = self._clock() + _rest(error.retry_after)
            return self._failed(
                batch, _LACKS.get(error.reason, Lack.UNREACHABLE), until
            )
        except Exception as error:  # noqa: BLE001  law 6: pages wait for it
            telemetry.emit(telemetry.EVIDENCE_BROKE_US, error=error)
            return self._failed(batch, Lack.DEFECT, self._clock() + FAILED_FOR)
        now = self._clock()
        if shown.rest:
            self._opens_at = now + _rest(shown.rest)
        for each in batch:
            tags = shown.tags.get(each)
            self._keep(
                each,
                _Known(now + HIDDEN_FOR, None, Lack.FORBIDDEN)
                if tags is None
                else _Known(now + KNOWN_FOR, tags),
            )
        return None

    def _failed(self, batch: Sequence[str], lack: Lack, until: datetime) -> None:
        for each in batch:
            before = self._known.get(each)
            # What they were an hour ago they most likely still are.
            tags = before.tags if before else None
            self._keep(each, _Known(until, tags, None if tags is not None else lack))

    def _keep(self, resource: str, known: _Known) -> None:
        self._known[resource] = known
        self._known.move_to_end(resource)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)


def _rest(asked: timedelta) -> timedelta:
    return min(asked, LONGEST_REST)
