"""The log of one partition: events in order, the oldest dropped, and where to start."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from devhost.eventhub.amqp import Condition, LinkError, Long, Symbol, Timestamp
from devhost.eventhub.message import annotate

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

LATEST = "@latest"
# What azure-eventhub writes (_utils.event_position_selector), and its .NET and Java kin.
_SELECTOR = re.compile(
    r"amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)"
    r"\s*(>=?)\s*'(@latest|-?\d{1,19})'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What a log keeps: beyond it the oldest go, the newest only by age."""

    events: int = 100_000
    octets: int = 256 * 2**20
    age: timedelta | None = None

    def shared_by(self, partitions: int) -> Retention:
        """The part of each partition: fixed, so that a busy one cannot starve others."""
        return Retention(
            events=max(1, self.events // partitions),
            octets=max(1, self.octets // partitions),
            age=self.age,
        )


class Event(NamedTuple):
    """A stored event; `message` is ready to be sent, annotations and all."""

    offset: int
    enqueued_ms: int
    message: bytes


class PartitionLog:
    """
    Events by sequence number, which starts at 0 and has no gaps.

    A position is the sequence number to be read next. It may lie before `begin`, as events
    are dropped, or beyond `end`.
    """

    def __init__(
        self, *, retention: Retention, clock: Callable[[], float] = time.time
    ) -> None:
        self._retention = retention
        self._clock = clock
        # By number, as dropping the front of a list of 100,000 would move all the others.
        self._events: dict[int, Event] = {}
        self._begin = 0
        self._octets = 0
        self._next_offset = 0
        self._newest = Event(-1, 0, b"")

    @property
    def begin(self) -> int:
        """The sequence number of the oldest event kept, or the next if there is none."""
        self._drop()
        return self._begin

    @property
    def end(self) -> int:
        """The sequence number that the next event will have."""
        return self._begin + len(self._events)

    @property
    def newest(self) -> Event:
        """The last event appended, even if dropped since; offset -1 before the first."""
        return self._newest

    def append(self, message: bytes) -> None:
        """Store an encoded message, annotated as the service would."""
        # A clock that is set back must not unsort the times: positions are found by bisect.
        enqueued_ms = max(int(self._clock() * 1000), self._newest.enqueued_ms)
        annotated = annotate(
            message,
            {
                Symbol("x-opt-sequence-number"): Long(self.end),
                Symbol("x-opt-offset"): str(self._next_offset),
                Symbol("x-opt-enqueued-time"): Timestamp(enqueued_ms),
            },
        )
        self._newest = Event(self._next_offset, enqueued_ms, annotated)
        self._events[self.end] = self._newest
        self._octets += len(annotated)
        self._next_offset += len(annotated)
        self._drop()

    def read(self, position: int) -> tuple[bytes, int] | None:
        """The event at a position, or the oldest kept after it, and the next position."""
        number = max(position, self.begin)
        event = self._events.get(number)
        return None if event is None else (event.message, number + 1)

    def position(self, selector: str | None) -> int:
        """
        Where a reader with this selector starts; without one, at the oldest event.

        Raises LinkError if the selector is not one that Event Hubs has. A start beyond the
        end, such as a checkpoint from before a restart, means the end: the service would
        refuse it.
        """
        if selector is None:
            return self.begin
        found = _SELECTOR.fullmatch(selector)
        if found is None:
            raise LinkError(Condition.INVALID_FIELD, f"No such selector: {selector}")
        column, operator, value = found.groups()
        if value == LATEST:
            return self.end
        first = int(value) + (operator == ">")
        numbers = range(self.begin, self.end)
        match column:
            case "offset":
                return self._find(numbers, first, lambda n: self._events[n].offset)
            case "enqueued-time":
                return self._find(numbers, first, lambda n: self._events[n].enqueued_ms)
            case _:
                return min(max(first, numbers.start), numbers.stop)

    @staticmethod
    def _find(numbers: range, first: int, key: Callable[[int], int]) -> int:
        return numbers.start + bisect_left(numbers, first, key=key)

    def _drop(self) -> None:
        """Drop what is over the retention, oldest first."""
        age = self._retention.age
        oldest_ms = -1 if age is None else (self._clock() - age.total_seconds()) * 1000
        while self._events:
            event = self._events[self._begin]
            over = len(self._events) > 1 and (
                len(self._events) > self._retention.events
                or self._octets > self._retention.octets
            )
            if not over and event.enqueued_ms >= oldest_ms:
                break
            del self._events[self._begin]
            self._begin += 1
            self._octets -= len(event.message)
